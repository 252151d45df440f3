"""The embedded engine: composes drafts from statements, applies findings as edits, joins captions.

Deterministic and without a network or a model, so that the whole loop runs anywhere. It reads a request's
`context` and ignores its prompt; what an edit is stands in `edits.py`.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from pydantic import BaseModel, ValidationError

from chai_resources.captioners.engines.edits import revise, upper_first, words
from chai_resources.captioners.protocol import Capabilities, Captioner, CaptionError, Request, Result, TaskName

_CAMERA = re.compile(r"(?i)\bcamera\b")
# Sentences that can share a subject: nothing but a subject, one of these verbs and plain words.
_VERBS = "is|has|does|stays|moves|pans|tilts|rolls|zooms|dollies|trucks|pedestals|cranes|arcs|tracks|looks"
_SIMPLE = re.compile(rf"(?P<doer>The \w+) (?P<rest>(?:{_VERBS}) [\w'’ -]+)\.")
_JOINERS = {"and", "but", "or", "while", "as", "which", "that", "who", "then", "before", "after", "until"}
_LONGEST_JOINED = 16
"""Words of a joined sentence: beyond that, two sentences read better."""


class NothingToSay(Exception):
    """The request leaves the engine without a text; the message says why and what to do."""


class _Draft(BaseModel):
    statements: list[str]


class _Finding(BaseModel):
    kind: str
    quote: str | None
    start: int | None
    end: int | None
    fix: str | None


class _Revise(BaseModel):
    draft: str
    findings: list[_Finding]


class _Caption(BaseModel):
    aspect: str
    text: str


class _Merge(BaseModel):
    captions: list[_Caption]


class _Polish(BaseModel):
    text: str
    kept: list[str]


class OfflineCaptioner(Captioner):
    """A `Captioner` of rules. The same request has the same answer everywhere, at any time."""

    model = "offline"
    revision = "1"
    capabilities = Capabilities()

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        """One result for each request, in order, as the requests come in."""
        return map(self._answer, requests)

    def _answer(self, request: Request) -> Result:
        write = _TASKS.get(request.task)
        if request.task in _NEEDS_A_MODEL:
            return self._failed(request, "unsupported", _NEEDS_A_MODEL[request.task])
        if write is None:
            return self._failed(request, "malformed", f"no task {request.task!r}: use {', '.join(_TASKS)}")
        try:
            text = write(request.context)
        except NothingToSay as reason:
            return self._failed(request, "nothing_to_say", str(reason))
        except ValidationError as error:
            return self._failed(request, "malformed", f"the context of {request.task} {request.key}: {error}")
        return Result(
            key=request.key,
            model=self.model,
            served_revision=self.revision,
            text=text,
            finish_reason="stop",
            tokens_in=len(request.prompt.split()),
            tokens_out=len(text.split()),
        )

    def _failed(self, request: Request, code: str, message: str) -> Result:
        error = CaptionError("permanent", code, message)
        return Result(key=request.key, model=self.model, served_revision=self.revision, error=error)


def compose(statements: Iterable[str]) -> str:
    """A caption of the statements in their order: each said once, short neighbors of one subject joined."""
    sentences: list[str] = []
    for sentence in dict.fromkeys(_sentence(statement) for statement in statements if words(statement)):
        joined = _joined(sentences[-1], sentence) if sentences else None
        if joined:
            sentences[-1] = joined
        else:
            sentences.append(sentence)
    return " ".join(sentences)


def merge(captions: Iterable[tuple[str, str]]) -> str:
    """One paragraph of the (aspect, text) captions in their order, that of the camera first; nothing is said twice.

    A video generator that cuts a long prompt shall lose something else than the camera work.
    """
    given = [list(_sentences(text)) for _, text in captions]
    of_camera = max(given, key=_share_of_the_camera, default=[])
    said: dict[str, None] = {}
    parts: list[str] = []
    for sentences in [of_camera, *(each for each in given if each is not of_camera)]:
        for sentence in sentences:
            # A piece of one or two words may be an abbreviation ("Mr."), not a sentence.
            if sentence in said and len(sentence.split()) > 2:
                continue
            said[sentence] = None
            parts.append(sentence)
    return " ".join(parts)


def _share_of_the_camera(sentences: list[str]) -> float:
    """The share of a caption's sentences that name the camera."""
    return sum(bool(_CAMERA.search(sentence)) for sentence in sentences) / max(1, len(sentences))


