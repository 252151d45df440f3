"""The tables, on a folder and on a real S3 server, through the same claims."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_resources.schemas import TABLES
from chai_resources.tables import Tables, TablesUnreachable
from tests.services.local import free_ports

CHECKOUT = Path(__file__).parents[2]
WRITERS, COMMITS = 4, 5
WRITE_MANY = """
import sys
from chai_resources.tables import Tables
root, writer, commits = sys.argv[1], sys.argv[2], int(sys.argv[3])
tables = Tables(root=root)
print("ready", flush=True)
sys.stdin.readline()
for number in range(commits):
    tables.append("clips", [{"batch": "b", "clip_id": f"{writer}-{number}"}])
"""


@pytest.fixture(params=["folder", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "tables") if request.param == "folder" else f"{request.getfixturevalue('s3')}/{tmp_path.name}"


@pytest.fixture
def tables(root: str) -> Tables:
    return Tables(root=root)


def clip(clip_id: str, batch: str = "b", **more: object) -> dict[str, object]:
    return {"batch": batch, "clip_id": clip_id, **more}


def ids(rows: pl.DataFrame) -> list[str]:
    return rows["clip_id"].to_list()


def test_what_was_appended_is_read_back_in_order_of_writing_by_batch_and_by_column(tables: Tables) -> None:
    assert ids(tables.read("clips")) == []
    assert tables.version("clips") == -1
    assert tables.append("clips", [clip("z"), clip("a", name="first")]) == 2
    assert tables.append("clips", [clip("m", batch="other")]) == 1
    assert tables.append("clips", []) == 0
    assert ids(tables.read("clips")) == ["z", "a", "m"]
    assert ids(tables.read("clips", "b")) == ["z", "a"]
    assert tables.read("clips", "b", columns=["name"]).rows() == [(None,), ("first",)]
    assert tables.read("clips").schema == tables.read("clips", version=-1).schema
    assert tables.version("clips") == 1


def test_a_row_appended_twice_is_read_once_and_its_first_writing_counts(tables: Tables) -> None:
    tables.append("clips", [clip("a", name="first"), clip("b")])
    tables.append("clips", [clip("a", name="again"), clip("c")])
    for read in (tables.read("clips"), tables.read("clips", "b"), Tables(root=tables.root).read("clips", "b")):
        assert ids(read) == ["a", "b", "c"]
        assert read["name"][0] == "first"


def test_any_columns_of_a_batch_can_be_read_after_any_others(tables: Tables) -> None:
    tables.append("drafts", [{"batch": "b", "draft_id": "d", "text": "A dog.", "prompt": "Describe."}])
    assert tables.read("drafts", "b", columns=["text"]).rows() == [("A dog.",)]
    assert tables.read("drafts", "b", columns=["prompt", "draft_id"]).rows() == [("Describe.", "d")]
    assert tables.read("drafts", "b").columns == TABLES["drafts"].schema.names
    assert tables.read("drafts", "b", columns=["model"]).rows() == [(None,)]


def test_a_table_written_before_a_column_came_reads_it_as_null_and_takes_it_from_then_on(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = TABLES["reviews"]
    older = replace(whole, schema=pa.schema([field for field in whole.schema if field.name != "spec_version"]))
    monkeypatch.setitem(TABLES, "reviews", older)
    tables.append("reviews", [{"batch": "b", "event_id": "before"}])
    monkeypatch.setitem(TABLES, "reviews", whole)
    assert tables.rows("reviews", "b", columns=["event_id", "spec_version"]) == [
        {"event_id": "before", "spec_version": None}
    ]
    tables.append("reviews", [{"batch": "b", "event_id": "after", "spec_version": "1.0.0"}])
    assert tables.read("reviews")["spec_version"].to_list() == [None, "1.0.0"]


def test_append_new_writes_only_keys_that_are_not_there_and_no_commit_for_none(tables: Tables) -> None:
    assert tables.append_new("clips", [clip("a"), clip("a"), clip("b")], "b") == 2
    version = tables.version("clips")
    assert tables.append_new("clips", [clip("a"), clip("b")], "b") == 0
    assert tables.version("clips") == version
    assert tables.append_new("clips", [clip("b"), clip("c")], "b") == 1
    assert ids(tables.read("clips", "b")) == ["a", "b", "c"]


def test_a_version_reads_as_it_was_whatever_was_written_or_compacted_since(tables: Tables) -> None:
    for name in ("a", "b", "c"):
        tables.append("clips", [clip(name)])
    assert tables.maintain("clips")["files_removed"] == 3
    tables.append("clips", [clip("d")])
    assert [ids(tables.read("clips", version=number)) for number in (-1, 0, 1)] == [[], ["a"], ["a", "b"]]
    assert ids(tables.read("clips", "b", version=1)) == ["a", "b"]
    assert ids(tables.read("clips", "b")) == ["a", "b", "c", "d"]


def test_what_another_process_wrote_is_seen_by_the_next_read(tables: Tables) -> None:
    other = Tables(root=tables.root)
    tables.append("clips", [clip("a")])
    assert ids(other.read("clips", "b")) == ["a"]
    tables.append("clips", [clip("b")])
    assert ids(other.read("clips", "b")) == ["a", "b"]


def test_what_another_wrote_is_seen_where_the_log_up_to_then_was_cleaned_up_since(tmp_path: Path) -> None:
    """Delta removes old commits from the log once a checkpoint holds them: the next commit may be gone."""
    tables, other = Tables(root=str(tmp_path)), Tables(root=str(tmp_path))
    tables.append("clips", [clip("a")])
    assert ids(tables.read("clips")) == ["a"]
    for name in "bcd":
        other.append("clips", [clip(name)])
    DeltaTable(other.uri("clips")).create_checkpoint()
    log = tmp_path / "clips" / "_delta_log"
    for version in range(3):
        (log / f"{version:020}.json").unlink()
    assert ids(tables.read("clips")) == ["a", "b", "c", "d"]


def test_writers_that_append_at_once_keep_every_row(root: str) -> None:
    writers = [_writer(root, str(number)) for number in range(WRITERS)]
    try:
        for writer in writers:
            assert _line(writer) == "ready"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        said = [writer.communicate(timeout=120)[1] for writer in writers]
    finally:
        for writer in writers:
            writer.kill()
    assert [writer.returncode for writer in writers] == [0] * WRITERS, said
    expected = {f"{writer}-{number}" for writer in range(WRITERS) for number in range(COMMITS)}
    assert set(ids(Tables(root=root).read("clips", "b"))) == expected


def _writer(root: str, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITE_MANY, root, name, str(COMMITS)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=CHECKOUT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def _line(writer: subprocess.Popen[str]) -> str:
    assert writer.stdout is not None
    return writer.stdout.readline().strip()


def test_a_row_that_does_not_fit_is_refused_whole_and_named(tables: Tables) -> None:
    with pytest.raises(KeyError, match=r"table clips has no column .*color"):
        tables.append("clips", [clip("a"), clip("b", color="red")])
    with pytest.raises(pa.ArrowInvalid):
        tables.append("clips", [clip("a"), clip("b", width="wide")])
    with pytest.raises(KeyError):
        tables.read("clipz")
    assert tables.version("clips") == -1


def test_a_store_that_is_down_is_named_with_its_table_and_the_remedy(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    up = Tables(root=f"{s3}/down")
    up.append("clips", [clip("a")])
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
        down = Tables(root=up.root)
        says = rf"table clips at {up.root}/clips cannot be reached: check the S3 endpoint .* nothing was lost"
        with pytest.raises(TablesUnreachable, match=says):
            down.read("clips")
        with pytest.raises(TablesUnreachable, match=says):
            down.append("clips", [clip("b")])
    assert ids(Tables(root=up.root).read("clips")) == ["a"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "clips").write_text("a file stands where the table's folder should")
    with pytest.raises(TablesUnreachable, match=r"table clips at .*tables/clips cannot be reached: check the folder"):
        Tables(root=str(tmp_path / "tables")).append("clips", [clip("a")])


@settings(max_examples=15)
@given(commits=st.lists(st.lists(st.sampled_from("abcdef"), max_size=4), max_size=6))
def test_reading_gives_each_key_once_in_order_of_its_first_writing(
    tmp_path_factory: pytest.TempPathFactory, commits: list[list[str]]
) -> None:
    tables = Tables(root=str(tmp_path_factory.mktemp("tables")))
    for names in commits:
        tables.append("clips", [clip(name) for name in names])
    assert ids(tables.read("clips", "b")) == list(dict.fromkeys(name for names in commits for name in names))


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_a_table_has_a_comment_and_its_key_is_a_column(name: str) -> None:
    table = TABLES[name]
    silent = [field.name for field in table.schema if not (field.metadata or {}).get(b"comment", b"").strip()]
    assert silent == []
    assert {table.key, "recorded_at"} <= set(table.schema.names)
    assert table.doc
