"""What each person did and how it held up in review: counts, from the records of a batch. Pure.

They are counted over everything that people submitted, whether or not an item still rests on it: what a release, a new
draft or an edit left behind was work all the same. Nothing here makes people comparable: they had other clips, other
drafts and other reviewers.

A finding counts once, for who first gave it, by its last grade. One draft's text is critiqued in rounds, and the same
finding stands in every one of them; so does one that says other words of the same place, or of the same missing thing.
An error that a reviewer named first is the reviewer's catch: the author missed it, and giving it in the next round
earns nothing. Holding a finding back therefore never counts for more than giving it at once.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime

from chai_assets.core.ids import record_id
from chai_assets.core.rows import CritiqueRow, FindingValue, NewRow, ReviewRow
from chai_assets.core.text import FUNCTION_WORDS, stem
from chai_assets.workflow.records import BatchRecords, LatestAnswers, feedback_key, latest_answers

NOT_COMPARABLE = (
    "Counts, not grades: people had different clips, drafts and reviewers, so they cannot be compared with each other."
)

DraftText = tuple[str, str, str]
"""Clip, aspect and text of a draft: an equal text written again is the same to its critics."""


@dataclass
class Score:
    """Counts of one person. A candidate is judged by its regrade where one was given, else by its review."""

    critiques: int = 0
    """Critique tasks answered, whatever became of the draft: an edited answer counts once, a deleted one not."""
    reviewed: int = 0
    """Candidates that their critique shaped and that were judged."""
    approved: int = 0
    """Of those, approved."""
    right: int = 0
    """Findings they gave first that were ticked right at their last grade."""
    wrong: int = 0
    """Findings they gave first that were ticked wrong at their last grade."""
    missed: int = 0
    """Misses that reviewers added to what they critiqued; one that is said again in later rounds counts once."""
    reviews: int = 0
    """Review tasks answered, regrades included."""
    rejections: int = 0
    """Of those, rejections."""
    rejections_stood: int = 0
    """Of those, neither overturned nor waiting for a regrade."""
    overturned: int = 0
    """Rejections that a regrade turned into an approval."""
    catches: int = 0
    """Misses they were the first to add and that stood; who confirms one at a regrade takes nothing from them."""
    seconds: float = 0.0
    """On all pages, by Label Studio's clock: time away from the page counts, too."""

    @property
    def right_minus_wrong_and_missed(self) -> int | None:
        """A point a right finding, minus one a wrong finding or a miss; None where nothing was judged."""
        return self.right - self.wrong - self.missed if self.right + self.wrong + self.missed else None

    @property
    def precision(self) -> float | None:
        """Right findings among those that were graded."""
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float | None:
        """Right findings among those and the misses that reviewers added: what nobody saw is not in it."""
        return _share(self.right, self.right + self.missed)


def scores(records: BatchRecords) -> dict[str, Score]:
    """Counts by person id, over all that was submitted in a batch."""
    answers = latest_answers(records)
    found: dict[str, Score] = defaultdict(Score)
    _count_work(answers, found)
    texts: dict[str, DraftText] = {
        row["draft_id"]: (row["clip_id"], row["aspect"], row["text"]) for row in records.drafts
    }
    critiques: dict[str, CritiqueRow] = {}
    for row in sorted(records.critiques, key=lambda row: row["submitted_at"]):
        critiques.setdefault(row["critique_id"], row)
    judged: dict[DraftText, list[_Judgment]] = defaultdict(list)
    for judgment in _judgments(answers, found):
        if critique := critiques.get(judgment.final["critique_id"]):
            author = found[critique["author"]]
            author.reviewed += 1
            author.approved += judgment.final["verdict"] == "approve"
            judged[texts.get(critique["draft_id"], (critique["clip_id"], critique["aspect"], ""))].append(judgment)
    first_authors = _first_authors(critiques.values(), texts)
    for text, judgments in judged.items():
        _count_findings(text, judgments, critiques, first_authors, found)
    return dict(found)