def _draft_text(context: dict) -> str:
    text = compose(_Draft.model_validate(context).statements)
    if not text:
        raise NothingToSay(
            "no statement follows from the labels, so there is nothing to write: "
            "answer at least one attribute of this aspect"
        )
    return text


def _revise_text(context: dict) -> str:
    asked = _Revise.model_validate(context)
    text = revise(asked.draft, [finding.model_dump() for finding in asked.findings])
    if not words(text):
        raise NothingToSay("the findings remove the whole draft: say in a fix what it should say instead")
    return text


def _merge_text(context: dict) -> str:
    text = merge((caption.aspect, caption.text) for caption in _Merge.model_validate(context).captions)
    if not text:
        raise NothingToSay("there is no caption to merge: approve the clip's captions first")
    return text


def polish(text: str, kept: Iterable[str]) -> str:
    """The text with single spaces, a capital at its start and a full stop; the words of `kept` as they are."""
    longest_first = sorted(filter(None, kept), key=len, reverse=True)
    pieces = re.split(f"({'|'.join(map(re.escape, longest_first))})", text.strip()) if longest_first else [text.strip()]
    # Every second piece is one of `kept`.
    pieces[::2] = [re.sub(r" +(?=[.,;:!?])", "", re.sub(r"\s+", " ", piece)) for piece in pieces[::2]]
    pieces[0] = upper_first(pieces[0]) if words(pieces[0]) else pieces[0]
    whole = "".join(pieces).strip()
    return whole if whole.rstrip("\"'”’)]").endswith((".", "!", "?", "…")) else f"{whole}."


def _polish_text(context: dict) -> str:
    asked = _Polish.model_validate(context)
    if not words(asked.text):
        raise NothingToSay("the critique has no words to polish")
    return polish(asked.text, asked.kept)


_TASKS: dict[TaskName, Callable[[dict], str]] = {
    "draft": _draft_text,
    "revise": _revise_text,
    "merge": _merge_text,
    "polish": _polish_text,
}
_SET_ONE = "set CHAI_CAPTIONER to openai or gemini, and CHAI_MODEL"
_NEEDS_A_MODEL: dict[TaskName, str] = {
    "judge": f"the engine offline has no probabilities to judge with: {_SET_ONE}",
    "critique": f"the engine offline cannot see the clip that it is to criticize a caption of: {_SET_ONE}",
}


def _sentence(statement: str) -> str:
    text = upper_first(" ".join(statement.split()))
    return text if text.rstrip("\"'”’)]").endswith((".", "!", "?", "…")) else text.rstrip(",;:") + "."


def _sentences(text: str) -> list[str]:
    paragraph = " ".join(text.split())
    if not words(paragraph):
        return []
    return re.split(r"(?<=[.!?…])\s+(?=[\"'“‘(\[]?[A-Z0-9])", _sentence(paragraph))


def _joined(first: str, second: str) -> str | None:
    """Both sentences as one, the subject said once; None where that could read wrong."""
    a, b = _SIMPLE.fullmatch(first), _SIMPLE.fullmatch(second)
    if not a or not b or a["doer"] != b["doer"]:
        return None
    told = f"{a['rest']} {b['rest']}".split()
    if len(told) + 3 > _LONGEST_JOINED or _JOINERS & set(told):
        return None
    return f"{a['doer']} {a['rest']} and {b['rest']}."
