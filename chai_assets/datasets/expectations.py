"""What must hold of the triples before they are exported, as Great Expectations judges it.

The suite is plain data. Great Expectations takes seconds to import, so only `validate` imports it, and only
there does a frame become pandas. Showing outcomes is the callers' work.
"""

import os
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from chai_assets.datasets.one_spec import Counted
from chai_assets.triples.chain_hash import chain_hash

Severity = Literal["error", "warn"]
ASPECTS = ("subject", "scene", "motion", "spatial", "camera")
CAPTION_WORDS = (3, 400)
# Still cameras are described alike; beyond this many clips, one caption is a habit to look at.
CLIPS_WITH_ONE_CAPTION = 5
PERFECT = 5
SHOWN = 5

_IDS = ["triple_id", "clip_id", "aspect", "draft_id", "critique_id", "revision_id", "review_id", "chain_hash"]
_TEXTS = ["draft", "critique", "final"]
_PEOPLE_AND_SPEC = ["annotator", "reviewer", "spec_version", "spec_hash"]


@dataclass(frozen=True)
class Check:
    """One expectation: `error` blocks the export, `warn` does not; `shows` are what to see of a bad row."""

    name: str
    severity: Severity
    description: str
    expectation: str
    arguments: dict[str, Any]
    shows: tuple[str, ...] = ()

    @property
    def judged(self) -> list[str]:
        """Columns that the expectation looks at."""
        return self.arguments.get("column_list") or [self.arguments["column"]]


@dataclass(frozen=True)
class Outcome:
    """How a check went: rows looked at, rows that fail it, and the first five of those."""

    name: str
    severity: Severity
    passed: bool
    evaluated: int
    unexpected_count: int
    description: str
    failing_rows: list[dict[str, Any]]


def _present(name: str, column: str, description: str) -> Check:
    return Check(name, "error", description, "ExpectColumnValuesToNotBeNull", {"column": column}, (column,))


def _fact(name: str, description: str, fact: str, *shows: str, severity: Severity = "error") -> Check:
    """A check on one of the facts that `with_facts` works out for every row."""
    arguments = {"column": fact, "value_set": [True]}
    return Check(name, severity, description, "ExpectColumnValuesToBeInSet", arguments, shows)


def _range(name: str, description: str, fact: str, low: int | None, high: int) -> Check:
    arguments = {"column": fact, "min_value": low, "max_value": high}
    return Check(name, "warn", description, "ExpectColumnValuesToBeBetween", arguments, (fact, "final"))


def suite() -> list[Check]:
    """Every check on the triples, in the order they are shown."""
    return [*_record_checks(), *_content_checks()]


def _record_checks() -> list[Check]:
    """Checks on ids and on who did what."""
    unique, together = "ExpectColumnValuesToBeUnique", "ExpectCompoundColumnsToBeUnique"
    per_aspect = {"column_list": ["clip_id", "aspect"]}
    return [
        _present("every_triple_has_an_id", "triple_id", "Each triple carries its id."),
        Check("triple_ids_are_unique", "error", "No triple stands twice.", unique, {"column": "triple_id"}),
        Check(
            "a_clip_has_one_triple_an_aspect",
            "error",
            "A clip has one approved caption an aspect.",
            together,
            per_aspect,
        ),
        _present("every_triple_has_a_draft", "draft_id", "Each triple names the draft it began with."),
        _present("every_triple_has_a_critique", "critique_id", "Each triple names its critique."),
        _present("every_triple_has_a_review", "review_id", "Each triple names the review that approved it."),
        _fact(
            "only_perfect_drafts_have_no_revision",
            "A triple has no revision only where its draft was rated 5.",
            "revised_as_rated",
            "rating",
            "revision_id",
        ),
        _fact(
            "chain_hashes_match",
            "The hash over the ids of draft, critique, revision and review is the stored one.",
            "chain_matches",
            "chain_hash",
        ),
        _fact("aspects_are_known", "The aspect is one of the five.", "aspect_known"),
        _fact(
            "ratings_are_1_to_5",
            "The draft's rating is from 1 to 5.",
            "rating_known",
            "rating",
        ),
        _fact(
            "reviewed_by_someone_else",
            "The reviewer is not the annotator, and both are known.",
            "reviewed_by_another",
            "annotator",
            "reviewer",
        ),
        _fact(
            "one_specification",
            "All triples count as made under the dataset's release of the specification.",
            "spec_counts",
            "spec_version",
            "spec_hash",
        ),
    ]


