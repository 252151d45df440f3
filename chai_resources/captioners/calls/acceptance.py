"""Which answers of a model never reach a person: empty, cut off, refused, going round in circles, no caption at all.

Pure. What is only wrapping is taken off first. A text that passes may still be a bad caption: people say that.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from chai_resources.captioners.calls import model_talk
from chai_resources.captioners.calls.answer_body import harmless, plain
from chai_resources.captioners.calls.language import other_language
from chai_resources.captioners.calls.unwrapping import only_reasons, unwrapped, without_reasoning
from chai_resources.captioners.protocol import CaptionError, ErrorKind, Request, Result, TaskName

CAPTIONS: frozenset[TaskName] = frozenset({"draft", "revise", "merge"})
"""Tasks whose answer is a caption; that of the others may be about a caption, or ask a question."""
_FINISHED = frozenset({"stop", "eos_token", "end_turn", "eos", "stop_sequence", ""})
_REFUSED = frozenset({"refusal", "content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii"})
_REFUSED |= {"image_safety", "image_prohibited_content", "image_recitation", "model_armor", "sensitive"}
_CUT_OFF = frozenset({"length", "max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded"})
_INTERRUPTED = frozenset({"abort", "error", "cancelled", "timeout"})
_TOOLS = frozenset({"tool_calls", "function_call", "malformed_function_call", "unexpected_tool_call", "tool_use"})
_TOOLS |= {"too_many_tool_calls", "malformed_response", "no_image", "image_other", "missing_thought_signature"}

_BROKEN = re.compile("[\x00\ud800-\udfff\ufffd]")
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”')
_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_FORM = "try CHAI_MODEL_STRUCTURED=yes, or another model"
_ANOTHER = "try another model, or word its prompt more firmly"
LONGEST = 30_000
"""Characters of a text; no caption or critique is near it, and what compares texts takes the square of their length."""
_RUN = 8
"""Words of a run that is counted."""
_TIMES = 4
"""So often does no caption repeat a run of that length; a model that loops does."""
_ONE_SIGN = re.compile(r"([^\s\d.\-_=*])\1{19,}")
_STUTTERS = 8
"""So often in a row does no caption say the same one to five words."""
_SHORT = 80
_FOREIGN = 0.2
"""Share of letters outside the Latin script from which on a text is not English. A quoted sign stays far below."""
_LETTERS = 0.55
"""Share of letters and spaces below which a text is no prose; captions stay above 0.9."""
_ECHOED = 10
"""Words of a prompt's first line that nobody writes by chance."""
_COMMON = frozenset(
    re.findall(r"\w+", "a an and are as at from his her in into is it its of on or that the their then this to with")
)
_UNFINISHED = (
    "the answer is reasoning without an end: raise CHAI_MODEL_MAX_TOKENS, or switch the model's reasoning off at its "
    "server"
)


def settled(request: Request, result: Result) -> Result:
    """The answer as it is handed on: its text without wrapping, or why it may not be used; `raw` where that differs."""
    said = result.text or ""
    structured = bool(request.schema)
    if request.choices:
        text, error = said, finish_fault(said, result.finish_reason)
    elif structured:
        text = without_reasoning(said) if json_object(said) is None else said
        error = fault(text, result.finish_reason, structured=True)
    else:
        caption = request.task in CAPTIONS
        text = unwrapped(said, marks=caption) if len(said) <= LONGEST else said
        error = finish_fault(said, result.finish_reason) or (
            CaptionError("permanent", "reasoning", _UNFINISHED) if only_reasons(said) else None
        )
        error = error or fault(text, result.finish_reason, prompt=request.prompt, caption=caption)
    raw = said if said and (error or text != said) else None
    return harmless(replace(result, text=None if error else text, error=error, raw=raw))


def fault(
    text: str, finish_reason: str, structured: bool = False, prompt: str = "", caption: bool = True
) -> CaptionError | None:
    """Why this answer may not be used, with the remedy; None where it may. Finish reasons in small letters.

    `structured`: it has to be a JSON object. `prompt`: what was asked, which no answer repeats. `caption`: it is one,
    and no text about one.
    """
    if error := finish_fault(text or " ", finish_reason):
        return error
    if _BROKEN.search(text):
        return _permanent("broken_text", f"the answer holds half characters ({_shown(text)}): {_ANOTHER}")
    if not text.strip():
        return _permanent("empty", "the model answered nothing: try another model")
    if model_talk.REFUSAL.match(text):
        return CaptionError("blocked", "refused", f"the model refused ({_shown(text)}): caption it by hand")
    if structured:
        return None if json_object(text) is not None else _no_json(text)
    rules: list[tuple[str, ErrorKind, str, Callable[[str], object]]] = [*_ANY_TEXT, *(_CAPTION if caption else [])]
    for code, kind, why, holds in rules:
        if holds(text):
            return CaptionError(kind, code, f"{why} ({_shown(text)}): {_remedy(code)}")
    if prompt and _echoes(text, prompt):
        return _permanent("prompt", f"the answer repeats its prompt ({_shown(text)}): {_ANOTHER}")
    return None


