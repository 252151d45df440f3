"""What leads decided about an item, as the walk reads it. Pure functions over rows.

A decision is an event: it changes no record. Of two about the same thing the first counts, since people may have built
on it; who wants something else decides about what followed from it. What may be decided stands in `review/lead`.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from chai_assets.core.rows import LabelRow, LeadDecisionRow, ReviewRow
from chai_assets.workflow.records import BatchRecords, TaskKind, label_again_key

Work = Literal["annotator", "reviewer"]
"""Whose tasks: those of the annotator of an item, or those of its reviewer."""


def work_of(kind: TaskKind) -> Work:
    """Whose tasks are of this kind."""
    return "reviewer" if kind == "review" else "annotator"


@dataclass
class ItemDecisions:
    """What leads decided about one item."""

    recalls: dict[str, LeadDecisionRow] = field(default_factory=dict)
    """By the approving review."""
    reviews: dict[str, ReviewRow] = field(default_factory=dict)
    """The lead's own review, by the one whose place it takes."""
    labels: dict[str, LabelRow] = field(default_factory=dict)
    """The label with a lead's answers, by the one whose place it takes."""
    asked_again: dict[str, LeadDecisionRow] = field(default_factory=dict)
    """What sent a clip with a problem back to labeling, by the key of the task in which the problem was reported."""
    set_aside: LeadDecisionRow | None = None
    """Where it stands: what took the item out of the loop."""
    dropped: LeadDecisionRow | None = None
    """Where it stands: what took it out for good."""
    assigned: dict[Work, str] = field(default_factory=dict)
    """The person whose tasks they are, where a lead has said so."""
    settled: dict[str, dict[str, LeadDecisionRow]] = field(default_factory=dict)
    """By label: the questions for which `unsure` is the answer."""

    def review_in_force(self, review: ReviewRow) -> ReviewRow:
        """The review that counts in place of this one: itself, or the lead's."""
        while (changed := self.reviews.get(review["review_id"])) is not None:
            review = changed
        return review

    def label_in_force(self, label: LabelRow) -> LabelRow:
        """The label that counts in place of this one: itself, or the one that a lead completed."""
        while (completed := self.labels.get(label["label_id"])) is not None:
            label = completed
        return label

    def settled_of(self, label: LabelRow) -> set[str]:
        """The questions of a label, as its annotator gave it, for which a lead said that `unsure` is the answer."""
        found = set(self.settled.get(label["label_id"], ()))
        while (completed := self.labels.get(label["label_id"])) is not None:
            label = completed
            found |= self.settled.get(label["label_id"], {}).keys()
        return found

    def labeling_key(self, key: str) -> str | None:
        """Key of the labeling task that takes the place of this one; None where none does."""
        again = self.asked_again.get(key)
        return label_again_key(key, again["decision_id"]) if again else None


def decisions_by_item(records: BatchRecords) -> Mapping[tuple[str, str], ItemDecisions]:
    """What leads decided, by clip and aspect; items that nobody decided about have none."""
    made = {row["decision_id"] for row in records.decisions}
    reviews = {row["event_id"]: row for row in records.reviews if row["event_id"] in made}
    labels = {row["event_id"]: row for row in records.labels if row["event_id"] in made}
    found: dict[tuple[str, str], ItemDecisions] = defaultdict(ItemDecisions)
    for row in in_order(records.decisions):
        _add(found[row["clip_id"], row["aspect"]], row, reviews, labels)
    return found


def in_order(decisions: Iterable[LeadDecisionRow]) -> list[LeadDecisionRow]:
    """Decisions as they were made."""
    return sorted(decisions, key=lambda row: (row["recorded_at"], row["decision_id"]))


def _add(
    item: ItemDecisions, row: LeadDecisionRow, reviews: Mapping[str, ReviewRow], labels: Mapping[str, LabelRow]
) -> None:
    about, decision = row["refers_to"] or "", row["decision_id"]
    match row["kind"]:
        case "recall":
            item.recalls.setdefault(about, row)
        case "change_verdict":
            item.reviews.setdefault(about, reviews[decision])
        case "reassign":
            kind: TaskKind = "review" if about.startswith("review:") else "critique"
            item.assigned[work_of(kind)] = row["value"] or ""
        case "set_aside":
            item.set_aside, item.dropped = row, None
        case "drop":
            item.dropped = row
        case "take_back":
            item.set_aside = item.dropped = None
            if about:
                item.asked_again.setdefault(about, row)
        case "resolve_unsure" if decision in labels:
            item.labels.setdefault(about, labels[decision])
        case "resolve_unsure":
            item.settled.setdefault(about, {}).update(dict.fromkeys(answers_in(row), row))


def answers_in(row: LeadDecisionRow) -> dict[str, list[str]]:
    """The answers that a decision about `unsure` gives, by question."""
    return json.loads(row["value"] or "{}")
