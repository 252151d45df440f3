"""The leak certificate: what the splitter got wrong, or data claims falsely, makes the export fail by name."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from chai_assets.datasets.select import export_plan as plan
from chai_assets.datasets.select import splits
from chai_assets.datasets.select.canonical_rows import ExportRefused
from chai_assets.datasets.select.leaks import LeakFound, certify
from chai_assets.datasets.write.card import render_card
from chai_assets.datasets.write.publish import build_dataset, publish
from chai_assets.ingestion.encode import encode_shots
from chai_assets.ingestion.shots import scan
from tests.datasets.factory import clip, export, look, source_id, triple, triples_of
from tests.ingestion.films import scene, write

TRAIN, EVAL = 0, 26
"""Numbers of two sources whose hashes put them on these sides."""


def both_sides(**changes: Any) -> list[dict[str, Any]]:
    return [clip(TRAIN, 1, duration_s=3.0, **changes), clip(EVAL, 1, duration_s=3.0, **changes)]


def test_a_sound_dataset_carries_a_certificate_of_zeros(tmp_path: Path):
    clips = [clip(n, 1, phash=look(n) if n else None, duration_s=3.0) for n in range(30)]
    certificate = build_dataset(export(clips), tmp_path).leak_certificate
    assert certificate.model_dump() == {
        "sources": 0,
        "clips": 0,
        "near_duplicate_pairs": 0,
        "identical_captions": 0,
        "clips_without_signature": 1,
    }


def test_where_no_clip_can_be_compared_near_duplicates_are_not_known_and_not_zero(tmp_path: Path):
    content = build_dataset(export([clip(n, 1, phash=None, duration_s=3.0) for n in range(30)]), tmp_path)
    assert content.leak_certificate.near_duplicate_pairs is None
    assert content.leak_certificate.clips_without_signature == 30
    assert "near duplicate pairs: not known" in render_card(content)


def test_a_clip_of_a_training_source_that_is_claimed_for_eval_makes_the_export_fail_and_is_named(tmp_path: Path):
    clips = [clip(4 * TRAIN), clip(4 * TRAIN + 1), clip(4 * EVAL)]
    moved = clips[1]
    triples = [
        row | ({"source_id": source_id(EVAL)} if row["clip_id"] == moved["clip_id"] else {})
        for row in triples_of(clips)
    ]
    with pytest.raises(ExportRefused) as refused:
        publish(export(clips, triples), str(tmp_path))
    for named in (clips[0]["clip_id"], moved["clip_id"], source_id(TRAIN), source_id(EVAL), "source_id"):
        assert named in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == []


def reencoded(folder: Path) -> tuple[str, str]:
    """The signatures of a real clip, and of the same clip encoded again hard and at half the size."""
    pictures = scene(7, 60, (640, 480))
    found = []
    for name, options in (("one", {"crf": 18}), ("again", {"crf": 36, "size": (320, 240)})):
        path = write(folder / f"{name}.mp4", pictures, **options)
        (folder / name).mkdir()
        seen = scan(path, "none")
        text = encode_shots(path, seen, seen.shots, folder / name)[0].signature
        assert text is not None
        found.append(text)
    assert found[0] != found[1]
    return found[0], found[1]


def test_a_reencoded_near_duplicate_on_the_other_side_makes_the_export_fail_and_the_pair_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    one, again = reencoded(tmp_path)
    clips = [clip(TRAIN, 1, phash=one, duration_s=2.0), clip(EVAL, 1, phash=again, duration_s=2.0)]
    # A splitter that does its work keeps the two together.
    assert build_dataset(export(clips), tmp_path / "sound").near_duplicate_groups == 1
    # One that has gone blind does not, and the certificate does not ask it.
    monkeypatch.setattr(
        splits, "duplicate_pairs", lambda clips: pl.DataFrame(schema={"first": pl.UInt32, "again": pl.UInt32})
    )
    with pytest.raises(ExportRefused) as refused:
        publish(export(clips), str(tmp_path / "root"))
    for of in clips:
        assert of["clip_id"] in str(refused.value)
        assert of["source_id"] in str(refused.value)
    assert "of 256 bits apart" in str(refused.value)
    assert "CHAI_DATASET_PINS" in str(refused.value)
    assert list((tmp_path / "root").iterdir()) == []


def test_a_caption_on_both_sides_that_was_not_left_out_makes_the_export_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clips = both_sides()
    triples = [triple(of, rating=3, final="The same words.") for of in clips]
    monkeypatch.setattr(plan, "caption_hash", lambda column: pl.lit(None, pl.UInt64))
    with pytest.raises(ExportRefused, match=rf"caption of clip {clips[1]['clip_id']}.*clip {clips[0]['clip_id']}"):
        build_dataset(export(clips, triples), tmp_path)


def test_the_certificate_finds_every_pair_that_is_alike_across_the_sides():
    chance = np.random.default_rng(3)
    raw = chance.integers(0, 256, (3_000, 3, 35), dtype=np.uint8)
    for planted, bits in ((17, 16), (1_234, 3), (2_999, 0)):
        raw[planted] = raw[planted - 10]
        for frame in raw[planted]:
            for bit in chance.choice(256, bits, replace=False):
                frame[bit // 8] ^= 1 << (bit % 8)
        names = [f"c{n:05}" for n in range(len(raw))]
        clips = pl.DataFrame(
            {
                "clip_id": names,
                "source_id": names,
                "phash": ["-".join(bytes(frame).hex() for frame in of) for of in raw],
                "duration_s": [4.0] * len(raw),
            }
        )
        rows = clips.select("clip_id", "source_id", caption=pl.lit(None, pl.UInt64)).with_columns(
            split=pl.Series(["eval" if n == planted else "train" for n in range(len(raw))])
        )
        with pytest.raises(LeakFound, match=f"clip c{planted - 10:05} .* clip c{planted:05} .*{bits} of 256"):
            certify(rows, clips)
        raw[planted] = chance.integers(0, 256, (3, 35), dtype=np.uint8)
