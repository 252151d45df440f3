"""Which published datasets hold certain triples."""

from collections.abc import Iterator, Sequence

import polars as pl

from chai_assets.datasets.read.published import DatasetNotFound, list_datasets


def datasets_holding(root: str, triples: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Dataset and triple, the earliest dataset first; with one that cannot be read comes the reason instead."""
    for one in list_datasets(root) if triples else ():
        if one.dataset is None:
            yield one.name, one.problem
            continue
        try:
            with one.dataset.rows() as rows:
                held = rows.filter(pl.col("id").is_in(triples)).select("id").collect()["id"].to_list()
        except DatasetNotFound as error:
            yield one.name, str(error)
            continue
        yield from ((one.dataset.id, triple) for triple in held)
