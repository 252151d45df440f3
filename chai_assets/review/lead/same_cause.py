"""What else the cause of a wrong caption may have hit: the approved captions that share it. Reads tables, no more."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from chai_assets.core.imported import is_import, own_work
from chai_assets.core.rows import TripleRow
from chai_assets.spec.compile import PRESENT
from chai_assets.triples.join import triples_in_force
from chai_resources.tables import Tables


@dataclass(frozen=True)
class SharedCause:
    """Something that a caption was made with, and the ids of the other approved captions that share it."""

    kind: str
    """annotator, reviewer, model, prompt or primitive."""
    name: str
    triple_ids: list[str]


def shared_causes(tables: Tables, triple: TripleRow) -> list[SharedCause]:
    """Other triples in force with the same annotator, reviewer, model, prompt template or primitive present.

    The same primitive of the same aspect; those that fewest share come first. What nothing else shares is left out.
    """
    columns = ["triple_id", "standing", "draft_id", "aspect", "annotator", "reviewer", "model"]
    here = pl.col("batch") == triple["batch"] if is_import(triple["batch"]) else own_work()
    others = triples_in_force(tables.read("triples", columns=[*columns, "batch"], where=here))
    others = others.filter(pl.col("triple_id") != triple["triple_id"])
    found = [
        SharedCause(kind, str(triple[kind]), _ids(others.filter(pl.col(kind) == triple[kind])))
        for kind in ("annotator", "reviewer", "model")
    ]
    drafts = tables.read("drafts", columns=["draft_id", "label_id", "template_hash"], where=here)
    own = drafts.filter(pl.col("draft_id") == triple["draft_id"])
    drafted = others.join(drafts, on="draft_id")
    template, label = (own["template_hash"][0], own["label_id"][0]) if own.height else (None, None)
    if template:
        found.append(SharedCause("prompt", template, _ids(drafted.filter(pl.col("template_hash") == template))))
    same_aspect = drafted.filter(pl.col("aspect") == triple["aspect"])
    found += _primitives(tables, label, same_aspect, here & (pl.col("aspect") == triple["aspect"]))
    return [cause for cause in found if cause.triple_ids]


def _primitives(tables: Tables, label: str | None, drafted: pl.DataFrame, here: pl.Expr) -> Iterable[SharedCause]:
    labels = tables.read("primitives", columns=["label_id", "states"], where=here).unique("label_id")
    states = labels.explode("states").unnest("states").filter(pl.col("state") == PRESENT)
    own = states.filter(pl.col("label_id") == label)["primitive"]
    shared = states.filter(pl.col("primitive").is_in(own.implode())).join(drafted, on="label_id")
    named = shared.group_by("primitive").agg(pl.col("triple_id").unique().sort()).sort("primitive")
    rarest = sorted(named.iter_rows(), key=lambda row: (len(row[1]), row[0]))
    return [SharedCause("primitive", name, ids) for name, ids in rarest]


def _ids(triples: pl.DataFrame) -> list[str]:
    return sorted(triples["triple_id"].unique())
