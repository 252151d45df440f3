"""Histories of one draft and its critics, as rows of the tables: what each person did, one step after the other."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from chai_assets.core.rows import FindingValue
from chai_assets.workflow.records import BatchRecords, critique_key, feedback_key, review_key
from chai_resources.tables import Tables

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
_TABLE_OF = {"clips": "clips", "drafts": "drafts", "critiques": "critiques", "reviews": "reviews"}
_TABLE_OF |= {"feedback": "feedback", "events": "annotation_events"}


def mark(place: int, fix: str = "x", kind: str = "wrong") -> FindingValue:
    """A finding on ten characters of the draft."""
    name = f"f{place}-{fix}-{kind}"
    return FindingValue(finding_id=name, kind=kind, quote="0123456789", start=10 * place, end=10 * place + 10, fix=fix)


def missing(what: str) -> FindingValue:
    """A finding that something is missing from the draft."""
    return FindingValue(finding_id=f"m-{what}", kind="missing", quote="", start=None, end=None, fix=what)


class History:
    """What happened to one clip's aspect; every answer takes its person 60 seconds."""

    def __init__(self, batch: str = "b1") -> None:
        self.batch, self._clock, self._numbers = batch, START, count(1)
        clip: Any = {"batch": batch, "clip_id": f"{batch}-c1", "source_id": "s1"}
        self.records = BatchRecords([clip], [], [], [], [], [], [])
        self._cause = ""
        self._draft = ""

    def _answer(self, author: str, key: str, annotation: int | None) -> dict[str, Any]:
        number = next(self._numbers)
        self._clock += timedelta(minutes=1)
        event = f"{self.batch}-e{number}"
        row: Any = {"batch": self.batch, "event_id": event, "updated_at": self._clock}
        row |= {"what": "submitted", "annotation_id": annotation or number}
        self.records.events.append(row)
        row = {"batch": self.batch, "event_id": event, "chai_key": key, "submitted_at": self._clock}
        row |= {"clip_id": f"{self.batch}-c1", "aspect": "camera", "author": author, "lead_time_s": 60.0}
        return row

    def draft(self, name: str = "d1", text: str = "") -> None:
        """A draft of its own text, or of the text given."""
        self._draft = self._cause = f"{self.batch}-{name}"
        row: Any = {"batch": self.batch, "draft_id": self._draft, "clip_id": f"{self.batch}-c1", "aspect": "camera"}
        row |= {"text": text or name, "recorded_at": self._clock}
        self.records.drafts.append(row)

    def reopen(self) -> None:
        """The first critique task of the draft is the open one again: the next critique edits its answer."""
        self._cause = self._draft

    def critique(self, author: str, *findings: FindingValue, annotation: int | None = None) -> None:
        """An answer to the task that is open, or with `annotation` a later version of one."""
        row: Any = self._answer(author, critique_key(self._cause), annotation)
        critique_id = f"{row['event_id']}-critique"
        row |= {"critique_id": critique_id, "draft_id": self._draft, "cause": self._cause}
        verdict, rating = ("change", 3) if findings else ("perfect", 5)
        row |= {"verdict": verdict, "rating": rating, "findings": list(findings)}
        self.records.critiques.append(row)

    def review(
        self,
        author: str,
        verdict: str,
        wrong: Sequence[FindingValue] = (),
        misses: Sequence[str] = (),
        grade: int = 1,
    ) -> None:
        """A verdict on the last critique, which ticks every finding right but the `wrong` ones."""
        critique = self.records.critiques[-1]
        candidate = f"{critique['critique_id']}-candidate"
        bad = {finding["finding_id"] for finding in wrong}
        ticks = [{"finding_id": f["finding_id"], "right": f["finding_id"] not in bad} for f in critique["findings"]]
        row: Any = self._answer(author, review_key(candidate, grade), None)
        review_id = f"{row['event_id']}-review"
        row |= {"review_id": review_id, "candidate_id": candidate, "critique_id": critique["critique_id"]}
        row |= {"draft_id": self._draft, "grade": grade, "verdict": verdict, "ticks": ticks, "misses": list(misses)}
        self.records.reviews.append(row)
        self._cause = review_id

    def reply(self, author: str, answer: str, to: int = -1, annotation: int | None = None) -> None:
        """The author's answer to a review, by default the last; with `annotation` a later version of that one."""
        review_id = self.records.reviews[to]["review_id"]
        row: Any = self._answer(author, feedback_key(review_id), annotation)
        row |= {"review_id": review_id, "answer": answer}
        self.records.feedback.append(row)

    def delete(self, event_id: str) -> None:
        """The annotation of an answer is deleted."""
        deleted = next(row for row in self.records.events if row["event_id"] == event_id)
        number = next(self._numbers)
        row: Any = {"batch": self.batch, "event_id": f"{self.batch}-e{number}", "updated_at": self._clock}
        row |= {"what": "deleted", "annotation_id": deleted["annotation_id"]}
        self.records.events.append(row)

    def write(self, tables: Tables) -> None:
        """Appends all rows to real tables."""
        for name, table in _TABLE_OF.items():
            tables.append(table, getattr(self.records, name))
