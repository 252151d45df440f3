"""A store of the version before goes on under this one: nothing to do, the same ids, the same bytes of its dataset."""

import hashlib
import json
import shutil
import tarfile
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from chai_assets.core.partitions import batches
from chai_assets.core.pseudonyms import pseudonym
from chai_assets.datasets.file_names import TRIPLES, TRIPLES_JSONL
from chai_assets.datasets.select.canonical_rows import CANONICAL
from chai_assets.datasets.write.file_writers import HashedFile, JsonLinesWriter, ParquetWriter, close_writer
from chai_assets.definitions import build_defs
from chai_assets.spec.resource import release_of
from chai_assets.workflow.item_state import Standing
from chai_assets.workflow.load import standings_of
from chai_resources.schemas import TABLES
from chai_resources.settings import Settings
from chai_resources.tables import Tables
from tests.services.label_studio import LabelStudioHandle
from tests.world import World

HERE = Path(__file__).parent
BATCHES = ["practice-real", "practice-rendered"]
KINDS = ("primitives", "critique", "review", "feedback")
MADE = ("primitives", "drafts", "critiques", "revisions", "reviews", "feedback", "triples", "merged_captions")


def unpack(home: Path) -> Path:
    """The old store as the home of a deployment."""
    with tarfile.open(HERE / "store.tar.xz") as store:
        store.extractall(home, filter="data")
    return home


@pytest.fixture
def world(tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch) -> World:
    """The old store, worked on by this version, with a Label Studio that knows nothing of its batches."""
    world = World(tmp_path / "home", label_studio_server, monkeypatch)
    unpack(world.home)
    world.instance.add_dynamic_partitions(batches.name or "", BATCHES)
    return world


def contents(tables: Tables) -> dict[str, tuple[int, list[str]]]:
    """Version and keys of every table, by name."""
    return {name: (tables.version(name), sorted(tables.read(name)[table.key])) for name, table in TABLES.items()}


def media(world: World) -> set[Path]:
    """Every object in the media store; a model's answer is put there before anything is made of it."""
    return {path for path in Path(world.settings.media).rglob("*") if path.is_file()}


def ids(world: World) -> dict[str, set[str]]:
    """The keys of what people and models made, and of what was made of that, by table."""
    return {name: set(world.tables.read(name)[TABLES[name].key]) for name in MADE}


def as_recorded(batch: str, item: Standing) -> list[str | None]:
    """Where an item stands, as `standings.json` holds it."""
    return [
        batch,
        item.clip_id,
        item.aspect,
        item.stage,
        item.label["label_id"] if item.label else None,
        item.draft["draft_id"] if item.draft else None,
        item.candidate.candidate_id if item.candidate else None,
    ]


def test_advancing_it_writes_no_row_asks_no_model_and_hands_out_no_task(world: World) -> None:
    before = contents(world.tables), media(world)
    assert sum(len(keys) for _, keys in before[0].values()) > 2000
    for batch in BATCHES:
        assert world.advance(batch).success
    assert (contents(world.tables), media(world)) == before
    projects = [world.label_studio.require_project(kind) for kind in KINDS]
    assert [world.label_studio.existing(project, batch) for project in projects for batch in BATCHES] == [{}] * 8


def use_other_task_ids(world: World) -> None:
    """Moves the events' task ids out of the way of the tests' Label Studio, which counts its own from 1.

    A task that it numbers as the old one did would be taken for that one, with all its annotations deleted.
    """
    rows = [{**row, "task_id": row["task_id"] + 1_000_000} for row in world.tables.rows("annotation_events")]
    shutil.rmtree(Path(world.settings.tables) / "annotation_events")
    world.tables = Tables(root=world.settings.tables)
    world.tables.append("annotation_events", rows)


def test_made_anew_from_what_people_submitted_every_record_and_request_has_the_same_id(world: World) -> None:
    before, kept = ids(world), media(world)
    for name in {*TABLES} - {"sources", "clips", "spec_adoptions", "annotation_events"}:
        shutil.rmtree(Path(world.settings.tables) / name, ignore_errors=True)
    world.tables = Tables(root=world.settings.tables)
    use_other_task_ids(world)
    events = world.tables.version("annotation_events")
    for batch in BATCHES:
        rows = -1
        # A draft waits for the captions upstream of it, and those for their revisions: a round or two in each run.
        while rows != (rows := sum(world.tables.read(name, batch).height for name in MADE)):
            world.advance(batch)
    assert ids(world) == before
    # A request that hashed to something else would have been asked, and its answer stored beside the old ones.
    assert media(world) == kept
    assert world.tables.version("annotation_events") == events


