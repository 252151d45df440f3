"""From a phrase of the specification to a pattern of the ways in which captions say it.

Patterns match text made ready by `normalize`: lower case, straight apostrophes, plain blanks.
What a phrase means is the lexicon's business.
"""

import re

_BLANKS = {code: " " for code in range(0x3001) if chr(code).isspace()}
"""Every blank that there is, to a plain one; U+3000 is the last."""
_SAME = {**_BLANKS, ord("’"): "'", ord("‘"): "'", ord("‑"): "-"}

_IRREGULAR = {
    "be": "(?:is|was|being)",
    "come": "(?:comes?|coming|came)",
    "do": "(?:do|does|doing|did)",
    "fly": "(?:fly|flies|flying|flew)",
    "get": "(?:gets?|getting|got)",
    "go": "(?:go|goes|going|went)",
    "keep": "(?:keeps?|keeping|kept)",
    "rise": "(?:rises?|rising|rose)",
    "say": "(?:says?|saying|said)",
    "show": "(?:shows?|showing|shown)",
    "sink": "(?:sinks?|sinking|sank)",
    "slide": "(?:slides?|sliding|slid)",
    "speed": "(?:speeds?|speeding|sped)",
    "spin": "(?:spins?|spinning|spun)",
    "swing": "(?:swings?|swinging|swung)",
}
VERBS = frozenset(
    re.findall(
        r"\w+",
        """accelerate appear arc back beat become blur change chase circle climb close clutch come crane creep cuddle
    decelerate descend disappear dive do dolly drift drop end face fiddle fill film fling flip float fly follow gather
    get give glide go hang head hop jerk jump keep kick leave lift look lower magnify mess move orbit paddle pan pass
    pedestal pick play pop pull push retreat reveal rise roll rotate rush say sharpen shift show sink slide slow snap
    soar speed spin splash start stay sway swing swoop tail take talk tilt tip travel truck tug turn twist unblur use
    vanish walk widen zoom""",
    )
)
"""Verbs, uninflected, that phrases of a specification begin with."""

# What a verb of movement is followed by, and what else says so.
_AIMS = r"(?:to|towards?) (?:the |its )?"
DIRECTIONS = {
    "left": rf"(?:{_AIMS}left|left(?:wards?)?(?! to (?:the )?right)|(?:from (?:the )?)?right to (?:the )?left)",
    "right": rf"(?:{_AIMS}right|right(?:wards?)?(?! to (?:the )?left)|(?:from (?:the )?)?left to (?:the )?right)",
    "up": r"up(?:wards?)?(?! (?:the|a|an|to date)\b)",
    "down": r"down(?:wards?)?(?! (?:the|a|an)\b)",
    "in": r"in(?:wards?)?",
    "out": r"out(?:wards?)?(?! of\b)",
    "back": r"back(?:wards?)?(?! (?:and forth|to|left|right|up|down)\b)",
    "forward": r"forwards?",
    "away": r"away",
    "clockwise": r"clockwise",
    "counterclockwise": r"(?:counter|anti)-?clockwise",
}
# A loose "moves in" is a movement only where no place follows: "moves in the street", "moves in slow motion".
_IN_TO_NO_PLACE = r"in(?:wards?)?(?! (?:and out|a|an|the|this|that|its|his|her|their|slow|fast|reverse|front)\b)"
_BEFORE_NOUN = {"left": "left(?:ward)?", "right": "right(?:ward)?", "up": "upward", "down": "downward"}
_BEFORE_NOUN |= {"in": "inward", "out": "outward", "back": "backward", "forward": "forward"}
_BEFORE_NOUN |= {"clockwise": "clockwise", "counterclockwise": DIRECTIONS["counterclockwise"]}
_ADVERB = r"(?:\w+ly|straight|further|very|somewhat|closely)"
_SOME = rf" {_ADVERB}(?:,? (?:and|but) (?:\w+ )?\w+ly|)"
# "(?:...|)" is "(?:...)?" to Python, at half the time.
ADVERBS = rf"(?:{_SOME}(?:{_SOME}|)|)"
NO_ADVERB = rf"(?!(?: |\[ -\])(?:{_ADVERB}|and|but)\b)"
"""Of a pattern: that what it goes on with is not taken for more of them."""
_SPELLINGS = [("centre", "cent(?:re|er)"), ("colour", "colou?r"), ("grey", "gr[ae]y"), ("ilised", "ili[sz]ed")]
_AFTER_ING = frozenset({"after", "at", "along", "in", "out", "left", "right", "themselves", "through", "up", "down"})
_CARRIERS = ("camera", "shot", "framing", "picture")


