"""Exports read a part at a time from real tables: the same bytes whatever the parts, and nothing half there."""

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import write_deltalake

from chai_assets.datasets.export import current_versions, export_inputs, publish_selection
from chai_assets.datasets.file_names import LATEST
from chai_assets.datasets.read.verify import verify_dataset
from chai_assets.datasets.select import export_inputs as inputs
from chai_assets.datasets.select.export_inputs import Chunk, ExportInputs, chunks
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.write.file_writers import ParquetWriter
from chai_assets.datasets.write.publish import build_dataset, latest_manifest, publish
from chai_assets.spec.resource import SpecRelease
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables
from tests.datasets.factory import clip, export, many, triples_of

RELEASE = SpecRelease(version="1.0.0")


@pytest.fixture
def whole() -> ExportInputs:
    """Four batches, one of them large, of the specification in force."""
    clips = [clip(n, batch="b0" if n < 6 else "b1" if n < 30 else "b2" if n < 33 else "b3") for n in range(36)]
    triples = [row | {"spec_hash": RELEASE.load().hash} for row in triples_of(clips)]
    return export(clips, triples)


def as_tables(whole: ExportInputs, root: Path) -> Tables:
    """The export's rows in real tables, appended batch by batch in an order of their own."""
    for name in ("triples", "clips", "merged_captions"):
        rows = getattr(whole, name)
        for batch in sorted(set(rows["batch"]), reverse=True):
            part = rows.filter(pl.col("batch") == batch).reverse()
            data = part.to_arrow().cast(TABLES[name].schema)
            write_deltalake(str(root / name), data, mode="append", partition_by=["batch"])
    return Tables(root=str(root))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_parts_cover_every_batch_once_and_cut_a_large_one_by_sources(whole: ExportInputs):
    assert chunks(whole) == [Chunk(("b0", "b1", "b2", "b3"))]
    cut = chunks(whole, 40)
    assert [part.batches for part in cut] == [("b0",), ("b1",), ("b1",), ("b1",), ("b2", "b3")]
    assert all(one.end == two.first for one, two in itertools.pairwise(cut))
    rows = pl.concat([whole.triples.lazy().filter(part.contains_source()) for part in cut]).collect()
    assert sorted(rows["triple_id"]) == sorted(whole.triples.lazy().collect()["triple_id"])


