"""One version of a (clip, aspect), read from a feedback file: its critiques, its revisions, and which led to which.

A file names one draft, the critique as a model worded it and as it was kept, the model's caption and the one that
was kept. Which critique the model's caption was made from is a fact only where the file says so. Pure.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from chai_assets.core.rows import CritiqueRow, DraftRow, RevisionRow
from chai_assets.importing.layout import Feedback, parse_time
from chai_assets.importing.reasons import FileIssue
from chai_assets.importing.records import PERSON, ItemRows, Submission
from chai_assets.workflow.item_state import Candidate

WordingShown = Literal["", "edit", "old wording", "neither", "both"]
_WORD = re.compile(r"[^\W_]+(?:'\w+)?")
_PLACEHOLDER = "{feedback}"


@dataclass
class Version:
    """The rows of one feedback file. `sound`: the caption is known to be made from the critique it stands beside."""

    critiques: list[CritiqueRow]
    revisions: list[RevisionRow]
    candidate: Candidate
    sound: bool = True
    hand_edited: bool = False
    wording_shown: WordingShown = ""
    """Where the critique was edited: whose words the model's caption uses, the edit's or the old ones'."""
    submission: Submission | None = None
    issues: list[FileIssue] = field(default_factory=list)

    @property
    def critique(self) -> CritiqueRow:
        """The critique that was kept."""
        return self.critiques[-1]


def read_version(
    item: ItemRows, draft: DraftRow, file: Feedback, whole: dict[str, Any], file_id: str, at: "RoundStart"
) -> Version:
    """The version that a feedback file holds, its first critique being of that round and cause."""
    author = item.corpus.author(file.user)
    verdict = "change" if file.feedback_is_needed else "perfect"
    rating, when = file.initial_caption_rating_score, parse_time(file.timestamp)
    # Somebody's name stands in the field, and nowhere else.
    submission = Submission(file_id, verdict, author, when, rating, {**whole, "user": author})
    made = (
        _change(item, draft, file, submission, at)
        if file.feedback_is_needed
        else _perfect(item, draft, file, submission, at)
    )
    made.submission = submission
    if author is None:
        made.issues.append(FileIssue.of("no_author"))
    if file.feedback_is_needed == (rating == 5):
        made.issues.append(FileIssue.of("rating_contradicts", f"rating {rating}, {verdict}"))
        made.sound = False
    return made


@dataclass(frozen=True)
class RoundStart:
    """What opened a version: the round it begins with, and the draft or the rejection that caused it."""

    number: int
    cause: str


def _perfect(item: ItemRows, draft: DraftRow, file: Feedback, submission: Submission, at: RoundStart) -> Version:
    critique = item.critique(draft, submission, "", at.number, at.cause)
    candidate = Candidate(draft, critique, None, critique, file.initial_caption_rating_score)
    changed = file.final_caption != file.pre_caption
    issues = [FileIssue.of("perfect_but_changed")] if changed else []
    return Version([critique], [], candidate, sound=not changed, issues=issues)


def _change(item: ItemRows, draft: DraftRow, file: Feedback, submission: Submission, at: RoundStart) -> Version:
    kept, rating = file.final_feedback or "", file.initial_caption_rating_score
    edited = not made_from_the_kept(file)
    shown = (file.gpt_feedback or "") if edited else kept
    first = item.critique(draft, submission, shown, at.number, at.cause)
    by_model = item.revision(draft, first, file.gpt_caption_llm, None, file.gpt_caption or "")
    critiques, revisions = [first], [by_model]
    if edited:
        critiques.append(item.critique(draft, submission, kept, at.number + 1, by_model["revision_id"]))
    last = critiques[-1]
    candidate = Candidate(draft, first, by_model, last, rating)
    hand_edited = file.final_caption != file.gpt_caption
    if hand_edited:
        revisions.append(item.revision(draft, last, PERSON, submission.author, file.final_caption))
        candidate = Candidate(draft, last, revisions[-1], last, rating)
    made = Version(critiques, revisions, candidate, sound=hand_edited or not edited, hand_edited=hand_edited)
    if hand_edited:
        made.issues.append(FileIssue.of("hand_edited"))
    if edited:
        made.wording_shown = wording_shown(file)
        made.issues.append(FileIssue.of("critique_not_regenerated", f"the caption shows {_SHOWN[made.wording_shown]}"))
    return made


_SHOWN: dict[WordingShown, str] = {
    "edit": "words of the edit",
    "old wording": "words that the edit took out",
    "neither": "words of neither wording alone",
    "both": "words of both wordings",
}


def made_from_the_kept(file: Feedback) -> bool:
    """Whether the model's caption is known to be made from the critique that was kept.

    It is where there never was another wording, or where the prompt as it was sent holds the one that was kept.
    A prompt with its placeholder still in it tells nothing.
    """
    if file.gpt_feedback is None or file.gpt_feedback == file.final_feedback:
        return True
    prompt = file.gpt_caption_prompt or ""
    return _PLACEHOLDER not in prompt and (file.final_feedback or "") in prompt


def wording_shown(file: Feedback) -> WordingShown:
    """Which of two wordings of a critique the model's caption takes words from that draft and other wording lack."""
    kept, before, draft, caption = (
        {word.lower() for word in _WORD.findall(text or "")}
        for text in (file.final_feedback, file.gpt_feedback, file.pre_caption, file.gpt_caption)
    )
    new, old = caption & (kept - before - draft), caption & (before - kept - draft)
    if new and old:
        return "both"
    return "edit" if new else "old wording" if old else "neither"
