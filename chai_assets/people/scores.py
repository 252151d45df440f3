"""What each person did and how it held up in review. Pure functions over standings.

Accuracy is approved / reviewed candidates of a person, precision the share of their ticked findings that
reviewers called right, recall right findings / (right findings + misses the reviewers added). Where a regrade
was given, the regrade counts and the first verdict does not.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields

from chai_assets.core.ids import record_id
from chai_assets.core.rows import NewRow, ReviewRow
from chai_assets.workflow.item_state import CritiqueTurn, ReviewTurn, Standing


@dataclass
class Score:
    """Counts of one person."""

    critiques: int = 0
    reviewed: int = 0
    approved: int = 0
    right: int = 0
    ticked: int = 0
    misses: int = 0
    reviews: int = 0
    rejections: int = 0
    overturned: int = 0
    seconds: float = 0.0


def scores(items: Iterable[Standing]) -> dict[str, Score]:
    """Counts by person id, over the current answers of all items."""
    found: dict[str, Score] = defaultdict(Score)
    for item in items:
        for turn in item.turns:
            if turn.answer is None:
                continue
            score = found[turn.answer["author"]]
            score.seconds += turn.answer["lead_time_s"] or 0.0
            if isinstance(turn, CritiqueTurn):
                score.critiques += 1
            elif isinstance(turn, ReviewTurn):
                score.reviews += 1
                score.rejections += turn.answer["verdict"] == "reject"
        for turn, verdict in final_reviews(item):
            _credit(turn, verdict, found)
    return dict(found)


def final_reviews(item: Standing) -> list[tuple[ReviewTurn, ReviewRow]]:
    """The verdict that counts for each candidate: its regrade if it was given, its review otherwise."""
    last = {turn.candidate.candidate_id: (turn, verdict) for turn, verdict in item.reviews}
    return list(last.values())


def _credit(turn: ReviewTurn, review: ReviewRow, found: dict[str, Score]) -> None:
    author = found[turn.candidate.critique["author"]]
    author.reviewed += 1
    author.approved += review["verdict"] == "approve"
    author.ticked += len(review["ticks"])
    author.right += sum(tick["right"] for tick in review["ticks"])
    author.misses += len(review["misses"])
    if turn.dispute and review["verdict"] == "approve":
        found[turn.dispute.rejection["author"]].overturned += 1


def add(total: dict[str, Score], more: dict[str, Score]) -> None:
    """Adds the counts of one batch to a total, in place."""
    for person, score in more.items():
        into = total.setdefault(person, Score())
        for column in fields(Score):
            setattr(into, column.name, getattr(into, column.name) + getattr(score, column.name))


def score_row(person: str, score: Score) -> NewRow:
    """A row of the scorecards table. The reward: a point a right finding, minus one a false alarm or a miss."""
    row = {
        "person": person,
        "critiques": score.critiques,
        "reviewed": score.reviewed,
        "approved": score.approved,
        "accuracy": _share(score.approved, score.reviewed),
        "precision": _share(score.right, score.ticked),
        "recall": _share(score.right, score.right + score.misses),
        "reviews": score.reviews,
        "rejections": score.rejections,
        "overturned": score.overturned,
        "minutes": round(score.seconds / 60, 2),
        "reward": float(score.right - (score.ticked - score.right) - score.misses),
    }
    return {**row, "row_id": record_id("score", **row)}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
