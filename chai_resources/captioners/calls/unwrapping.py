"""Taking a text out of what a model wraps around it: reasoning, control tokens, announcements, fences, labels, quotes.

By rule, and only what is surely no part of the text: an answer that is a bare caption keeps every byte. What is left
may still be no caption; `acceptance.py` says so.
"""

import json
import re

_REASONING = re.compile(
    r"<(think|thinking|thought|thoughts|reasoning|reason|analysis|scratchpad|seed:think)\b[^>]*>.*?</\1>"
    r"|\[THINK\].*?\[/THINK\]|◁think▷.*?◁/think▷|<\|begin_of_thought\|>.*?<\|end_of_thought\|>"
    r"|<\|channel\|>(?:analysis|commentary)\b.*?<\|end\|>|<unused94>.*?<unused95>",
    re.IGNORECASE | re.DOTALL,
)
_REASONING_ENDS = re.compile(
    r"</(?:think|thinking|thought|thoughts|reasoning|reason|analysis|scratchpad|seed:think)>|\[/THINK\]|◁/think▷"
    r"|<\|end_of_thought\|>",
    re.IGNORECASE,
)
_REASONING_BEGINS = re.compile(
    r"<(?:think|thinking|thought|thoughts|reasoning|scratchpad|seed:think)>|\[THINK\]|◁think▷|<\|begin_of_thought\|>"
    r"|<\|channel\|>analysis",
    re.IGNORECASE,
)
_TURN_BEGINS = re.compile(
    r"(?:<\|im_start\|>|<\|start_header_id\|>|<start_of_turn>|<\|start\|>|<\|turn>)\s*(?:assistant|model)\b\s*"
    r"(?:<\|end_header_id\|>|<\|channel\|>\s*final\s*<\|message\|>|<\|message\|>)?\s*"
    r"|<\|(?:assistant|begin_of_text|begin_of_solution|begin_of_box|message|bot|startoftext)\|>\s*|<(?:s|bos|BOS)>\s*"
    r"|<[｜|]Assistant[｜|]>\s*|<[｜|]begin▁of▁sentence[｜|]>\s*|<\|channel\|>\s*final\s*<\|message\|>\s*",
)
_TURN_ENDS = re.compile(
    r"<\|(?:im_end|im_start|eot_id|eom_id|eot|end|end_of_text|endoftext|end_of_turn|end_of_sentence|end_header_id"
    r"|start_header_id|start|return|user|system|observation|assistant|end_of_box|end_of_solution|eos|pad|call)\|>"
    r"|</s>|<s>|<eos>|<EOS>|<eot>|<pad>|<\|?turn\|?>|<(?:end|start)_of_turn>|<end_of_utterance>"
    r"|<[｜|](?:end▁of▁sentence|User)[｜|]>"
    r"|\[/?INST\]|\[EOS\]|<</?SYS>>",
)
_NEXT_TURN = re.compile(
    r"\n[ \t]{0,8}(?:\#{1,6}[ \t]{0,4}|\*\*)?"
    r"(?:user|human|assistant|system|instruction|question|input|customer)[ \t]{0,4}(?:\*\*)?[ \t]{0,4}:"
    r"(?:\*\*)?(?:\s|$)",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"(?:\#{1,6}\s*)?(?:\*\*)?(?:assistant|model|ai|bot|response|answer|output|gpt|chatgpt)(?:\*\*)?\s*"
    r"(?::(?:\*\*)?\s*|\n+(?=\S))",
    re.IGNORECASE,
)
_WORD = r"[\w'’(),/&-]+"
_THING = (
    r"(?:captions?|descriptions?|paragraph|versions?|revisions?|drafts?|texts?|rewrite|critiques?|feedback|summary"
    r"|answer|response|output|result|correction|json)"
)
_SURE = (
    r"(?:certainly|sure(?:\ thing)?|of\ course|absolutely|okay|ok|great|alright|all\ right|no\ problem|got\ it"
    r"|understood|gladly|definitely|happy\ to\ help|thank\ you(?:\ for[^.!\n]{0,80})?|thanks)"
)


def _announcing(verbs: str) -> re.Pattern[str]:
    return re.compile(
        rf"""(?ix) (?:{_SURE}[!.,:]+\s+
        (?:i(?:['’]d\ be|\ would\ be|['’]m|\ am)\ (?:happy|glad)\ to[^.!:\n]{{0,60}}[.!:]\s*)?)?
        (?:(?:based\ on|given|according\ to|following|using|after)\ [^,.:\n]{{3,120}},\s+)?
        (?:{verbs}) \ (?:{_WORD}\ ){{0,8}}?{_THING}\b (?:\ [^\n:.]{{1,120}})? (?::\s*|\.?\s*\n+)"""
    )


