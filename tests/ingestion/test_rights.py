"""Whose rights hold for which file, whatever the entry's spelling, and what becomes of them when they change later."""

import sys
import unicodedata
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from chai_assets.cli.main import main
from chai_assets.core.ids import record_id
from chai_assets.core.partitions import batches
from chai_assets.ingestion import assets
from chai_assets.ingestion.assets import clips
from chai_assets.ingestion.ingest import ClipRules, StoredRows, ingest
from chai_assets.ingestion.rights import Right, folder_rights
from chai_assets.ingestion.rights_changes import RightsChange, SourceRights
from chai_resources.inbox import Inbox
from chai_resources.media import Media
from chai_resources.tables import Tables
from tests.ingestion.films import scene, write

UNKNOWN = Right()
FREE = Right("Ada", "CC-BY-4.0")
HELD = Right("Ada", "no-reuse")
NFD = unicodedata.normalize("NFD", "été.mp4")
NFC = unicodedata.normalize("NFC", "été.mp4")

# Entries that say `no-reuse` under a folder's CC-BY-4.0; the files with the rights they must have; words of the rows.
CASES: dict[str, tuple[list[str], dict[str, Right], list[str]]] = {
    "its very name": (["clip.mp4"], {"clip.mp4": HELD, "b.mp4": FREE}, []),
    "another case": (["clip.mp4"], {"clip.MP4": HELD, "b.mp4": FREE}, []),
    "another case of the name": (["STRASSE.mp4"], {"Straße.mp4": HELD, "b.mp4": FREE}, []),
    "another Unicode form": ([NFD], {NFC: HELD, "b.mp4": FREE}, []),
    "the other way round": ([NFC], {NFD: HELD, "b.mp4": FREE}, []),
    "separators of Windows": (["Day1\\a.mp4"], {"day1/a.mp4": HELD, "day2/a.mp4": FREE}, []),
    "a path from here": (["./day1//a.mp4"], {"day1/a.mp4": HELD, "a.mp4": FREE}, []),
    "two that differ in case, each with its entry": (["a.mp4", "A.mp4"], {"a.mp4": HELD, "A.mp4": HELD}, []),
    "the exact one wins": (["a.mp4"], {"a.mp4": HELD, "A.mp4": FREE}, []),
    "two that it could be": (
        ["A.MP4"],
        {"a.mp4": UNKNOWN, "A.mp4": UNKNOWN, "b.mp4": UNKNOWN},
        ["A.MP4 is named in rights.yaml, where more than one file"],
    ),
    "two entries for one file": (["a.MP4", "A.mp4"], {"a.mp4": UNKNOWN}, ["A.mp4 is named", "a.MP4 is named"]),
    "a second entry of one that has its own": (["a.mp4", "A.mp4"], {"a.mp4": HELD, "b.mp4": UNKNOWN}, ["that file's"]),
    "a slip in the name": (["clap.mp4"], {"clip.mp4": UNKNOWN, "b.mp4": UNKNOWN}, ["did you mean clip.mp4?"]),
    "another ending": (["a.mov", "b.mp4"], {"a.mp4": UNKNOWN, "b.mp4": HELD}, ["did you mean a.mp4?"]),
    "without its folder": (["a.mp4"], {"day1/a.mp4": UNKNOWN, "b.mp4": UNKNOWN}, ["did you mean day1/a.mp4?"]),
    "a pattern": (["*.mp4"], {"a.mp4": UNKNOWN}, ["*.mp4 is named in rights.yaml, and no file of the batch"]),
    "a file that is no video": (["notes.txt"], {"notes.txt": HELD, "a.mp4": FREE}, []),
}


def folder_with(folder: Path, names: list[str], rights: str, file: str = "rights.yaml") -> Media:
    for name in [*names, file]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / file).write_text(rights, encoding="utf-8")
    return Media(root=str(folder))


