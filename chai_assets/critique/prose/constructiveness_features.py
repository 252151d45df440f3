"""A critique as statements, and what each gives an editor who cannot see the video. Pure, fast, no model.

The word lists are written by hand, from what the words mean; none is learned from data. What the features weigh,
and what they say to an annotator, is `constructiveness.py`'s business.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from chai_assets.core.text import FUNCTION_WORDS, stem, stems
from chai_assets.linting.phrase_patterns import normalize


def _set(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w']+", text))


# Words without which a critique says the same: it may deny, count or hurry without telling an editor anything.
_EMPTY_HERE = _set(
    """about above across actually additionally after again against all along although always am among another any
    aren't around away basically because before below beside between both can can't cannot could couldn't didn't
    doesn't doing don't down during each either else essentially even ever every few finally first firstly further
    furthermore hadn't hasn't haven't having hers herself him himself how however if indeed instead into isn't it's
    itself kindly lastly let like many may maybe me might more moreover most much must my near need needs neither no
    nor not now off once one only onto other others out over overall own per perhaps please possibly probably quite
    rather really respectively s same second shouldn't simply since some something somewhat still such t that's
    themselves there's therefore though through throughout thus too toward towards truly under until up upon us
    wasn't well weren't whether why will within without would wouldn't yes yet"""
)
# Words about the text, not about what the video shows.
_TEXT = _set(
    """answer answers article author caption captions clip content context critique depiction describe described
    describes describing description descriptions detail detailed details draft element elements entry error errors
    example explanation explanations fact feature features footage identification information item issue issues list
    listed mention mentioned mentioning mentions mistake paragraph part parts passage phrase phrases phrasing piece
    point points portion portrayal prose question questions reader reference references response responses say
    saying says said sentence sentences shown state stated statement statements states story summaries summary task
    term termed terminology terms text thing things title topic use used uses using usage video videos viewer wording
    word words write writer written include included includes including identified identifies refer refers referred
    claim claims claimed classified classifies characterized attribute attributes aspect aspects noted note specify
    specified specifies indicate indicates indicated provide provided provides capture captures captured convey
    conveys depict depicts depicted represent represented represents regarding concerning add added change changed
    remove removed replace replaced revise revised correct corrected update updated modify modified omit delete"""
)
# Words that judge.
_FAULT = _set(
    """ambiguous bad badly confused confuses confusing contradictory erroneous erroneously exaggerated fabricated false
    falsely flawed generic hallucinated hallucinates imprecise improper improperly inaccuracies inaccuracy
    inaccurate inaccurately inadequate inappropriate incomplete inconsistent incorrect incorrectly insufficient
    insufficiently misattributes miscategorized mischaracterized mischaracterizes misclassified misclassifies
    miscounted miscounts misdescribed misdescribes misidentified misidentifies misinterpreted misinterprets
    misleading misplaced misplaces misrepresentation misrepresented misrepresents misspelled misstated misstates
    mistake mistaken mistakenly nonsensical poor poorly problematic questionable repetitive simplistic subjective
    unclear unsupported unsure untrue vague vaguely verbose weak wordy wrong wrongfully wrongly"""
)
# Words that say how good or how much, never what.
_VAGUE = _set(
    """accuracy accurate accurately adequate adequately adjust adjusted adjustment awkward best better clarify clarity
    clear clearer clearly coherence coherent complete completely comprehensive concise correctly correctness depth
    descriptive detail detailed details elaborate elaborated elaboration enhance enhanced enough exact exactly
    expand expanded extra feel feels fine fix fixed fixing flow fully general generally good grammar great helpful
    improve improved improvement improvements improving lacking less limited look looks minimal missing more nice
    ok okay perfect perfectly precise precisely precision proper properly quality redo refine refined refinement
    relevant reword reworded rewrite rewritten richer rough seem seems short simple sound sounds specific
    specifically specificity specifics style sufficient thorough tone unspecific various vivid work"""
)
# Kinds of thing without their value: that "the position" is wrong does not say where it is.
_ABSTRACT = _set(
    """action actions activity age angle appearance arrangement atmosphere attire background behavior behaviour change
    changes characteristics clothing color colors colour colours composition count depth direction directions
    distance duration emotion emotions environment expression expressions extent framing gender gaze gesture gestures
    height identity interaction interactions layout lighting location locations manner material mood motion motions
    movement movements name nature number numbers order orientation outcome pace path pattern perspective placement
    pose position positional positioning positions posture presence progression purpose relation relationship
    relationships role scene sequence setting shape size spatial speed state style subject subjects technique
    texture timing trajectory transition transitions type viewpoint visibility"""
)
_CONCRETE = _set(
    """two three four five six seven eight nine ten eleven twelve twenty single double pair dozen zero half third
    quarter red orange yellow green blue purple violet pink brown black white grey gray beige tan cream golden gold
    silver teal turquoise cyan magenta maroon navy blond blonde dark light pale left right leftward rightward upward
    downward upwards downwards forward forwards backward backwards clockwise counterclockwise counter anticlockwise
    top bottom centre center middle upper lower foreground midground background front behind above below inside outside
    horizontal vertical diagonal eye level high low aerial overhead bird's worm's pan pans panning panned tilt tilts
    tilting tilted zoom zooms zooming zoomed dolly dollies truck trucks trucking pedestal crane roll rolls rolling arc
    arcs arcing orbit orbits track tracks tracking static stationary fixed handheld steady shaky close medium full wide
    extreme shot first person third focus shallow deep slow fast motion time lapse man woman men women boy girl child"""
)
# One of these makes a remark about the caption out of a fix that has no other words than the second group. Short
# lists: "short", "clear" and "general" are fair words of a caption.
_JUDGMENTS = _set(
    """wrong incorrect improve improved fix fixed change changed rewrite reword redo better best bad good mistake error
    false unclear inaccurate imprecise vague detailed specific accurate no yes ok"""
)
_FILLERS = _set(
    """a an the this that it its is be are not make made do should must please more less too very so right correct
    precise clear detail details caption description sentence word words part something"""
)
_EMPTY = FUNCTION_WORDS | _EMPTY_HERE | _TEXT | _FAULT | _VAGUE
_SEEN = _set(
    """clip content element elements feature features footage identification item items list piece point shown story
    thing things title use used uses using video videos viewer"""
)
# A statement with one of these is about the text; one without may be about what the video shows.
_ABOUT_TEXT = _TEXT - _SEEN