_ANNOUNCED = _announcing(r"here(?:['’]s|\ is|\ are)|below\ is|the\ following\ is")
_CAPTION_ANNOUNCED = _announcing(r"this\ is|i(?:['’]ve|\ have)\ (?:written|revised|corrected)")
_EAGER = re.compile(rf"(?i){_SURE.replace(chr(92) + ' ', ' ')}!\s+(?=\S)")
_LABEL = re.compile(
    r"""(?ix) (?:\#{1,6}[ \t]{0,4})?(?:\*\*|__)?[ \t]{0,4}
    (?:(?:the|final|revised|corrected|updated|video|improved|new|merged|polished|short|detailed|full|generated|edited
    |combined)\s+){0,4}
    (?:(?:[a-z]\w{2,19}\s+){0,2}(?:caption|description|critique)|answer|response|output|revision|paragraph)\s*
    (?:\*\*|__)?\s*(?::\s*(?:\*\*|__)?\s*(?=\S)|(?<=[*_])\n+|(?<=\#)\n+)"""
)
_HEADING = re.compile(r"(?:\#{1,6}[ \t]+[^\n]{1,120}|\*\*[^*\n]{1,80}\*\*:?|__[^_\n]{1,80}__:?)[ \t]*\n+(?=\S)")
_LISTED = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)])\s+\S")
_FENCED = re.compile(r"(?P<fence>`{3,6}|~{3,6})[ \t]{0,4}[\w+-]{0,20}[ \t]{0,4}\n?(?P<inner>.*?)(?P=fence)", re.DOTALL)
_TAGGED = re.compile(
    r"<(caption|answer|output|response|description|final|final_caption|final_answer|result|revision|text|p)>"
    r"(?P<inner>.*?)</\1>",
    re.IGNORECASE | re.DOTALL,
)
_BOXED = re.compile(r"\\boxed\{(?:\\text\{)?(?P<inner>[^{}]*)\}?\}")
_OFFER = re.compile(
    r"""(?ix) (?: (?:please\ )?let\ me\ know\b | (?:please\ )?feel\ free\ to\b | i\ hope\ (?:this|that|it)\b
    | hope\ (?:this|that)\ helps | would\ you\ like\b | do\ you\ want\ me\b
    | if\ you(?:['’]d|\ would)?\ (?:like|need|want|have)\b
    | is\ there\ anything\ else\b | (?:i(?:['’]m|\ am)\ )?happy\ to\ (?:help|adjust|revise|make)\b )"""
)
_BOAST = re.compile(
    r"""(?ix) (?: (?:this|the)\ (?:above\ )?(?:caption|description|revision|paragraph)
    \ (?:accurately|follows|adheres|captures|reflects|incorporates|addresses|uses|avoids|meets|is\ based|contains
    |includes\ all)\b | thank\ you\b
    | i(?:['’]ve|\ have)?\ (?:kept|changed|corrected|removed|replaced|revised|made|ensured|avoided|followed|added
    |incorporated)\b )"""
)
_REMARK = re.compile(
    r"""(?ix) [\s(\[*_\#-]{0,12} (?: (?:please\ )?notes? | changes?(?:\ made)? | explanations?
    | corrections?\ made | word\ count
    | what\ (?:i|was)\ changed | key\ changes | summary\ of\ changes | reasoning | rationale | edits(?:\ made)?
    | disclaimer ) \s{0,4}(?:\*\*|__)?\s{0,4}:
    | \s{0,4}\(?\s{0,4}(?:word\ count:?\s{0,4})?\d{1,6}\s{1,4}(?:words|tokens|characters)\s{0,4}\)?[.\s]{0,4}\Z"""
)
_QUOTES = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "`": "`", "„": "“"}
_BOLD = re.compile(r"(\*\*\*|\*\*|___|__)(?=\S)(.{1,400}?)(?<=\S)\1", re.DOTALL)
_NAMES = frozenset(
    re.findall(
        r"\S+",
        """caption final_caption revised_caption corrected_caption video_caption description text answer response output
        revision critique polished_critique final result content""",
    )
)
_ROUNDS = 12
"""Wrappings in wrappings that are taken off; no model nests as many."""


def unwrapped(text: str, marks: bool = True) -> str:
    """The text without what is only wrapping; the same text where nothing is.

    With `marks` Markdown's headings, emphasis and list marks are wrapping as well: a caption has none.
    """
    said = text
    for _ in range(_ROUNDS):
        inner = _once(said, marks)
        if inner == said:
            break
        said = inner.strip()
    return said if said != text.strip() else text


def without_reasoning(text: str) -> str:
    """The text without reasoning and control tokens: all that is taken off an answer that has a form of its own."""
    said = _REASONING.sub("", text) if _REASONING_ENDS.search(text) or "<|channel|>" in text else text
    ends = list(_REASONING_ENDS.finditer(said))
    said = said[ends[-1].end() :] if ends else said
    said = _started(said)
    if end := _TURN_ENDS.search(said):
        said = said[: end.start()]
    return said.strip() if said != text else text


