"""The checks, as plain data: what each asks, what is at stake, and whether it stops the export.

Each is one expectation on a column of a frame: on the triples and facts worked out of them (`facts.py`,
`recorded.py`), or on a small frame of its own (`around.py`). Judging is `run.py`'s work.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from chai_assets.datasets.checks.around import DAYS_WITHOUT_NEWS
from chai_assets.datasets.checks.facts import CAPTION_WORDS, CLIPS_FOR_A_SHARE, CLIPS_WITH_ONE_CAPTION, LARGEST_SHARE
from chai_assets.datasets.checks.texts import LOOKED_AT
from chai_assets.linting.language import FEWEST_WORDS

Severity = Literal["error", "warn"]
Frame = Literal["triples", "columns", "in_force", "drift", "news"]

FRAMES: dict[Frame, str] = {
    "triples": "one row for each triple that would be exported",
    "columns": "one row for each column that the table triples has to have",
    "in_force": "one row for each triple in force at the pinned version of its table",
    "drift": "one row for each distribution that is compared with the last export",
    "news": "one row: the newest triple and its age",
}
"""The frames that are judged, each with what its rows are."""
WITHOUT_ROWS: dict[Frame, str] = {
    "triples": "there is no triple to look at",
    "columns": "there is no column to look at",
    "in_force": "no triple is in force",
    "drift": "nothing was compared: no earlier export to read, or too few triples in it or since",
    "news": "there is no triple yet",
}
"""What it means that a frame has no rows; every check of it then holds."""
NAMES_A_TRIPLE = ("triple_id", "clip_id", "aspect")


@dataclass(frozen=True)
class Check:
    """One expectation: `error` blocks the export, `warn` does not; `shows` are what to see of a bad row."""

    name: str
    severity: Severity
    description: str
    expectation: str
    arguments: dict[str, Any] = field(hash=False)
    shows: tuple[str, ...] = ()
    frame: Frame = "triples"

    @property
    def judged(self) -> list[str]:
        """Columns that the expectation looks at."""
        return self.arguments.get("column_list") or [self.arguments["column"]]


def _present(name: str, column: str, description: str) -> Check:
    return Check(name, "error", description, "ExpectColumnValuesToNotBeNull", {"column": column}, (column,))


def _fact(
    name: str, description: str, fact: str, *shows: str, severity: Severity = "error", frame: Frame = "triples"
) -> Check:
    """A check on a fact that was worked out for every row."""
    arguments = {"column": fact, "value_set": [True]}
    return Check(name, severity, description, "ExpectColumnValuesToBeInSet", arguments, shows, frame)


def _range(
    name: str, description: str, column: str, low: int | None, high: int, *shows: str, frame: Frame = "triples"
) -> Check:
    arguments = {"column": column, "min_value": low, "max_value": high}
    return Check(name, "warn", description, "ExpectColumnValuesToBeBetween", arguments, (column, *shows), frame)


def suite() -> list[Check]:
    """Every check, in the order they are shown."""
    return [*_record_checks(), *_chain_checks(), *_rating_checks(), *_text_checks(), *_checks_around()]


def _record_checks() -> list[Check]:
    """Checks on columns, keys and on who did what."""
    unique, together = "ExpectColumnValuesToBeUnique", "ExpectCompoundColumnsToBeUnique"
    per_aspect = {"column_list": ["clip_id", "aspect"]}
    return [
        _fact(
            "columns_are_as_declared",
            "The table triples has every column it was declared with, of its type; else it is read as something else.",
            "as_declared",
            frame="columns",
        ),
        _present("every_triple_has_an_id", "triple_id", "Each triple carries its id: without one it cannot be cited."),
        Check(
            "triple_ids_are_unique",
            "error",
            "No triple stands twice: it would be trained on twice.",
            unique,
            {"column": "triple_id"},
        ),
        Check(
            "a_clip_has_one_triple_an_aspect",
            "error",
            "A clip has one caption an aspect; of two, nobody would know which one holds.",
            together,
            per_aspect,
        ),
        _present("every_triple_has_a_draft", "draft_id", "Each triple names the draft it began with."),
        _present("every_triple_has_a_critique", "critique_id", "Each triple names its critique."),
        _fact(
            "every_triple_has_a_review",
            "Each triple counted as approved names the review that approved it.",
            "review_named",
            "review_id",
        ),
        _fact("aspects_are_known", "The aspect is one of the five.", "aspect_known"),
        _fact(
            "reviewed_by_someone_else",
            "The reviewer of an approved triple is not its annotator, and both are known: nobody approves own work.",
            "reviewed_by_another",
            "annotator",
            "reviewer",
        ),
        _fact(
            "one_specification",
            "All triples count as made under the dataset's release of the specification, so that terms mean one thing.",
            "spec_counts",
            "spec_version",
            "spec_hash",
        ),
    ]


def _chain_checks() -> list[Check]:
    """Checks on the chain from source to review, against the tables it was made from."""
    return [
        _fact(
            "chain_hashes_match",
            "The hash over the ids of draft, critique, revision and review is the stored one: nobody swapped a record.",
            "chain_matches",
            "chain_hash",
        ),
        _fact(
            "drafts_are_as_recorded",
            "The draft stands in the table drafts, of this clip and with this text.",
            "draft_recorded",
            "draft_id",
            "draft",
        ),
        _fact(
            "critiques_are_as_recorded",
            "The critique stands in the table critiques, about this draft, with this text and by this annotator.",
            "critique_recorded",
            "critique_id",
            "critique",
            "annotator",
        ),
        _fact(
            "revisions_are_as_recorded",
            "The revision stands in the table revisions, made from this draft and critique; the caption is its text, "
            "unless a person wrote over it and the triple says so.",
            "revision_recorded",
            "revision_id",
            "final",
        ),
        _fact(
            "reviews_are_as_recorded",
            "The review stands in the table reviews, approves just this draft, critique and revision, and is by this "
            "reviewer.",
            "review_recorded",
            "review_id",
            "reviewer",
        ),
        _fact(
            "clips_and_sources_are_as_recorded",
            "The clip and its source stand in their tables: licence and split go by the source.",
            "source_recorded",
            "source_id",
        ),
        _fact(
            "findings_quote_their_draft",
            "What a finding quotes stands in the draft where the finding says: else it marks other words.",
            "findings_quote",
            "findings",
            "draft",
        ),
        _fact(
            "every_triple_in_force_is_a_candidate",
            "Each triple in force in its table is among those to be exported: none is lost on the way.",
            "is_candidate",
            frame="in_force",
        ),
        _fact(
            "every_candidate_is_in_force",
            "Each approved triple to be exported is in force in its table: none was withdrawn.",
            "stands_in_force",
        ),
    ]


def _rating_checks() -> list[Check]:
    """Checks on what the rating promises: 5 that the draft stood, less that it was criticised and changed."""
    return [
        _fact("ratings_are_1_to_5", "The draft's rating is from 1 to 5.", "rating_known", "rating"),
        _fact(
            "only_perfect_drafts_have_no_revision",
            "A triple has no revision only where its draft was rated 5.",
            "revised_as_rated",
            "rating",
            "revision_id",
        ),
        _fact(
            "a_draft_that_stood_is_the_caption",
            "Where a draft rated 5 was not revised, it is the caption.",
            "stood_as_rated",
            "draft",
            "final",
        ),
        _fact(
            "critiques_are_empty_exactly_for_perfect_drafts",
            "A draft rated 5 has no critique text, every other has some.",
            "critique_as_rated",
            "rating",
            "critique",
        ),
        _fact(
            "ratings_agree_with_findings",
            "A draft rated 5 has no findings; one rated lower has some, but for imports, whose critiques are prose.",
            "findings_as_rated",
            "rating",
            "findings",
        ),
        _fact(
            "a_change_that_was_asked_for_was_made",
            "Where the draft was rated below 5, the caption differs from it; else it makes no training pair.",
            "final_as_rated",
            "rating",
            "draft",
            severity="warn",
        ),
    ]


def _text_checks() -> list[Check]:
    """Checks on the texts."""
    low, high = CAPTION_WORDS
    return [
        _fact("every_caption_has_text", "The caption is not empty.", "final_has_text", "final"),
        _fact(
            "captions_are_no_refusals",
            "No caption is a refusal, an apology or an announcement of a model, or a blank such as N/A; a model "
            "trained on it learns to refuse.",
            "is_caption",
            "final",
        ),
        _fact(
            "no_media_placeholders_in_texts",
            "No text holds a word like <video> or </s>, which trainers would take for media or an order: such words "
            "stand in square brackets in their files.",
            "texts_are_plain",
            "draft",
            "critique",
            "final",
            severity="warn",
        ),
        _fact(
            "captions_are_in_english",
            f"Captions are in the specification's language, English. Judged: captions of {FEWEST_WORDS} words or more, "
            f"{LOOKED_AT:,} distinct ones at most; other scripts at any length.",
            "in_english",
            "final",
            severity="warn",
        ),
        _range("captions_have_a_usual_length", f"Captions have {low} to {high} words.", "words", low, high, "final"),
        _range(
            "captions_are_not_repeated",
            f"No caption stands for more than {CLIPS_WITH_ONE_CAPTION} clips: that is a habit to look at.",
            "clips_alike",
            None,
            CLIPS_WITH_ONE_CAPTION,
            "final",
        ),
        _fact(
            "no_caption_stands_for_many_clips",
            f"No caption stands for more than {LARGEST_SHARE:.0%} of the clips of an aspect that has "
            f"{CLIPS_FOR_A_SHARE} or more: the model that says one thing of everything has failed.",
            "is_no_stock_phrase",
            "clips_with_it",
            "final",
        ),
    ]


def _checks_around() -> list[Check]:
    """Checks on the dataset as a whole: what changed since the last export, and when."""
    return [
        _fact(
            "aspects_are_shared_as_before",
            "The aspects have about the shares they had in the last export; else a queue is stuck or was emptied.",
            "aspects_steady",
            severity="warn",
            frame="drift",
        ),
        _fact(
            "ratings_are_as_before",
            "What is new since the last export was rated much as what was in it; else model or people changed.",
            "ratings_steady",
            severity="warn",
            frame="drift",
        ),
        _fact(
            "caption_lengths_are_as_before",
            "New captions are about as long as those of the last export; else a prompt or a model changed.",
            "lengths_steady",
            severity="warn",
            frame="drift",
        ),
        _range(
            "triples_are_fresh",
            f"The newest triple is at most {DAYS_WITHOUT_NEWS} days old; else the export repeats itself every night.",
            "days",
            None,
            DAYS_WITHOUT_NEWS,
            frame="news",
        ),
    ]