@dataclass(frozen=True)
class _Judgment:
    """The verdict that counts for a candidate, and the review it took the place of, if it is a regrade."""

    final: ReviewRow
    overruled: ReviewRow | None = None

    @property
    def reviews(self) -> list[ReviewRow]:
        return [self.overruled, self.final] if self.overruled else [self.final]


def _count_work(answers: LatestAnswers, found: dict[str, Score]) -> None:
    """What was done, by task: the last version of an answer carries the time of all of them."""
    for latest in (answers.labels, answers.critiques, answers.reviews, answers.feedback):
        for answer in latest.values():
            if answer.row:
                found[answer.row["author"]].seconds += answer.row["lead_time_s"] or 0.0
    for answer in answers.critiques.values():
        if answer.row:
            found[answer.row["author"]].critiques += 1
    for answer in answers.reviews.values():
        if answer.row:
            found[answer.row["author"]].reviews += 1
            found[answer.row["author"]].rejections += answer.row["verdict"] == "reject"


def _judgments(answers: LatestAnswers, found: dict[str, Score]) -> list[_Judgment]:
    """The final verdict of every candidate, by time; also counts which rejections stood and which were overturned.

    As in the walk, a regrade counts where the first verdict rejects and its author did not give in since.
    """
    given = [answer.row for answer in answers.reviews.values() if answer.row]
    regrades = {row["candidate_id"]: row for row in given if row["grade"] > 1}
    firsts = {row["candidate_id"]: row for row in given if row["grade"] == 1}
    judgments = []
    for candidate, first in firsts.items():
        reply = answers.feedback.get(feedback_key(first["review_id"]))
        said = reply.row["answer"] if reply and reply.row else None
        regrade = regrades.get(candidate) if first["verdict"] == "reject" and said != "understood" else None
        judgments.append(_Judgment(regrade, first) if regrade else _Judgment(first))
        if first["verdict"] == "approve":
            continue
        if regrade is None:
            found[first["author"]].rejections_stood += said != "request_regrade"
        elif regrade["verdict"] == "approve":
            found[first["author"]].overturned += 1
        else:
            found[first["author"]].rejections_stood += 1
            found[regrade["author"]].rejections_stood += 1
    return sorted(judgments, key=lambda judgment: (judgment.reviews[0]["submitted_at"], judgment.final["review_id"]))


def _first_authors(
    critiques: Iterable[CritiqueRow], texts: Mapping[str, DraftText]
) -> dict[tuple[DraftText, "_Content"], str]:
    """Who first gave each finding; critiques come by time."""
    found: dict[tuple[DraftText, _Content], str] = {}
    for critique in critiques:
        if text := texts.get(critique["draft_id"]):
            for finding in critique["findings"]:
                found.setdefault((text, _content(finding)), critique["author"])
    return found


@dataclass
class _Ledger:
    """What is known of one draft's text so far, judgment by judgment."""

    grades: dict["_Content", tuple[str, bool]] = field(default_factory=dict)
    """Author and last grade of each finding that counts."""
    known: list[FindingValue] = field(default_factory=list)
    """Every finding that was graded."""
    misses: dict[str, datetime] = field(default_factory=dict)
    """When each miss was first said."""
    answered: int = 0
    """Misses that a later right finding answered."""


def _count_findings(
    text: DraftText,
    judgments: list[_Judgment],
    critiques: Mapping[str, CritiqueRow],
    first_authors: Mapping[tuple[DraftText, "_Content"], str],
    found: dict[str, Score],
) -> None:
    """Counts the findings and misses of one draft's text over all judgments of it, which come by time."""
    ledger = _Ledger()
    for judgment in judgments:
        critique = critiques[judgment.final["critique_id"]]
        ticks = {tick["finding_id"]: tick["right"] for tick in judgment.final["ticks"]}
        named = sum(at < critique["submitted_at"] for at in ledger.misses.values())
        earlier = list(ledger.known)
        for finding in critique["findings"]:
            right = ticks.get(finding["finding_id"])
            if right is None:
                continue
            content = _content(finding)
            if content in ledger.grades:
                ledger.grades[content] = (ledger.grades[content][0], right)
            elif not any(_same_thing(finding, other) for other in earlier):
                if right and ledger.answered < named:
                    ledger.answered += 1
                else:
                    ledger.grades[content] = (first_authors.get((text, content), critique["author"]), right)
            ledger.known.append(finding)
        _count_misses(judgment, found[critique["author"]], ledger, found)
    for author, right in ledger.grades.values():
        found[author].right += right
        found[author].wrong += not right


