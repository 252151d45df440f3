"""Wordings of who or what the main subject is, how many there are, how it looks and what it is to others."""

from chai_assets.linting.wordings import Wording, words

_ONE = "single-subject two-subjects no-subject"
_LOOK = r"(?:look|expression|face|smile|gaze|eyes|mood)"
_HAS_LOOK = r"(?:face|expression) (?:is|looks|seems|appears|remains|becomes|turns|one of) (?:very |clearly |visibly )?"
_CAMERA = r"(?:the )?(?:camera|lens|viewer)"

_HUMAN = (
    r"(?:wo)?m[ae]n|boys?|girls?|persons?|people|child(?:ren)?|lad(?:y|ies)|adults?|workers?|players?|dancers?|nurses?"
    r"|officers?|soldiers?|cooks?|chefs?|farmers?|students?|teachers?|toddlers?|bab(?:y|ies)|pedestrians?"
)
_ANIMAL = (
    r"dogs?|cats?|horses?|cows?|birds?|gulls?|pupp(?:y|ies)|kittens?|sheep|goats?|camels?|elephants?|lions?|tigers?"
    r"|bears?|foxes|fox|deer|rabbits?|monkeys?|ducks?|fish(?:es)?|otters?|whales?|sharks?|penguins?"
)
_VEHICLE = (
    r"cars?|trucks?|bus(?:es)?|vans?|trains?|trams?|tractors?|motorcycles?|bicycles?|boats?|ships?|ferr(?:y|ies)"
    r"|(?:air)?planes?|helicopters?|suvs?|taxis?|lorr(?:y|ies)"
)