_HIDDEN = "\ue000"
# A quotation within a line. The bound keeps a text of nothing but opening quotes linear.
_QUOTE = re.compile(
    r"\"([^\"\n]{1,600})\"|“([^”\n]{1,600})”"
    r"|(?<!\w)['‘]((?:[^'‘’\n]|(?<=\w)['’](?=\w)){1,600})['’](?!\w)"
)
_CUT = re.compile(r"(?<=[.!?])(?:\s+|(?=\ue000))|\n+|(?:^|(?<=\s))(?:\(?\d{1,2}[.)]|[-*•])(?=\s)")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")

_DROP = r"(?:remov(?:e|ing)|delet(?:e|ing)|omit(?:ting)?|drop(?:ping)?|exclud(?:e|ing)|eliminat(?:e|ing)|cut(?:ting)?"
_DROP += r"|skip(?:ping)?|avoid(?:ing)?|leav(?:e|ing) out)"
_PUT = (
    r"(?:add|includ|insert|mention|replac|chang|modif|revis|updat|correct|rephras|amend|swap|substitut|adjust|mov|keep"
)
_PUT += r"|say|stat|writ|describ|us|refer|not|introduc|append|provid|giv|specif|identif|indicat|clarif|start|begin|end"
_PUT += r"|explain|mak|call)(?:e|y|ing)?"
_LEAD = (
    r"\W*(?:(?:please|kindly|also|and|then|instead|so|additionally|finally|furthermore|you|it|would|could|can|should"
)
_LEAD += r"|to|better|(?P<advised>consider|suggest|recommend)|be|i|we|need|needs|must)\W+){0,6}"
_ORDER = re.compile(rf"{_LEAD}(?:(?P<add>add|include|insert|mention): |(?P<verb>{_DROP}|{_PUT})\b)")
_DROPPED = re.compile(rf"\b(?:{_DROP}|removed|deleted|omitted|dropped|excluded|eliminated|avoided|left out)\b")
_SHOULD = re.compile(
    r"\b(?:should|shouldn't|must|needs? to|has to|have to|ought to|(?:can|could|would) (?:\w+ )?be)\b|->|=>|→"
)
# To say that words are not wanted is to say what to do with them.
_UNWANTED = re.compile(
    r"\b(?:unnecessary|unnecessarily|not necessary|redundant|irrelevant|superfluous|not (?:needed|relevant))\b"
)
_SCREEN = "(?:video|clip|footage|scene|shot|frame|picture|view|image)"
# To say that the video does not show what the caption says is to say that it goes.
_NOT_SHOWN = re.compile(
    r"\b(?:is|are|was|were)(?:n't| not| never)(?: \w+ly| really| even)? (?:visible|present|seen|shown|there|depicted"
    rf"|observed|on (?:screen|camera)|in (?:the|this) {_SCREEN})\b"
    r"|\b(?:cannot|can't|can not|couldn't|could not) (?:be (?:\w+ly )?)?(?:seen|see|observed?|made out)\b"
    r"|\b(?:do|does|did)(?:n't| not) (?:\w+ly )?(?:appear|exist|occur|happen|take place)\b(?! to\b)"
    r"|\bnever (?:appears?|seen|shown|visible|happens?|occurs?|takes? place)\b(?! to\b)"
    r"|\bno (?:\w+ ){1,4}(?:is|are|was|were|can be) (?:\w+ly )?(?:visible|seen|shown|present|there)\b"
    r"|\bthere(?:'s| is| are| was| were) (?:no visible|none visible|no (?:\w+ ){1,5}"
    rf"(?:visible|shown|to be seen|on (?:screen|camera)|in (?:the|this) {_SCREEN}))\b"
    rf"|\b{_SCREEN} (?:does(?:n't| not)|never) (?:\w+ly )?(?:show|depict|feature|contain|include|have)s?\b"
)
# The same, where all that it names stands in the caption: "there is no evidence" is no removal.
_THERE_IS_NONE = re.compile(
    r"\bthere(?:'s| is| are| was| were) (?:no|none|not any)\b|\bthere (?:is|are|was|were)(?:n't| not) (?:an?|any)\b"
)
# What a removal may name in place of words of the caption: "Please remove this detail."
_THAT = re.compile(
    rf"{_DROP} (?:it|them|(?:this|that|these|those|the)(?: \w+)? "
    r"(?:details?|parts?|mentions?|references?|statements?|sentences?|words?|phrases?|information|descriptions?"
    r"|descriptors?)|this|that|these|those)\b"
)
_CONTRAST = re.compile(
    r"\b(?:(?:instead|rather)(?! (?:of|than) (?:\w+ ){0,2}(?:describ|focus|provid|specif|mention|stat)\w*ing)|actually"
    r"|in (?:reality|fact|actuality)|whereas|because|but)\b"
    r"|\bnot\b[^.]{0,120}?(?:;|, (?:but|it|they|he|she|there|instead|rather|the)\b)|,\s*not\b"
)
_DENIAL = re.compile(r"\b(?:not|no|never|neither|none|nothing|cannot)\b|n't\b")
_LACK = re.compile(
    r"\b(?:fail(?:s|ed|ing)?|omit(?:s|ted|ting)?|omission|miss(?:es|ed|ing)|lack(?:s|ed|ing)?|neglect(?:s|ed)?"
    r"|overlook(?:s|ed)?|no mention|leaves? out|left out|excludes?|ignor(?:es|ed))\b"
    r"|\b(?:do|does|did)(?:n't| not) (?:\w+ )?(?:mention|describe|include|state|say|specify|note|capture|address"
    r"|explain|convey|indicate|identify)\b"
)
_SPOT = re.compile(
    r"\b(?:first|second|third|last|final|opening|closing) (?:\w+ )?(?:sentence|line|phrase|word|paragraph)s?\b"
)
_FEWEST = 3
"""Words from which on a statement says something of the video: "It tilts up", but not "Wow"."""
_NEARLY_ALL = 0.8
"""Share of a quotation's words from which on it is taken from the caption, whatever their order and endings."""