@pytest.mark.parametrize("case", CASES)
def test_an_entry_belongs_to_its_file_or_leaves_nothing_under_the_folders_licence(tmp_path: Path, case: str) -> None:
    entries, expected, says = CASES[case]
    text = "rights: Ada\nlicence: CC-BY-4.0\nfiles:\n" + "".join(
        f"  '{name}': {{licence: no-reuse}}\n" for name in entries
    )
    rights = folder_rights(folder_with(tmp_path, list(expected), text))
    assert {name: rights.of(name) for name in expected} == expected
    assert sorted(kind for _, kind, _ in rights.problems) == ["rights"] * len(says)
    for (name, _, reason), words in zip(sorted(rights.problems), says, strict=True):
        assert words in reason
        assert reason.startswith(name)
        assert "\n" not in reason


def test_an_entry_that_says_what_holds_anyway_puts_nothing_in_doubt_and_one_of_a_file_taken_away_is_no_error(tmp_path):
    same = folder_with(tmp_path, ["a.mp4"], "licence: MIT\nfiles: {gone.mp4: {licence: MIT}}\n")
    assert folder_rights(same).of("a.mp4") == Right("unknown", "MIT")
    assert len(folder_rights(same).problems) == 1
    assert folder_rights(same, ["gone.mp4"]).problems == ()


@pytest.mark.parametrize(
    ("name", "doubtful"),
    [
        ("rights.yml", {"a.mp4", "day1/a.mp4"}),
        ("Rights.yaml", {"a.mp4", "day1/a.mp4"}),
        ("rights.json", {"a.mp4", "day1/a.mp4"}),
        ("rights.yaml.txt", {"a.mp4", "day1/a.mp4"}),
        ("right.yaml", {"a.mp4", "day1/a.mp4"}),
        ("day1/rights.yaml", {"day1/a.mp4"}),
        ("day1/RIGHTS.YML", {"day1/a.mp4"}),
        ("day1/.rights.yaml", set()),
        ("rights.yaml~", set()),
    ],
)
def test_a_rights_file_that_nobody_reads_is_named_and_leaves_what_it_may_mean_unknown(
    tmp_path: Path, name: str, doubtful: set[str]
) -> None:
    folder_with(tmp_path, [], "licence: no-reuse\n", name)
    text = "rights: Ada\nlicence: CC-BY-4.0\nfiles: {own.mp4: {licence: no-reuse}}\n"
    rights = folder_rights(folder_with(tmp_path, ["a.mp4", "day1/a.mp4", "own.mp4"], text))
    assert {file for file in ("a.mp4", "day1/a.mp4") if rights.of(file) == UNKNOWN} == doubtful
    assert rights.of("own.mp4") == HELD
    assert [row[0] for row in rights.problems] == ([name] if doubtful else [])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("license: MIT\n", "line 1: license: is an unknown key: write 'licence'"),
        (
            "licence: MIT\nfiles:\n  a.mp4: {license: x}\n",
            "line 3: files.a.mp4.license: is an unknown key: write 'licence'",
        ),
        ("licence: MIT\nfile: {a.mp4: {licence: x}}\n", "line 2: file: is an unknown key: write 'files'"),
        ("licence: MIT\nfiles: {a.mp4: no-reuse}\n", "line 2: files.a.mp4: must be a mapping"),
        ("licence: MIT\nfiles: {a.mp4: {licence: }}\n", "line 2: files.a.mp4.licence: Value error, says nothing"),
        ("licence: MIT\nfiles: {a.mp4: {licence: ''}}\n", "line 2: files.a.mp4.licence"),
        ("until: next year\n", "line 1: until: Value error, 'next year' is no day: write its last one as 2027-12-31"),
        ("until: 2027-02-30\n", "'2027-02-30' is no day"),
        ("files: {a.mp4: {until: }}\n", "line 1: files.a.mp4.until: Value error, says nothing"),
        ("purposes: [train, sell]\n", "line 1: purposes: Value error, 'sell' is no purpose: write some of train,"),
        ("purposes: train\n", "line 1: purposes: must be a list, such as [a, b]"),
        ("licence: MIT\nfiles:\n  a.mp4: {licence: x}\n  a.mp4: {licence: y}\n", "'a.mp4' twice, first on line 3"),
    ],
)
def test_a_rights_file_that_says_something_else_is_refused_by_line_and_nothing_is_taken_from_it(tmp_path, text, says):
    rights = folder_rights(folder_with(tmp_path, ["a.mp4"], text))
    [(name, kind, reason)] = rights.problems
    assert (name, kind) == ("rights.yaml", "broken")
    assert says in reason
    assert rights.of("a.mp4") == UNKNOWN


