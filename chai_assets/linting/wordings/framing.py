"""Wordings of how large the shot is, where the main subject stands in the frame and in depth, and how it crosses it."""

from chai_assets.linting.wordings import Wording, words

_FRAME = r"(?:frame|picture|image|screen|shot|composition|view)"
_OF_FRAME = rf"(?: of the {_FRAME})?(?! of\b)(?! (?:hand|arm|leg|foot|eye|wing|wheel|wall)\b)"
_FAR = r"(?:far |extreme |very |lower |upper |bottom |top |cent(?:er|re) |immediate |near )?"
_CAMERA = r"(?:the )?(?:camera|viewer|lens)"
_KINDS = r"(?:,? (?!and\b|or\b|then\b|to\b)[\w'-]+){1,3}?"


def _size(primitive: str, size: str) -> Wording:
    """A size apart from its "shot": "a wide, static shot"; and with the words that mean the same."""
    return words(primitive, rf"(?:{size}){_KINDS} shot(?!s)", needs="other")


def _side(primitive: str, side: str) -> Wording:
    return words(
        primitive,
        rf"(?:on|at|in|to|toward|towards|along|near) the {_FAR}{side}(?:[ -]hand)?(?: side| third| half"
        rf"| part| edge| foreground)?"
        rf"{_OF_FRAME}|frame[- ]{side}|{side} of frame",
        "placed",
        "other",
    )


