"""The labels of a dataset as rows: one for each primitive of each aspect of a clip that the dataset holds a caption of.

They are the labels in force when the tables were read. What yes/no questions and benchmarks are made of them is decided
in `write/question_files.py` and `write/camerabench.py`.
"""

from collections.abc import Iterable
from typing import Literal, get_args

import polars as pl
import pyarrow as pa

from chai_assets.core.pseudonyms import pseudonyms
from chai_assets.datasets.select.export_inputs import Chunk, ExportInputs
from chai_assets.datasets.select.selection import LEVELS
from chai_assets.labeling.in_force import frame_in_force
from chai_assets.spec.compile import ABSENT, PRESENT
from chai_assets.spec.models import UNSURE, Spec
from chai_assets.spec.undecided import unsure_primitives

State = Literal["present", "absent", "not_applicable", "unsure"]
STATES: tuple[State, ...] = get_args(State)
assert STATES[:2] == (PRESENT, ABSENT)

_COMMENTS = {
    "video": "key of the clip in the media store",
    "clip_id": "the clip",
    "source_id": "the source it was cut from",
    "split": "train or eval, by source",
    "aspect": "the aspect that the primitive belongs to",
    "primitive": "id of the primitive in the specification",
    "term": "its professional term; null where no specification of this platform knows it",
    "state": "present, absent, not_applicable, or unsure: somebody looked and could not tell",
    "question": "what the annotator was asked that decides it; several questions are joined by ' / '",
    "answer": "what was answered, several answers joined by ', '; in the order of the questions, joined by ' / '",
    "labeled_by": "who answered, as triples.parquet names people; null where that is not known",
    "confirmed_by": "the reviewer who approved the caption that was made from this label, or null",
    "spec_version": "version of the specification that was asked by",
    "label_id": "id of the label",
}
PRIMITIVES_SCHEMA = pa.schema(
    [pa.field(name, pa.string(), metadata={"comment": text}) for name, text in _COMMENTS.items()]
)
"""The columns of primitives.parquet."""

_BETWEEN_QUESTIONS = " / "


def asked_questions(specs: Iterable[Spec]) -> pl.DataFrame:
    """What these versions ask: spec_version, aspect, primitive, term, question, and the `attributes` it rests on."""
    rows = [
        {
            "spec_version": spec.version,
            "aspect": aspect.id,
            "primitive": primitive.id,
            "term": primitive.term,
            "question": _BETWEEN_QUESTIONS.join(aspect.attribute(name).question for name in primitive.given_by),
            "attributes": list(primitive.given_by),
        }
        for spec in specs
        for aspect in spec.aspects.values()
        for primitive in aspect.primitives
    ]
    texts = dict.fromkeys(("spec_version", "aspect", "primitive", "term", "question"), pl.String)
    return pl.DataFrame(rows, schema={**texts, "attributes": pl.List(pl.String)})


def primitive_rows(inputs: ExportInputs, chunk: Chunk, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of PRIMITIVES_SCHEMA for the canonical `rows` of a chunk, in their order and each label's own."""
    labels = _labels_of(inputs, chunk, rows)
    states = labels.select("item", "aspect", "spec_version", "states").explode("states").drop_nulls("states")
    asked = states.unnest("states").join(
        asked_questions(inputs.specs), on=["spec_version", "aspect", "primitive"], how="left", maintain_order="left"
    )
    found = (
        asked.with_row_index("row")
        .join(_given_answers(asked.with_row_index("row"), labels), on="row", how="left", maintain_order="left")
        .join(_unsure(inputs.specs, labels), on=["item", "primitive"], how="left", maintain_order="left")
        .with_columns(state=pl.coalesce("unsure", "state"))
    )
    facts = labels.select("item", "video", "clip_id", "source_id", "split", "labeled_by", "confirmed_by", "label_id")
    return found.join(facts, on="item", maintain_order="left").select(PRIMITIVES_SCHEMA.names)


def _labels_of(inputs: ExportInputs, chunk: Chunk, rows: pl.DataFrame) -> pl.DataFrame:
    """The label in force of each item of the rows, with what they say of it; `item` is the item's place among them."""
    columns = ["clip_id", "aspect", "video", "source_id", "split", "draft_id", "reviewer", "review", "variant_differs"]
    items = rows.select(columns).unique(["clip_id", "aspect"], keep="last", maintain_order=True).with_row_index("item")
    in_batches = pl.col("batch").is_in(chunk.batches)
    of_items = in_batches & pl.col("clip_id").is_in(items["clip_id"].unique().implode())
    in_force = frame_in_force(
        inputs.primitives.lazy().filter(of_items),
        inputs.annotation_events.lazy().filter(in_batches),
        inputs.corrected_labels.filter(of_items),
    )
    drafted = inputs.drafts.lazy().filter(of_items).select("draft_id", drafted_from="label_id")
    found = (
        items.lazy()
        .join(in_force, on=["clip_id", "aspect"], maintain_order="left")
        .join(drafted.unique("draft_id", keep="any"), on="draft_id", how="left", maintain_order="left")
        .collect()
    )
    before_review = pl.col("variant_differs") & (inputs.selection.variant == "pre_review")
    approved = (pl.col("review") == LEVELS[0]) & ~before_review
    made_from_it = pl.any_horizontal(pl.col("drafted_from") == pl.col(name) for name in ("label_id", "given_label_id"))
    confirmed = approved & made_from_it
    return found.with_columns(
        pseudonyms(found["author"], inputs.people_key).alias("labeled_by"),
        confirmed_by=pl.when(confirmed).then("reviewer"),
    )


def _given_answers(asked: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """The `answer` to each row's questions, by `row`."""
    given = labels.select("item", "answers").explode("answers").drop_nulls("answers").unnest("answers")
    given = given.select("item", attributes="attribute", answer=pl.col("values").list.join(", "))
    one = asked.select("row", "item", "attributes").explode("attributes").drop_nulls("attributes")
    joined = one.join(given, on=["item", "attributes"], maintain_order="left")
    return joined.group_by("row", maintain_order=True).agg(pl.col("answer").str.join(_BETWEEN_QUESTIONS))


def _unsure(specs: Iterable[Spec], labels: pl.DataFrame) -> pl.DataFrame:
    """The primitives of each item that nobody could tell: item, primitive, `unsure`."""
    aspects = {(spec.version, aspect.id): aspect for spec in specs for aspect in spec.aspects.values()}
    doubted = labels.filter(pl.col("answers").list.eval(_doubts()).list.any())
    found = [
        (item, primitive, UNSURE)
        for item, version, aspect, answers in doubted.select("item", "spec_version", "aspect", "answers").iter_rows()
        if (version, aspect) in aspects
        for primitive in unsure_primitives(
            aspects[version, aspect], {given["attribute"]: given["values"] for given in answers}
        )
    ]
    schema = {"item": labels.schema["item"], "primitive": pl.String, "unsure": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row")


def _doubts() -> pl.Expr:
    """Whether an answer says unsure."""
    return pl.element().struct.field("values").list.contains(UNSURE)