def _count_misses(judgment: _Judgment, author: Score, ledger: _Ledger, found: dict[str, Score]) -> None:
    for miss in judgment.final["misses"]:
        if _worded(miss) in ledger.misses:
            continue
        first = next(row for row in judgment.reviews if _worded(miss) in map(_worded, row["misses"]))
        ledger.misses[_worded(miss)] = first["submitted_at"]
        author.missed += 1
        found[first["author"]].catches += 1


_Content = tuple[str, int | None, int | None, str, str]
"""What a finding says, whichever draft of the same text it was said of."""


def _content(finding: FindingValue) -> _Content:
    return finding["kind"], finding["start"], finding["end"], finding["quote"] or "", finding["fix"] or ""


def _same_thing(one: FindingValue, other: FindingValue) -> bool:
    """Whether two findings are about the same words of the draft, or about the same thing that is missing."""
    if one["start"] is not None and other["start"] is not None:
        return one["start"] < (other["end"] or 0) and other["start"] < (one["end"] or 0)
    if one["start"] is None and other["start"] is None:
        mine, theirs = _stems(one["fix"]), _stems(other["fix"])
        return 2 * len(mine & theirs) > min(len(mine), len(theirs))
    return False


def _stems(text: str | None) -> set[str]:
    words = re.findall(r"\w+", (text or "").lower())
    return {stem(word) for word in words if word not in FUNCTION_WORDS} or set(words)


def _worded(text: str) -> str:
    """A miss by its words: case, spaces and punctuation aside."""
    return " ".join(re.findall(r"\w+", text.lower())) or text


def add(total: dict[str, Score], more: dict[str, Score]) -> None:
    """Adds the counts of one batch to a total, in place."""
    for person, score in more.items():
        into = total.setdefault(person, Score())
        for column in fields(Score):
            setattr(into, column.name, getattr(into, column.name) + getattr(score, column.name))


def together(everyone: Iterable[Score]) -> Score:
    """The counts of all people as those of one."""
    total: dict[str, Score] = {}
    for score in everyone:
        add(total, {"": score})
    return total.get("", Score())


def figures(score: Score) -> dict[str, int | float | None]:
    """The counts of a person, and the shares that follow from them."""
    counts = asdict(score)
    return {
        **{name: counts[name] for name in counts if name != "seconds"},
        "minutes": round(score.seconds / 60, 2),
        "accuracy": _share(score.approved, score.reviewed),
        "precision": score.precision,
        "recall": score.recall,
        "right_minus_wrong_and_missed": score.right_minus_wrong_and_missed,
    }


def new_score_rows(total: Mapping[str, Score], known: Iterable[Mapping[str, object]]) -> list[NewRow]:
    """Rows of the table scorecards for the people whose figures differ from their latest row; `known` come by time.

    The column `reward` stays null: it paid more for a finding that was held back than for one given at once.
    """
    earlier: dict[str, list[Mapping[str, object]]] = defaultdict(list)
    for row in known:
        earlier[str(row["person"])].append(row)
    rows: list[NewRow] = []
    for person, score in sorted(total.items()):
        row = {"person": person, **figures(score)}
        last = earlier[person][-1] if earlier[person] else None
        if last is None or any(last.get(name) != value for name, value in row.items()):
            rows.append({**row, "row_id": record_id("score", earlier=len(earlier[person]), **row)})
    return rows


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