FRAMING: tuple[Wording, ...] = (
    _size("extreme-wide-shot", r"extreme(?:ly)?[ -]wide"),
    words("extreme-wide-shot", r"extreme(?:ly)? (?:wide|long) (?:shot|view)|very wide (?:shot|view)", needs="other"),
    _size("wide-shot", r"(?<!extreme )(?<!extremely )(?<!very )wide"),
    words("wide-shot", r"(?<!extreme )(?<!medium )(?<!medium-)long shot", needs="other"),
    _size("full-shot", r"(?<!medium )(?<!medium-)full"),
    words("full-shot", r"full[- ](?:body|length|figure) (?:shot|view)|framed in full", needs="other"),
    words("medium-full-shot", r"medium[ -](?:full|long)[ -]shot|cowboy shot|american shot", needs="other"),
    _size("medium-shot", r"medium(?![ -](?:full|long|close))"),
    words("medium-close-up", r"medium[ -]close[ -]?up", needs="other"),
    words("close-up", r"(?<!extreme )(?<!medium )(?<!medium-)close[ -]?up(?!s)", needs="other"),
    words("extreme-close-up", r"extreme(?:ly)? close[ -]?up", needs="other"),
    words("scenery-framing", r"scenery shot|(?:shot|framing) (?:is of|frames|shows) (?:only|just) scenery"),
    words(
        "framing-tightens",
        r"(?:framing|shot|view|frame) (?:\w+ly )?(?:tightens|narrows|(?:becomes|grows|gets) tighter)"
        r"|(?:framing|shot) closes in",
    ),
    words(
        "framing-widens",
        r"(?:framing|shot|view|frame) (?:\w+ly )?(?:widens|broadens|(?:becomes|grows|gets) wider)"
        r"|(?:framing|shot) opens up",
    ),
    words(
        "framing-varies",
        r"(?:framing|shot size) (?:\w+ly )?(?:varies|changes (?:repeatedly|back and forth|again and again)|"
        r"goes back and forth)",
    ),
    words("ends-wide", r"ends (?:as|in|with|on|at) an? (?:[\w-]+ )?(?:wide|long) (?:shot|view)"),
    words("ends-full", r"ends (?:as|in|with|on|at) (?:a|the) (?:medium )?full (?:shot|figure)"),
    words("ends-medium", r"ends (?:as|in|with|on|at) (?:a )?medium(?: close-up| shot| size)"),
    words("ends-close", r"ends (?:close on|(?:as|in|with|on|at) an? (?:extreme )?close-?up)"),
    words(
        "framing-tightens",
        r"(?:moves?|shifts?|transitions?|goes|changes) from an? (?:extreme wide|wide|full) (?:shot )?to an? "
        r"(?:medium|close)[\w -]*(?:shot|close-up|up)",
    ),
    words(
        "framing-widens",
        r"(?:moves?|shifts?|transitions?|goes|changes) from an? (?:extreme close-up|close-up|medium close-up|"
        r"medium shot|medium) to an? (?:full|wide|extreme wide)(?: shot)?",
    ),
    _side("frame-left", "left"),
    _side("frame-right", "right"),
    words(
        "frame-centre",
        rf"(?:in|at|near) the (?:exact |very )?(?:cent(?:er|re)|middle)(?: of the {_FRAME})?(?! (?:of|ground|"
        r"distance)\b)|cent(?:er|r)ed(?: in the frame| horizontally)?(?! (?:on|around)\b)|centrally|cent(?:er|re) frame"
        r"|dead cent(?:er|re)",
        "placed",
        "frame-left frame-right",
    ),
    words(
        "spans-frame",
        rf"(?:spans?|fills?|stretches across|takes up|extends across) the (?:full |entire |whole )?"
        rf"(?:(?:width|breadth) of the )?{_FRAME}",
        "acts",
        "other",
    ),
    words(
        "high-in-frame",
        rf"(?:at|near|in|toward|along) the (?:very )?(?:top|upper) (?:third|half|part|edge|portion){_OF_FRAME}"
        rf"|(?:at|near|in|toward|along) the (?:very )?top of the {_FRAME}|high in the {_FRAME}",
        "placed",
        "low-in-frame",
    ),
    words(
        "low-in-frame",
        rf"(?:at|near|in|toward|along) the (?:very )?(?:bottom|lower) (?:third|half|part|edge|portion){_OF_FRAME}"
        rf"|(?:at|near|in|toward|along) the (?:very )?bottom of the {_FRAME}|low in the {_FRAME}",
        "placed",
        "high-in-frame",
    ),
    words("lead-room", r"lead(?:ing)? room|looking room|nose room"),
    words("short-siding", r"short-sid(?:es|ed|ing)|short sid(?:es|ed|ing)"),
    words("excess-headroom", r"(?:excess|excessive|too much) headroom"),
    words("subject-in-foreground", rf"in the {_FAR}(?:left |right )?foreground", "placed", "other"),
    words(
        "subject-in-middle-ground",
        rf"in the {_FAR}(?:left |right )?(?:mid(?:dle)?[ -]?ground|mid-distance)",
        "placed",
        "other",
    ),
    words(
        "subject-in-background",
        r"in the (?:far |distant |deep |left |right |blurred )?background|(?:far )?in the (?:far )?distance",
        "placed",
        "other",
    ),
    words(
        "flat-staging",
        r"(?:staging|space) (?:is|looks|appears|remains) (?:\w+ly )?flat|staged flat|flat staging",
        needs="other",
    ),
    words("deep-staging", r"staging is (?:\w+ly )?deep|staged in (?:\w+ )?depth|deep staging", needs="other"),
    words(
        "frame-within-frame",
        r"frame within (?:the|a) frame|(?:frames? (?:him|her|them|it|the [\w-]+) )within the frame",
    ),
    words(
        "foreground-obstruction",
        r"(?:hides|obstructs|blocks|obscures) (?:a )?(?:large |small )?part of the (?:view|shot|frame|scene)"
        r"|view is (?:partly|partially) (?:hidden|obstructed|blocked|obscured)",
        needs="other",
    ),
    words("dirty-frame", r"dirty frame"),
    words(
        "symmetrical-composition",
        r"symmetric(?:al)? (?:composition|framing|shot|frame)|symmetrically (?:composed|framed)"
        r"|(?:composition|framing) is (?:\w+ly )?symmetric(?:al)?",
    ),
    words("rule-of-thirds", r"rule of thirds"),
    words("leading-lines", r"leading lines"),
    words("negative-space", r"negative space"),
    words("two-shot", r"two-shot"),
    words("cut-by-frame", r"(?:cut off|cropped|cut) by the (?:edge of the )?frame|frame (?:cuts off|crops)"),
    words(
        "moves-left-to-right",
        rf"from (?:the )?(?:screen |frame )?left to (?:the )?(?:screen |frame )?right|left to right|rightwards?"
        rf"|(?:toward|towards|to|across the {_FRAME} to) the (?:far )?right(?: side| edge)?(?: of the {_FRAME})?",
        "moves",
        "other",
    ),
    words(
        "moves-right-to-left",
        rf"from (?:the )?(?:screen |frame )?right to (?:the )?(?:screen |frame )?left|right to left|leftwards?"
        rf"|(?:toward|towards|to|across the {_FRAME} to) the (?:far )?left(?: side| edge)?(?: of the {_FRAME})?",
        "moves",
        "other",
    ),
    words(
        "moves-up-frame",
        rf"up(?:ward|wards)? (?:in|through|across) the {_FRAME}|upwards?(?= |\.|,)",
        "moves",
        "moves-down-frame",
    ),
    words("moves-up-frame", rf"rises? (?:through|in|up) the {_FRAME}", "acts", "other"),
    words(
        "moves-down-frame",
        rf"down(?:ward|wards)? (?:in|through|across) the {_FRAME}|downwards?(?= |\.|,)",
        "moves",
        "moves-up-frame",
    ),
    words("moves-down-frame", rf"(?:drops?|sinks?|falls?) (?:through|in|down) the {_FRAME}", "acts", "other"),
    words(
        "moves-irregularly",
        rf"(?:irregularly|erratically|aimlessly)|(?:about|all over|around) the {_FRAME}",
        "moves",
        "other",
    ),
    words(
        "approaches-camera",
        rf"(?:toward|towards|up to) {_CAMERA}|(?:closer|nearer)(?: to {_CAMERA})?",
        "moves",
        "recedes-from-camera",
    ),
    words("approaches-camera", rf"approach(?:es|ing)? {_CAMERA}", "acts", "recedes-from-camera"),
    words(
        "approaches-camera",
        rf"(?:walk|run|ride|drive|com|mov|head|advanc|swim|march|step|skat)\w* (?:straight |directly |slowly )?"
        rf"(?:toward|towards) {_CAMERA}",
        "acts",
    ),
    words(
        "recedes-from-camera",
        rf"(?:farther |further )?away from {_CAMERA}|(?:off )?into the distance|(?:farther|further) away",
        "moves",
        "approaches-camera",
    ),
    words(
        "recedes-from-camera",
        rf"(?:walk|run|ride|drive|mov|head|swim|march|step|skat)\w* (?:straight |directly |slowly )?"
        rf"away from {_CAMERA}|recedes?(?: from| into|\b)",
        "acts",
    ),
    words(
        "enters-frame",
        r"(?:enter(?:s|ing)?|(?:walk|com|step|run|rid|driv|mov|swim|fl)\w* into) (?:the )?(?:frame|shot|picture|view|"
        r"screen)|enters? from",
        "acts",
    ),
    words(
        "leaves-frame",
        r"(?:leav(?:es|ing)|exit(?:s|ing)?) (?:the )?(?:frame|shot|picture|view|screen)|exits? (?:on|to|at|from) the"
        r"|(?:walk|com|step|run|rid|driv|mov|swim|fl)\w* (?:out of|off) (?:the )?(?:frame|shot|view|screen)",
        "acts",
    ),
    words(
        "returns-to-frame",
        r"(?:return(?:s|ing)?|com(?:es|ing) back|step(?:s|ping) back|walk(?:s|ing) back) (?:in)?to (?:the )?"
        r"(?:frame|shot|view|picture)|re-?enter(?:s|ing)? (?:the )?(?:frame|shot|view|picture)",
        "acts",
    ),
)
