"""The integrity audit of a corpus: its figures, each with what it is a share of, and why it matters. Pure.

They are computed from what was read and from nothing else. How they look is in `audit_page.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from chai_assets.core.rows import Row
from chai_assets.importing.convert import Facts, Status
from chai_assets.importing.layout import ASPECTS
from chai_assets.importing.reasons import REFUSALS, REMARKS

EXAMPLES = 5
"""Paths that are shown for a reason."""
ENOUGH_REVIEWS = 30
"""Reviews below which the share somebody rejects says little of how strict they are."""


@dataclass(frozen=True)
class Share:
    """A figure: how many of how many, why that matters, and what to do about it."""

    id: str
    section: str
    title: str
    count: int
    of: int
    why: str

    @property
    def share(self) -> float | None:
        """Count as a part of the whole; None where there is no whole."""
        return self.count / self.of if self.of else None


def audit(batch: str, files: Sequence[Row], facts: Sequence[Facts], rows: dict[str, int]) -> dict[str, Any]:
    """The whole report as JSON. `files`: rows of the import's files; `facts`: its items; `rows`: records by table."""
    return {
        "batch": batch,
        "files": _files(files),
        "records": dict(sorted(rows.items())),
        "sources": len({item.source for item in facts}),
        "clips": len({item.clip for item in facts}),
        "status": _table(facts, lambda item: item.status, get_args(Status)),
        "triples": _table(facts, lambda item: "triples" if item.triple else None, ("triples",)),
        "ratings": _table(facts, lambda item: str(item.rating) if item.rating else None, tuple("54321")),
        "rejected": _rejected(facts),
        "reviewers": reviewers(facts),
        "shares": [asdict(share) | {"share": share.share} for share in shares(files, facts)],
        "reasons": _reasons(files),
    }