@pytest.mark.parametrize("size", [1, 40, 1_000])
def test_the_bytes_do_not_depend_on_the_parts_nor_on_how_the_rows_were_appended(
    whole: ExportInputs, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("chai_assets.datasets.write.file_writers.ROW_GROUP", 7)
    tables = as_tables(whole, tmp_path / "tables")
    scanned = export_inputs(tables, RELEASE, Selection(), current_versions(tables))
    same: dict[str, Any] = {"code_version": scanned.code_version, "table_versions": scanned.table_versions}
    same |= {"instructions": scanned.instructions, "dataset_spec": scanned.dataset_spec}
    same |= {"instructions_from": scanned.instructions_from}
    in_memory = ExportInputs(triples=whole.triples, clips=whole.clips, merged_captions=whole.merged_captions, **same)
    expected = build_dataset(in_memory, tmp_path / "memory")
    monkeypatch.setattr(inputs.chunks, "__defaults__", (size,))
    assert build_dataset(scanned, tmp_path / "tables-read") == expected
    assert files_of(tmp_path / "tables-read") == files_of(tmp_path / "memory")
    order = pl.read_parquet(tmp_path / "memory/triples.parquet").select("clip_id", "source_id", "aspect")
    batch_of = dict(whole.clips.lazy().select("clip_id", "batch").collect().iter_rows())
    keys = [(batch_of[clip_id], source, clip_id, aspect) for clip_id, source, aspect in order.iter_rows()]
    assert keys == sorted(keys)


def test_a_table_without_a_column_that_came_later_is_exported(whole: ExportInputs, tmp_path: Path):
    tables = as_tables(whole, tmp_path / "tables")
    old = whole.triples.lazy().drop("human_edited").collect()
    write_deltalake(str(tmp_path / "old/triples"), old.to_arrow(), mode="append", partition_by=["batch"])
    read = Tables(root=str(tmp_path / "old")).scan("triples", 0).collect()
    assert read.columns == TABLES["triples"].schema.names
    assert read["human_edited"].null_count() == len(read)
    assert Tables(root=str(tmp_path / "none")).scan("triples", -1).collect().is_empty()
    assert tables.scan("triples", 0).collect()["batch"].unique().to_list() == ["b3"]


def test_a_selection_is_published_from_the_tables_and_entered_among_the_datasets(whole: ExportInputs, tmp_path: Path):
    tables = as_tables(whole, tmp_path / "tables")
    root = str(tmp_path / "datasets")
    told: list[str] = []
    special = Selection(aspects=("camera",))
    published = publish_selection(tables, RELEASE, special, root, told.append)
    assert verify_dataset(published.uri) == []
    assert published.manifest.counts.by_aspect == {"camera": 36}
    assert latest_manifest(root) is None, "only what the checks have passed becomes the current one"
    assert tables.read("datasets")["dataset_id"].to_list() == [published.manifest.dataset_id]
    assert any("deciding" in line for line in told)
    assert any("writing" in line for line in told)


def _limited(root: str, clips: int, limit: int) -> subprocess.CompletedProcess[str]:
    """Publishes in a process that may write no file larger than so many bytes."""
    code = (
        "import resource, sys; from tests.datasets.factory import many; "
        "from chai_assets.datasets.write.publish import *;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
        "\ntry: publish(many(int(sys.argv[2])), sys.argv[1])"
        "\nexcept DiskFull as error: print(error)"
    )
    command = [sys.executable, "-c", code, root, str(clips)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("limit", [100, 20_000])
def test_a_full_disk_is_named_and_leaves_the_former_dataset_and_nothing_else(tmp_path: Path, limit: int):
    root = tmp_path / "datasets"
    former = publish(many(2), str(root)).manifest
    before = files_of(root)
    full = _limited(str(root), 40, limit)
    assert full.returncode == 0, full.stderr
    for said in (f"{root}/.building-", "the dataset needs", "free there", "make room", "export again"):
        assert said in full.stdout
    assert files_of(root) == before
    assert sorted(path.name for path in root.iterdir()) == sorted([former.dataset_id, LATEST])
    assert publish(many(40), str(root)).new


def test_what_a_killed_build_left_goes_with_the_next_one_and_a_build_under_way_stays(tmp_path: Path):
    hold = (
        "import sys, time; from pathlib import Path; "
        "from chai_assets.datasets.write.build_folder import scratch_folder\n"
        "with scratch_folder(Path(sys.argv[1])) as folder: print(folder, flush=True); time.sleep(60)"
    )
    living, dead = (
        subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    assert living.stdout is not None
    assert dead.stdout is not None
    kept, left = Path(living.stdout.readline().strip()), Path(dead.stdout.readline().strip())
    os.kill(dead.pid, signal.SIGKILL)
    dead.wait()
    assert left.exists()
    publish(many(1), str(tmp_path))
    assert not left.exists()
    assert kept.exists()
    living.terminate()
    living.wait()


def test_parquet_has_row_groups_of_one_size_however_the_rows_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from chai_assets.datasets.write.file_writers import HashedFile

    monkeypatch.setattr("chai_assets.datasets.write.file_writers.ROW_GROUP", 10)
    rows = pl.DataFrame({"n": range(47), "text": [f"text {n}" for n in range(47)]})
    schema = pa.schema([("n", pa.int64()), ("text", pa.string())])
    made = []
    for size in (1, 9, 10, 25, 47):
        file = ParquetWriter(HashedFile(tmp_path / f"{size}.parquet"), lambda part: part, schema)
        for piece in rows.iter_slices(size):
            file.write_rows(piece)
        file.finish()
        made.append((file.file.close(), file.rows))
        groups = pq.ParquetFile(tmp_path / f"{size}.parquet").metadata
        assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [10, 10, 10, 10, 7]
    assert len(set(made)) == 1
