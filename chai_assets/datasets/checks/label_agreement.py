"""Which triples say something that the labels in force deny, as far as nobody has said why both are right.

Only approvals for which the labels were looked at are held to it: what was approved before there was such a look, or
was imported, is warned about by the linter's own check.
"""

from collections.abc import Callable, Iterator, Mapping

import polars as pl

from chai_assets.datasets.checks.provenance import ReadTable
from chai_assets.linting.caption_lint import PrimitiveStates, lint_caption
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.spec.models import Spec


def contradicting_triples(
    triples: pl.DataFrame, read: ReadTable, states: Callable[[], Mapping[str, PrimitiveStates]], spec: Spec
) -> dict[str, list[str]]:
    """The primitives that a triple's caption speaks of and its labels deny, by triple, those explained aside.

    `states` gives those in force by label id, and is only asked where a review looked at the labels.
    """
    reviews = read("reviews", ["review_id", "contradicts", "label_stands"])
    looked_at = reviews.filter(pl.col("contradicts").is_not_null()).unique("review_id", keep="first")
    if looked_at.is_empty():
        return {}
    labels = read("drafts", ["draft_id", "label_id"]).unique("draft_id", keep="first")
    held = triples.select("triple_id", "aspect", "final", "draft_id", "review_id").drop_nulls()
    held = held.join(looked_at, on="review_id").join(labels, on="draft_id")
    return dict(_contradicting(held, states(), spec))


def _contradicting(
    held: pl.DataFrame, states: Mapping[str, PrimitiveStates], spec: Spec
) -> Iterator[tuple[str, list[str]]]:
    for row in held.iter_rows(named=True):
        if row["aspect"] not in spec.aspects or row["label_id"] not in states:
            continue
        flags = lint_caption(row["final"], lexicon_of(spec, row["aspect"]), states[row["label_id"]])
        denied = {flag.primitive for flag in flags if flag.kind == "contradiction" and flag.primitive}
        if unexplained := denied - set(row["contradicts"] if row["label_stands"] else ()):
            yield row["triple_id"], sorted(unexplained)
