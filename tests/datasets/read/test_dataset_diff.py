"""The difference of two datasets: nothing with itself, the mirror image the other way round, each change named."""

from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.datasets.read.diff import ComparedDataset, DatasetDiff, compare

_row = st.fixed_dictionaries(
    {
        "id": st.sampled_from([f"tri_{n}" for n in range(30)]),
        "clip_id": st.sampled_from(["c1", "c2", "c3"]),
        "aspect": st.sampled_from(["scene", "camera"]),
        "source_id": st.sampled_from(["s1", "s2"]),
        "split": st.sampled_from(["train", "eval"]),
        "rating": st.integers(1, 5),
        "draft": st.sampled_from(["A dog.", "A cat."]),
        "critique": st.sampled_from(["", "It is a cow.", None]),
        "final": st.sampled_from(["A dog.", "A cow \U0001f404."]),
    }
)
_rows = st.lists(_row, max_size=12, unique_by=lambda row: row["id"])
_SCHEMA = dict.fromkeys(["id", "clip_id", "aspect", "source_id", "split", "draft", "critique", "final"], pl.String)
_SCHEMA |= {"rating": pl.Int64}


def side(rows: list[dict[str, Any]], **manifest: Any) -> ComparedDataset:
    made = {"dataset_id": "dst_x", "counts": {"triples": len(rows)}, "files": []}
    return ComparedDataset(made | manifest, pl.LazyFrame(rows, schema=_SCHEMA))


def row(clip: str = "c1", aspect: str = "scene", **changes: Any) -> dict[str, Any]:
    made = {"id": f"tri_{clip}_{aspect}", "clip_id": clip, "aspect": aspect, "source_id": f"s_{clip}"}
    made |= {"split": "train", "rating": 3, "draft": "A dog.", "critique": "It is a cow.", "final": "A cow."}
    return made | changes


def entry(path: str, sha256: str, size: int) -> dict[str, Any]:
    return {"path": path, "rows": 1, "bytes": size, "sha256": sha256}


@given(_rows)
def test_a_dataset_does_not_differ_from_itself(rows: list[dict[str, Any]]) -> None:
    found = compare(side(rows), side(list(reversed(rows))))
    assert found.is_empty
    assert found.same == len(rows)


@given(_rows, _rows)
def test_the_other_way_round_is_the_mirror_image(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    there, back = compare(side(old), side(new), 99), compare(side(new), side(old), 99)
    assert (there.added, there.removed, there.changed, there.same) == (
        back.removed,
        back.added,
        back.changed,
        back.same,
    )
    assert there.removed + there.changed + there.same == len(old)
    assert there.added + there.changed + there.same == len(new)
    assert (there.changed_in, there.moved) == (back.changed_in, back.moved)
    assert [(change.what, change.new, change.old) for change in back.facts] == [
        (change.what, change.old, change.new) for change in there.facts
    ]
    assert [{name: (now, was) for name, (was, now) in example.texts.items()} for example in back.examples] == [
        example.texts for example in there.examples
    ]


def test_a_caption_written_anew_is_one_change_and_shows_its_texts() -> None:
    old = [row("c1"), row("c2"), row("c3", critique=None)]
    new = [row("c1", id="tri_new", final="A brown cow."), row("c3", critique=None), row("c4", "camera")]
    found = compare(side(old), side(new))
    assert (found.added, found.removed, found.changed, found.same) == (1, 1, 1, 1)
    assert (found.added_by_aspect, found.removed_by_aspect) == ({"camera": 1}, {"scene": 1})
    assert found.changed_in == {"final": 1}
    (example,) = found.examples
    assert (example.clip_id, example.new_id) == ("c1", "tri_new")
    assert example.texts == {"final": ("A cow.", "A brown cow.")}


def test_a_triple_made_again_to_the_same_texts_is_a_change_of_records_only() -> None:
    found = compare(side([row()]), side([row(id="tri_again")]))
    assert found.changed_in == {"id": 1}
    assert found.examples[0].texts == {}


def test_a_source_that_moved_to_the_other_side_is_named() -> None:
    found = compare(side([row("c1"), row("c2")]), side([row("c1", split="eval"), row("c2")]))
    assert found.moved == ["s_c1"]
    assert not found.is_empty


def test_facts_and_files_that_differ_are_told_and_equal_ones_are_not() -> None:
    out = {"what": "triple", "reason": "its clip is gone", "examples": ["tri_9"]}
    old = side([], models={"m1": 3}, spec_version="1.0.0", left_out=[out | {"count": 2}], files=[entry("a", "1", 5)])
    new = side(
        [],
        models={"m1": 3, "m2": 1},
        spec_version="1.1.0",
        left_out=[out | {"count": 4}],
        selection={"aspects": ["camera"]},
        files=[entry("a", "2", 7), entry("b", "3", 1)],
    )
    found: DatasetDiff = compare(old, new)
    assert {change.what: (change.old, change.new) for change in found.facts} == {
        "models.m2": (None, 1),
        "spec_version": ("1.0.0", "1.1.0"),
        "left_out.triple: its clip is gone": (2, 4),
        "selection.aspects": (None, ["camera"]),
    }
    assert [(change.what, change.old, change.new) for change in found.files] == [("a", 5, 7), ("b", None, 1)]
