"""The figures of an integrity audit: each is a share of something, with why it matters and what to do. Pure.

Which tables stand around them in the report is in `report.py`, how they look in `page.py`.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chai_assets.core.rows import NewRow
from chai_assets.importing.item_facts import ItemFacts
from chai_assets.importing.layout import ASPECTS


@dataclass(frozen=True)
class Figure:
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


def figures(files: Sequence[NewRow], facts: Sequence[ItemFacts]) -> list[Figure]:
    """Every figure of the audit, in the order in which it is read."""
    return [*_broken(facts), *_stale(facts), *_reviewing(facts), *_coverage(facts), *_copies(files)]


def _broken(facts: Sequence[ItemFacts]) -> list[Figure]:
    section = "Does the critique lead to the caption?"
    asked = [item for item in facts if item.asks_change]
    edited = [item for item in asked if item.wording_shown]
    hand = [item for item in asked if item.hand_edited]
    either = sum(item.hand_edited or bool(item.wording_shown) for item in asked)
    located = [item for item in asked if item.findings]
    return [
        Figure(
            "hand_edited",
            section,
            "revisions that a person wrote over",
            len(hand),
            len(asked),
            "The critique does not account for the whole change. Both texts are kept; rows made from the person's "
            "are marked, and exports leave them out unless asked.",
        ),
        Figure(
            "critique_edited",
            section,
            "critiques edited after a model had worded them",
            len(edited),
            len(asked),
            "The files keep the prompt's template and not the prompt, so that nothing says whether the caption was "
            "made again from the edited wording. These make no triple unless a person wrote the caption.",
        ),
        Figure(
            "edit_shows",
            section,
            "of those, captions that use words of the edit alone",
            sum(item.wording_shown == "edit" for item in edited),
            len(edited),
            "Probably made again from the edited critique: words that stand in neither draft nor older wording.",
        ),
        Figure(
            "old_wording_shows",
            section,
            "of those, captions that use words the edit took out",
            sum(item.wording_shown in ("old wording", "both") for item in edited),
            len(edited),
            "Probably not made again. The rest shows neither, or was edited in words too few to tell.",
        ),
        Figure(
            "either",
            section,
            "revised captions that may not follow from their critique",
            either,
            len(asked),
            "Written over by hand, or the critique edited later, or both. A model trained on these learns that a "
            "critique led to a caption that it may not have led to.",
        ),
        Figure(
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


def _stale(facts: Sequence[ItemFacts]) -> list[Figure]:
    section = "Does each draft rest on captions that still stand?"
    found = []
    for aspect, why in _STALE.items():
        resting = [item for item in facts if item.aspect == aspect and item.upstream]
        stale = sum("corrected" in item.upstream.values() for item in resting)
        title = f"{aspect} drafts written from a caption that was corrected later"
        found.append(Figure(f"stale_{aspect}", section, title, stale, len(resting), why))
    return found


def _reviewing(facts: Sequence[ItemFacts]) -> list[Figure]:
    section = "Who approved it, and how independent were they?"
    reviewed = [item for item in facts if item.reviewer]
    approved = [item for item in reviewed if not item.rejected]
    rejected = [item for item in reviewed if item.rejected]
    perfect = [item for item in reviewed if item.first_rating == 5]
    critiqued = [item for item in facts if item.rating is not None]
    people = {item.reviewer for item in reviewed}
    annotate = people & {author for item in facts for author in (item.author, item.first_author)}
    return [
        Figure(
            "rejected",
            section,
            "reviewed items that were rejected",
            len(rejected),
            len(reviewed),
            "How often a second person disagrees with the first: the use of having one.",
        ),
        Figure(
            "perfect_rejected",
            section,
            "drafts that were called perfect and then rejected",
            sum(item.rejected for item in perfect),
            len(perfect),
            "Errors that the annotator overlooked: what review finds above all.",
        ),
        Figure(
            "corrected_by_reviewer",
            section,
            "rejected items that the reviewer corrected alone",
            sum(item.status == "corrected" for item in rejected),
            len(rejected),
            "The present caption is the reviewer's own work, and nobody approved that. It is no triple; exports may "
            "ask for it as “corrected”. A third person's review would settle it.",
        ),
        Figure(
            "self_review",
            section,
            "approvals by the author",
            sum(item.reviewer in (item.author, item.first_author) for item in approved),
            len(approved),
            "Such an approval counts for nothing.",
        ),
        Figure(
            "reviewers_who_annotate",
            section,
            "reviewers who write critiques too",
            len(annotate),
            len(people),
            "Nobody stands outside: reviewers judge by the habits they annotate with.",
        ),
        Figure(
            "no_author",
            section,
            "critiques without an author",
            sum(item.author is None for item in critiqued),
            len(critiqued),
            "Whether a review was independent cannot be told of these, so that none becomes a triple.",
        ),
    ]


def _coverage(facts: Sequence[ItemFacts]) -> list[Figure]:
    section = "How complete is it?"
    clips: dict[str, list[ItemFacts]] = defaultdict(list)
    for item in facts:
        clips[item.clip].append(item)

    def whole(holds: Callable[[ItemFacts], bool]) -> int:
        return sum(sum(map(holds, items)) == len(ASPECTS) for items in clips.values())

    critiqued = [item for item in facts if item.status != "no critique"]
    return [
        Figure(
            "clips_critiqued",
            section,
            "clips with a critique of all five aspects",
            whole(lambda item: item.status != "no critique"),
            len(clips),
            "Only a clip with all five can have a merged caption.",
        ),
        Figure(
            "clips_approved",
            section,
            "clips with a triple of all five aspects",
            whole(lambda item: item.triple),
            len(clips),
            "These can be merged from approved captions alone.",
        ),
        Figure(
            "triples",
            section,
            "critiqued items that became a triple",
            sum(item.triple for item in facts),
            len(critiqued),
            "Approved by somebody independent, every link of the chain recomputed.",
        ),
        Figure(
            "orphans",
            section,
            "drafts that nobody critiqued",
            len(facts) - len(critiqued),
            len(facts),
            "They are kept as drafts.",
        ),
        Figure(
            "unreviewed",
            section,
            "critiqued items that nobody reviewed",
            sum(item.status in ("unreviewed", "reworked") for item in critiqued),
            len(critiqued),
            "Those written again after a rejection and not reviewed since are among them.",
        ),
    ]


def _copies(files: Sequence[NewRow]) -> list[Figure]:
    section = "Are the files in order?"
    named = [set((row["reason"] or "").split(", ")) for row in files]
    return [
        Figure(
            "refused",
            section,
            "files that became no record",
            sum(row["record_id"] is None for row in files),
            len(files),
            "Each stands below with its reason. A file of labels counts here: it became a row for each clip.",
        ),
        Figure(
            "draft_changed",
            section,
            "critiques whose draft is not the one in the draft's own file",
            sum("draft_changed" in reasons for reasons in named),
            sum(row["kind"] in ("feedback", "feedback_prev") for row in files),
            "The draft was replaced under the critique; both drafts are kept, the critique with the one it is about.",
        ),
        Figure(
            "copies",
            section,
            "files that repeat or contradict another",
            sum(bool(reasons & {"duplicate", "two_files_for_one_record"}) for reasons in named),
            len(files),
            "A copy adds nothing; of two that contradict each other the first by path is taken.",
        ),
    ]
