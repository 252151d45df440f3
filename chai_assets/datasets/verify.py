"""Checks a dataset folder against its own manifest: for whoever received it, with no platform at hand."""

import hashlib
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from pydantic import ValidationError

from chai_assets.datasets.manifest import MANIFEST, Counts, FileEntry, Manifest, dataset_id
from chai_assets.datasets.splits import PINNED, on_both_sides, split_of
from chai_assets.triples.chain_hash import chain_hash


def verify_dataset(folder: Path | str) -> list[str]:
    """Everything that is wrong with the dataset in `folder`, one line each; an empty list if it is whole."""
    folder = Path(folder)
    path = folder / MANIFEST
    if not path.is_file():
        return [f"{path} is missing: without it this is no dataset, fetch it again"]
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        return [f"{path} cannot be read: {error.error_count()} error(s), first {error.errors()[0]['msg']}"]
    problems = []
    if (named := dataset_id(manifest)) != manifest.dataset_id:
        problems.append(f"{path} claims the id {manifest.dataset_id}, but its content is {named}: it was changed")
    damaged = [problem for entry in manifest.files for problem in _file_problems(folder, entry)]
    problems += damaged + _strangers(folder, manifest)
    return problems + ([] if damaged else _row_problems(folder, manifest))


def _file_problems(folder: Path, entry: FileEntry) -> list[str]:
    path = folder / entry.path
    if not path.is_file():
        return [f"{path} is missing: fetch it again"]
    if (size := path.stat().st_size) != entry.bytes:
        return [f"{path} has {size} bytes, the manifest says {entry.bytes}: fetch it again"]
    with path.open("rb") as handle:
        if hashlib.file_digest(handle, "sha256").hexdigest() != entry.sha256:
            return [f"{path} is not the file the manifest names (sha256 differs): fetch it again"]
    rows = _rows_in(path)
    return [f"{path} has {rows} rows, the manifest says {entry.rows}"] if rows != entry.rows else []


def _rows_in(path: Path) -> int | None:
    if path.suffix == ".parquet":
        return pq.read_metadata(path).num_rows
    if path.suffix == ".jsonl":
        with path.open("rb") as handle:
            return sum(1 for _ in handle)
    if path.suffix == ".csv":
        # One line a row: no value of ours has a line break.
        with path.open("rb") as handle:
            return sum(1 for _ in handle) - 1
    return None


def _strangers(folder: Path, manifest: Manifest) -> list[str]:
    known = {MANIFEST, *(entry.path for entry in manifest.files)}
    # Dot files are no data: the desktop's, or what a write that was killed left behind.
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    found = {path.relative_to(folder).as_posix() for path in files}
    return [f"{folder / name} is not in the manifest: do not use it" for name in sorted(found - known)]


def _row_problems(folder: Path, manifest: Manifest) -> list[str]:
    """What the canonical rows themselves give away: counts, splits and chains."""
    rows = pl.read_parquet(folder / "triples.parquet")
    problems = []
    if Counts.of(rows) != manifest.counts:
        problems.append(f"{folder / MANIFEST}: its counts are not those of triples.parquet")
    ids = rows.select("id", "chain_hash", "draft_id", "critique_id", "revision_id", "review_id")
    problems += [
        f"triple {triple}: its chain hash does not match its draft, critique, revision and review"
        for triple, claimed, *chain in ids.iter_rows()
        if claimed != chain_hash(*chain)
    ]
    for kind in ("source", "clip"):
        problems += [f"{kind} {leaked} is on both sides of the split" for leaked in on_both_sides(rows, f"{kind}_id")]
    sides = rows.select("source_id", "split_by", "split").unique().sort("source_id")
    problems += [
        f"source {source} is in {split}, where its hash does not put it"
        for source, by, split in sides.iter_rows()
        if split != ("eval" if by == PINNED else split_of(by, manifest.eval_share))
    ]
    return problems
