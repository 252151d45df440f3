"""The checks, as plain data: what each asks, what is at stake, and whether it stops the export.

Each is one expectation on a frame: one of Great Expectations' own where it has it, one of `expectations.py` where a
rule spans rows or tables. Great Expectations is not imported here, so that Dagster lists the checks without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from chai_assets.datasets.checks.drift import MOST_PSI, OLDEST_DAYS
from chai_assets.datasets.checks.facts import (
    CAPTION_WORDS,
    CLIPS_FOR_A_SHARE,
    CLIPS_WITH_ONE_CAPTION,
    LARGEST_SHARE,
    PERFECT,
)
from chai_assets.datasets.checks.frames import Frame
from chai_assets.datasets.checks.texts import LOOKED_AT
from chai_resources.captioners.calls.language import FEWEST_WORDS

Severity = Literal["error", "warn"]
TRIPLE_KEYS = ("triple_id", "clip_id", "aspect")
"""Columns that name a triple, shown of every failing one."""
WHERE_APPROVED = {"type": "comparison", "column": {"name": "approved"}, "operator": "==", "parameter": True}
"""A condition on rows, in the form in which Great Expectations stores it."""


@dataclass(frozen=True)
class Check:
    """One expectation: `error` blocks the export, `warn` does not.

    `expectation` is the name of its class, `arguments` are what that takes, and `shows` are the columns of a failing
    triple to see beside its keys.
    """

    name: str
    severity: Severity
    description: str
    expectation: str
    arguments: dict[str, Any] = field(hash=False)
    shows: tuple[str, ...] = ()
    frame: Frame = "triples"

    @property
    def columns(self) -> list[str]:
        """Columns that the expectation looks at."""
        given = self.arguments
        named = [given[name] for name in ("column", "column_A", "column_B") if name in given]
        condition = [given["row_condition"]["column"]["name"]] if "row_condition" in given else []
        return [*named, *given.get("column_list", []), *condition]

    @property
    def consequence(self) -> str:
        """What follows if it fails."""
        return "Stops the export." if self.severity == "error" else "Warns."


def _not_null(name: str, column: str, description: str, **condition: Any) -> Check:
    return Check(name, "error", description, "ExpectColumnValuesToNotBeNull", {"column": column} | condition, (column,))


def _in_set(name: str, description: str, column: str, values: Sequence[Any]) -> Check:
    arguments = {"column": column, "value_set": list(values)}
    return Check(name, "error", description, "ExpectColumnValuesToBeInSet", arguments, (column,))


def _rule(
    name: str,
    description: str,
    expectation: str,
    fact: str,
    *shows: str,
    severity: Severity = "error",
    frame: Frame = "triples",
) -> Check:
    """An expectation of ours, on the fact that says of every row whether its rule holds."""
    return Check(name, severity, description, expectation, {"column": fact}, shows, frame)


def _between(
    name: str,
    description: str,
    column: str,
    low: float | None,
    high: float,
    *shows: str,
    severity: Severity = "warn",
    frame: Frame = "triples",
) -> Check:
    arguments = {"column": column, "min_value": low, "max_value": high}
    return Check(name, severity, description, "ExpectColumnValuesToBeBetween", arguments, (column, *shows), frame)


def suite(aspects: Sequence[str] = ()) -> list[Check]:
    """Every check, in the order they are shown; `aspects` are those of the dataset's specification."""
    return [*_record_checks(aspects), *_chain_checks(), *_rating_checks(), *_text_checks(), *_dataset_checks()]


