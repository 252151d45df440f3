"""One version of a (clip, aspect), as a feedback file holds it: critiques, revisions, and how they hang together.

A file names one draft, the critique as a model worded it and as it was kept, the model's caption and the one that
was kept. Which critique the model's caption was made from is a fact only where the file says so. Pure.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from chai_assets.core.rows import Row
from chai_assets.importing.layout import Feedback, moment
from chai_assets.importing.reasons import Remark
from chai_assets.importing.records import PERSON, Item, Said
from chai_assets.workflow.item_state import Candidate

Shows = Literal["", "edit", "old wording", "neither", "both"]
_WORD = re.compile(r"[^\W_]+(?:'\w+)?")
_PLACEHOLDER = "{feedback}"


@dataclass
class Version:
    """The rows of one feedback file. `sound`: the caption is known to be made from the critique it stands beside."""

    critiques: list[Row]
    revisions: list[Row]
    candidate: Candidate
    sound: bool = True
    hand_edited: bool = False
    shows: Shows = ""
    """Where the critique was edited: whose words the model's caption uses, the edit's or the old ones'."""
    said: Said | None = None
    remarks: list[Remark] = field(default_factory=list)

    @property
    def critique(self) -> Row:
        """The critique that was kept."""
        return self.critiques[-1]


def version(item: Item, draft: Row, file: Feedback, whole: dict[str, Any], file_id: str, at: "Opening") -> Version:
    """The version that a feedback file holds, its first critique being of that round and cause."""
    author = item.corpus.author(file.user)
    verdict = "change" if file.feedback_is_needed else "perfect"
    rating, when = file.initial_caption_rating_score, moment(file.timestamp)
    # Somebody's name stands in the field, and nowhere else.
    said = Said(file_id, verdict, author, when, rating, {**whole, "user": author})
    made = _change(item, draft, file, said, at) if file.feedback_is_needed else _perfect(item, draft, file, said, at)
    made.said = said
    if author is None:
        made.remarks.append(Remark.of("no_author"))
    if file.feedback_is_needed == (rating == 5):
        made.remarks.append(Remark.of("rating_contradicts", f"rating {rating}, {verdict}"))
        made.sound = False
    return made


@dataclass(frozen=True)
class Opening:
    """What opened a version: the round it begins with, and the draft or the rejection that caused it."""

    number: int
    cause: str


def _perfect(item: Item, draft: Row, file: Feedback, said: Said, at: Opening) -> Version:
    critique = item.critique(draft, said, "", at.number, at.cause)
    candidate = Candidate(draft, critique, None, critique, file.initial_caption_rating_score)
    changed = file.final_caption != file.pre_caption
    remarks = [Remark.of("perfect_but_changed")] if changed else []
    return Version([critique], [], candidate, sound=not changed, remarks=remarks)


def _change(item: Item, draft: Row, file: Feedback, said: Said, at: Opening) -> Version:
    kept, rating = file.final_feedback or "", file.initial_caption_rating_score
    edited = not made_from_the_kept(file)
    shown = (file.gpt_feedback or "") if edited else kept
    first = item.critique(draft, said, shown, at.number, at.cause)
    by_model = item.revision(draft, first, file.gpt_caption_llm, None, file.gpt_caption or "")
    critiques, revisions = [first], [by_model]
    if edited:
        critiques.append(item.critique(draft, said, kept, at.number + 1, by_model["revision_id"]))
    last = critiques[-1]
    candidate = Candidate(draft, first, by_model, last, rating)
    hand_edited = file.final_caption != file.gpt_caption
    if hand_edited:
        revisions.append(item.revision(draft, last, PERSON, said.author, file.final_caption))
        candidate = Candidate(draft, last, revisions[-1], last, rating)
    made = Version(critiques, revisions, candidate, sound=hand_edited or not edited, hand_edited=hand_edited)
    if hand_edited:
        made.remarks.append(Remark.of("hand_edited"))
    if edited:
        made.shows = whose_words(file)
        made.remarks.append(Remark.of("critique_not_regenerated", f"the caption shows {_SHOWN[made.shows]}"))
    return made


_SHOWN: dict[Shows, str] = {
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


def whose_words(file: Feedback) -> Shows:
    """Which of two wordings of a critique the model's caption takes words from that draft and other wording lack."""
    kept, before, draft, caption = (
        {word.lower() for word in _WORD.findall(text or "")}
        for text in (file.final_feedback, file.gpt_feedback, file.pre_caption, file.gpt_caption)
    )
    new, old = caption & (kept - before - draft), caption & (before - kept - draft)
    if new and old:
        return "both"
    return "edit" if new else "old wording" if old else "neither"