def _content_checks() -> list[Check]:
    """Checks on the texts."""
    low, high = CAPTION_WORDS
    return [
        _fact("every_caption_has_text", "The approved caption is not empty.", "final_has_text", "final"),
        _fact(
            "critiques_are_empty_exactly_for_perfect_drafts",
            "A draft rated 5 has no critique text, every other has some.",
            "critique_as_rated",
            "rating",
            "critique",
        ),
        _fact(
            "a_change_that_was_asked_for_was_made",
            "Where the draft was rated below 5, the caption differs from it; else it makes no training pair.",
            "final_as_rated",
            "rating",
            "draft",
            severity="warn",
        ),
        _fact(
            "no_media_placeholders_in_texts",
            "No text holds <video>, <image> or <audio>, which trainers would take for media.",
            "texts_are_plain",
            *_TEXTS,
        ),
        _range("captions_have_a_usual_length", f"Captions have {low} to {high} words.", "words", low, high),
        _range(
            "captions_are_not_repeated",
            f"No caption stands for more than {CLIPS_WITH_ONE_CAPTION} clips.",
            "clips_alike",
            None,
            CLIPS_WITH_ONE_CAPTION,
        ),
    ]


def validate(triples: pl.DataFrame, counts: Counted) -> list[Outcome]:
    """Judges rows of the table triples: one outcome a check, in the order of `suite`.

    `counts` says which of them count as made under the dataset's specification.

    Raises RuntimeError naming the check if Great Expectations could not evaluate it: that is never a pass.
    """
    # Read when the package is imported; nothing may call out.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    facts = with_facts(triples, counts)
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("triples")
    # Great Expectations hashes the whole frame for every check: give it the judged columns, not the texts.
    judged = {name for check in suite() for name in check.judged}
    frame = facts.select(sorted(judged)).to_pandas()
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    outcomes = []
    for check in suite():
        expectation = getattr(gx.expectations, check.expectation)(**check.arguments)
        result = batch.validate(expectation, result_format={"result_format": "COMPLETE"})
        if not result.result:
            raise RuntimeError(f"check {check.name} could not be evaluated: {result.exception_info}")
        outcomes.append(_outcome(check, bool(result.success), result.result, facts))
    return outcomes


def _outcome(check: Check, passed: bool, found: dict[str, Any], facts: pl.DataFrame) -> Outcome:
    columns = list(dict.fromkeys(["triple_id", "clip_id", "aspect", *check.shows]))
    return Outcome(
        name=check.name,
        severity=check.severity,
        passed=passed,
        evaluated=found["element_count"],
        unexpected_count=found["unexpected_count"],
        description=check.description,
        failing_rows=facts[found["unexpected_index_list"][:SHOWN]].select(columns).to_dicts(),
    )


def with_facts(triples: pl.DataFrame, counts: Counted) -> pl.DataFrame:
    """The columns that are judged, and one for each fact worked out from them.

    A fact is true where it does not apply (an unknown rating says nothing of the critique), so that one
    defect is reported by one check.
    """
    rating, final = pl.col("rating"), pl.col("final")
    rated, perfect = rating.is_between(1, 5).fill_null(False), (rating == PERFECT).fill_null(False)
    placeholder = pl.any_horizontal(pl.col(_TEXTS).str.contains(r"<(?:video|image|audio)>"))
    return triples.select(*_IDS, *_TEXTS, *_PEOPLE_AND_SPEC, "rating").with_columns(
        revised_as_rated=pl.col("revision_id").is_not_null() | perfect | ~rated,
        chain_matches=pl.struct(_IDS[3:]).map_elements(_chain_matches, return_dtype=pl.Boolean),
        aspect_known=pl.col("aspect").is_in(ASPECTS).fill_null(False),
        rating_known=rated,
        reviewed_by_another=(pl.col("annotator") != pl.col("reviewer")).fill_null(False),
        spec_counts=counts.holds(),
        final_has_text=_has_text(final),
        critique_as_rated=(_has_text(pl.col("critique")) != perfect) | ~rated,
        final_as_rated=final.ne_missing(pl.col("draft")) | perfect | ~rated,
        texts_are_plain=~placeholder.fill_null(False),
        words=pl.when(_has_text(final)).then(final.str.count_matches(r"\S+")),
        clips_alike=pl.when(_has_text(final)).then(pl.col("clip_id").n_unique().over("final")),
    )


def _has_text(text: pl.Expr) -> pl.Expr:
    return (text.str.strip_chars() != "").fill_null(False)


def _chain_matches(chain: dict[str, Any]) -> bool:
    claimed = chain.pop("chain_hash")
    named = chain["draft_id"] and chain["critique_id"] and chain["review_id"]
    return not named or claimed == chain_hash(**chain)
