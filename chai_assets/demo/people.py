"""Practice annotators and reviewers: they know the true answers of the practice clips and make mistakes on purpose.

Here is what they answer; `run.py` submits it, under an account for each. Which mistake falls on which item is fixed, so
that every run of the demo goes the same way.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from chai_assets.core.rows import ClipRow, SourceRow
from chai_assets.critique import page as critique_page
from chai_assets.critique.findings import Finding
from chai_assets.critique.label_answers import LabelAnswers
from chai_assets.demo.material import Answers, slips, truth
from chai_assets.labeling import page as labeling_page
from chai_assets.review import feedback_page
from chai_assets.review import page as review_page
from chai_assets.spec.compile import statements
from chai_assets.spec.models import NOT_APPLICABLE, Spec
from chai_assets.workflow.records import TaskKind
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.captioners.protocol import Request

Habit = Literal["careful", "hasty", "overlooks", "disputed"]
"""How an item is critiqued and reviewed: `hasty` names one fault and refines in the next round, `overlooks`
calls a wrong draft perfect and is rejected, `disputed` is right, is rejected by mistake, and asks for a regrade."""

DISPUTED = 3
"""How many items a reviewer rejects by mistake."""

SECONDS: dict[TaskKind, float] = {"primitives": 95.0, "critique": 140.0, "review": 75.0, "feedback": 30.0}
"""Seconds a practice person claims to have spent on a page."""

_SENTENCE = re.compile(r"[^.!?]+[.!?]?")


@dataclass(frozen=True)
class Item:
    """A practice clip's aspect: the clip's file stem and shot number, and the aspect."""

    stem: str
    shot: int
    aspect: str


def caption_of(aspect: str, sentences: list[str]) -> str:
    """What the offline engine writes of these sentences: the caption a draft would be if its labels were right."""
    context = {"aspect": aspect, "statements": sentences, "upstream": {}}
    [result] = OfflineCaptioner().run([Request("truth", "truth", "draft", "", context)])
    if result.text is None:
        raise ValueError(f"practice answers of {aspect} make no caption: {result.error}")
    return result.text


def sentences_of(text: str) -> list[str]:
    """The sentences of a caption, trimmed."""
    return [part.strip() for part in _SENTENCE.findall(text) if part.strip()]


def same_facts(caption: str, true: str) -> bool:
    """Whether two captions say the same sentences, in whatever order."""
    return sorted(map(str.lower, sentences_of(caption))) == sorted(map(str.lower, sentences_of(true)))


@dataclass
class Script:
    """What practice people know and do: the truth of every item, the slips, and the habit of each item."""

    spec: Spec
    items: dict[str, tuple[str, int]]
    """(file stem, shot number) by clip id."""
    _truth: dict[tuple[str, int], dict[str, Answers]] = field(default_factory=truth)
    _slips: dict[tuple[str, int, str], Answers] = field(default_factory=slips)

    def answers(self, clip_id: str, aspect: str) -> Answers:
        """The true answers."""
        return self._truth[self.items[clip_id]][aspect]

    def slipped(self, clip_id: str, aspect: str) -> Answers:
        """What the annotator answers: the truth, with this item's slip if it has one."""
        return {**self.answers(clip_id, aspect), **self._slips.get((*self.items[clip_id], aspect), {})}

    def caption(self, clip_id: str, aspect: str) -> str:
        """The true caption."""
        return caption_of(aspect, statements(self.spec.aspects[aspect], self.answers(clip_id, aspect)))

    def slipped_items(self) -> set[tuple[str, str]]:
        """(clip, aspect) of the labels that are planted wrong."""
        return {
            (clip, aspect)
            for clip, shot in self.items.items()
            for aspect in self.spec.aspects
            if (*shot, aspect) in self._slips
        }

    def labeled_right(self, clip_id: str, aspect: str, answers: Answers) -> bool:
        """Whether these are the true answers, whatever says that a question does not apply."""
        true = self.answers(clip_id, aspect)
        names = {*true, *answers}
        return all(
            sorted(true.get(name) or [NOT_APPLICABLE]) == sorted(answers.get(name) or [NOT_APPLICABLE])
            for name in names
        )

    def habit(self, clip_id: str, aspect: str) -> Habit:
        """How this item goes, by its place among the slipped, or among the right ones."""
        item = (*self.items[clip_id], aspect)
        wrong = sorted(self._slips)
        if item in self._slips:
            return ("hasty", "careful", "overlooks")[wrong.index(item) % 3]  # type: ignore[return-value]
        right = sorted((*shot, name) for shot, by_aspect in self._truth.items() for name in by_aspect)
        disputed = [entry for entry in right if entry not in self._slips][:: max(1, len(right) // DISPUTED)]
        return "disputed" if item in disputed else "careful"


def respond(script: Script, kind: TaskKind, data: dict[str, Any]) -> list[dict[str, Any]]:
    """What a practice person submits on a task: the Label Studio result of its page."""
    answer = {"primitives": _label, "critique": _critique, "review": _review, "feedback": _feedback}[kind]
    return answer(script, data)


def _label(script: Script, data: dict[str, Any]) -> list[dict[str, Any]]:
    answers = script.slipped(data["clip_id"], data["aspect"])
    asked = script.spec.aspects[data["aspect"]].attributes
    given = {attribute.id: answers.get(attribute.id) or [NOT_APPLICABLE] for attribute in asked}
    return labeling_page.write(data, labeling_page.Labels(given, None, None))


def _critique(script: Script, data: dict[str, Any]) -> list[dict[str, Any]]:
    true, habit = (
        script.caption(data["clip_id"], data["aspect"]),
        script.habit(data["clip_id"], data["aspect"]),
    )
    shown = data["shown"]
    findings = differences(data["draft_id"], data["draft"], true)
    first = data["round"] == 1
    corrected = _corrected_labels(script, data)
    if first and habit == "overlooks":
        answer = critique_page.CritiqueAnswer(5, ())
    elif same_facts(shown, true):
        answer = critique_page.CritiqueAnswer(5, (), LabelAnswers(corrected, _both_right(data, corrected)))
    elif first and habit == "hasty" and len(findings) > 1:
        answer = critique_page.CritiqueAnswer(3, findings[:1], LabelAnswers(corrected))
    else:
        answer = critique_page.CritiqueAnswer(max(1, 5 - len(findings)), findings, LabelAnswers(corrected))
    return critique_page.write(data, answer)


def _corrected_labels(script: Script, data: dict[str, Any]) -> dict[str, list[str]]:
    """The true answers to the questions whose agreed answer is not true."""
    true = script.answers(data["clip_id"], data["aspect"])
    given = {row["key"]: (true.get(row["key"]) or [NOT_APPLICABLE], row["agreed"]) for row in _label_rows(data)}
    return {name: right for name, (right, agreed) in given.items() if sorted(right) != sorted(agreed)}


def _label_rows(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [*data["labels"], *data["label_texts"]]


def _both_right(data: dict[str, Any], corrected: Iterable[str]) -> str | None:
    """What is said where the linter errs: a true caption that it takes to contradict true labels."""
    left = [row for row in data["contradictions"] if not set(row["keys"]) & set(corrected)]
    return "The clip shows what both say." if left else None


def _review(script: Script, data: dict[str, Any]) -> list[dict[str, Any]]:
    clip_id, aspect = data["clip_id"], data["aspect"]
    true = script.caption(clip_id, aspect)
    caption = data["final"]
    ticks = tuple((finding["finding_id"], True) for finding in data["findings"])
    corrections = tuple((row["correction_id"], True) for row in data["corrections"])
    missed = tuple(s for s in sentences_of(true) if s.lower() not in map(str.lower, sentences_of(caption)))
    if not same_facts(caption, true):
        misses = missed or ("a sentence that the clip does not show",)
        answer = review_page.ReviewAnswer("reject", ticks, misses, ("critique_incomplete",), None, corrections)
    elif script.habit(clip_id, aspect) == "disputed" and data["grade"] == 1:
        doubt = ("The light changes towards the end.",)
        answer = review_page.ReviewAnswer(
            "reject", ticks, doubt, ("critique_incomplete",), "Please look again.", corrections
        )
    else:
        stands = None if data["label_stands"] else _both_right(data, ())
        answer = review_page.ReviewAnswer("approve", ticks, (), (), None, corrections, stands)
    return review_page.write(data, answer)


def _feedback(script: Script, data: dict[str, Any]) -> list[dict[str, Any]]:
    if script.habit(data["clip_id"], data["aspect"]) == "disputed":
        reason = "The light is the same in the first and the last frame."
        return feedback_page.write(data, feedback_page.FeedbackAnswer("request_regrade", reason))
    return feedback_page.write(data, feedback_page.FeedbackAnswer("understood", None))


def differences(draft_id: str, draft: str, true: str) -> tuple[Finding, ...]:
    """Findings that turn a draft into the true caption: sentences replaced, removed, added."""
    spans = [match.span() for match in _SENTENCE.finditer(draft)]
    have = [(draft[a:b].strip(), a + len(draft[a:b]) - len(draft[a:b].lstrip())) for a, b in spans]
    have = [(text, start) for text, start in have if text]
    want = sentences_of(true)
    missing = [text for text in want if text.lower() not in {h.lower() for h, _ in have}]
    wrong = [(text, start) for text, start in have if text.lower() not in map(str.lower, want)]
    found = []
    for text, start in wrong:
        best = max(missing, key=lambda other: _alike(text, other), default=None)
        if best is not None and _alike(text, best) > 0.5:
            missing.remove(best)
            found.append(_narrow(draft_id, draft, text, start, best))
        else:
            found.append(Finding.mark(draft_id, draft, "redundant", start, start + len(text)))
    found += [Finding.missing(draft_id, text) for text in missing]
    return tuple(found)


def _narrow(draft_id: str, draft: str, wrong: str, start: int, right: str) -> Finding:
    """The finding on the words of a sentence that differ, without what it shares at both ends."""
    a, b = wrong.split(" "), right.split(" ")
    head = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    tail = 0
    while tail < min(len(a), len(b)) - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    quote, fix = " ".join(a[head : len(a) - tail]), " ".join(b[head : len(b) - tail])
    if not quote or not fix:
        return Finding.mark(draft_id, draft, "wrong", start, start + len(wrong), right)
    at = start + len(" ".join(a[:head])) + (1 if head else 0)
    return Finding.mark(draft_id, draft, "wrong", at, at + len(quote), fix)


def _alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one.lower().split(), other.lower().split()).ratio()


def items_by_clip(clips: Iterable[ClipRow], sources: Iterable[SourceRow]) -> dict[str, tuple[str, int]]:
    """(file stem, shot number) of each clip; a clip whose source row is still to be written is left out."""
    stems = {row["source_id"]: row["name"].rsplit(".", 1)[0] for row in sources}
    return {row["clip_id"]: (stems[row["source_id"]], row["shot"]) for row in clips if row["source_id"] in stems}