class Statement(NamedTuple):
    """One statement, and how much of each feature it has, 0 to 1. The first five help an editor, the others do not."""

    text: str
    points: float
    """Points at words of the caption: quotes them, says which sentence, or uses some of them (four are enough)."""
    fresh: float
    """Has words of content that the caption has not (four are enough)."""
    concrete: float
    """Has numbers, colors, places, directions or camera terms that the caption has not (two are enough)."""
    fact: float
    """Says what the video shows, and nothing about the text."""
    named: float
    """Names what the caption leaves out."""
    verdict: float
    """Says or asks whether something is wrong, and neither it nor the next statement says what is right or what to do.

    An exact edit next to it stands for itself: it says what it mends."""
    lack: float
    """Says that something is left out, without saying what to write."""
    denial: float
    """Says what is not, without saying what is."""
    abstract: float
    """Speaks of a kind of thing, such as the position, and brings no value of it."""
    vague: float
    """Has words of judgment, such as "better" or "clearer", and says nothing that an editor could write."""

    @property
    def exact(self) -> bool:
        """Whether it can be carried out word for word."""
        return self[1:] == _BEST


FEATURES = Statement._fields[1:]


def statements(critique: str, caption: str) -> list[Statement]:
    """The statements of a critique in order, each read against the caption; any text will do, also none."""
    known = _caption_stems(caption)
    read = [_read(piece, quotes, known) for piece, quotes in _pieces(critique)]
    before = [False, *(statement.points > 0 for statement, _ in read)]
    following = [*(remedy for _, remedy in read), False][1:]
    return [
        _among_others(statement, answered, pointed)
        for (statement, _), answered, pointed in zip(read, following, before[:-1], strict=True)
    ]


