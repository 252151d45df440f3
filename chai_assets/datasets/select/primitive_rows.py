"""The labels of a dataset as rows: one for each primitive of each aspect of a clip that the dataset holds a caption of.

They are the labels in force when the tables were read. What yes/no questions and benchmarks are made of them is decided
in `write/question_files.py` and `write/camerabench.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl
import pyarrow as pa

from chai_assets.core.pseudonyms import pseudonyms
from chai_assets.datasets.select.export_inputs import Chunk, ExportInputs
from chai_assets.datasets.select.selection import LEVELS
from chai_assets.labeling.in_force import frame_in_force
from chai_assets.spec.compile import ABSENT, PRESENT
from chai_assets.spec.models import UNSURE, Aspect, Spec
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


@dataclass(frozen=True)
class _Asked:
    """What some versions of the specification ask, as numbers to join by: texts of millions of rows take long."""

    rows: pl.DataFrame
    """form, code, asked (a number), term, question, and `given_by`: the attributes that it rests on, as numbers."""
    forms: dict[tuple[str, str], int]
    """Numbers of the pairs of version and aspect."""
    codes: dict[str, int]
    """Numbers of the primitives' ids."""
    attributes: dict[str, int]
    aspects: list[Aspect]
    """By the number of the form."""

    @classmethod
    def of(cls, specs: Iterable[Spec]) -> "_Asked":
        forms = {(spec.version, name): aspect for spec in specs for name, aspect in spec.aspects.items()}
        names = {attribute.id for aspect in forms.values() for attribute in aspect.attributes}
        attributes = {name: number for number, name in enumerate(sorted(names))}
        ids = {primitive.id for aspect in forms.values() for primitive in aspect.primitives}
        codes = {primitive: number for number, primitive in enumerate(sorted(ids))}
        rows = [
            {
                "form": form,
                "code": codes[primitive.id],
                "term": primitive.term,
                "question": _BETWEEN_QUESTIONS.join(aspect.attribute(name).question for name in primitive.given_by),
                "given_by": [attributes[name] for name in primitive.given_by],
            }
            for form, aspect in enumerate(forms.values())
            for primitive in aspect.primitives
        ]
        texts = {"term": pl.String, "question": pl.String}
        schema = {"form": pl.Int64, "code": pl.Int64, **texts, "given_by": pl.List(pl.Int64)}
        numbered = pl.DataFrame(rows, schema=schema).with_row_index("asked")
        return cls(numbered, {form: at for at, form in enumerate(forms)}, codes, attributes, list(forms.values()))

    def form_of(self, labels: pl.DataFrame) -> pl.Series:
        """The number of each label's form; null for a version that is none of ours."""
        keys = labels.select("spec_version", "aspect").iter_rows()
        return pl.Series("form", [self.forms.get((version, aspect)) for version, aspect in keys], dtype=pl.Int64)


def primitive_rows(inputs: ExportInputs, chunk: Chunk, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of PRIMITIVES_SCHEMA for the canonical `rows` of a chunk, in their order and each label's own."""
    asked = _Asked.of(inputs.specs)
    labels = _labels_of(inputs, chunk, rows)
    labels = labels.with_columns(asked.form_of(labels)).with_row_index("label")
    states = labels.select("label", "form", "states").explode("states").drop_nulls("states").unnest("states")
    numbered = states.with_columns(_number("primitive", asked.codes).alias("code"))
    found = numbered.join(asked.rows, on=["form", "code"], how="left", maintain_order="left")
    found = found.with_columns(answer=_given_answers(found, labels, asked))
    if (unsure := _unsure(labels, asked)).height:
        found = found.join(unsure, on=["label", "code"], how="left", maintain_order="left")
        found = found.with_columns(state=pl.coalesce("unsure", "state"))
    facts = ["video", "clip_id", "source_id", "split", "aspect", "labeled_by", "confirmed_by", "spec_version"]
    return found.hstack(labels.select(*facts, "label_id")[found["label"]]).select(PRIMITIVES_SCHEMA.names)


def _number(column: str, numbers: Mapping[str, int]) -> pl.Expr:
    """The number of each text; null for one that has none."""
    return pl.col(column).replace_strict(numbers, default=None, return_dtype=pl.Int64)


def _labels_of(inputs: ExportInputs, chunk: Chunk, rows: pl.DataFrame) -> pl.DataFrame:
    """The label in force of each item of the rows that has one, in their order, with what they say of it."""
    columns = ["clip_id", "aspect", "video", "source_id", "split", "draft_id", "reviewer", "review", "variant_differs"]
    items = rows.select(columns).unique(["clip_id", "aspect"], keep="last", maintain_order=True)
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


def _given_answers(found: pl.DataFrame, labels: pl.DataFrame, asked: _Asked) -> pl.Series:
    """The answer to the questions of each row; null where nothing is known of them."""
    given = labels.select("label", "answers").explode("answers").drop_nulls("answers").unnest("answers")
    given = given.select(
        "label", attribute=_number("attribute", asked.attributes), answer=pl.col("values").list.join(", ")
    ).unique(["label", "attribute"], keep="last", maintain_order=True)
    most = asked.rows["given_by"].list.len().max()
    parts = []
    for place in range(most if isinstance(most, int) else 0):
        attribute = pl.col("given_by").list.get(place, null_on_oob=True).alias("attribute")
        answers = found.select("label", attribute).join(
            given, on=["label", "attribute"], how="left", maintain_order="left"
        )
        parts.append(answers["answer"].alias(f"{place}"))
    if not parts:
        return pl.Series("answer", [None] * len(found), dtype=pl.String)
    whole = pl.concat_str([part.name for part in parts], separator=_BETWEEN_QUESTIONS, ignore_nulls=True)
    known = found.select("asked", *parts)
    return known.select(pl.when(pl.col("asked").is_not_null()).then(whole)).to_series()


def _unsure(labels: pl.DataFrame, asked: _Asked) -> pl.DataFrame:
    """The primitives of each label that nobody could tell: label, code, `unsure`."""
    doubted = labels.filter(pl.col("answers").list.eval(_doubts()).list.any() & pl.col("form").is_not_null())
    found = [
        (label, asked.codes[primitive], UNSURE)
        for label, form, answers in doubted.select("label", "form", "answers").iter_rows()
        for primitive in unsure_primitives(
            asked.aspects[form], {given["attribute"]: given["values"] for given in answers}
        )
    ]
    schema = {"label": labels.schema["label"], "code": pl.Int64, "unsure": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row")


def _doubts() -> pl.Expr:
    """Whether an answer says unsure."""
    return pl.element().struct.field("values").list.contains(UNSURE)