def finish_fault(text: str, finish_reason: str) -> CaptionError | None:
    """Why an answer that ended so may not be used. One that holds nothing at all may pass: it is asked for again."""
    if finish_reason in _CUT_OFF:
        return _permanent("truncated", "the answer was cut off at the token limit: raise CHAI_MODEL_MAX_TOKENS")
    if finish_reason in _REFUSED:
        return CaptionError("blocked", "refused", f"the model stopped with {finish_reason}: caption this clip by hand")
    if finish_reason == "language":
        return _permanent("language", "the model says that it does not take the prompt's language: try another model")
    if finish_reason in _TOOLS:
        return CaptionError("retryable", "tool", f"the model called a tool ({finish_reason}), and has none: {_ANOTHER}")
    if finish_reason in _INTERRUPTED:
        return CaptionError("retryable", "interrupted", f"the server stopped with {finish_reason}: run again")
    if finish_reason not in _FINISHED:
        return CaptionError("retryable", "unfinished", f"the model stopped with {plain(finish_reason, 60)}: run again")
    return None if text else CaptionError("retryable", "empty", "the model answered nothing: try another model")


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object that an answer is, in a code fence or without; None where it is none that can be stored."""
    fenced = _FENCE.fullmatch(text.strip())
    try:
        value = json.loads(fenced[1] if fenced else text)
        storable = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and rb"\u0000" not in storable else None


def _no_json(text: str) -> CaptionError:
    return _permanent("no_json", f"the answer is not the JSON that was asked for ({_shown(text, 40)}): {_FORM}")


def _permanent(code: str, message: str) -> CaptionError:
    return CaptionError("permanent", code, message)


def _shown(text: str, longest: int = 80) -> str:
    return repr(plain(text.strip()[: longest + 1], longest))


def _remedy(code: str) -> str:
    known = {
        "repeated": "try another model or sampling",
        "language": "say so in the prompt",
        "refused": "caption it by hand",
        "too_long": "lower CHAI_MODEL_MAX_TOKENS, or try another model",
    }
    return known.get(code, _ANOTHER)


def _blank(text: str) -> bool:
    return (len(text) <= _SHORT and bool(model_talk.BLANK.fullmatch(text))) or not any(map(str.isalnum, text))


def _unquoted(text: str) -> str:
    """The text without what it quotes: a sign may say anything."""
    return _QUOTED.sub(lambda quoted: "_" * len(quoted.group()), text)


def _circles(text: str) -> bool:
    said = text.lower().split()
    runs = Counter(tuple(said[at : at + _RUN]) for at in range(len(said) - _RUN + 1))
    return any(times >= _TIMES for times in runs.values()) or _stutters(said) or bool(_ONE_SIGN.search(text))


def _stutters(said: list[str]) -> bool:
    """Whether the same one to five words stand there again and again."""
    plain_words = [word.strip(".,;:!?") for word in said]
    for length in range(1, 6):
        same = 0
        for at in range(length, len(plain_words)):
            same = same + 1 if plain_words[at] == plain_words[at - length] else 0
            if same >= length * (_STUTTERS - 1):
                return True
    return False


def _foreign(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    # The Latin script ends with its extended part B.
    return sum(ord(letter) > 0x24F for letter in letters) / max(1, len(letters)) > _FOREIGN


def _garbage(text: str) -> bool:
    """Whether a text is no prose: mostly signs, or many words of which none is a common one."""
    prose = sum(letter.isalpha() or letter.isspace() for letter in text)
    words = re.findall(r"[a-z']+", text.lower())
    return prose < _LETTERS * len(text) or (len(words) >= 20 and not _COMMON.intersection(words))


def _questions(text: str) -> bool:
    """Whether a text asks its reader something, and says nothing else."""
    said = _unquoted(text).strip()
    sentences = [part for part in re.split(r"(?<=[.!?])\s+", said) if part]
    return bool(model_talk.ASKS.search(said)) or all(part.endswith("?") for part in sentences)


def _data(text: str) -> bool:
    """Whether a text is a JSON object or list, whole or broken."""
    said = text.strip()
    return bool(re.match(r"\{\s*[\"'}]|\[\s*[\[{\"\]]", said))


def _echoes(text: str, prompt: str) -> bool:
    """Whether a text holds a heading or the first line of its prompt. Prompts end with captions, which answers keep."""
    lines = [line.strip() for line in prompt.splitlines() if line.strip()]
    said = _folded([text])
    if any(line.startswith("## ") and line in text for line in lines):
        return True
    return any(len(line.split()) >= _ECHOED and _folded([line]) in said for line in lines[:1])


def _folded(lines: Iterable[str]) -> str:
    return " ".join(" ".join(lines).casefold().split())


_ANY_TEXT: list[tuple[str, ErrorKind, str, Callable[[str], object]]] = [
    ("too_long", "permanent", f"the answer is longer than {LONGEST:,} characters", lambda text: len(text) > LONGEST),
    ("repeated", "permanent", "the answer goes round in circles", _circles),
    ("language", "permanent", "the answer is not English", _foreign),
    ("blank", "permanent", "the answer says nothing", _blank),
    ("tokens", "permanent", "the answer holds control tokens", model_talk.TOKENS.search),
    ("json", "permanent", "the answer is data instead of a text", _data),
]
_CAPTION: list[tuple[str, ErrorKind, str, Callable[[str], object]]] = [
    ("refused", "blocked", "the model refused", lambda text: model_talk.TALK_OF_A_MODEL.search(_unquoted(text))),
    ("markup", "permanent", "the answer holds markup", model_talk.MARKUP.search),
    (
        "placeholder",
        "permanent",
        "the answer has a blank to be filled in",
        lambda text: model_talk.PLACEHOLDER.search(_unquoted(text)),
    ),
    ("talk", "permanent", "the answer talks about its task", model_talk.PLANNING.match),
    ("question", "permanent", "the answer asks a question", _questions),
    (
        "options",
        "permanent",
        "the answer is a choice of several",
        lambda text: len(model_talk.OPTION.findall(text)) > 1,
    ),
    ("language", "permanent", "the answer is not English", other_language),
    ("garbage", "permanent", "the answer is no prose", _garbage),
]