def _among_others(statement: Statement, answered: bool, pointed: bool) -> Statement:
    """A statement as the ones beside it have it read: whether the next answers it, whether the one before points."""
    if pointed and not statement.exact and _THAT.search(normalize(statement.text)):
        return Statement(statement.text, *_BEST)
    return statement._replace(verdict=0.0, abstract=0.0) if statement.verdict and answered else statement


def only_judges(fix: str) -> bool:
    """Whether a fix says how something should be and never what: "make it better", "more specific"."""
    used = set(_WORD.findall(normalize(fix)))
    return bool(used & _JUDGMENTS) and used <= _JUDGMENTS | _FILLERS


def _pieces(critique: str) -> Iterator[tuple[str, list[str]]]:
    """Each statement's text, its quotations hidden while the text is cut, with those quotations."""
    quotes: list[str] = []

    def hide(match: re.Match[str]) -> str:
        quotes.append(match.group())
        return _HIDDEN

    used = 0
    for piece in _CUT.split(_QUOTE.sub(hide, critique.replace(_HIDDEN, " "))):
        held = piece.count(_HIDDEN)
        if held or _WORD.search(piece):
            yield piece.strip(), quotes[used : used + held]
        used += held


class _Prepared(NamedTuple):
    """A statement made ready: its lower case, its words, and how they stand to the caption's."""

    low: str
    words: frozenset[str]
    quotes: list[str]
    content: frozenset[str]
    """Stems of the words of content outside of quotations."""
    fresh: int
    """Words of content, quoted ones too, that the caption has not."""
    points: float


def _read(piece: str, quotes: list[str], caption: frozenset[str]) -> tuple[Statement, bool]:
    """A statement, and whether it tells what to do about the one before it."""
    low = normalize(piece)
    words = frozenset(word.removesuffix("'s") for word in _WORD.findall(low))
    content = stems(words - _EMPTY - _ABSTRACT)
    located, quoted = _quoted(quotes, caption)
    points = 1.0 if located or _SPOT.search(low) else min(1.0, len(content & caption) / _FULL["points"])
    prepared = _Prepared(low, words, quotes, content, len((content - caption) | quoted), points)

    order = _order(low)
    # Nothing is known of an unknown caption: what the critique names may well stand in it.
    says_what = located or bool(content & caption if caption else content)
    denied = says_what and _is_denied(low, content, caption)
    order_or_should = bool(order or _SHOULD.search(low))
    removed = says_what and (denied or (order_or_should and bool(_DROPPED.search(low))))
    unwanted = bool(_UNWANTED.search(low))
    edit = order_or_should or unwanted or denied
    drops = unwanted or denied or (edit and bool(_DROPPED.search(low)))
    text = "".join(f"{between}{quote}" for between, quote in zip(piece.split(_HIDDEN), [*quotes, ""], strict=True))
    if removed or (edit and _is_exact(prepared, drops, adds=bool(order and order["add"]))):
        return Statement(text, *_BEST), False
    concrete = sum(stem(word) not in caption for word in words & _CONCRETE)
    return _inexact(prepared, text, edit, drops, min(1.0, concrete / _FULL["concrete"]))


