"""How people ask in prose for a change of a draft: the patterns of speech, and what each asks for.

A pattern reads one passage (see `quotations.py`) and gives edit requests: replace these words by those, remove these,
add this. Whether the words stand in the draft, and where, is not known here. Every repetition in a pattern is
bounded, so that time grows with the length of the text and not faster.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chai_assets.critique.prose.quotations import IN_DRAFT, NOT_IN_DRAFT, Passage
from chai_resources.captioners.engines.edits import upper_first


@dataclass(frozen=True)
class EditRequest:
    """`old` shall read `new`, or go where `new` is empty; with `old` empty, `new` shall be said as well.

    `within` is a longer quotation that `old` stands in; `about` the writer's own words around the quotations.
    """

    old: str
    new: str
    about: str
    within: str = ""


_QUOTE = f"[{IN_DRAFT}{NOT_IN_DRAFT}]"
_PLAIN = rf"[^\s{IN_DRAFT}{NOT_IN_DRAFT}.;!?]"


def _some(most: int) -> str:
    """Up to so many plain words, as few as will do."""
    return rf"(?:{_PLAIN}{{1,40}} ){{0,{most}}}?[:(]?"


_REPLACE = (
    r"(?:chang|replac|revis|correct|modif|substitut|rephras|reword|updat|edit|adjust|alter|swap|amend|rewrit|"
    r"renam|simplif|refin|fix)(?:e|y|ing|ying|ed|ied)?"
)
_REMOVE = r"(?:remov|delet|omit|drop|exclud|eliminat|tak(?=\w+ out)|cut)(?:e|t|p|ing|ting|ping)?(?: out)?"
_REMOVED = r"(?:removed|deleted|omitted|dropped|excluded|eliminated|left out|taken out|cut)"
_MODAL = r"(?:should|must|needs? to|could|can|would|ought to|may|might)"
_ARROW = r"(?:-{1,3}>|={1,3}>|→|⇒|—>|–>)"
_NAMED = (
    r"(?:words?|phrases?|terms?|sentences?|parts?|portions?|statements?|descriptions?|mentions?|details?|claims?|"
    r"expressions?|references?|lines?|sections?|segments?|clauses?|text|adjectives?|caption|it|saying|stating|"
    r"that|of|about|to|mentioning|and|or|as|the|that says|which says)"
)
_LIST = rf"{_QUOTE}(?:,? ?(?:and |or |as well as |& )?(?:also )?(?:the )?(?:{_NAMED} )?{_QUOTE}){{0,8}}"
_OLD, _NEW, _WITHIN = f"(?P<old>{IN_DRAFT})", f"(?P<new>{_QUOTE})", f"(?P<within>{IN_DRAFT})"
# A full stop inside a number or an abbreviation does not end what is said.
_SAID = rf"(?P<said>(?:[^{IN_DRAFT}{NOT_IN_DRAFT}.;!?]|\.(?=\w)){{1,160}})(?=[.;!?]|\Z)"
_IN_IT = rf"(?: (?:from|in|within) {_some(4)}{_WITHIN})?"


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_INSTEAD = r"(?:instead of|rather than|in place of)"
_BETTER = r"(?:instead |rather |more accurately |also )?(?:be|say|read|state|use)\b[:,]?"
_RESUMED = rf"[^\s{IN_DRAFT}{NOT_IN_DRAFT}]{{0,40}}[.;,] (?:it|this|they|these|instead|rather|please|you)\b,?"
_ITEM = r"(?:\A|[.;:] )(?:\W{0,3}\d{1,2}\W{1,2})?"

# In order of trust: a quotation that one rule has read is not read by a later one.
_REPLACING = [
    _rule(rf"{_OLD} ?{_ARROW} ?{_NEW}"),
    _rule(
        rf"\b{_REPLACE}[ :]{_some(8)}{_OLD},? {_some(6)}(?:to|with|by|into|as|for|{_ARROW})[:,]? "
        rf"{_some(6)}{_NEW}{_IN_IT}"
    ),
    _rule(rf"\b{_REMOVE} {_some(5)}{_OLD},? {_some(5)}(?:replace|use|say|write|put|substitut)\w* {_some(6)}{_NEW}"),
    _rule(rf"{_ITEM}{_INSTEAD} {_some(6)}{_OLD},? {_some(16)}{_NEW}"),
    _rule(rf"{_NEW},? {_some(4)}(?:{_INSTEAD}|and not|but not|not) {_some(6)}{_OLD}"),
    _rule(rf"\bnot {_some(5)}{_OLD}[,;]? {_some(3)}(?:but|rather|instead)\b,? {_some(5)}{_NEW}"),
    _rule(rf"{_OLD},? {_some(8)}{_MODAL} {_BETTER} {_some(7)}{_NEW}"),
    _rule(
        rf"{_OLD},? {_some(10)}{_RESUMED} {_some(7)}(?:say|state|use|read|to|be|as|with|write)[:,]? {_some(4)}{_NEW}"
    ),
]
_CHAINED = _rule(rf"(?:and|,|;) {_some(3)}{_OLD} (?:to|with|by|into) {_NEW}")
_REMOVING = [
    _rule(rf"\b{_REMOVE}[ :]?{_some(6)}(?P<list>{_LIST}){_IN_IT}"),
    _rule(rf"(?P<list>{_LIST}),? {_some(8)}{_MODAL} (?:also |therefore |thus )?be {_some(1)}{_REMOVED}\b"),
    _rule(
        rf"(?P<list>{_LIST}),? {_some(8)}{_PLAIN}{{0,40}}[,;.] (?:so |and |therefore,? )?(?:please |kindly )?{_REMOVE} "
        r"(?:it|them|this (?:part|phrase|term|word|sentence|statement))\b"
    ),
]
_SAYING = [
    _rule(rf"\b{_REPLACE}[ :]{_some(6)}{_OLD},? (?:to|with|by|into):? {_SAID}"),
    _rule(
        rf"{_OLD},? {_some(2)}(?:should|must) (?:instead |rather )?(?:be|say|read|state)"
        rf"(?: {_REPLACE} (?:to|as|with))? {_SAID}"
    ),
]
_ADDING = _rule(
    r"(?:\A|[.;:] |\b(?:please|should|must|to|also|additionally|kindly|and),? )(?:also )?"
    rf"(?:mention|note|include|add) that,? {_SAID}"
)
# What cannot stand as a sentence of its own at the caption's end, or is not said outright.
_NO_STATEMENT = re.compile(
    r"\A(?:it|its|he|she|they|his|her|their|this|these|those|that)\b|"
    r"\b(?:descriptions?|captions?|unclear|difficult|not|never|rather|instead|may|might|seems?|appears?|should|could|"
    r"likely|possibly|actually|simply|because|since)\b|n['’]t\b",
    re.IGNORECASE,
)
_FEWEST_STATED = 5
_NEGATED = re.compile(r"\b(?:not|never|nor|without|keep|retain|maintain)\b|n['’]t\b", re.IGNORECASE)
# "Remove all that has to do with X" is more than to remove the word.
_WIDER = re.compile(
    r"\b(?:related|relating|regarding|concerning|references?|concepts?|idea|descriptions of)\b", re.IGNORECASE
)
_SENTENCE_START = re.compile(r"[.!?;] ")


def find_edit_requests(passage: Passage) -> Iterator[EditRequest]:
    """What a passage asks for, in no particular order; each quotation is read once."""
    read: set[int] = set()
    if passage.quotes:
        yield from _replacements(passage, read)
        yield from _removals(passage, read)
        yield from _unquoted_replacements(passage, read)
    yield from _unquoted_arrow(passage)
    yield from _additions(passage)


def _replacements(passage: Passage, read: set[int]) -> Iterator[EditRequest]:
    for rule in _REPLACING:
        for match in rule.finditer(passage.prose):
            names = [name for name, value in match.groupdict().items() if value]
            at = {name: match.start(name) for name in names}
            if read & set(at.values()) or _denied(passage.prose, match, rule):
                continue
            read.update(at.values())
            quoted = {name: passage.quotes[position] for name, position in at.items()}
            yield EditRequest(quoted["old"], quoted["new"], _about(passage.prose, match), quoted.get("within", ""))
    if re.search(rf"\b{_REPLACE}\b", passage.prose, re.IGNORECASE):
        for match in _CHAINED.finditer(passage.prose):
            old, new = match.start("old"), match.start("new")
            if not {old, new} & read:
                read |= {old, new}
                yield EditRequest(passage.quotes[old], passage.quotes[new], _about(passage.prose, match))


def _removals(passage: Passage, read: set[int]) -> Iterator[EditRequest]:
    for rule in _REMOVING:
        for match in rule.finditer(passage.prose):
            verb = passage.prose[match.start() : match.start("list")]
            if _denied(passage.prose, match, rule) or _WIDER.search(verb):
                continue
            if not _whole_object(passage.prose, match.start("list"), rule):
                continue
            within = match.groupdict().get("within")
            holder = passage.quotes[match.start("within")] if within else ""
            for at in range(match.start("list"), match.end("list")):
                if at in passage.quotes and at not in read:
                    read.add(at)
                    yield EditRequest(passage.quotes[at], "", _about(passage.prose, match), holder)


def _unquoted_replacements(passage: Passage, read: set[int]) -> Iterator[EditRequest]:
    for rule in _SAYING:
        for match in rule.finditer(passage.prose):
            at = match.start("old")
            if at in read or _denied(passage.prose, match, rule):
                continue
            if wording := _words_to_put(match["said"]):
                read.add(at)
                yield EditRequest(passage.quotes[at], wording, _about(passage.prose, match))


def _unquoted_arrow(passage: Passage) -> Iterator[EditRequest]:
    """A whole passage "these words -> those words"."""
    if passage.quotes:
        return
    sides = re.split(rf" ?{_ARROW} ?", passage.prose)
    if len(sides) == 2:
        old = re.sub(r"\A\W{0,3}(?:\d{1,2}[.)、]\s?)?", "", sides[0])
        yield EditRequest(old, sides[1], "")


def _additions(passage: Passage) -> Iterator[EditRequest]:
    for match in _ADDING.finditer(passage.prose):
        wording = match["said"].strip(" ,:")
        if len(wording.split()) >= _FEWEST_STATED and not _NO_STATEMENT.search(wording):
            yield EditRequest("", upper_first(wording), "")


_NO_WORDS = frozenset(
    re.findall(
        r"\w+",
        """indicate reflect specify clarify mention include describe show emphasize state say be better more less
        ensure improve avoid convey highlight note make provide capture match align depict represent express
        something either only just also not removed deleted omitted described mentioned specified stated noted
        considered included revised changed clarified adjusted modified replaced corrected rephrased updated
        referred called labeled labelled identified in simply fully used avoided kept placed""",
    )
)
_REASON = re.compile(
    r",? (?:because|since|as (?:it|the|there|this|they|he|she)|"
    r"to (?:better|accurately|reflect|avoid|more|be|make|match)|"
    r"for (?:clarity|accuracy|better|more|greater|consistency|precision)|"
    r"in order|so that|instead|rather than|not|when)\b.*"
    r"|, (?:which|and|but)\b.*",
    re.IGNORECASE,
)
_MOST_SAID = 14


def _words_to_put(wording: str) -> str:
    """An unquoted wording without the reason given for it; empty where it is an instruction and no wording."""
    wording = _REASON.sub("", wording.strip()).strip(" ,:")
    tokens = re.findall(r"[\w'’-]+", wording)
    if not tokens or len(tokens) > _MOST_SAID or tokens[0].casefold() in _NO_WORDS:
        return ""
    return wording


def _denied(prose: str, match: re.Match[str], rule: re.Pattern[str]) -> bool:
    """Whether the sentence says not to do so. The word `not` is allowed where the pattern itself has it."""
    if "not" in rule.pattern:
        return False
    before = _SENTENCE_START.split(prose[max(0, match.start() - 40) : match.start()])[-1]
    return bool(_NEGATED.search(before[-25:]) or _NEGATED.search(match.group()))


def _whole_object(prose: str, at: int, rule: re.Pattern[str]) -> bool:
    """Whether what goes is the quotation itself, not something that the quotation is a part of."""
    if rule is _REMOVING[0]:
        return True
    before = _SENTENCE_START.split(prose[:at][-60:])[-1]
    tokens = re.findall(r"[\w'’]+", before)
    return not tokens or re.fullmatch(_NAMED, tokens[-1], re.IGNORECASE) is not None


def _about(prose: str, match: re.Match[str]) -> str:
    """The sentences that a match lies in."""
    before = _SENTENCE_START.split(prose[max(0, match.start() - 80) : match.start()])[-1]
    after = _SENTENCE_START.split(prose[match.end() : match.end() + 80])[0]
    return before + match.group() + after
