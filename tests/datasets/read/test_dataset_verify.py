"""Checking a received dataset: what is whole passes, each kind of damage is named, and no platform is needed."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.core.ids import canonical_json, record_id, sha256_text
from chai_assets.datasets.file_names import MANIFEST
from chai_assets.datasets.read import verify
from chai_assets.datasets.read.verify import NAME, ROWS, manifest_id, verify_dataset
from chai_assets.datasets.select.splits import split_of
from chai_assets.datasets.write.manifest import Manifest, dataset_id
from chai_assets.datasets.write.publish import build_dataset, publish
from chai_assets.triples.chain_hash import chain_hash
from tests.datasets.factory import many

Row = dict[str, Any]
IDS = ("draft_id", "critique_id", "revision_id", "review_id")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(publish(many(24, eval_share=0.6), str(tmp_path_factory.mktemp("datasets"))).uri)


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy of a whole dataset, to be damaged."""
    return Path(shutil.copytree(published, tmp_path / "received"))


def claim(folder: Path, **changes: object) -> None:
    """Rewrites the manifest with these claims, and with the id that follows from them."""
    manifest = json.loads((folder / MANIFEST).read_bytes()) | changes
    manifest["dataset_id"] = manifest_id(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def forge(folder: Path, path: str, data: bytes, **more: object) -> None:
    """Writes a file and makes the manifest agree with it."""
    (folder / path).write_bytes(data)
    entries = json.loads((folder / MANIFEST).read_bytes())["files"]
    made = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    claim(folder, files=[entry | made if entry["path"] == path else entry for entry in entries], **more)


def rows_of(folder: Path) -> list[Row]:
    return [json.loads(line) for line in (folder / ROWS).read_text().splitlines()]


def retold(folder: Path, change: Callable[[list[Row]], Iterable[Row]], **more: object) -> None:
    """Changes the canonical rows, as a forger would."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in change(rows_of(folder))]
    forge(folder, ROWS, "".join(lines).encode(), **more)


def _first(rows: list[Row], **changes: Any) -> list[Row]:
    return [rows[0] | changes, *rows[1:]]


def _edit_a_caption(folder: Path) -> None:
    path = folder / "train/caption_generation.jsonl"
    path.write_bytes(path.read_bytes().replace(b"far", b"off", 1).replace(b"close", b"clote", 1))


def _edit_the_manifest(folder: Path) -> None:
    path = folder / MANIFEST
    path.write_text(path.read_text().replace('"code_version": "0.1.0"', '"code_version": "9.9.9"'))


def _wrong_row_count(folder: Path) -> None:
    entries = json.loads((folder / MANIFEST).read_bytes())["files"]
    claim(folder, files=[entry | {"rows": 1} if entry["path"] == ROWS else entry for entry in entries])


def _wrong_counts(folder: Path) -> None:
    counts = json.loads((folder / MANIFEST).read_bytes())["counts"]
    claim(folder, counts=counts | {"by_rating": {"5": 40}})


def _other_side(row: Row) -> Row:
    return row | {"split": "eval" if row["split"] == "train" else "train"}


def _one_caption(rows: list[Row]) -> list[Row]:
    at = [next(n for n, row in enumerate(rows) if row["split"] == split) for split in ("train", "eval")]
    rows[at[0]]["final"] = "A caption – naïve, and long – that stands on both sides."
    rows[at[1]]["final"] = "a caption – Naïve and  long – that stands on both sides"
    return rows


def _a_clip_across(rows: list[Row]) -> list[Row]:
    """Some rows of a clip say that it was cut from a source of the other side."""
    other = next(row for row in rows if row["split"] != rows[0]["split"])
    return _first(rows, source_id=other["source_id"], split=other["split"])


DAMAGE: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: (folder / MANIFEST).unlink(), "manifest.json is missing: without it this is no dataset"),
    (lambda folder: (folder / MANIFEST).write_text("{"), "manifest.json cannot be read: Expecting"),
    (lambda folder: (folder / MANIFEST).write_text("[]"), "manifest.json cannot be read: it is no manifest"),
    (lambda folder: claim(folder, files=[{"path": 1}]), "its list of files is not one of path, rows"),
    (
        lambda folder: claim(folder, files=[{"path": "../x", "rows": None, "bytes": 1, "sha256": ""}]),
        "it names a file outside the dataset, '../x'",
    ),
    (_edit_the_manifest, "manifest.json claims the id dst_"),
    (lambda folder: (folder / ROWS).unlink(), "triples.jsonl is missing: fetch it again"),
    (lambda folder: (folder / "more.jsonl").touch(), "more.jsonl is not in the manifest: do not use it"),
    (lambda folder: os.truncate(folder / "triples.parquet", 100), "triples.parquet has 100 bytes"),
    (_edit_a_caption, "caption_generation.jsonl is not the file the manifest names"),
    (_wrong_row_count, "triples.jsonl has 120 rows, the manifest says 1"),
    (_wrong_counts, "counts.by_rating is {'5': 40}, the rows of triples.jsonl say {"),
    (lambda folder: retold(folder, lambda rows: rows[1:]), "counts.triples is 120, the rows of triples.jsonl say 119"),
    (lambda folder: retold(folder, lambda rows: _first(rows, review_id="rvw_0")), "its chain hash does not match"),
    (lambda folder: retold(folder, lambda rows: _first(rows, chain_hash="0" * 64)), "its chain hash does not match"),
    (lambda folder: retold(folder, lambda rows: [*rows, rows[0]]), "is there twice (line 121)"),
    (lambda folder: retold(folder, lambda rows: map(_other_side, rows)), "where its hash does not put it"),
    (lambda folder: retold(folder, lambda rows: [_other_side(rows[0]), *rows[1:]]), "is on both sides of the split"),
    (lambda folder: retold(folder, _a_clip_across), "clip clp_"),
    (
        lambda folder: retold(folder, _one_caption, leak_certificate={"identical_captions": 0}),
        "one caption on both sides of the split, though the manifest says there is none",
    ),
    (
        lambda folder: forge(folder, ROWS, b'{"id": 1}\n'),
        "triples.jsonl, line 1 is not a triple: it has no 'source_id'",
    ),
    (lambda folder: forge(folder, ROWS, b"\xff\n"), "triples.jsonl, line 1 is not a triple: 'utf-8' codec"),
    (lambda folder: forge(folder, ROWS, b"[" * 99_999 + b"\n"), "triples.jsonl, line 1 is not a triple"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGE, ids=[message[:50] for _, message in DAMAGE])
def test_damage_to_a_received_dataset_is_found_and_named(folder: Path, damage: Any, message: str) -> None:
    assert verify_dataset(folder) == []
    damage(folder)
    problems = verify_dataset(folder)
    assert any(message in problem for problem in problems), problems


def test_a_dataset_of_several_chunks_is_read_line_by_line_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for chunk in (1, 7, 1000):
        monkeypatch.setattr(verify, "CHUNK", chunk)
        assert verify_dataset(folder) == []
    monkeypatch.setattr(verify, "LONGEST_LINE", 100)
    assert any("line 1 is longer" in problem for problem in verify_dataset(folder))


def test_many_problems_of_one_kind_are_counted_and_do_not_hide_another(folder: Path) -> None:
    retold(folder, lambda rows: [row | {"chain_hash": "0"} for row in rows])
    (folder / "stray.txt").touch()
    problems = verify_dataset(folder)
    assert sum("chain hash does not match" in problem for problem in problems) == verify.NAMED
    assert f"... and {120 - verify.NAMED} more like the last one" in problems
    assert "stray.txt is not in the manifest: do not use it" in problems


def test_a_row_of_a_group_lies_where_the_group_falls_and_a_pinned_one_where_people_put_it(folder: Path) -> None:
    rows = rows_of(folder)
    source, side = rows[0]["source_id"], rows[0]["split"]
    there = next(str(n) for n in range(1000) if split_of(str(n)) != side)

    def grouped(by: str | None) -> Callable[[list[Row]], list[Row]]:
        return lambda rows: [
            _other_side(row) | {"split_by": by} if row["source_id"] == source else row | {"split_by": None}
            for row in rows
        ]

    def misplaced() -> list[str]:
        return [problem for problem in verify_dataset(folder) if "does not put it" in problem]

    plain = rows_of(folder)
    for by, wrong in ((None, 1), (source, 1), (there, 0), ("pinned", int(side == "eval"))):
        retold(folder, lambda _, by=by: grouped(by)([dict(row) for row in plain]))
        assert len(misplaced()) == wrong, by


def test_captions_on_both_sides_are_nobodys_business_where_the_manifest_claims_nothing(folder: Path) -> None:
    retold(folder, _one_caption, leak_certificate=None)
    assert verify_dataset(folder) == []


def test_what_the_desktop_or_version_control_leaves_behind_is_no_stranger(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git/config").touch()
    (folder / "train/.DS_Store").touch()
    assert verify_dataset(folder) == []


def test_the_copy_in_the_dataset_runs_alone_without_any_package(folder: Path) -> None:
    assert NAME in {entry["path"] for entry in json.loads((folder / MANIFEST).read_bytes())["files"]}
    # -I and -S: no site-packages and nothing of this checkout on the path.
    command = [sys.executable, "-I", "-S", folder / NAME]
    whole = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=60)
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "is whole" in whole.stdout
    _edit_a_caption(folder)
    damaged = subprocess.run([*command, folder], capture_output=True, text=True, cwd="/", timeout=60)
    assert (damaged.returncode, damaged.stderr) == (1, "")
    assert "train/caption_generation.jsonl is not the file the manifest names" in damaged.stdout


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), _json, max_size=5))
def test_the_id_of_any_manifest_is_the_one_the_platform_gives_it(content: dict[str, Any]) -> None:
    content.pop("dataset_id", None)
    written = json.dumps({"dataset_id": "dst_x", **content}, indent=2, ensure_ascii=False)
    assert manifest_id(json.loads(written)) == record_id("dataset", manifest=content)


def test_the_id_of_a_real_manifest_is_the_one_it_was_published_under(tmp_path: Path) -> None:
    manifest: Manifest = build_dataset(many(2), tmp_path)
    assert manifest_id(json.loads(manifest.text())) == dataset_id(manifest) == manifest.dataset_id


_id = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(_id, _id, _id | st.none(), _id)
def test_chain_hashes_are_those_of_the_platform(draft: str, critique: str, revision: str | None, review: str) -> None:
    assert verify._chain(draft, critique, revision, review) == chain_hash(draft, critique, revision, review)


def test_a_caption_that_nobody_reviewed_has_a_chain_as_well() -> None:
    ids = ["drf_1", "crt_1", "rev_1", None]
    assert verify._chain(*ids) == sha256_text(canonical_json(ids))


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(0, 1))
def test_sides_are_those_of_the_platform(source: str, share: float) -> None:
    assert verify.split_of(source, share) == split_of(source, share)