def _record_checks(aspects: Sequence[str]) -> list[Check]:
    """Checks on columns, keys and on who did what."""
    return [
        Check(
            "columns_are_as_declared",
            "error",
            "The table triples has every column it was declared with, of its type; else it is read as something else.",
            "ExpectColumnPairValuesToBeEqual",
            {"column_A": "declared", "column_B": "found"},
            ("declared", "found"),
            frame="columns",
        ),
        _not_null("every_triple_has_an_id", "triple_id", "Each triple carries its id: without one it cannot be cited."),
        Check(
            "triple_ids_are_unique",
            "error",
            "No triple stands twice: it would be trained on twice.",
            "ExpectColumnValuesToBeUnique",
            {"column": "triple_id"},
        ),
        Check(
            "a_clip_has_one_triple_an_aspect",
            "error",
            "A clip has one caption an aspect; of two, nobody would know which one holds.",
            "ExpectCompoundColumnsToBeUnique",
            {"column_list": ["clip_id", "aspect"]},
        ),
        _not_null("every_triple_has_a_draft", "draft_id", "Each triple names the draft it began with."),
        _not_null("every_triple_has_a_critique", "critique_id", "Each triple names its critique."),
        _not_null(
            "every_triple_has_a_review",
            "review_id",
            "Each triple counted as approved names the review that approved it.",
            row_condition=WHERE_APPROVED,
        ),
        _in_set("aspects_are_known", "The aspect is one of the specification's.", "aspect", aspects),
        _rule(
            "reviewed_by_someone_else",
            "The reviewer of an approved triple is not its annotator, and both are known: nobody approves own work.",
            "ExpectReviewersToDifferFromAnnotators",
            "reviewed_by_another",
            "annotator",
            "reviewer",
        ),
        _rule(
            "one_specification",
            "All triples count as made under the dataset's release of the specification, so that terms mean one thing.",
            "ExpectTriplesToShareOneSpecification",
            "spec_counts",
            "spec_version",
            "spec_hash",
        ),
    ]


def _chain_checks() -> list[Check]:
    """Checks on the chain from source to review, against the tables it was made from."""
    return [
        _rule(
            "chain_hashes_match",
            "The hash over the ids of draft, critique, revision and review is the stored one: nobody swapped a record.",
            "ExpectTriplesToFollowTheirChain",
            "chain_matches",
            "chain_hash",
        ),
        _rule(
            "drafts_are_as_recorded",
            "The draft stands in the table drafts, of this clip and with this text.",
            "ExpectDraftsToMatchTheirRecords",
            "draft_recorded",
            "draft_id",
            "draft",
        ),
        _rule(
            "critiques_are_as_recorded",
            "The critique stands in the table critiques, about this draft, with this text and by this annotator.",
            "ExpectCritiquesToMatchTheirRecords",
            "critique_recorded",
            "critique_id",
            "critique",
            "annotator",
        ),
        _rule(
            "revisions_are_as_recorded",
            "The revision stands in the table revisions, made from this draft and critique; the caption is its text, "
            "unless a person wrote over it and the triple says so.",
            "ExpectRevisionsToMatchTheirRecords",
            "revision_recorded",
            "revision_id",
            "final",
        ),
        _rule(
            "reviews_are_as_recorded",
            "The review stands in the table reviews, is by this reviewer, and approves just this chain.",
            "ExpectReviewsToMatchTheirRecords",
            "review_recorded",
            "review_id",
            "reviewer",
        ),
        _rule(
            "approvals_agree_with_their_review",
            "A review that approves ticks no remark wrong, notes no miss and gives no reason to reject.",
            "ExpectApprovalsToAgreeWithTheirReview",
            "approval_agrees",
            "review_id",
        ),
        _rule(
            "clips_and_sources_are_as_recorded",
            "The clip and its source stand in their tables: license and split go by the source.",
            "ExpectClipsAndSourcesToMatchTheirRecords",
            "source_recorded",
            "source_id",
        ),
        _rule(
            "findings_quote_their_draft",
            "What a finding quotes stands in the draft where the finding says: else it marks other words.",
            "ExpectFindingsToQuoteTheirDraft",
            "findings_quote",
            "findings",
            "draft",
        ),
        _rule(
            "every_triple_in_force_is_a_candidate",
            "Each triple in force in its table is among those to be exported: none is lost on the way.",
            "ExpectTriplesInForceToBeCandidates",
            "is_candidate",
            frame="in_force",
        ),
        _rule(
            "every_candidate_is_in_force",
            "Each approved triple to be exported is in force in its table: none was withdrawn.",
            "ExpectCandidatesToBeInForce",
            "still_in_force",
        ),
    ]