def only_reasons(text: str) -> bool:
    """Whether an answer begins to reason and never comes to an end with it."""
    said = _REASONING.sub("", text).lstrip()
    return bool(_REASONING_BEGINS.match(said)) and not _REASONING_ENDS.search(said)


def _started(text: str) -> str:
    """The text after the tokens that begin a turn."""
    said = text.lstrip()
    while begins := _TURN_BEGINS.match(said):
        said = said[begins.end() :]
    return said if said != text.lstrip() else text


def _once(text: str, marks: bool) -> str:
    said = without_reasoning(text).strip("\ufeff").strip()
    if turn := _NEXT_TURN.search(said):
        said = said[: turn.start()].rstrip()
    said = _without_rules(said)
    for pattern in (_ROLE, _ANNOUNCED, *([_CAPTION_ANNOUNCED] if marks else []), _EAGER, _LABEL):
        if (found := pattern.match(said)) and said[found.end() :].strip():
            said = said[found.end() :].strip()
    said = _without_last_words(said, marks)
    said = _unmarked(_headless(said)) if marks else said
    for pattern in (_FENCED, _TAGGED, _BOXED):
        if found := pattern.fullmatch(said):
            return found["inner"].strip()
    return _unquoted(_from_json(said))


def _without_last_words(text: str, boasts: bool) -> str:
    """The text without offers, notes and counts that follow it in paragraphs of their own, or in a last sentence."""

    def is_talk(part: str) -> bool:
        said = part.strip().lstrip("*_(# ")
        return bool(_OFFER.match(said) or (boasts and (_BOAST.match(said) or _REMARK.match(part))))

    breaks = [match for match in re.finditer(r"\n\s*\n", text) if text[: match.start()].strip()]
    first = next((at for at in breaks if is_talk(text[at.end() :].split("\n\n", 1)[0])), None)
    text = text[: first.start()].rstrip() if first else text
    body, _, last = text.rpartition("\n")
    if body.strip() and is_talk(last):
        return body.rstrip()
    sentences = list(re.finditer(r"(?<=[.!?”\"])\s+(?=[A-Z])", text))
    if sentences and _LEAVES.match(text[sentences[-1].end() :]):
        return text[: sentences[-1].start()]
    return text


_LEAVES = re.compile(
    r"(?i)(?:(?:please )?let me know\b|(?:please )?feel free to (?:ask|let|reach)\b|i hope (?:this|that|it) "
    r"|hope this helps|would you like me\b|do you want me\b|if you(?:['’]d| would) like\b|is there anything else\b)"
)


def _without_rules(text: str) -> str:
    """The text without lines that only draw a rule, above and below it."""
    lines = text.split("\n")
    while len(lines) > 1 and _is_rule(lines[0]):
        lines.pop(0)
    while len(lines) > 1 and _is_rule(lines[-1]):
        lines.pop()
    return "\n".join(lines).strip()


def _is_rule(line: str) -> bool:
    return (len(line.strip()) >= 3 and not line.strip("-*_=~ \t")) or not line.strip()


def _headless(text: str) -> str:
    """The text without a heading above it, where it is the only one."""
    found = _HEADING.match(text)
    rest = text[found.end() :] if found else ""
    structured = _HEADING.search(rest) or _LISTED.match(rest)
    return rest if rest.strip() and not structured else text


def _unmarked(text: str) -> str:
    """The text without Markdown's marks of emphasis, of a quotation, or of the one item of a list."""
    lines = text.split("\n")
    if all(line.startswith(">") for line in lines if line.strip()) and text.strip(">\n "):
        return "\n".join(line.lstrip("> ") for line in lines)
    if len(lines) == 1 and (item := re.match(r"(?:[-*•]|1[.)])\s+(?=\S)", text)):
        return text[item.end() :]
    return _BOLD.sub(r"\2", text)


def _unquoted(text: str) -> str:
    close = _QUOTES.get(text[:1])
    if close is None or len(text) < 3 or not text.endswith(close):
        return text
    inner = text[1:-1]
    outside = inner if close not in "'’" else re.sub(r"(?<=\w)['’](?=\w)", "", inner)
    return text if text[0] in outside or close in outside else inner


def _from_json(text: str) -> str:
    """The one text that a JSON answer holds under a name that means it; the answer itself where that is not so."""
    if text[:1] not in ("{", "[", '"'):
        return text
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        held = list(value.items())
        if len(held) != 1 or not isinstance(held[0][1], str | dict) or held[0][0].lower() not in _NAMES:
            return text
        inner = held[0][1]
        return inner if isinstance(inner, str) else json.dumps(inner, ensure_ascii=False)
    return value if isinstance(value, str) and value.strip() else text