def test_every_item_stands_where_it_stood_at_every_moment_of_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = unpack(tmp_path / "home")
    monkeypatch.setenv("CHAI_HOME", str(home))
    settings = Settings.from_env()
    whole, release = Tables(root=settings.tables), release_of(settings)
    rows = {name: whole.read(name) for name in TABLES}
    recorded = json.loads((home / "standings.json").read_text())
    assert len(recorded) == 12
    for number, (moment, expected) in enumerate(recorded.items()):
        then = Tables(root=str(tmp_path / f"then-{number}"))
        for name, frame in rows.items():
            then.append(name, frame.filter(frame["recorded_at"] <= datetime.fromisoformat(moment)).to_dicts())
        found = [as_recorded(batch, item) for batch in BATCHES for item in standings_of(then, release, batch)]
        assert found == expected, moment


PSEUDONYM_KEY = "the key that dataset.json was made with"
ADDED = {"rights_until", "purposes", "corrected_upstream"}
"""Columns of the canonical rows that the version before did not have."""


def as_before(folder: Path, tables: Tables, to: Path) -> dict[str, str]:
    """Hashes of the canonical rows as the version before would have written them: people by their ids, no new columns.

    Written by what writes datasets, so that nothing but those two differences is taken back.
    """
    rows = pl.read_parquet(folder / TRIPLES)
    assert set(rows.columns) >= ADDED
    names = {row["author"] for name in ("critiques", "reviews") for row in tables.rows(name)}
    person_of = {pseudonym(PSEUDONYM_KEY, name): name for name in names}
    people = [pl.col(name).replace_strict(person_of) for name in ("annotator", "reviewer")]
    rows = rows.drop(ADDED).with_columns(people)
    schema = pa.schema([field for field in CANONICAL if field.name not in ADDED])
    writers = [
        ParquetWriter(HashedFile(to / TRIPLES), lambda table: table, schema=schema),
        JsonLinesWriter(HashedFile(to / TRIPLES_JSONL), lambda table: table),
    ]
    for writer in writers:
        writer.write_rows(rows)
    return {entry.path: entry.sha256 for entry in (close_writer(writer, to) for writer in writers)}


def test_its_dataset_is_exported_to_the_same_bytes_but_for_people_marks_and_tables(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHAI_PSEUDONYM_KEY", PSEUDONYM_KEY)
    # The nightly export writes trainers' files where it is told to: those of before were all of them.
    monkeypatch.setenv("CHAI_DATASET_FORMATS", "all")
    world.defs = build_defs(Settings.from_env())
    recorded = json.loads((HERE / "dataset.json").read_text())
    installed = {name: version(name) for name in recorded["made_with"]}
    assert installed == recorded["made_with"], (
        "the manifest names the version of chai and Parquet files name that of pyarrow, so their bytes have moved: run "
        "the version before with the new packages and keep its hashes, as tests/old_store/__init__.py says"
    )
    before = contents(world.tables)
    assert world.run("export").success
    [folder] = Path(world.settings.datasets).glob("dst_*")
    hashes = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
    new = {path for path in hashes if path.split("/")[1:2] == ["parquet"]}
    assert len(new) == 10
    before_now = hashes | as_before(folder, world.tables, tmp_path / "as_before")
    assert {path: sha256 for path, sha256 in before_now.items() if path not in new} == recorded["files"]
    assert folder.name == recorded["dataset_id"]
    after = contents(world.tables)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"scorecards", "datasets"}
    assert after["datasets"][1] == sorted([*before["datasets"][1], recorded["dataset_id"]]), "it has another card now"
    # That version counted a finding again in each round: each of the five has one row more, and the old ones stay.
    assert set(before["scorecards"][1]) < set(after["scorecards"][1])
    assert len(after["scorecards"][1]) == len(before["scorecards"][1]) + 5
    assert world.run("export").success
    assert contents(world.tables) == after
