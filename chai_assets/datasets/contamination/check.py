"""Compares a dataset with a benchmark: the pairs found as a table, and the certificate that a manifest carries."""

from collections.abc import Mapping, Sequence

import polars as pl
from pydantic import BaseModel, ConfigDict

from chai_assets.datasets.contamination.benchmark import Benchmark
from chai_assets.datasets.contamination.caption_overlap import overlapping
from chai_assets.ingestion.local_features.packed import ClipFeatures
from chai_assets.ingestion.local_features.search import alike_between

METHOD = "clips: corners and pictures, v1; captions: 0.7 of the 8-grams of the shorter, 13 words or more"
"""What a certificate says was compared; the sources are named in `caption_overlap.py` and `search.py`."""
_EXAMPLES = 5

MATCHES = pl.Schema(
    {
        "benchmark": pl.String,
        "benchmark_id": pl.String,
        "clip_id": pl.String,
        "record_id": pl.String,
        "what": pl.String,
        "score": pl.Float64,
        "why": pl.String,
    }
)
"""`record_id`: the triple or merged caption, null for a clip; `what`: clip or caption; `score`: 0 to 1."""


class ContaminationCertificate(BaseModel):
    """What was compared with a benchmark, and what of the dataset was found in it."""

    model_config = ConfigDict(frozen=True)
    benchmark: str
    benchmark_sha256: str
    benchmark_items: int
    benchmark_clips: int
    """Clips of the benchmark that could be compared."""
    benchmark_captions: int
    clips: int
    """Clips of the dataset that could be compared."""
    clips_not_compared: int
    """Clips of the dataset without features: neither tables nor media store have them, or their pictures are plain."""
    captions: int
    alike_clips: int
    """Clips of the dataset that the benchmark shows too."""
    alike_captions: int
    """Captions of the dataset that the benchmark has too, mostly word for word."""
    examples: list[str]
    method: str

    def sentence(self) -> str:
        """What was found, for people."""
        return (
            f"{self.alike_clips:,} of {self.clips:,} clips and {self.alike_captions:,} of {self.captions:,} captions "
            f"are in the benchmark {self.benchmark}, which has {self.benchmark_clips:,} clips and "
            f"{self.benchmark_captions:,} captions to compare"
        )


def compare(
    captions: pl.DataFrame,
    features: Mapping[str, str | None],
    benchmark: Benchmark,
    benchmark_features: Sequence[str | None],
) -> tuple[pl.DataFrame, ContaminationCertificate]:
    """The MATCHES of a dataset and a benchmark, and the certificate.

    `captions`: record_id, clip_id and text of everything the dataset says. `features`: the column of each of its
    clips. `benchmark_features`: that of each item of the benchmark. Pure.
    """
    texts = [(item.id, text) for item in benchmark.items for text in item.captions]
    found = pl.concat(
        [
            _alike_clips(features, benchmark, benchmark_features),
            _alike_captions(captions, benchmark.name, texts),
        ]
    ).sort("what", "score", "benchmark_id", "clip_id", "record_id", descending=[True, True, False, False, False])
    compared = sum(one is not None for one in features.values())
    clips, said = (found.filter(pl.col("what") == what) for what in ("clip", "caption"))
    return found, ContaminationCertificate(
        benchmark=benchmark.name,
        benchmark_sha256=benchmark.sha256(),
        benchmark_items=len(benchmark.items),
        benchmark_clips=sum(one is not None for one in benchmark_features),
        benchmark_captions=len(texts),
        clips=compared,
        clips_not_compared=len(features) - compared,
        captions=len(captions),
        alike_clips=clips["clip_id"].n_unique(),
        alike_captions=said["record_id"].n_unique(),
        examples=found.select(pl.coalesce("record_id", "clip_id"))["record_id"]
        .unique(maintain_order=True)[:_EXAMPLES]
        .to_list(),
        method=METHOD,
    )


def _alike_clips(
    features: Mapping[str, str | None], benchmark: Benchmark, benchmark_features: Sequence[str | None]
) -> pl.DataFrame:
    clips = sorted(features)
    pairs = alike_between(ClipFeatures.of(benchmark_features), ClipFeatures.of(features[clip] for clip in clips))
    return pl.DataFrame(
        [
            {
                "benchmark": benchmark.name,
                "benchmark_id": benchmark.items[pair.one].id,
                "clip_id": clips[pair.two],
                "record_id": None,
                "what": "clip",
                "score": round(max(pair.alignment.correlation, pair.alignment.fields / 16), 3),
                "why": f"{pair.alignment.corners} corners agree at {pair.alignment.scale:.2f} times the size"
                + (", mirrored" if pair.mirrored else ""),
            }
            for pair in pairs
        ],
        schema=MATCHES,
    )


def _alike_captions(captions: pl.DataFrame, name: str, texts: Sequence[tuple[str, str]]) -> pl.DataFrame:
    theirs = pl.DataFrame(texts, schema={"benchmark_id": pl.String, "text": pl.String}, orient="row")
    # Of equal texts one is compared: templates are said thousands of times.
    distinct = [side["text"].unique(maintain_order=True) for side in (captions, theirs)]
    pairs = overlapping(*distinct)
    pairs = pairs.with_columns(text=distinct[0].gather(pairs["one"]), their_text=distinct[1].gather(pairs["two"]))
    found = captions.join(pairs, on="text").join(theirs, left_on="their_text", right_on="text")
    # Of each caption the nearest of the benchmark: a template would fill the table with its square.
    nearest = found.sort("score", "shared", "benchmark_id", descending=[True, True, False])
    nearest = nearest.unique("record_id", keep="first", maintain_order=True)
    why = pl.format("{} runs of 8 words are in both", "shared")
    return nearest.select(
        pl.lit(name).alias("benchmark"),
        "benchmark_id",
        "clip_id",
        "record_id",
        pl.lit("caption").alias("what"),
        pl.col("score").round(3),
        why.alias("why"),
    ).cast(MATCHES)