def test_a_rights_file_too_large_to_read_costs_one_line(tmp_path: Path) -> None:
    media = folder_with(tmp_path, ["a.mp4"], "# " + "x" * 1_000_000)
    assert "(it is larger than 1000 kB" in folder_rights(media).problems[0][2]
    (tmp_path / "rights.yaml").unlink()
    (tmp_path / "rights.yaml").symlink_to("/dev/zero")
    assert "it is no file" in folder_rights(media).problems[0][2]


class Loop:
    """A deployment of tables, media and inbox, whose batch `b1` is ingested by the real asset."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "inbox" / "b1"
        self.folder.mkdir(parents=True)
        self.tables = Tables(root=str(home / "tables"))
        self.resources = {"tables": self.tables, "media": Media(root=str(home / "media"))}
        self.resources |= {"inbox": Inbox(root=str(home / "inbox"))}
        self.instance = dg.DagsterInstance.ephemeral()
        self.instance.add_dynamic_partitions(batches.name or "", ["b1"])

    def ingest(self) -> dict[str, object]:
        done = dg.materialize([clips], partition_key="b1", instance=self.instance, resources=self.resources)
        return {name: value.value for name, value in done.asset_materializations_for_node("clips")[0].metadata.items()}

    def changes(self) -> list[tuple[str, str]]:
        names = {row["source_id"]: row["name"] for row in self.tables.rows("sources")}
        return [(names[row["source_id"]], row["licence"]) for row in self.tables.rows("rights_changes")]


def test_rights_that_come_and_change_later_are_new_rows_by_command_and_by_ingest(tmp_path, monkeypatch, capsys):
    loop = Loop(tmp_path)
    write(loop.folder / "a.MP4", scene(1, 45))
    write(loop.folder / "b.mp4", scene(2, 45))
    loop.ingest()
    before = loop.tables.rows("sources")
    assert {row["licence"] for row in before} == {"unknown"}
    monkeypatch.setenv("CHAI_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def chai(*arguments: str, status: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["chai", "rights", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert (ended.value.code or 0) == status
        return capsys.readouterr().out

    (loop.folder / "rights.yaml").write_text("licence: MIT\nfiles: {a.mp4: {licence: no-reuse}}\n")
    said = chai("b1")
    assert "unknown -> no-reuse" in said
    assert "unknown -> MIT" in said
    assert loop.changes() == []
    assert "2 new rows" in chai("--apply")
    assert loop.changes() == [("a.MP4", "no-reuse"), ("b.mp4", "MIT")]
    assert "nothing to change" in chai("--apply")

    (loop.folder / "rights.yaml").write_text("licence: MIT\nfiles: {c.mp4: {licence: no-reuse}}\n")
    assert "b1: c.mp4 is named in rights.yaml" in chai(status=1)
    assert loop.ingest()["rights_changed"] == 2
    assert loop.changes()[2:] == [("a.MP4", "unknown"), ("b.mp4", "unknown")]
    assert loop.ingest()["rights_changed"] == 0
    (loop.folder / "rights.yaml").write_text("licence: MIT\n")
    assert loop.ingest()["rights_changed"] == 2
    assert loop.changes()[4:] == [("a.MP4", "MIT"), ("b.mp4", "MIT")]
    (loop.folder / "rights.yaml").write_text("licence: [\n")
    (loop.folder / "a.MP4").unlink()
    assert loop.ingest()["rights_changed"] == 0
    (loop.folder / "rights.yaml").unlink()
    assert loop.ingest()["rights_changed"] == 0
    assert loop.tables.rows("sources") == before
    assert "no source of a batch b2 is known: name one of b1" in chai("b2", status=1)
    assert "are for imported corpora" in chai("b1", "--licence", "MIT", status=1)


def test_an_imported_corpus_gets_its_licence_by_command(tmp_path, monkeypatch, capsys):
    tables = Tables(root=str(tmp_path / "tables"))
    row = {"batch": "import-old", "source_id": "s1", "name": "s1", "rights": None, "licence": None}
    tables.append("sources", [row])
    monkeypatch.setenv("CHAI_HOME", str(tmp_path))
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["chai", "rights", "import-old", "--licence", "CC0-1.0", "--apply"])
        with pytest.raises(SystemExit):
            main()
    [change] = tables.rows("rights_changes")
    assert (change["licence"], change["rights"], change["said_in"]) == ("CC0-1.0", "unknown", "chai rights")


def test_the_last_day_and_what_was_agreed_on_are_recorded_by_the_first_ingest_and_by_command(
    tmp_path, monkeypatch, capsys
):
    loop = Loop(tmp_path)
    write(loop.folder / "a.mp4", scene(1, 45))
    text = "licence: MIT\nuntil: 2027-12-31\nfiles: {a.mp4: {purposes: [evaluate, train]}}\n"
    (loop.folder / "rights.yaml").write_text(text)
    loop.ingest()
    [change] = loop.tables.rows("rights_changes")
    assert (change["licence"], change["until"], change["purposes"]) == ("MIT", "2027-12-31", ["train", "evaluate"])
    assert loop.ingest()["rights_changed"] == 0
    row = {"batch": "import-old", "source_id": "s1", "name": "s1", "rights": None, "licence": "MIT"}
    loop.tables.append("sources", [row])
    monkeypatch.setenv("CHAI_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    for given, shown in (
        (("--until", "2026-01-31", "--purposes", "train"), "train"),
        (("--purposes", ""), "none"),
        (("--until", "soon"), "'soon' is no day"),
        (("--purposes", "sell"), "'sell' is no purpose"),
    ):
        monkeypatch.setattr(sys, "argv", ["chai", "rights", "import-old", *given, "--apply"])
        with pytest.raises(SystemExit):
            main()
        assert shown in capsys.readouterr().out
    said = [(row["until"], row["purposes"]) for row in loop.tables.rows("rights_changes", "import-old")]
    assert said == [("2026-01-31", ["train"]), ("2026-01-31", [])]


def test_a_change_of_what_was_there_before_has_the_id_it_always_had() -> None:
    source = SourceRights("b1", "s1", "a.mp4", Right(), 0)
    plain = RightsChange(source, Right("Ada", "MIT"), "rights.yaml").row()
    same = {"source_id": "s1", "rights": "Ada", "licence": "MIT", "said_in": "rights.yaml"}
    assert plain == {"batch": "b1", "change_id": record_id("rights", earlier=0, **same), **same}
    assert RightsChange(source, Right("Ada", "MIT", None, ()), "rights.yaml").row()["change_id"] != plain["change_id"]


def test_a_copy_whose_rights_are_said_to_differ_is_told_so(tmp_path):
    loop = Loop(tmp_path)
    original = write(loop.folder / "a.mp4", scene(1, 45))
    (loop.folder / "b.mp4").write_bytes(original.read_bytes())
    (loop.folder / "rights.yaml").write_text("licence: MIT\nfiles: {b.mp4: {licence: no-reuse}}\n")
    loop.ingest()
    [problem] = loop.tables.rows("ingest_problems")
    assert problem["kind"] == "duplicate"
    assert problem["reason"].endswith("(its licence stays MIT: no-reuse is said of this copy)")


LIMITED = "rights: Ada\nlicence: MIT\nuntil: 2027-12-31\npurposes: [train]\n"


def test_limits_stand_from_the_first_clip_on_though_the_run_dies_or_their_file_goes(tmp_path, monkeypatch):
    loop = Loop(tmp_path)
    write(loop.folder / "a.mp4", scene(1, 45))
    (loop.folder / "rights.yaml").write_text(LIMITED)
    real_append = Tables.append_new

    def killed(tables: Tables, name: str, *rest: Any) -> int:
        if name == "sources":
            raise ConnectionError("killed here")
        return real_append(tables, name, *rest)

    with monkeypatch.context() as dying:
        dying.setattr(Tables, "append_new", killed)
        with pytest.raises(ConnectionError):
            loop.ingest()
    [clip] = loop.tables.rows("clips")
    [change] = loop.tables.rows("rights_changes")
    assert (change["source_id"], change["until"], change["purposes"]) == (clip["source_id"], "2027-12-31", ["train"])

    real_changes = assets.changes_by_folder

    def after_removal(tables: Tables, batch: str, folder: Media) -> Any:
        (loop.folder / "rights.yaml").unlink()
        return real_changes(tables, batch, folder)

    write(loop.folder / "b.mp4", scene(2, 45))
    monkeypatch.setattr(assets, "changes_by_folder", after_removal)
    assert loop.ingest()["rights_changed"] == 0
    assert loop.changes() == [("a.mp4", "MIT"), ("b.mp4", "MIT")]
    assert {row["until"] for row in loop.tables.rows("rights_changes")} == {"2027-12-31"}
    (loop.folder / "rights.yaml").write_text(LIMITED)
    monkeypatch.undo()
    assert loop.ingest()["rights_changed"] == 0


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("", ""),
        ("licence: MIT, purposes: [train]", ""),
        ("until: 2026-01-31", " (its until stays 2027-12-31: 2026-01-31 is said of this copy)"),
        ("purposes: []", " (its purposes stay train: no purpose is said of this copy)"),
        (
            "licence: no-reuse, rights: Bo",
            " (its rights stay Ada: Bo is said of this copy; its licence stays MIT: no-reuse is said of this copy)",
        ),
    ],
)
def test_a_copy_in_the_batch_is_told_each_part_of_its_rights_that_differs(tmp_path: Path, own: str, told: str) -> None:
    assert _of_copy(tmp_path, LIMITED + f"files: {{b.mp4: {{{own}}}}}\n") == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LIMITED, ""),
        ("rights: Ada\nlicence: MIT\nuntil: 2030-01-01\n", ""),
        ("rights: Ada\nlicence: no-reuse\n", " (its licence stays MIT: no-reuse is said of this copy)"),
    ],
)
def test_a_copy_in_another_batch_is_told_what_the_tables_know_to_differ(tmp_path: Path, text: str, told: str) -> None:
    assert _of_copy(tmp_path, LIMITED, text) == told


def _of_copy(place: Path, rights: str, other_batch: str | None = None) -> str:
    """What is said of the rights of b.mp4, a copy of a.mp4 that lies beside it or in another batch."""
    media, folders = Media(root=str(place / "media")), [place / "b1", place / ("b1" if other_batch is None else "b2")]
    for folder, text in zip(folders, (rights, other_batch or rights), strict=True):
        folder.mkdir(exist_ok=True)
        (folder / "rights.yaml").write_text(text)
    film = write(folders[0] / "a.mp4", scene(1, 30, (160, 120)))
    (folders[1] / "b.mp4").write_bytes(film.read_bytes())
    sources: list[Any] = []
    problems: list[Any] = []
    for folder in dict.fromkeys(folders):
        rules = ClipRules("none", 0.5, 20.0)
        for outcome in ingest(folder.name, str(folder), media, StoredRows(list(sources)), rules):
            sources += outcome.sources
            problems += outcome.problems
    [problem] = problems
    return problem["reason"].partition("; remove one of them")[2]