SUBJECTS: tuple[Wording, ...] = (
    words(
        "no-subject",
        r"no (?:clear |main |salient |obvious |particular )+subject|without an? (?:main|salient|clear) subject",
        needs="other",
    ),
    words(
        "single-subject",
        r"(?:lone|single|solitary|sole) (?!file)[\w-]+",
        "named",
        "no-subject two-subjects several-subjects crowd-subject",
    ),
    words(
        "two-subjects",
        r"two(?! of)(?: [\w-]+)?|pair of|couple of",
        "named",
        "single-subject several-subjects crowd-subject no-subject",
    ),
    words("several-subjects", r"(?:three|four|five|six|seven|several)(?: [\w-]+)?|group of(?! two)", "named", _ONE),
    words("crowd-subject", r"crowd(?: of)?|(?:dozens|hundreds|thousands) of (?:\w+ )?(?:people|\w+s)", "named", _ONE),
    words("human-subject", _HUMAN, "named", "animal-subject vehicle-subject object-subject"),
    words("animal-subject", _ANIMAL, "named", "human-subject vehicle-subject object-subject"),
    words("vehicle-subject", _VEHICLE, "named", "human-subject animal-subject"),
    words("child-subject", r"(?:small |young |little )?(?:child|toddler|infant|baby)", "named"),
    words("child-subject", r"boy|girl", "named", "elderly-subject"),
    words(
        "elderly-subject", r"(?:elderly|aged|old) (?:[\w-]+ )?(?:wo)?man|elderly \w+|old (?:lady|gentleman)", "named"
    ),
    words("happy-expression", r"smil(?:es|ing)|grin(?:s|ning)|beam(?:s|ing)|laugh(?:s|ing)", "acts"),
    words("happy-expression", rf"(?:happy|cheerful|joyful|smiling) {_LOOK}|{_HAS_LOOK}(?:happy|cheerful|joyful)"),
    words("happy-expression", r"smiling|laughing", "named"),
    words("happy-expression", r"(?:looks?|is|appears?) (?:very |visibly )?(?:happy|cheerful|joyful)", "acts"),
    words(
        "tense-expression",
        rf"(?:tense|anxious|angry|worried|nervous|fearful|scared|frightened) {_LOOK}|{_HAS_LOOK}"
        r"(?:tense|anxious|angry|worried|nervous|afraid|scared|frightened)",
    ),
    words(
        "tense-expression",
        r"(?:looks?|is|appears?) (?:very |visibly )?(?:tense|anxious|angry|worried|nervous|afraid|scared|"
        r"frightened)",
        "acts",
    ),
    words("sad-expression", r"cr(?:ies|ying)|weep(?:s|ing)|sob(?:s|bing)", "acts"),
    words("sad-expression", rf"(?:sad|sorrowful|tearful|unhappy) {_LOOK}|{_HAS_LOOK}(?:sad|sorrowful|tearful|unhappy)"),
    words("sad-expression", r"(?:looks?|is|appears?) (?:very |visibly )?(?:sad|sorrowful|unhappy|in tears)", "acts"),
    words(
        "concentrated-expression",
        rf"(?:focused|concentrated|intent) {_LOOK}|{_HAS_LOOK}(?:focused|concentrated|intent|"
        r"concentration)",
    ),
    words(
        "concentrated-expression", r"(?:looks?|is|appears?) (?:very |visibly )?(?:concentrated|focused(?! on))", "acts"
    ),
    words(
        "front-view",
        rf"fac(?:es|ing) (?:directly |straight )?(?:toward |towards )?{_CAMERA}"
        r"|(?:seen|shown|filmed|viewed|visible) (?:straight |directly )?from the front",
        "acts",
        "other",
    ),
    words(
        "three-quarter-view",
        r"(?:(?:seen|shown|filmed|viewed) )?(?:in|at|from) (?:a )?three-quarter(?: view| angle| profile)?",
        "acts",
        "other",
    ),
    words(
        "profile-view",
        r"in (?:side |left |right |full )?profile|(?:seen|shown|filmed|viewed|visible) from the side"
        r"|in (?:a )?side view",
        "acts",
        "other",
    ),
    words(
        "back-view",
        r"(?:seen|shown|filmed|viewed|visible) from (?:behind|the back|the rear)"
        rf"|with (?:his|her|their|its) backs? (?:turned )?(?:to|toward|towards) {_CAMERA}|fac(?:es"
        rf"|ing) away from {_CAMERA}",
        "acts",
        "other",
    ),
    words(
        "gaze-into-lens",
        r"(?:look|star|gaz|glanc)(?:s|es|ing)? (?:directly |straight |right |intently )?"
        rf"(?:at|into|toward|towards) {_CAMERA}|eye contact with the camera|directly address(?:es)? the camera",
        "acts",
    ),
    words(
        "off-camera-gaze",
        r"(?:look|star|gaz|glanc)(?:s|es|ing)? (?:away from|past|beyond) the camera"
        r"|(?:look|star|gaz|glanc)(?:s|es|ing)? off[- ](?:camera|screen)|off-camera gaze",
        "acts",
    ),
    words(
        "silhouetted-subject", r"in silhouette|(?:is|appears as|seen as|remains) (?:an? )?(?:\w+ )?silhouetted?", "acts"
    ),
    words("silhouetted-subject", r"silhouette of|silhouetted", "named"),
    words(
        "reflected-subject",
        r"(?:only |just )?as (?:an? )?(?:\w+ )?reflection|(?:reflected|seen|visible) in (?:a|the) "
        r"(?:\w+ )?(?:mirror|window|puddle|glass|water)",
        "acts",
    ),
    words(
        "subject-shadow",
        r"(?:only )?(?:as )?(?:a|the) (?:cast )?shadow on|(?:seen|visible) as (?:an? )?(?:\w+ )?shadow",
        "acts",
    ),
    words(
        "partial-view", r"(?:is|are) (?:ever )?(?:only )?(?:partly|partially|in part) (?:visible|seen|shown)", "acts"
    ),
    words(
        "partial-view",
        r"only (?:the|his|her|their|its) (?:[\w-]+ )?(?:hands?|arms?|legs?|feet|foot|head|torso|back|tail|face)"
        r"(?: of (?:the|a) [\w-]+)? (?:is|are) (?:ever )?(?:visible|seen|shown)",
    ),
    words("paired-subjects", r"(?:as|form(?:s|ing)?|in) (?:a|one) (?:single |close |tight )?group", "acts", "other"),
    words(
        "subjects-face-to-face", r"fac(?:e|es|ing) (?:each other|one another)|face to face|face-to-face", needs="other"
    ),
    words(
        "opposed-subjects",
        r"oppos(?:e|ing) (?:each other|one another)|set against (?:each other|one another)"
        r"|(?:are|as) (?:opponents|rivals|adversaries)",
        needs="other",
    ),
    words(
        "leader-and-followers",
        r"leads? (?:the (?:way|others?|rest|group|pack)|them)|followed by the (?:others?|rest)"
        r"|the (?:others?|rest) follow",
    ),
    words(
        "central-figure",
        r"(?:is|as|remains) the (?:central figure|focal figure|center of attention|centre of attention)",
    ),
    words(
        "guardian-and-charge",
        r"(?:look(?:s|ing)? after|tak(?:es|ing) care of|car(?:es|ing) for|watch(?:es|ing) over|"
        r"mind(?:s|ing))(?: the| a| an| his| her| their)? \w+",
        "acts",
    ),
    words(
        "held-object",
        r"hold(?:s|ing)?(?! (?:still|on to each|hands|back)\b)|in (?:his|her|their|its) (?:left |right )?hands?",
        "acts",
        "none",
    ),
    words(
        "carried-load",
        r"carr(?:y|ies|ying) (?:a|the|an|his|her) (?:heavy |large |big |bulky )(?:[\w-]+ )?(?:load|pack|sack|"
        r"basket|box|crate|bag|bundle)|carr(?:y|ies|ying) a load|on (?:his|her|their|its) (?:back|shoulders)(?= |\.|,)",
        "acts",
        "none",
    ),
    words(
        "mounted-subject",
        r"on horseback|rid(?:es?|ing) (?:on )?(?:a|an|the|his|her) (?:\w+ )?(?:horse|pony|camel|donkey|"
        r"elephant|bicycle|bike|motorcycle|scooter|mule)|sits? on (?:a|the) (?:horse|camel|donkey|pony)|astride",
        "acts",
    ),
    words(
        "subject-reveal",
        r"(?:is|are) (?:gradually |slowly |finally |then )?revealed|comes? (?:gradually |slowly )?into view",
        "acts",
        "other",
    ),
    words(
        "subject-switch",
        r"(?:shot|view|focus|camera) (?:switches|changes|shifts|moves on|passes) (?:to|from) (?:a different|"
        r"another|a new|one) (?:subject|person|figure|animal|car|vehicle)?",
        needs="other",
    ),
)
