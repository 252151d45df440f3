"""Wordings of what the main subject does, how, with whom and along what path."""

from chai_assets.linting.wordings import Wording, words

_TRAVELS = "walking running riding-or-driving flying swimming"
_NOT_OBJECT = r"(?! (?:a|an|the|his|her|their|its|out|low|late)\b)"
_THING = r"(?: (?:a|an|the|his|her|their|its|some|another|one|two|it|him|them))?(?: [\w-]+){0,2}?"

ACTIONS: tuple[Wording, ...] = (
    words("no-subject-action", r"no(?:body| one) (?:acts|moves)|no acting subject", needs="other"),
    words(
        "still-subject",
        r"(?:stand|sit|lie|remain|stay|keep|hold)(?:s|ing)? (?:\w+ly |perfectly )?(?:still|motionless"
        r"|immobile)(?! in\b)"
        r"|(?:is|are|remains?|stays?) (?:\w+ly )?(?:motionless|immobile|stationary|at rest)",
        "acts",
        f"movement-in-place {_TRAVELS}",
    ),
    words("still-subject", r"(?:does|do) not move(?: at all)?(?! (?:from|away|to|in)\b)|doesn't move", "acts"),
    words("movement-in-place", r"on the spot|in place", "moves", "still-subject"),
    words(
        "subject-rises",
        r"(?:stand|get)(?:s|ting|ing)? up|stood up|(?:gets?|rises?|jumps?) to (?:his|her|their|its) feet"
        r"|rises? from (?:a|the|his|her|their|its)|straightens? up|sit(?:s|ting)? up(?! (?:straight|right))",
        "acts",
    ),
    words(
        "subject-lowers",
        r"(?:sit|kneel|crouch|squat|bend|lie)(?:s|es|ting|ing)? down|(?:crouch|squat)(?:es|s)\b"
        r"|kneels\b|lowers? (?:himself|herself|themselves|itself)",
        "acts",
    ),
    words(
        "subject-turns-round",
        r"(?:turn|spin|whirl|swivel)(?:s|ed|ing|ning)? (?:a)?round(?! (?:the|a|to the)\b)"
        r"|turns? to face the other way",
        "acts",
    ),
    words(
        "onset-from-rest",
        r"(?:starts?|begins?) from (?:rest|a standstill)|sets? off|springs? into (?:motion|action)"
        r"|(?:starts?|begins?) (?:to move|moving)",
        "acts",
    ),
    words(
        "coming-to-rest",
        r"com(?:es?|ing) to (?:a (?:full |complete )?(?:stop|halt|standstill)|rest)|stops? moving"
        r"|grinds? to a halt",
        "acts",
    ),
    words(
        "walking",
        r"walk(?:s|ed|ing)?|stroll(?:s|ed|ing)?|strid(?:es|ing)|amble[sd]?|saunter(?:s|ed|ing)?"
        r"|trudg(?:es|ing)|wander(?:s|ing)",
        "acts",
        f"{_TRAVELS} still-subject",
    ),
    words(
        "running",
        rf"run(?:s|ning)?{_NOT_OBJECT}|sprint(?:s|ed|ing)?|jog(?:s|ged|ging)?|dash(?:es|ed|ing)"
        r"|gallop(?:s|ed|ing)?",
        "acts",
        f"{_TRAVELS} still-subject",
    ),
    words(
        "riding-or-driving",
        r"rid(?:es|ing)|rode|driv(?:es|ing)|drove|cycl(?:es|ing)|pedal(?:s|ing)",
        "acts",
        f"{_TRAVELS} still-subject",
    ),
    words(
        "flying",
        r"fl(?:ies|ying|ew)|soar(?:s|ed|ing)?|glid(?:es|ing) through the air",
        "acts",
        f"{_TRAVELS} still-subject",
    ),
    words("swimming", r"swim(?:s|ming)?|swam", "acts", f"{_TRAVELS} still-subject"),
    words(
        "curved-path",
        r"(?:along|in|on) an? (?:wide |tight |long |gentle |sharp )?(?:curve|arc|bend|semicircle)"
        r"|curved path",
        "moves",
    ),
    words("weaving-path", r"weav(?:es|ing)|zig-?zag(?:s|ged|ging)?|in a zig-?zag|from side to side", "acts"),
    words("to-and-fro-path", r"back and forth|to and fro|up and down the \w+", "moves"),
    words(
        "ascending-path",
        r"climb(?:s|ed|ing)|ascend(?:s|ed|ing)?|uphill|upstairs"
        r"|up (?:the|a) (?:\w+ )?(?:stairs|steps|stairway|hill|slope|ladder|staircase|ramp)",
        "acts",
    ),
    words(
        "descending-path",
        r"descend(?:s|ed|ing)?|downhill|downstairs"
        r"|down (?:the|a) (?:\w+ )?(?:stairs|steps|stairway|hill|slope|ladder|staircase|ramp)",
        "acts",
    ),
    words("bounding-path", r"bound(?:s|ing)\b|hop(?:s|ping)\b|leap(?:s|ing) along|skip(?:s|ping) along", "acts"),
    words(
        "slow-subject", r"slowly|at an? (?:very )?(?:slow|leisurely|unhurried) pace|leisurely", "moves", "fast-subject"
    ),
    words("slow-subject", r"pace is (?:very |quite )?(?:slow|leisurely)", needs="other"),
    words("moderate-subject", r"at an? (?:moderate|medium) (?:pace|speed)", "moves", "other"),
    words(
        "fast-subject",
        r"quickly|rapidly|swiftly|hurriedly|at (?:an? )?(?:high|great|top|full) speed"
        r"|at a (?:fast|brisk|rapid|quick) pace|fast",
        "moves",
        "slow-subject",
    ),
    words("fast-subject", r"(?:hurr(?:ies|ying)|rush(?:es|ing)|rac(?:es|ing))", "acts", "slow-subject"),
    words("fast-subject", r"pace is (?:very |quite )?(?:fast|rapid|quick|brisk)", needs="other"),
    words(
        "accelerating-subject",
        r"speed(?:s|ing) up|accelerat(?:es|ed|ing)|(?:picks?|gathers?) (?:up )?speed"
        r"|gains? speed|faster and faster",
        "acts",
    ),
    words(
        "decelerating-subject", r"slow(?:s|ed|ing) down|decelerat(?:es|ed|ing)|slower and slower|loses? speed", "acts"
    ),
    words("even-movement", r"smoothly|fluidly|evenly", "moves", "abrupt-movement hesitant-movement"),
    words("even-movement", r"(?:movements?|motion) (?:is|are) (?:smooth|fluid|even)", needs="other"),
    words("abrupt-movement", r"abruptly|jerkily|in jerks|with a jerk", "moves", "even-movement"),
    words("abrupt-movement", r"(?:movements?|motion) (?:is|are) (?:abrupt|jerky|sudden)", needs="other"),
    words(
        "repeated-movement",
        r"repeatedly|over and over(?: again)?|again and again|in (?:regular )?cycles",
        "acts",
        "other",
    ),
    words("hesitant-movement", r"hesitantly|haltingly|tentatively", "moves", "other"),
    words("hesitant-movement", r"(?:movements?|motion) (?:is|are) hesitant", needs="other"),
    words("holding", rf"(?:hold|grip|clutch|grasp)(?:s|es|ping|ing)?{_THING}", "acts", "none"),
    words("picking-up", rf"(?:pick(?:s|ed|ing)?)(?! up speed){_THING} up|picks? up(?! (?:speed|pace)\b)", "acts"),
    words("putting-down", rf"(?:put|set|lay)(?:s|ting)?{_THING} down", "acts"),
    words("throwing", r"throw(?:s|ing)?|threw|toss(?:es|ed|ing)?|hurl(?:s|ed|ing)?|fling(?:s|ing)?", "acts"),
    words("catching", r"catch(?:es|ing)?(?! (?:fire|the light|sight|up|his|her)\b)|is caught", "acts"),
    words(
        "pushing-or-pulling",
        r"(?:push|pull|drag|tow|shov)(?:s|es|ed|ing|ged|ging)? (?:an?|the|his|her|their|its|another|one"
        r"|two|it|him)(?! out\b)",
        "acts",
    ),
    words("operating", r"operat(?:es|ed|ing)|steers?", "acts"),
    words(
        "striking",
        r"strik(?:es|ing)(?! (?:a pose|up)\b)|hit(?:s|ting)?|punch(?:es|ing)?|kick(?:s|ing)?|slap(?:s|ping)?"
        r"|hammer(?:s|ing)",
        "acts",
    ),
    words("handing-over", rf"hand(?:s|ed|ing){_THING} (?:over|to)|pass(?:es|ing){_THING} to", "acts"),
    words("embracing", r"hug(?:s|ged|ging)?|embrac(?:e|es|ed|ing)", "acts"),
    words(
        "camera-interaction",
        r"(?:wav|gestur|point|nod|smil|speak|talk|bow)(?:e?s|ing)? (?:at|to|toward|towards|into) "
        r"(?:the camera|the viewer|us)",
        "acts",
        "other",
    ),
    words("speaking", r"speak(?:s|ing)?|spoke|talk(?:s|ed|ing)?|convers(?:es|ing)|chat(?:s|ted|ting)?", "acts"),
    words(
        "synchronised-activity",
        r"in (?:unison|sync|perfect time)|synchronously|in a synchroni[sz]ed \w+",
        needs="other",
    ),
    words("reciprocal-activity", r"take turns|taking turns|act in turn|by turns", needs="other"),
    words(
        "opposing-activity",
        r"(?:fight|compete|struggle|wrestle|battle|spar)(?:s|ing)? (?:against |with )?(?:each other|"
        r"one another)|against (?:each other|one another)",
        needs="other",
    ),
    words(
        "independent-activity",
        r"independently(?: of (?:each other|one another))?|(?:act|moves?|acts) on (?:its|their|his) "
        r"own",
        needs="other",
    ),
    words("common-direction", r"(?:in )?the same (?:direction|way)", "moves", "other"),
    words("moving-in-formation", r"in (?:a |tight |close |loose )?formation", needs="other"),
    words(
        "moving-in-file",
        r"in (?:single|indian) file|one behind (?:another|the other)|in a single (?:line|file)",
        needs="other",
    ),
    words(
        "converging-group",
        r"converg(?:e|es|ing)|c(?:o|a)m(?:e|es|ing) together|gather(?:s|ing)? together",
        "acts",
        "other",
    ),
    words(
        "dispersing-group",
        r"dispers(?:e|es|ing)|scatter(?:s|ed|ing)?|spread(?:s|ing)? out in|part ways|in all directions",
        "acts",
        "other",
    ),
)
