"""What rights allow, purpose by purpose, and what becomes of rows whose rights do not allow what a dataset is for."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.datasets.select.canonical_rows import ExportRefused
from chai_assets.datasets.select.purposes import EXPIRED, obstacles
from chai_assets.datasets.select.selection import Selection, parse_selection
from chai_assets.datasets.write.publish import build_dataset
from chai_assets.ingestion.rights import PURPOSES
from chai_resources.errors import UnusableInput
from tests.datasets.factory import clip, export, triples_of

TODAY = date(2026, 5, 4)
ALL: set[str] = set(PURPOSES)

ALLOWED: list[tuple[str | None, str | None, list[str] | None, set[str]]] = [
    ("CC0-1.0", None, None, ALL),
    ("CC0 1.0", None, None, ALL),
    ("CC BY 3.0", None, None, ALL),
    ("cc-by-sa-4.0", None, None, ALL),
    ("Apache-2.0", None, None, ALL),
    ("public domain", None, None, ALL),
    ("CC-BY-NC-4.0", None, None, ALL - {"commercial"}),
    ("CC BY-ND 4.0", None, None, ALL - {"publish"}),
    ("CC-BY-NC-ND-3.0-DE", None, None, {"train", "evaluate"}),
    ("CC BY-NC-SA", None, None, ALL - {"commercial"}),
    (None, None, None, set()),
    ("", None, None, set()),
    ("unknown", None, None, set()),
    ("Unknown ", None, None, set()),
    ("no-reuse", None, None, set()),
    ("Stock site: editorial use", None, None, set()),
    ("MIT, but for clips of people", None, None, set()),
    ("unknown", None, ["train", "evaluate"], {"train", "evaluate"}),
    ("CC-BY-4.0", None, [], set()),
    ("CC-BY-NC-4.0", None, ["train", "commercial"], {"train", "commercial"}),
    ("CC-BY-4.0", "2026-05-04", None, ALL),
    ("CC-BY-4.0", "2026-05-03", None, set()),
    ("no-reuse", "2026-05-03", ["train"], set()),
    ("no-reuse", "2026-05-05", ["train"], {"train"}),
]


@pytest.mark.parametrize(("licence", "until", "agreed", "allowed"), ALLOWED)
def test_a_purpose_is_allowed_by_what_was_agreed_on_else_by_the_licence_and_never_after_the_last_day(
    licence: str | None, until: str | None, agreed: list[str] | None, allowed: set[str]
):
    assert ALL - set(obstacles(licence, until, agreed, TODAY)) == allowed


@given(st.text(max_size=40))
def test_a_licence_that_nobody_knows_allows_nothing_whatever_is_written(text: str):
    found = obstacles(f"{text} reserved", None, None, TODAY)
    assert set(found) == ALL


def sources(**rights: tuple[str, str | None, list[str] | None]) -> tuple[list[dict[str, Any]], pl.DataFrame]:
    """A clip of a source of its own for each name, with licence, last day and what was agreed on."""
    clips = [clip(number, 1, name=name, licence=said[0]) for number, (name, said) in enumerate(rights.items())]
    return clips, pl.DataFrame(
        {
            "clip_id": [one["clip_id"] for one in clips],
            "rights_until": [until for _, until, _ in rights.values()],
            "rights_purposes": [agreed for *_, agreed in rights.values()],
        },
        schema={"clip_id": pl.String, "rights_until": pl.String, "rights_purposes": pl.List(pl.String)},
    )


def built(folder: Path, purposes: tuple[str, ...]) -> tuple[Any, dict[str, dict[str, Any]]]:
    """The manifest and the rows by the source's name."""
    clips, agreed = sources(
        free=("CC-BY-4.0", None, None),
        home=("CC-BY-NC-4.0", None, None),
        nobody=("unknown", None, None),
        deal=("unknown", "2026-12-31", ["train"]),
        past=("CC-BY-4.0", "2026-01-31", None),
    )
    whole = export(clips, triples_of(clips, ("camera",)), eval_share=0.0, today=TODAY)
    joined = whole.clips.lazy().join(agreed.lazy(), on="clip_id", how="left")
    whole = replace(whole, clips=joined, selection=Selection(purposes=purposes))
    manifest = build_dataset(whole, folder)
    names = {one["clip_id"]: one["name"] for one in clips}
    rows = pl.read_parquet(folder / "triples.parquet").to_dicts()
    return manifest, {names[row["clip_id"]]: row for row in rows}


def test_made_for_no_purpose_only_what_has_run_out_is_held_back_and_each_row_says_what_it_is_allowed_for(
    tmp_path: Path,
):
    manifest, rows = built(tmp_path, ())
    assert {name: row["purposes"] for name, row in rows.items()} == {
        "free": [*PURPOSES],
        "home": ["train", "evaluate", "publish"],
        "nobody": [],
        "deal": ["train"],
    }
    assert rows["deal"]["rights_until"] == "2026-12-31"
    left = [entry for entry in manifest.left_out if entry.what == "triple"]
    assert [(entry.count, entry.reason.startswith(EXPIRED)) for entry in left] == [(1, True)]
    assert manifest.rights["train"] == {"allowed": 3, "its licence is unknown": 1}
    assert manifest.rights["commercial"]["allowed"] == 1
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "made for no purpose in particular, which is the default (`CHAI_DATASET_PURPOSES`)" in card
    assert "| train | 1 | its licence is unknown |" in card


@pytest.mark.parametrize(
    ("purposes", "kept"),
    [
        (("train",), {"free", "home", "deal"}),
        (("evaluate",), {"free", "home", "nobody", "deal"}),  # all are of the other side
        (("publish",), {"free", "home"}),
        (("train", "commercial"), {"free"}),
    ],
)
def test_a_row_whose_rights_do_not_allow_the_purpose_is_left_out_with_the_reason(
    tmp_path: Path, purposes: tuple[str, ...], kept: set[str]
):
    manifest, rows = built(tmp_path, purposes)
    assert set(rows) == kept
    left = [entry for entry in manifest.left_out if entry.what == "triple"]
    assert sum(entry.count for entry in left) == 5 - len(kept)
    assert all("rights.yaml" in entry.reason for entry in left)
    assert manifest.selection["purposes"] == list(purposes)
    assert f"made for {', '.join(purposes)}" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_where_no_row_may_be_used_the_export_is_refused_with_the_remedy(tmp_path: Path):
    clips = [clip(0, licence=None)]
    whole = export(clips, selection=Selection(purposes=("publish",)))
    with pytest.raises(
        ExportRefused, match=r"5: its rights do not allow `publish`: its licence is unknown; say in rights"
    ):
        build_dataset(whole, tmp_path)


def test_a_purpose_that_is_none_is_told_with_those_there_are():
    assert parse_selection(purposes="publish, train").purposes == ("train", "publish")
    with pytest.raises(UnusableInput, match=r"purposes 'sell' is none of train, evaluate, .*: give one"):
        parse_selection(purposes="train,sell")
