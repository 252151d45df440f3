"""Wordings of how the camera moves, where it stands, what it focuses on, how its lens draws and how time runs."""

from chai_assets.linting.wordings import Wording, loosely, words

_SHOT = r"(?:shot|camera|view|framing|perspective|frame|footage|position|take)"
_KINDS = r"(?:,? (?!(?:and|or|then|but|to|on|onto|in|inside|at|before|the|an?|its)\b)[\w'-]+){0,4}?"
_SOFTLY = (
    r"(?:mostly |largely |nearly |almost |essentially |mainly |generally |primarily |predominantly "
    r"|basically |virtually )?"
)
_FULLY = r"(?:completely |entirely |perfectly |fully |totally |absolutely |firmly )?"
_SHALLOW = r"(?:shallow|narrow|limited|small|thin)"
_VERY = r"(?:very|extremely|exceptionally|incredibly|ultra|super|highly|remarkably|extreme|razor|paper|wafer)"
_SHARP = r"(?:sharp|crisp|clear|in (?:sharp |clear |crisp )?focus)"
_THING = r"(?: (?:on )?(?:an?|the|his|her|their|its|two|three|some))?(?: (?!in\b|and\b|while\b|to\b)[\w'-]+){0,5}?"
_SHARPLY = r"focus(?:es|ed|ing)?(?: is| remains| stays| rests| set| kept| held)?(?: \w+ly)?(?: set| kept)?"
_MOVES = r"(?:mov|track|sweep|turn|glid|travel|fl|push|swing|shift)\w*"
_SHAKE = r"(?:unsteady|shaky|wobbly|shaking|jittery)"


def _plane(primitive: str, plane: str) -> Wording:
    """The zone that is sharp at the start of the shot."""
    return words(
        primitive,
        rf"{_SHARPLY} (?:on|in){_THING}(?: in)? (?:the )?{plane}"
        rf"|keep(?:s|ing)?{_THING} in the {plane}{_KINDS} {_SHARP}"
        rf"|{plane}(?: is| remains| stays| in)(?: kept)? {_SHARP}",
        needs="other",
    )


