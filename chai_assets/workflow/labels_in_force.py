"""The labels in force: what people answered, with the corrections of it that a reviewer has ticked right.

Nothing is overwritten: a corrected label is made anew from the label as a person gave it and the rows of
`label_corrections`, and has an id of its own. Pure functions over rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import cast

from chai_assets.core.ids import corrected_label_id
from chai_assets.core.rows import AnswerValue, LabelCorrectionRow, LabelRow, ReviewRow
from chai_assets.workflow.decisions import ItemDecisions, decisions_by_item
from chai_assets.workflow.records import BatchRecords, LatestAnswers, grade_of, latest_answers

Answers = Mapping[str, Sequence[str]]


class LabelsInForce:
    """The labels of a batch as they are in force, and the corrections that could not take force."""

    def __init__(
        self,
        labels: Iterable[LabelRow],
        corrections: Iterable[LabelCorrectionRow],
        answers: LatestAnswers,
        decisions: Mapping[tuple[str, str], ItemDecisions],
    ) -> None:
        self._labels = {label["label_id"]: label for label in labels}
        self._corrections = list(corrections)
        self._answers = answers
        self._decisions = decisions
        self._of_asking: dict[str, list[list[LabelCorrectionRow]]] = defaultdict(list)
        for critique in self._confirmed:
            corrected = self._labels.get(critique[0]["label_id"])
            if corrected is not None:
                self._of_asking[corrected["chai_key"]].append(critique)

    def of(self, label: LabelRow) -> LabelRow:
        """The label in force in place of one that a person gave; itself where nothing of it was corrected."""
        return self.history(label)[-1]

    def history(self, label: LabelRow) -> list[LabelRow]:
        """The label as a person gave it, and what each critique's corrections made of it, in order."""
        return self._corrected(label)[0]

    def newest(self, asking: str) -> LabelRow:
        """The label in force of an asking, by the key of its task; of one that was answered."""
        versions = [label for label in self._labels.values() if label["chai_key"] == asking]
        return self.of(max(versions, key=_given_at))

    @cached_property
    def by_id(self) -> dict[str, LabelRow]:
        """Every label that is or was in force, by its id."""
        corrected = (row for label in self._labels.values() for row in self.history(label)[1:])
        return self._labels | {row["label_id"]: row for row in corrected}

    @property
    def disagreeing(self) -> list[LabelCorrectionRow]:
        """Corrections ticked right that do not count, since the answer they correct was another one by then."""
        versions = (label for label in self._labels.values() if label["chai_key"] in self._of_asking)
        newest = {label["chai_key"]: label for label in sorted(versions, key=_given_at)}
        return [row for label in newest.values() for row in self._corrected(label)[1]]

    def _corrected(self, label: LabelRow) -> tuple[list[LabelRow], list[LabelCorrectionRow]]:
        """The history of a label, and the corrections that disagree with what it was by then."""
        found, against = [label], list[LabelCorrectionRow]()
        for critique in self._of_asking.get(label["chai_key"], ()):
            now = answers_of(found[-1])
            after = {correction["attribute"]: correction["after"] for correction in critique}
            if refused := disagreeing(critique, now):
                against += refused
            elif any(list(now.get(name, ())) != values for name, values in after.items()):
                found.append(with_answers(label, {**now, **after}))
        return found, against

    @cached_property
    def _confirmed(self) -> list[list[LabelCorrectionRow]]:
        """The corrections of each critique that a reviewer ticked right as a whole, in the order of the reviews."""
        living = {latest.row["critique_id"] for latest in self._answers.critiques.values() if latest.row}
        by_critique: dict[str, list[LabelCorrectionRow]] = defaultdict(list)
        for row in self._corrections:
            if row["critique_id"] in living:
                by_critique[row["critique_id"]].append(row)
        reviews = [latest.row for latest in self._answers.reviews.values() if latest.row]
        judged = _last_ticks(self._in_force(row) for row in reviews if row.get("correction_ticks"))
        found: list[tuple[datetime, str, list[LabelCorrectionRow]]] = []
        for critique_id, rows in by_critique.items():
            ticks = [judged.get(row["correction_id"]) for row in rows]
            moments = [moment for moment, right in filter(None, ticks) if right]
            if len(moments) == len(rows):
                ordered = sorted(rows, key=lambda row: row["attribute"])
                found.append((max(moments), critique_id, ordered))
        return [rows for _, _, rows in sorted(found, key=lambda entry: entry[:2])]

    def _in_force(self, review: ReviewRow) -> ReviewRow:
        item = self._decisions.get((review["clip_id"], review["aspect"]))
        return item.review_in_force(review) if item else review


def labels_in_force(records: BatchRecords) -> LabelsInForce:
    """The labels in force of a batch's rows."""
    return LabelsInForce(records.labels, records.corrections, latest_answers(records), decisions_by_item(records))


def answers_of(label: LabelRow) -> dict[str, list[str]]:
    """The answers of a label by attribute."""
    return {answer["attribute"]: answer["values"] for answer in label["answers"]}


def with_answers(label: LabelRow, answers: Answers) -> LabelRow:
    """The label with other answers, under an id of its own; the states of the primitives are left out."""
    values = [AnswerValue(attribute=name, values=list(given)) for name, given in answers.items()]
    corrected = {**label, "answers": values, "label_id": corrected_label_id(label["label_id"], values)}
    corrected.pop("states", None)
    return cast(LabelRow, corrected)


def disagreeing(corrections: Iterable[LabelCorrectionRow], answers: Answers) -> list[LabelCorrectionRow]:
    """The corrections of an answer that is neither the one they correct nor the one they ask for."""
    return [c for c in corrections if list(answers.get(c["attribute"], ())) not in (c["before"], c["after"])]


def _given_at(label: LabelRow) -> tuple[datetime, str]:
    return label["submitted_at"], label["event_id"]


def _last_ticks(reviews: Iterable[ReviewRow]) -> dict[str, tuple[datetime, bool]]:
    """By correction, when it was judged last and whether it is right: a regrade comes after the review it judges."""
    found: dict[str, tuple[datetime, bool]] = {}
    for review in sorted(reviews, key=lambda row: (grade_of(row["chai_key"]), row["submitted_at"])):
        for tick in review["correction_ticks"] or ():
            found[tick["correction_id"]] = (review["submitted_at"], tick["right"])
    return found