# What an exact edit is worth: nothing could be added to "Replace "x" with "y".", so nothing counts for more.
_BEST = (1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
_FULL = {"points": 4, "fresh": 4, "concrete": 2}
"""Words that are enough of a feature."""


def _is_exact(prepared: _Prepared, drops: bool, adds: bool) -> bool:
    """Whether an edit can be carried out word for word: it quotes what goes, and says what comes instead."""
    if adds:
        return bool(prepared.quotes or prepared.content)
    if not prepared.quotes or only_judges(prepared.quotes[-1]):
        return False
    return len(prepared.quotes) > 1 or prepared.fresh > 0 or drops


def _inexact(prepared: _Prepared, text: str, edit: bool, drops: bool, concrete: float) -> tuple[Statement, bool]:
    """A statement that is no exact edit, and whether it tells what to do about the one before it."""
    low, words, asks = prepared.low, prepared.words, "?" in text
    contrast = bool(_CONTRAST.search(low))
    fault, denial = not words.isdisjoint(_FAULT), bool(_DENIAL.search(low))
    lack = not edit and bool(_LACK.search(low))
    about_text = edit or fault or lack or asks or not words.isdisjoint(_ABOUT_TEXT)
    fact = prepared.fresh > 0 and len(words) >= _FEWEST and not (about_text or denial)
    usable = fact or ((edit or contrast) and (prepared.fresh > 0 or drops))
    vague = not usable and not words.isdisjoint(_VAGUE)
    # "Change it to something more accurate" says no more than "it is inaccurate".
    hollow = edit and (vague or (bool(prepared.quotes) and only_judges(prepared.quotes[-1])))
    fresh = min(1.0, prepared.fresh / _FULL["fresh"])
    statement = Statement(
        text,
        points=prepared.points,
        fresh=fresh,
        concrete=concrete,
        fact=float(fact),
        named=fresh if lack else 0.0,
        verdict=float(hollow or ((fault or asks) and not edit and not contrast)),
        lack=float(lack),
        denial=float(denial and not edit and not contrast),
        abstract=float(prepared.fresh < 2 and not edit and not words.isdisjoint(_ABSTRACT)),
        vague=float(vague),
    )
    return statement, not statement.verdict and (edit or contrast or fact)


def _is_denied(low: str, content: frozenset[str], caption: frozenset[str]) -> bool:
    """Whether the statement says that the video does not show what it names."""
    return bool(_NOT_SHOWN.search(low) or (content <= caption and _THERE_IS_NONE.search(low)))


def _order(low: str) -> re.Match[str] | None:
    """The instruction that a statement begins with. "Describing it as red is wrong" is none."""
    order = _ORDER.match(low)
    if order and (order["verb"] or "").endswith("ing") and not order["advised"]:
        return None
    return order


def _quoted(quotes: list[str], caption: frozenset[str]) -> tuple[bool, set[str]]:
    """Whether one of the quotations is the caption's, and the words of content in them that the caption has not."""
    located, fresh = False, set()
    for quote in quotes:
        quoted_words = _WORD.findall(normalize(quote))
        here = [stem(word) in caption for word in quoted_words]
        located |= bool(quoted_words) and sum(here) >= _NEARLY_ALL * len(quoted_words)
        fresh.update(
            stem(word) for word, known in zip(quoted_words, here, strict=True) if not known and word not in _EMPTY
        )
    return located, fresh


@lru_cache(maxsize=8)
def _caption_stems(caption: str) -> frozenset[str]:
    """The words of a caption as statements are compared with them."""
    return stems(_WORD.findall(normalize(caption)))