def normalize(text: str) -> str:
    """The text as patterns expect it, of the same length: offsets in it are offsets in the text."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lowered.translate(_SAME)


def verb_of(phrase: str) -> str | None:
    """The uninflected verb that a phrase begins with ("pan left", "moves in", "looking up"); None if it is none."""
    word = phrase.split()[0]
    bases = [word, word.removesuffix("s"), word.removesuffix("es"), re.sub(r"ies$", "y", word)]
    if word.endswith("ing"):
        stem = word[:-3]
        bases += [stem, stem + "e", stem[:-1]]
    return next((base for base in bases if base in VERBS), None)


def says_action(phrase: str) -> bool:
    """Whether a loose phrase says what something does: "moves in", "looking after"; not "slow speed"."""
    word, _, rest = phrase.partition(" ")
    if verb_of(phrase) is None:
        return False
    if word.endswith("ing"):
        return rest.partition(" ")[0] in _AFTER_ING
    return word.endswith("s") or rest in DIRECTIONS or rest in ("together", "up")


def term_pattern(term: str) -> str:
    """A professional term with its inflections: "pan left" also as "panning to the left" and "leftward pan"."""
    first, _, rest = term.partition(" ")
    if first in VERBS and rest in DIRECTIONS:
        moved = rf"{inflected(first)}{ADVERBS}[ -]{DIRECTIONS[rest]}"
        return rf"{moved}|{_BEFORE_NOUN[rest]}(?: camera)? {first}s?"
    return _compound(term) + ("" if term.endswith("s") else "s?")


def loose_pattern(phrase: str) -> str:
    """A loose phrase with its inflections: "moves forward" also as "moving smoothly forwards"."""
    verb, (_, _, rest) = verb_of(phrase), phrase.partition(" ")
    if verb is None or not says_action(phrase):
        return _compound(phrase)
    if not rest:
        return inflected(verb)
    if rest not in DIRECTIONS:
        return rf"{inflected(verb)}{ADVERBS} {_spelled(rest)}"
    direction = _IN_TO_NO_PLACE if rest == "in" else DIRECTIONS[rest]
    moved = rf"{inflected(verb)}{ADVERBS} {direction}"
    if verb == "move" and rest in _BEFORE_NOUN:
        return rf"{moved}|{_BEFORE_NOUN[rest]} camera (?:movement|motion|move)s?"
    return moved


def inflected(verb: str) -> str:
    """A verb in all its forms."""
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if re.search(r"[^aeiou]y$", verb):
        return rf"{verb[:-1]}(?:y|ies|ied|ying)"
    if verb.endswith("e"):
        return rf"{verb[:-1]}(?:es?|ed|ing)"
    if re.search(r"(?:s|sh|ch|x|z)$", verb):
        return rf"{verb}(?:es|ed|ing)?"
    return rf"{verb}(?:s|{verb[-1]}?ed|{verb[-1]}?ing)?"


def _compound(phrase: str) -> str:
    """Words in this order, joined by blanks or hyphens; "static camera" also as "the camera remains static"."""
    words = phrase.split()
    joined = re.sub(r" |(?<=[a-z])-(?=[a-z])", "[ -]", _spelled(phrase))
    if words[-1] == "movement":
        joined = joined.replace("[ -]movement", "(?: camera)?[ -]movement")
    if len(words) == 2 and words[1] in _CARRIERS:
        quality = _spelled(words[0])
        carrier = "(?:camera|shot|framing)" if words[1] == "camera" else words[1]
        joined += rf"|{carrier} (?:is|remains|stays|keeps|holds)(?: \w+ly)? {quality}(?! (?:to|on|onto|inside)\b)"
    return joined


def _spelled(phrase: str) -> str:
    """The phrase in British and American spelling, its special characters escaped, blanks and hyphens not."""
    pattern = re.sub(r"[^\w\s'-]", lambda special: re.escape(special[0]), phrase)
    for british, both in _SPELLINGS:
        pattern = pattern.replace(british, both)
    return pattern