def _rating_checks() -> list[Check]:
    """Checks on what the rating promises: 5 that the draft stood, less that it was criticized and changed."""
    return [
        _in_set("ratings_are_1_to_5", "The draft's rating is from 1 to 5.", "rating", range(1, PERFECT + 1)),
        _rule(
            "only_perfect_drafts_have_no_revision",
            "A triple has no revision only where its draft was rated 5.",
            "ExpectOnlyPerfectDraftsToHaveNoRevision",
            "revised_as_rated",
            "rating",
            "revision_id",
        ),
        _rule(
            "a_draft_that_stood_is_the_caption",
            "Where a draft rated 5 was not revised, it is the caption.",
            "ExpectUnrevisedDraftsToBeTheCaption",
            "kept_as_rated",
            "draft",
            "final",
        ),
        _rule(
            "critiques_are_empty_exactly_for_perfect_drafts",
            "A draft rated 5 has no critique text, every other has some.",
            "ExpectOnlyPerfectDraftsToHaveNoCritique",
            "critique_as_rated",
            "rating",
            "critique",
        ),
        _rule(
            "ratings_agree_with_findings",
            "A draft rated 5 has no findings; one rated lower has some, but for imports, whose critiques are prose.",
            "ExpectOnlyPerfectDraftsToHaveNoFindings",
            "findings_as_rated",
            "rating",
            "findings",
        ),
        _rule(
            "a_change_that_was_asked_for_was_made",
            "Where the draft was rated below 5, the caption differs from it; else it makes no training pair.",
            "ExpectCaptionsToDifferFromCriticizedDrafts",
            "changed_as_rated",
            "rating",
            "draft",
            severity="warn",
        ),
    ]


def _text_checks() -> list[Check]:
    """Checks on the texts."""
    low, high = CAPTION_WORDS
    return [
        Check(
            "every_caption_has_text",
            "error",
            "The caption is not empty.",
            "ExpectColumnValueLengthsToBeBetween",
            {"column": "final", "min_value": 1},
            ("final",),
        ),
        _rule(
            "captions_are_no_refusals",
            "No caption is a refusal, an apology or an announcement of a model, or a blank such as N/A; a model "
            "trained on it learns to refuse.",
            "ExpectCaptionsToBeNoRefusals",
            "is_caption",
            "final",
        ),
        _rule(
            "captions_agree_with_their_labels",
            "No caption approved since the labels are looked at contradicts the labels in force, except where a "
            "person said why both are right: recall it, and the labels or the caption are corrected.",
            "ExpectCaptionsToAgreeWithTheirLabels",
            "agrees_with_labels",
            "denied",
            "final",
        ),
        Check(
            "no_media_placeholders_in_texts",
            "warn",
            "No text holds a word like <video> or </s>, which trainers would take for media or an order: such words "
            "stand in square brackets in their files.",
            "ExpectColumnValuesToBeNull",
            {"column": "placeholder"},
            ("placeholder", "draft", "critique", "final"),
        ),
        _rule(
            "captions_are_in_english",
            f"Captions are in the specification's language, English. Judged: captions of {FEWEST_WORDS} words or more, "
            f"{LOOKED_AT:,} distinct ones at most; other scripts at any length.",
            "ExpectCaptionsToBeInEnglish",
            "in_english",
            "final",
            severity="warn",
        ),
        _between("captions_have_a_usual_length", f"Captions have {low} to {high} words.", "words", low, high, "final"),
        _between(
            "captions_are_not_repeated",
            f"No caption stands for more than {CLIPS_WITH_ONE_CAPTION} clips: that is a habit to look at.",
            "clips_alike",
            None,
            CLIPS_WITH_ONE_CAPTION,
            "final",
        ),
        _between(
            "no_caption_stands_for_many_clips",
            f"No caption stands for more than {LARGEST_SHARE:.0%} of the clips of an aspect that has "
            f"{CLIPS_FOR_A_SHARE} or more: the model that says one thing of everything has failed.",
            "share_of_aspect",
            None,
            LARGEST_SHARE,
            "clips_with_it",
            "final",
            severity="error",
        ),
    ]


def _dataset_checks() -> list[Check]:
    """Checks on the dataset as a whole: what changed since the last export, and when."""
    return [
        _between(
            "aspects_are_shared_as_before",
            "The aspects have about the shares they had in the last export; else a queue is stuck or was emptied.",
            "shares_psi",
            None,
            MOST_PSI,
            frame="drift",
        ),
        _rule(
            "ratings_are_as_before",
            "What is new since the last export was rated much as what was in it; else model or people changed.",
            "ExpectRatingsToBeAsBefore",
            "ratings_steady",
            severity="warn",
            frame="drift",
        ),
        _rule(
            "caption_lengths_are_as_before",
            "New captions are about as long as those of the last export; else a prompt or a model changed.",
            "ExpectCaptionLengthsToBeAsBefore",
            "lengths_steady",
            severity="warn",
            frame="drift",
        ),
        _between(
            "triples_are_fresh",
            f"The newest triple is at most {OLDEST_DAYS} days old; else the export repeats itself every night.",
            "days",
            None,
            OLDEST_DAYS,
            frame="freshness",
        ),
    ]
