"""The rights that stand when a dataset is made are those that its rows, its card and its manifest say."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from deltalake import write_deltalake

from chai_assets.datasets.export import current_versions, export_inputs
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.write.publish import build_dataset
from chai_assets.spec.resource import SpecRelease
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables
from tests.datasets.factory import clip, export, triples_of

RELEASE = SpecRelease(version="1.0.0")


def change(source_id: str, licence: str, day: int) -> dict[str, object]:
    row = {
        "batch": "b1",
        "change_id": f"{source_id}-{day}",
        "source_id": source_id,
        "rights": "Ben",
        "licence": licence,
    }
    return {**row, "said_in": "rights.yaml", "recorded_at": datetime(2026, 5, day, tzinfo=UTC)}


def test_a_dataset_says_the_rights_that_stand_and_names_the_version_they_are_of(tmp_path: Path) -> None:
    clips = [clip(0), clip(6)]
    made = export(clips, [row | {"spec_hash": RELEASE.load().hash} for row in triples_of(clips)])
    for name in ("triples", "clips"):
        data = pl.DataFrame(getattr(made, name)).to_arrow().cast(TABLES[name].schema)
        write_deltalake(str(tmp_path / "tables" / name), data, mode="append", partition_by=["batch"])
    tables = Tables(root=str(tmp_path / "tables"))
    first = current_versions(tables)
    assert "rights_changes" not in first
    before = build_dataset(export_inputs(tables, RELEASE, Selection(), first), tmp_path / "before")
    assert before.licences == {"CC-BY-4.0": 2}
    source = clips[0]["source_id"]
    tables.append("rights_changes", [change(source, "MIT", 1)])
    tables.append("rights_changes", [change(source, "no-reuse", 3), change(source, "MIT", 1)])
    versions = current_versions(tables)
    after = build_dataset(export_inputs(tables, RELEASE, Selection(), versions), tmp_path / "after")
    assert after.licences == {"CC-BY-4.0": 1, "no-reuse": 1}
    assert after.table_versions["rights_changes"] == 1
    rows = pl.read_parquet(tmp_path / "after" / "triples.parquet")
    assert set(rows.select("source_id", "licence", "rights").rows()) == {
        (source, "no-reuse", "Ben"),
        (clips[1]["source_id"], "CC-BY-4.0", "Ada Film"),
    }
    again = build_dataset(export_inputs(tables, RELEASE, Selection(), first), tmp_path / "again")
    assert again == before, "a dataset of the versions before is made again as it was"