def _files(files: Sequence[Row]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in files:
        found[row["kind"]]["files"] += 1
        found[row["kind"]]["records" if row["record_id"] else "report rows"] += 1
        found[row["kind"]]["remarked"] += bool(row["record_id"] and row["reason"])
    return {kind: dict(counts) for kind, counts in sorted(found.items())}


def _table(
    facts: Iterable[Facts], of: Callable[[Facts], str | None], columns: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Counts by aspect and by what is asked of each item; items of which the answer is None are not counted."""
    counts: dict[str, Counter[str]] = {aspect: Counter() for aspect in ASPECTS.values()}
    for item in facts:
        if (name := of(item)) is not None:
            counts[item.aspect][name] += 1
    return {aspect: {name: row[name] for name in columns} for aspect, row in counts.items()}


def _rejected(facts: Sequence[Facts]) -> dict[str, dict[str, int]]:
    reviewed = _table(facts, lambda item: "reviewed" if item.reviewer else None, ("reviewed",))
    rejected = _table(facts, lambda item: "rejected" if item.reviewer and item.rejected else None, ("rejected",))
    return {aspect: reviewed[aspect] | rejected[aspect] for aspect in reviewed}


def reviewers(facts: Iterable[Facts]) -> list[dict[str, Any]]:
    """Each reviewer with their reviews, how many of those reject, and the critiques they wrote; busiest first."""
    reviews, rejections, critiques = Counter[str](), Counter[str](), Counter[str]()
    for item in facts:
        if item.reviewer:
            reviews[item.reviewer] += 1
            rejections[item.reviewer] += item.rejected
        for author in {item.author, item.first_author} - {None}:
            critiques[str(author)] += 1
    return [
        {"person": who, "reviews": count, "rejected": rejections[who], "critiques": critiques[who]}
        for who, count in reviews.most_common()
    ]


def shares(files: Sequence[Row], facts: Sequence[Facts]) -> list[Share]:
    """Every figure of the audit, in the order in which it is read."""
    return [*_broken(facts), *_stale(facts), *_reviewing(facts), *_coverage(facts), *_copies(files)]


def _broken(facts: Sequence[Facts]) -> list[Share]:
    section = "Does the critique lead to the caption?"
    asked = [item for item in facts if item.asks_change]
    edited = [item for item in asked if item.shows]
    hand = [item for item in asked if item.hand_edited]
    either = sum(item.hand_edited or bool(item.shows) for item in asked)
    located = [item for item in asked if item.findings]
    return [
        Share(
            "hand_edited",
            section,
            "revisions that a person wrote over",
            len(hand),
            len(asked),
            "The critique does not account for the whole change. Both texts are kept; rows made from the person's "
            "are marked, and exports leave them out unless asked.",
        ),
        Share(
            "critique_edited",
            section,
            "critiques edited after a model had worded them",
            len(edited),
            len(asked),
            "The files keep the prompt's template and not the prompt, so that nothing says whether the caption was "
            "made again from the edited wording. These make no triple unless a person wrote the caption.",
        ),
        Share(
            "edit_shows",
            section,
            "of those, captions that use words of the edit alone",
            sum(item.shows == "edit" for item in edited),
            len(edited),
            "Probably made again from the edited critique: words that stand in neither draft nor older wording.",
        ),
        Share(
            "old_wording_shows",
            section,
            "of those, captions that use words the edit took out",
            sum(item.shows in ("old wording", "both") for item in edited),
            len(edited),
            "Probably not made again. The rest shows neither, or was edited in words too few to tell.",
        ),
        Share(
            "either",
            section,
            "revised captions that may not follow from their critique",
            either,
            len(asked),
            "Written over by hand, or the critique edited later, or both. A model trained on these learns that a "
            "critique led to a caption that it may not have led to.",
        ),
        Share(
            "located",
            section,
            "critiques in which at least one remark could be located in the draft",
            len(located),
            len(asked),
            "These quote the draft and say what to write; the prose of all is kept as it stands.",
        ),
    ]


_STALE = {
    "motion": "The prompt stored with the draft quotes a caption that is not the one that was kept: what was wrong "
    "upstream may be repeated here. A draft whose prompt quotes none rests on none and is not counted. The prompt "
    "beside the critique is not looked at: it was rebuilt when the page was opened.",
    "spatial": "As above; these prompts quote two captions, of subject and scene, and one that was corrected counts.",
}


def _stale(facts: Sequence[Facts]) -> list[Share]:
    section = "Does each draft rest on captions that still stand?"
    found = []
    for aspect, why in _STALE.items():
        resting = [item for item in facts if item.aspect == aspect and item.upstream]
        stale = sum("corrected" in item.upstream.values() for item in resting)
        title = f"{aspect} drafts written from a caption that was corrected later"
        found.append(Share(f"stale_{aspect}", section, title, stale, len(resting), why))
    return found


def _reviewing(facts: Sequence[Facts]) -> list[Share]:
    section = "Who approved it, and how independent were they?"
    reviewed = [item for item in facts if item.reviewer]
    approved = [item for item in reviewed if not item.rejected]
    rejected = [item for item in reviewed if item.rejected]
    perfect = [item for item in reviewed if item.first_rating == 5]
    critiqued = [item for item in facts if item.rating is not None]
    people = {item.reviewer for item in reviewed}
    annotate = people & {author for item in facts for author in (item.author, item.first_author)}
    return [
        Share(
            "rejected",
            section,
            "reviewed items that were rejected",
            len(rejected),
            len(reviewed),
            "How often a second person disagrees with the first: the use of having one.",
        ),
        Share(
            "perfect_rejected",
            section,
            "drafts that were called perfect and then rejected",
            sum(item.rejected for item in perfect),
            len(perfect),
            "Errors that the annotator overlooked: what review finds above all.",
        ),
        Share(
            "corrected_by_reviewer",
            section,
            "rejected items that the reviewer corrected alone",
            sum(item.status == "corrected" for item in rejected),
            len(rejected),
            "The present caption is the reviewer's own work, and nobody approved that. It is no triple; exports may "
            "ask for it as “corrected”. A third person's review would settle it.",
        ),
        Share(
            "self_review",
            section,
            "approvals by the author",
            sum(item.reviewer in (item.author, item.first_author) for item in approved),
            len(approved),
            "Such an approval counts for nothing.",
        ),
        Share(
            "reviewers_who_annotate",
            section,
            "reviewers who write critiques too",
            len(annotate),
            len(people),
            "Nobody stands outside: reviewers judge by the habits they annotate with.",
        ),
        Share(
            "no_author",
            section,
            "critiques without an author",
            sum(item.author is None for item in critiqued),
            len(critiqued),
            "Whether a review was independent cannot be told of these, so that none becomes a triple.",
        ),
    ]


def _coverage(facts: Sequence[Facts]) -> list[Share]:
    section = "How complete is it?"
    clips: dict[str, list[Facts]] = defaultdict(list)
    for item in facts:
        clips[item.clip].append(item)

    def whole(holds: Callable[[Facts], bool]) -> int:
        return sum(sum(map(holds, items)) == len(ASPECTS) for items in clips.values())

    critiqued = [item for item in facts if item.status != "no critique"]
    return [
        Share(
            "clips_critiqued",
            section,
            "clips with a critique of all five aspects",
            whole(lambda item: item.status != "no critique"),
            len(clips),
            "Only a clip with all five can have a merged caption.",
        ),
        Share(
            "clips_approved",
            section,
            "clips with a triple of all five aspects",
            whole(lambda item: item.triple),
            len(clips),
            "These can be merged from approved captions alone.",
        ),
        Share(
            "triples",
            section,
            "critiqued items that became a triple",
            sum(item.triple for item in facts),
            len(critiqued),
            "Approved by somebody independent, every link of the chain recomputed.",
        ),
        Share(
            "orphans",
            section,
            "drafts that nobody critiqued",
            len(facts) - len(critiqued),
            len(facts),
            "They are kept as drafts.",
        ),
        Share(
            "unreviewed",
            section,
            "critiqued items that nobody reviewed",
            sum(item.status in ("unreviewed", "reworked") for item in critiqued),
            len(critiqued),
            "Those written again after a rejection and not reviewed since are among them.",
        ),
    ]


def _copies(files: Sequence[Row]) -> list[Share]:
    section = "Are the files in order?"
    named = [set((row["reason"] or "").split(", ")) for row in files]
    return [
        Share(
            "refused",
            section,
            "files that became no record",
            sum(row["record_id"] is None for row in files),
            len(files),
            "Each stands below with its reason. A file of labels counts here: it became a row for each clip.",
        ),
        Share(
            "draft_changed",
            section,
            "critiques whose draft is not the one in the draft's own file",
            sum("draft_changed" in reasons for reasons in named),
            sum(row["kind"] in ("feedback", "feedback_prev") for row in files),
            "The draft was replaced under the critique; both drafts are kept, the critique with the one it is about.",
        ),
        Share(
            "copies",
            section,
            "files that repeat or contradict another",
            sum(bool(reasons & {"duplicate", "two_files_for_one_record"}) for reasons in named),
            len(files),
            "A copy adds nothing; of two that contradict each other the first by path is taken.",
        ),
    ]


def _reasons(files: Sequence[Row]) -> list[dict[str, Any]]:
    """Each reason that was found: on how many files of which kind, what it means, what to do, and the first paths."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    paths: dict[str, list[str]] = defaultdict(list)
    for row in sorted(files, key=lambda row: row["path"]):
        for reason in filter(None, (row["reason"] or "").split(", ")):
            kinds[reason][row["kind"]] += 1
            if len(paths[reason]) < EXAMPLES:
                paths[reason].append(row["path"])
    return [
        {
            "reason": reason,
            "refuses": reason in REFUSALS,
            "files": kinds[reason].total(),
            "kinds": dict(kinds[reason].most_common()),
            "means": said,
            "remedy": remedy,
            "examples": paths[reason],
        }
        for reason, (said, remedy) in (REFUSALS | REMARKS).items()
        if reason in kinds
    ]
