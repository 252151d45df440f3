"""The check of a dataset against benchmarks: its captions, and the features of its clips from tables or media."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from chai_assets.datasets.contamination.benchmark import Benchmark
from chai_assets.datasets.contamination.check import MATCHES, ContaminationCertificate, compare
from chai_assets.datasets.contamination.clip_files import ClipFile, read_features
from chai_assets.datasets.convert.clips import merged_captions
from chai_assets.datasets.read.published import PublishedDataset
from chai_assets.datasets.select.splits import SPLITS
from chai_resources.media_store import MediaStore
from chai_resources.settings import Settings
from chai_resources.tables import Tables

Log = Callable[[str], None]


@dataclass(frozen=True)
class Contamination:
    """What was found of a dataset in some benchmarks: the rows of all, and a certificate of each."""

    matches: pl.DataFrame
    certificates: list[ContaminationCertificate]


@dataclass(frozen=True)
class ContaminationCheck:
    """Compares captions, and the clips they are of, with benchmarks. Raises UnusableInput, MediaError."""

    benchmarks: tuple[Benchmark, ...]
    tables: Tables
    media: MediaStore
    cache: Path
    log: Log

    @classmethod
    def of(cls, benchmarks: Iterable[Benchmark], settings: Settings, log: Log) -> "ContaminationCheck":
        tables, media = Tables(root=settings.tables), MediaStore(root=settings.media)
        return cls(tuple(benchmarks), tables, media, settings.cache, log)

    def run(self, captions: pl.DataFrame) -> Contamination:
        """Compares captions (record_id, clip_id, text)."""
        features = self._features(captions["clip_id"].unique().sort().to_list())
        found, certificates = [pl.DataFrame(schema=MATCHES)], []
        for benchmark in self.benchmarks:
            files = {item.video: ClipFile.on_disk(item.video) for item in benchmark.items if item.video}
            read = dict(zip(files, self._read(list(files.values()), benchmark.name), strict=True))
            theirs = [read[item.video] if item.video else None for item in benchmark.items]
            rows, certificate = compare(captions, features, benchmark, theirs)
            found.append(rows)
            certificates.append(certificate)
        return Contamination(pl.concat(found), certificates)

    def _features(self, clips: list[str]) -> dict[str, str | None]:
        """The features of each clip; None where neither the tables nor the media store have any."""
        columns = ["clip_id", "media_key", "features"]
        known = self.tables.read("clips", columns=columns, where=pl.col("clip_id").is_in(clips))
        features: dict[str, str | None] = dict.fromkeys(clips)
        features |= dict(known.select("clip_id", "features").iter_rows())
        lacking = known.filter(pl.col("features").is_null()).select("clip_id", "media_key").iter_rows()
        stored = {clip: key for clip, key in lacking if key and self.media.exists(key)}
        files = [ClipFile.stored(self.media, key) for key in stored.values()]
        return features | dict(zip(stored, self._read(files, "the dataset"), strict=True))

    def _read(self, files: list[ClipFile], of: str) -> list[str | None]:
        def told(done: int, count: int) -> None:
            self.log(f"reading clips of {of}: {done:,} of {count:,}")

        return read_features(files, self.cache, told)


def captions_of(dataset: PublishedDataset) -> pl.DataFrame:
    """Everything that a dataset says of its clips: record_id, clip_id and text of triples and merged captions."""
    with dataset.rows() as rows:
        said = [rows.select(record_id="id", clip_id="clip_id", text="final").collect()]
    for split in SPLITS:
        said.append(merged_captions(dataset, split).select(record_id="merged_id", clip_id="clip_id", text="caption"))
    return pl.concat(said)
