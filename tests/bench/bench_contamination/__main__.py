"""Comparing a dataset of 10,000 clips with a benchmark of 10,000: pictures and captions, in processor seconds.

Beside it, plain: the mere reading of their features and captions. Clips are of three frames each, whose corners are
random; one in a hundred of the benchmark is a clip of the dataset, mirrored or with other words around its caption.
"""

import json
import random
import sys
import time

import numpy as np
import polars as pl

from chai_assets.datasets.contamination.benchmark import Benchmark, BenchmarkItem
from chai_assets.datasets.contamination.check import compare
from chai_assets.ingestion.local_features.packed import SIDE, ClipFeatures, FrameFeatures, mirrored, pack
from tests.bench.support.measuring import peak_mb

CLIPS, FRAMES, CORNERS, WORDS, CAPTIONS = 10_000, 3, 42, 60, 5
_SHARE = 100


def run(clips: int = CLIPS) -> dict[str, float]:
    """Figures by name."""
    ours, theirs = _clips(0, clips), _clips(1, clips)
    said, asked = _captions(0, clips * CAPTIONS), _captions(1, clips)
    for number in range(0, clips, _SHARE):
        theirs[number] = [_mirror(frame) for frame in ours[number]]
        asked[number] = f"{said[number]} and nothing else"
    features = {f"clp_{number:06}": pack(frames) for number, frames in enumerate(ours)}
    benchmark = Benchmark("bench", [BenchmarkItem(str(number), (text,)) for number, text in enumerate(asked)], 0)
    captions = pl.DataFrame(
        {
            "record_id": [f"tri_{number:06}" for number in range(len(said))],
            "clip_id": [f"clp_{number // CAPTIONS:06}" for number in range(len(said))],
            "text": said,
        }
    )
    columns = [pack(frames) for frames in theirs]
    began = time.process_time()
    ClipFeatures.of(features.values())
    ClipFeatures.of(columns)
    captions["text"].str.split(" ").list.len().sum()
    plain = time.process_time() - began
    began = time.process_time()
    found, certificate = compare(captions, features, benchmark, columns)
    seconds = time.process_time() - began
    planted = len(range(0, clips, _SHARE))
    if certificate.alike_captions != planted or abs(certificate.alike_clips - planted) > planted // 10:
        raise RuntimeError(f"{planted} of each were planted, and {certificate} found")
    return {
        "contamination_cpu_s": round(seconds, 2),
        "contamination_found": len(found),
        "plain_cpu_s": round(plain, 2),
        "contamination_mb": round(peak_mb(), 1),
    }


def _clips(seed: int, count: int) -> list[list[FrameFeatures]]:
    chance = np.random.default_rng(seed)
    small = chance.integers(0, 256, (count, FRAMES, SIDE, SIDE), dtype=np.uint8)
    descriptors = chance.integers(0, 256, (count, FRAMES, CORNERS, 16), dtype=np.uint8)
    # As in real pictures, half of the corners are of some kinds that are everywhere, with a few bits of their own.
    kinds = np.random.default_rng(9).integers(0, 256, (4_000, 16), dtype=np.uint8)
    common = kinds[chance.integers(0, len(kinds), (count, FRAMES, CORNERS // 2))]
    noise = chance.integers(0, 256, common.shape, dtype=np.uint8)
    for _ in range(3):
        noise &= chance.integers(0, 256, common.shape, dtype=np.uint8)
    descriptors[:, :, : CORNERS // 2] = common ^ noise
    places = chance.integers(0, 256, (count, FRAMES, CORNERS, 3), dtype=np.uint8)
    places[..., 2] %= 7
    return [
        [FrameFeatures(1.78, small[clip, at], descriptors[clip, at], places[clip, at]) for at in range(FRAMES)]
        for clip in range(count)
    ]


def _mirror(frame: FrameFeatures) -> FrameFeatures:
    places = frame.places.copy()
    places[:, 0] = 255 - places[:, 0]
    return FrameFeatures(frame.aspect, frame.small[:, ::-1].copy(), mirrored(frame.descriptors), places)


def _captions(seed: int, count: int) -> list[str]:
    """Texts of which half begin with one of some sentences that everybody writes."""
    chance = random.Random(seed)
    words = [f"word{number}" for number in range(3_000)]
    usual = random.Random(7)
    openings = [" ".join(usual.choices(words, k=12)) for _ in range(50)]
    texts = []
    for _ in range(count):
        opening = chance.choice(openings) if chance.random() < 0.5 else ""
        texts.append(f"{opening} {' '.join(chance.choices(words, k=WORDS))}".strip())
    return texts


if __name__ == "__main__":
    print(json.dumps(run(*((500,) if "--smoke" in sys.argv else ()))))