CAMERA_WORK: tuple[Wording, ...] = (
    words("static-camera", rf"(?:static|stationary|fixed|motionless|locked-off|immobile){_KINDS} {_SHOT}(?!s)"),
    words(
        "static-camera",
        rf"(?:camera|shot|framing|view|perspective|frame)(?: (?:is|remains|stays|holds|keeps|stands|appears))"
        rf"(?: held| kept)?(?: \w+ly| still| then)? {_SOFTLY}{_FULLY}(?:static|stationary|motionless"
        rf"|fixed|locked off|immobile|"
        r"still)(?! (?:to|on|onto|in|inside|moving|images?)\b)",
    ),
    words(
        "static-camera",
        r"no camera (?:movement|motion)|camera (?:does not|doesn't) move|without (?:any )?camera (?:movement|motion)"
        r"|(?:there is |with )no (?:intentional |visible )?(?:camera )?movement",
    ),
    words(
        "pan-left",
        r"pan(?:s|ned|ning)?(?: \w+ly)?(?: \w+ degrees)?(?: horizontally)? (?:to|towards?) (?:the |its )?left",
    ),
    words(
        "pan-right",
        r"pan(?:s|ned|ning)?(?: \w+ly)?(?: \w+ degrees)?(?: horizontally)? (?:to|towards?) (?:the |its )?right",
    ),
    words(
        "pan-left pan-right",
        r"(?:camera|shot|it) (?:\w+ly )?(?:pans|is panning)|(?:slow|slight|gentle|quick|smooth|brief|subtle) pan",
        needs="static-camera",
    ),
    words(
        "tilt-up tilt-down",
        r"(?:camera|shot|it) (?:\w+ly )?(?:tilts|is tilting)|(?:slow|slight|gentle|quick|smooth|brief|subtle) tilt",
        needs="static-camera",
    ),
    words("tilt-up", r"tilt(?:s|ed|ing)?(?: \w+ly){0,2} (?:back )?upwards?|upward tilt"),
    words("tilt-down", r"tilt(?:s|ed|ing)?(?: \w+ly){0,2} (?:back )?downwards?|downward tilt"),
    words("roll-clockwise", r"(?<!counter)(?<!counter-)(?<!anti-)clockwise (?:camera )?(?:roll|rotation)"),
    words("roll-counterclockwise", r"(?:counter|anti)-?clockwise (?:camera )?(?:roll|rotation)"),
    words("whip-pan", r"whip[- ]pan(?:s|ned|ning)?|swish pan"),
    words(
        "truck-left",
        r"(?:truck(?:s|ing)? (?:movement |motion |shot )?(?:to the )?left(?:wards?)?)|leftward truck(?:ing)?",
        "camera",
    ),
    words(
        "truck-right",
        r"(?:truck(?:s|ing)? (?:movement |motion |shot )?(?:to the )?right(?:wards?)?)|rightward truck(?:ing)?",
        "camera",
    ),
    words("zoom-in", r"zoom(?:s|ed|ing)?(?: \w+ly){0,2}[ -]in(?:wards?)?(?! and out)"),
    words("zoom-out", r"zoom(?:s|ed|ing)?(?: \w+ly){0,2}[ -]out(?:wards?)?"),
    words(
        "zoom-in zoom-out dolly-out-zoom-in dolly-in-zoom-out",
        r"(?:camera|lens|shot) (?:\w+ly )?zooms(?! (?:in|out) and)",
    ),
    words("dolly-out-zoom-in dolly-in-zoom-out", r"dolly[ -]zoom|vertigo (?:effect|shot)|zolly"),
    words("arc-clockwise", r"(?<!counter)(?<!counter-)(?<!anti-)(?<!anti)clockwise arc"),
    words("arc-counterclockwise", r"(?:counter|anti)-?clockwise arc"),
    words("lead-tracking", r"leading shot"),
    words("follow-tracking", r"following shot"),
    words("side-tracking", r"side[- ]tracking"),
    words("aerial-tracking", r"aerial tracking"),
    words(
        "slow-camera-movement",
        rf"camera (?:\w+ )?{_MOVES} (?:very |extremely |quite )?slowly|(?:slow|gradual) camera (?:movement|"
        r"motion)",
        needs="fast-camera-movement static-camera",
    ),
    words(
        "fast-camera-movement",
        rf"camera (?:\w+ )?{_MOVES} (?:very |extremely |quite )?(?:fast|quickly|rapidly)|(?:fast|rapid|quick) "
        r"camera (?:movement|motion)|rapidly moving camera",
        needs="slow-camera-movement slight-camera-drift static-camera",
    ),
    words(
        "very-steady-camera",
        rf"{_VERY}[- ](?:steady|stable|smooth)(?! (?:pan|zoom|tilt|arc|movement|motion|forward|backward))"
        r"|(?:perfectly|completely|rock)[- ](?:steady|stable|solid)|without (?:any )?(?:shake|shaking)"
        r"|no (?:visible )?shak(?:e|ing)",
        needs="shaky-camera very-shaky-camera",
    ),
    words(
        "shaky-camera very-shaky-camera",
        rf"{_SHAKE} (?:camera|footage|shot|picture|image|handheld)|handheld shak(?:e|ing)"
        rf"|(?:camera|footage|shot|picture|image) (?:is|appears|remains) (?:\w+ly )?{_SHAKE}",
        needs="very-steady-camera",
    ),
    words(
        "very-shaky-camera",
        rf"{_VERY}[- ](?:shaky|unsteady)|(?:shakes|shaking) (?:violently|heavily|wildly)"
        r"|(?:violent|heavy|severe) (?:camera )?shak(?:e|ing)",
        needs="other",
    ),
    words(
        "aerial-height",
        r"aerial (?:shot|view|footage|perspective)",
        needs="eye-level-height hip-level-height ground-level-height water-level-height underwater-height",
    ),
    words("eye-level-height", r"eye[- ](?:height)"),
    words("hip-level-height", r"(?:hip|waist)[- ](?:height|level)"),
    words(
        "ground-level-height", r"(?:ground|floor)[- ](?:level|height)(?! of| floor| window| entrance)", needs="other"
    ),
    words(
        "underwater-height",
        r"underwater (?:shot|view|footage|camera)|filmed underwater|(?:camera|shot) is underwater",
        needs="other",
    ),
    words(
        "level-angle",
        r"level[- ](?:camera )?(?:angle|perspective|view|framing)|(?:camera|angle) (?:is|remains"
        r"|stays) (?:kept |held )?"
        r"level(?! with\b)|looking straight ahead",
        needs="other",
    ),
    words(
        "high-angle birds-eye-angle",
        r"camera (?:is |\w+ly )?(?:angled|tilted|pointed|aimed) (?:sharply |steeply |slightly )?down(?:ward|"
        r"wards)?|(?:camera|shot) (?:\w+ly )?(?:looks|looking) (?:straight |directly |steeply )?down",
        needs="other",
    ),
    words(
        "low-angle worms-eye-angle",
        r"camera (?:is |\w+ly )?(?:angled|tilted|pointed|aimed) (?:sharply |steeply |slightly )?up(?:ward|"
        r"wards)?|(?:camera|shot) (?:\w+ly )?(?:looks|looking) (?:straight |directly |steeply )?up",
        needs="other",
    ),
    words("high-angle", r"high(?:,? (?!and\b|or\b)[\w'-]+){0,2}[ -]angle|high[- ]angle", needs="other"),
    words("low-angle", r"low(?:,? (?!and\b|or\b)[\w'-]+){0,2}[ -]angle|low[- ]angle", needs="other"),
    words("birds-eye-angle", r"bird'?s?'?[- ]eye", needs="other"),
    words("worms-eye-angle", r"worm'?s?'?[- ]eye", needs="other"),
    words("dutch-angle-held dutch-angle-varying", r"(?<!varying )(?:dutch|canted)(?: (?:angle|tilt|shot|framing))"),
    words(
        "dutch-angle-varying", r"varying (?:dutch|canted)|(?:dutch|canted) (?:angle|tilt) (?:that )?(?:varies|changes)"
    ),
    words(
        "deep-focus",
        rf"(?:deep|large|great|wide|extensive|long|extended) depth of field"
        rf"|depth of field is (?:\w+ly )?(?:deep|large|great)"
        rf"|everything (?:[\w ]{{0,30}})?(?:is|remains|stays) {_SHARP}|deep[- ]focus",
    ),
    words(
        "shallow-focus very-shallow-focus tilt-shift-focus",
        rf"{_SHALLOW} depth of field|depth of field is (?:\w+ly )?{_SHALLOW}"
        r"|(?:shallow|soft|selective)[- ]focus(?: shot)?",
        needs="deep-focus",
    ),
    words(
        "very-shallow-focus",
        rf"{_VERY}[- ]{_SHALLOW}(?: depth of field| focus)?|depth of field is {_VERY}[- ]{_SHALLOW}",
    ),
    words("split-diopter", r"split[- ]diopter"),
    words("tilt-shift-focus", r"tilt-shift"),
    _plane("focus-on-foreground", "foreground"),
    _plane("focus-on-middle-ground", "mid(?:dle)?[ -]?ground"),
    _plane("focus-on-background", "background"),
    words(
        "rack-focus-to-far",
        r"rack focus (?:leads |moves |goes |shifts )?from (?:the )?(?:near|foreground|middle ground"
        r"|midground) to (?:the )?"
        r"(?:far|background)|focus racks from (?:the )?(?:near|foreground) to (?:the )?(?:far|background)",
    ),
    words(
        "rack-focus-to-near",
        r"rack focus (?:leads |moves |goes |shifts )?from (?:the )?(?:far|background) to (?:the )?(?:near|foreground|"
        r"middle ground|midground)|focus racks from (?:the )?(?:far|background) to (?:the )?(?:near|foreground)",
    ),
    words("rack-focus-back-and-forth", r"rack focus (?:goes |leads )?back and forth|focus racks back and forth"),
    words(
        "rack-focus-to-far rack-focus-to-near rack-focus-back-and-forth",
        r"rack(?:s|ing)? (?:the )?focus|focus (?:then )?racks|pull focus",
    ),
    words("comes-into-focus", r"(?:picture|image|shot|view|scene|camera) (?:\w+ly )?comes? (?:\w+ly )?into focus"),
    words("goes-out-of-focus", r"(?:picture|image|shot|view|scene|camera) (?:\w+ly )?goes? (?:\w+ly )?out of focus"),
    words(
        "out-of-focus", r"out of focus throughout|(?:whole|entire) (?:shot|picture|image) is (?:out of focus|blurred)"
    ),
    words("barrel-distortion", r"barrel[- ]distort(?:ion|ed)"),
    words("fisheye-distortion", r"fish-?eye"),
    words(
        "barrel-distortion fisheye-distortion",
        r"(?:any |mild |slight |strong |visible |noticeable |some )?lens distortion(?! is|:|\*)",
    ),
    words("time-lapse hyperlapse", r"time-?lapsed?"),
    words("speed-ramp", r"speed[- ]ramp(?:s|ing|ed)?"),
    words("reverse-motion", r"(?:plays?|played|runs?|shown) (?:backwards?|in reverse)|reverse playback"),
    words("freeze-frame", r"freeze[- ]frame|freezes? (?:mid-air|mid-motion)"),
    words("stop-motion", r"stop[- ]motion"),
    words("hyperlapse", r"hyper-?lapse"),
)
# Shapes that the lens draws, not the things: loose only where the labels have the distortion.
_DRAWN = (
    r"(?:buildings?|houses?|walls?|towers?|fa[cç]ades?|rooms?|corridors?|streets?|roads?|horizon"
    r"|skyline|lines|edges|ceiling|floor|ground)"
)
_ROUND = r"(?:circular|round|rounded|spherical|globe-like|dome-like|warped|bulging)"
_BENT = r"(?:curved|bent|bowed|bowing|warped|bulging)"
LOOSELY_SAID: tuple[Wording, ...] = (
    loosely("fisheye-distortion", rf"{_ROUND} {_DRAWN}|{_DRAWN} (?:is|are|looks?|appears?|seems?) {_ROUND}"),
    loosely("barrel-distortion", rf"{_BENT} {_DRAWN}|{_DRAWN} (?:is|are|looks?|appears?|seems?) {_BENT}"),
    loosely(
        "shallow-focus",
        r"(?:blurred|blurry|fuzzy|hazy) (?:backdrop|surroundings)|(?:background"
        r"|backdrop) is (?:\w+ly )?(?:blurry|fuzzy)",
    ),
    loosely(
        "dutch-angle-held", r"(?:tilted|slanted|crooked|sloping|skewed) (?:horizon|frame|picture|camera|shot|view)"
    ),
    loosely("dolly-in", r"camera (?:\w+ly )?(?:moves|gets|comes|goes) closer"),
    loosely("time-lapse", r"(?:sped|speeded)[- ]up (?:footage|video|clouds|scene)"),
)
