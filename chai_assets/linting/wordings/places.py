"""Wordings of where a scene is, its light, weather and colors, what is laid over it, and whose view it is."""

from chai_assets.linting.wordings import Wording, words

_CLOSED = (
    r"(?:house|room|building|kitchen|office|shop|store|workshop|hall|church|museum|restaurant|cafe"
    r"|studio|factory|barn|gym)"
)
_VEHICLE = r"(?:car|vehicle|bus|train|van|truck|taxi|plane|airplane|aircraft|cockpit|subway car|tram|helicopter)"
_SCENE = r"(?:scene|setting|space|area|environment|location|place|view)"
_COLORS = r"(?:colou?rs?|tones?|hues?|palette|colou?r palette|colou?ring|colou?r scheme|shades)"
_ARE = r"(?:colou?rs|tones|hues|palette) (?:is|are|look|looks|remain|remains) (?:\w+ly )?"
_LIGHT = r"(?:light|lighting|illumination|sunlight|daylight)"

PLACES: tuple[Wording, ...] = (
    words(
        "interior",
        rf"indoors|indoor (?:\w+ )?{_SCENE}|interior {_SCENE}|(?:set|takes? place|located|filmed|shot) "
        rf"(?:indoors|inside)(?: (?:a|an|the) (?:[\w-]+ ){{0,2}}{_CLOSED})?(?! (?:a|an|the) (?:\w+ )?{_VEHICLE})"
        rf"|inside (?:a|an|the) (?:[\w-]+ ){{0,2}}{_CLOSED}",
        needs="exterior",
    ),
    words(
        "exterior",
        rf"outdoors|outdoor (?:\w+ )?{_SCENE}|exterior {_SCENE}|in the open air"
        r"|(?:set|takes? place|filmed|shot) outside",
        needs="interior vehicle-interior",
    ),
    words(
        "plain-setting",
        r"(?:plain|blank|seamless|featureless)(?:,? \w+)? (?:backdrop|background)"
        r"|(?:backdrop|background) is (?:plain|blank|featureless|abstract)",
        needs="interior exterior vehicle-interior",
    ),
    words(
        "vehicle-interior",
        rf"inside (?:a|an|the) (?:[\w-]+ )?{_VEHICLE}|(?:car|bus|train|vehicle|truck|aircraft) interior"
        rf"|interior of (?:a|an|the) (?:[\w-]+ )?{_VEHICLE}",
        needs="exterior interior plain-setting",
    ),
    words(
        "urban-surroundings",
        rf"urban {_SCENE}|(?:set|takes? place|located) in (?:a|the) (?:[\w-]+ )?city|city street"
        r"|cityscape|city cent(?:er|re)|downtown",
        needs="other",
    ),
    words(
        "natural-surroundings",
        r"natural (?:landscape|setting|surroundings|environment)|wilderness"
        r"|(?:set|takes? place|located) in (?:a|the) (?:[\w-]+ )?(?:forest|woods|desert|jungle|mountains)",
        needs="other",
    ),
    words(
        "cultivated-land",
        r"farmland|surroundings are (?:fields|farmland|cultivated)|among (?:[\w-]+ )?(?:fields|vineyards|"
        r"orchards)|(?:wheat|corn|rice) fields?",
        needs="other",
    ),
    words(
        "waterscape",
        r"(?:on|out at|at) (?:the )?(?:open )?(?:sea|water)(?= |\.|,)(?! (?:level|surface))|open (?:sea|water)"
        r"|seascape|waterscape",
        needs="other",
    ),
    words(
        "open-vista",
        r"(?:vast|wide|open|sweeping|broad) (?:open )?(?:vista|panorama|view (?:of|over) the)|opens onto a vista"
        r"|wide open (?:view|place|space)",
    ),
    words(
        "enclosed-space",
        r"(?:enclosed|confined|cramped)(?:,? \w+)? (?:space|room|place|area)|(?:space|place|room) is (?:\w+ly )?"
        r"(?:enclosed|confined|cramped)",
    ),
    words(
        "cluttered-space",
        r"(?:cluttered|messy) (?:space|room|place|workshop|office|interior|scene|kitchen)"
        r"|(?:space|room|place|workshop|office|kitchen) is (?:\w+ly )?(?:cluttered|messy)",
    ),
    words(
        "daylight",
        r"(?:in|by|in broad|in bright|in full|of) daylight|(?:during|by) (?:the )?day(?!s)|daytime|midday|at noon"
        r"|sunny day",
        needs="night blue-hour golden-hour",
    ),
    words(
        "golden-hour",
        r"golden hour|(?:at|near|before|during|around|just before|shortly before) (?:sunset|sunrise)"
        r"|(?:setting|rising) sun",
        needs="night daylight",
    ),
    words("blue-hour", r"blue hour|(?:at|in|during|blue|evening|morning) (?:dusk|twilight|dawn)", needs="daylight"),
    words(
        "night",
        r"(?:at|by|in the) night(?!-?time)|night-?time|(?:it|light) is (?:that of )?night|night (?:scene|sky|street)"
        r"|after dark|moonlit|nocturnal",
        needs="daylight golden-hour",
    ),
    words(
        "overcast",
        r"overcast|(?:sky|weather) is (?:\w+ly )?(?:cloudy|grey|gray|covered (?:with|in) clouds)|cloudy (?:sky|day)",
        needs="other",
    ),
    words("overcast", r"sky is overcast|overcast (?:sky|day|weather)"),
    words(
        "rainfall",
        r"(?:it is|it's) raining|rain(?:drops)? (?:falls?|comes? down|pours|is falling|pelts)"
        r"|in the (?:pouring |heavy )?"
        r"rain|(?:heavy|light|steady|pouring|driving) rain|rainy",
    ),
    words(
        "snowfall",
        r"(?:it is|it's) snowing|snow(?:flakes)? (?:falls?|comes? down|is falling|are falling|drifts down)"
        r"|(?:falling|heavy|light) snow(?:fall)?|snowfall|snowstorm|blizzard",
    ),
    words(
        "fog",
        r"(?:thick|dense|light|heavy|morning|thin) (?:fog|mist)|fog(?:gy)|misty|(?:fog|mist) (?:veils|hides|covers|"
        r"shrouds|hangs|fills)",
    ),
    words("hard-light", rf"(?:hard|harsh)(?:,? \w+)? (?:{_LIGHT}|shadows)|{_LIGHT} is (?:\w+ly |very )?(?:hard|harsh)"),
    words(
        "soft-light",
        rf"(?:soft|diffused?)(?:,? [\w-]+)? {_LIGHT}|softly lit|{_LIGHT} is (?:\w+ly |very )?(?:soft|diffused?)",
    ),
    words("low-key-light", rf"low-key {_LIGHT}|{_LIGHT} is (?:\w+ly )?low-key"),
    words("high-key-light", rf"high-key {_LIGHT}|{_LIGHT} is (?:\w+ly |bright and )?high-key"),
    words("backlight", rf"back-?lit|lit from behind|(?:main )?{_LIGHT} comes from behind|strong backlight(?:ing)?"),
    words("practical-light", r"practical (?:light|lamp|source)s?"),
    words(
        "coloured-light",
        r"(?:strongly |brightly )?(?:colou?red|neon) (?:light|lights|lighting|glow)"
        r"|lit (?:\w+ )?(?:in|by|with) (?:strong |deep |bright )?(?:red|blue|green|pink|purple|magenta|neon) light",
    ),
    words("changing-light", rf"{_LIGHT} (?:changes|shifts|flickers|varies)|(?:changing|flickering) {_LIGHT}"),
    words(
        "black-and-white",
        r"(?:in|is|entirely) black[- ]and[- ]white|black[- ]and[- ]white (?:footage|film|picture|image|video|"
        r"shot|scene|photography)|monochrome|gr[ae]y-?scale",
    ),
    words("warm-palette", rf"warm(?:,? \w+)? {_COLORS}|{_ARE}warm", needs="other"),
    words("cool-palette", rf"(?:cool|cold)(?:,? \w+)? {_COLORS}|{_ARE}(?:cool|cold)", needs="other"),
    words(
        "vivid-palette",
        rf"(?:vivid|saturated|vibrant)(?:,? \w+)? {_COLORS}|{_ARE}(?:vivid|saturated|vibrant)",
        needs="other",
    ),
    words(
        "muted-palette",
        rf"(?:muted|desaturated|washed-out|faded)(?:,? \w+)? {_COLORS}|{_ARE}(?:muted|desaturated|washed out|faded)",
        needs="other",
    ),
    words(
        "still-scene",
        r"nothing (?:else )?(?:moves|stirs)|(?:surroundings|background|rest of the scene) (?:is|are|remains?|stays?) "
        r"(?:\w+ly )?(?:still|motionless)",
        needs="other",
    ),
    words(
        "busy-scene",
        r"(?:scene|street|place|background|surroundings|square|market) (?:is|are) (?:\w+ly )?(?:busy|bustling|crowded)"
        r"|(?:busy|bustling) (?:street|scene|square|market|city)",
        needs="still-scene",
    ),
    words("title-overlay", r"(?:a|the) title (?:is|appears|overlay|card|laid|fades)|title overlay"),
    words("subtitles", r"subtitles|subtitled"),
    words("watermark", r"watermarks?"),
    words("interface-overlay", r"(?:an|the|user) interface (?:is|appears|overlay|laid)|interface overlay"),
    words(
        "graphics-overlay",
        r"(?:overlaid|superimposed|animated) graphics|graphics (?:are|appear) (?:over|laid|superimposed)",
    ),
    words(
        "picture-in-picture",
        r"picture-in-picture|(?:smaller|second) picture is (?:inset|laid|set)|inset (?:picture|video)",
    ),
    words("split-screen", r"split[- ]screen|screen is split"),
    words(
        "first-person-view",
        r"first[- ]person (?:\w+ )?(?:view|perspective|shot|pov|point of view|viewpoint|camera)"
        r"|pov (?:shot|video|footage|perspective)|point-of-view shot",
    ),
    words("over-the-shoulder-view", r"over[- ]the[- ]shoulder|over the shoulder of"),
    words(
        "drone-view",
        r"(?:drone(?:'s)?|quadcopter) (?:shot|view|footage|perspective|video|point of view|camera)"
        r"|(?:shot|filmed|captured|taken|seen) (?:by|from|with|via) (?:a|the) (?:\w+ )?drone",
    ),
    words("selfie-view", r"selfie"),
    words(
        "vehicle-mounted-view",
        r"dash(?:board)?[- ]?cam(?:era)?|mounted on (?:a|the) (?:car|vehicle|dashboard|windshield|hood)"
        r"|vehicle-mounted",
    ),
    words("surveillance-view", r"cctv|(?:security|surveillance)[- ](?:camera|cam|footage)"),
    words("screen-recording", r"screen[- ](?:recording|capture)|recording of a (?:computer )?screen|screencast"),
    words(
        "animated-picture",
        r"animated (?:scene|video|clip|film|shot|sequence|picture|world|short)|(?:computer|2d|3d|cel|drawn) "
        r"animation|cartoon|(?:is|as) an animation",
    ),
)
