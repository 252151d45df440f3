"""Benchmarks with anything in them, and features with any bytes: items, or one line that names the row."""

import json
import random
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from chai_assets.datasets.contamination.benchmark import CAPTIONS, IDS, VIDEOS, BenchmarkUnusable, read_benchmark
from chai_assets.datasets.contamination.check import compare
from chai_assets.ingestion.local_features.packed import VERSION, ClipFeatures, pack, unpack
from chai_assets.ingestion.local_features.search import alike_between, alike_within
from tests.fuzz.cases import Cases
from tests.fuzz.test_jsonl import BLANK, BROKEN, ENDS

VALUES: list[Any] = ["", "A man walks.", "x " * 40, ["One.", "Two."], ["One.", None], {}, {"en": "x"}, 0, 7, -1.5, None]
VALUES += [True, "\x00", "../../..", "/", "a" * 5_000, "\ud800", "\u2028", [[]], []]
CAPTIONS_OF_OURS = pl.DataFrame({"record_id": ["tri_1"], "clip_id": ["clp_1"], "text": ["x " * 40]})


def benchmark_of(draw: random.Random) -> bytes:
    data = b""
    for _ in range(draw.randrange(5)):
        if draw.random() < 0.2:
            data += draw.choice([*BROKEN, *BLANK]) + draw.choice(ENDS)
        names = draw.sample([*CAPTIONS, *VIDEOS, *IDS, "other", ""], draw.randrange(5))
        data += json.dumps({name: draw.choice(VALUES) for name in names}).encode() + draw.choice(ENDS)
    return data


def test_a_benchmark_is_read_and_compared_or_refused_in_one_line_with_its_row(cases: Cases, tmp_path: Path):
    file = tmp_path / "benchmark.jsonl"
    for name, draw in cases:
        file.write_bytes(benchmark_of(draw))
        refused, benchmark = "", None
        try:
            benchmark = read_benchmark(file)
        except BenchmarkUnusable as error:
            refused = str(error)
        if benchmark is None:
            assert (str(file) in refused, "\n" in refused, ": " in refused) == (True, False, True), name
            continue
        assert benchmark.items, name
        matches, certificate = compare(CAPTIONS_OF_OURS, {"clp_1": None}, benchmark, [None] * len(benchmark.items))
        assert (certificate.benchmark_items, certificate.clips_not_compared) == (len(benchmark.items), 1), name
        assert set(matches["what"]) <= {"caption"}, name


def column_of(chance: np.random.Generator, draw: random.Random) -> str:
    """Features of random frames, sometimes damaged."""
    column = bytes([VERSION])
    for _ in range(draw.randrange(4)):
        count, aspect = draw.choice([0, 1, 3, 40]), draw.choice([0.0, 0.01, 0.56, 1.78, 1e9, float("nan"), -1.0])
        column += np.float32(aspect).tobytes() + bytes([count]) + chance.bytes(1024 + 19 * count)
    damaged = draw.random()
    column = column[: draw.randrange(len(column))] if damaged < 0.2 else column + b"?" if damaged < 0.3 else column
    return b64encode(column).decode() + draw.choice(["", "", "", "!"])


def test_whatever_bytes_the_column_holds_the_search_ends_and_finds_equal_clips(cases: Cases):
    for name, draw in cases:
        chance = np.random.default_rng(draw.randrange(2**32))
        columns = [column_of(chance, draw) for _ in range(draw.randrange(1, 5))]
        whole = [frame for frame in (unpack(column) for column in columns) if frame]
        assert all(pack(frames) in columns for frames in whole), name
        features = ClipFeatures.of([*columns, *columns])
        found = set(alike_within(features))
        for number, column in enumerate(columns):
            frames = unpack(column)
            # Corners that lie in one place, as random ones may not, agree on any size.
            if any(len(frame.places) == 40 and 0.5 < frame.aspect < 2 for frame in frames):
                assert (number, number + len(columns)) in found, name
        assert {pair.one for pair in alike_between(ClipFeatures.of([None]), features)} == set(), name
