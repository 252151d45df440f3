"""Packing a dataset with its clips (1.5 GB) beside a plain copy of the same clips, both until the bytes are on disk.

The copy reads and writes in pieces, as `cp` does between disks: a copy in the kernel that shares blocks writes nothing.
The best of some rounds each, in turn: the machine may be busy with something else.
"""

import os
import shutil
import tempfile
from pathlib import Path

from chai_assets.datasets.convert.pack import pack_dataset
from chai_assets.datasets.read.published import open_dataset
from chai_assets.datasets.write.publish import publish
from chai_resources.media_store import MediaStore
from tests.bench.support.measuring import cpu_s, load, say, timed
from tests.datasets.factory import many

CLIPS, CLIP_BYTES, ROUNDS = 500, 3_000_000, 3
PIECE = 4 << 20


def measure_packing(clips: int = CLIPS, clip_bytes: int = CLIP_BYTES) -> dict[str, float]:
    """Megabytes a second of both, what share of the copy's speed the pack has, and processor time of the pack."""
    with tempfile.TemporaryDirectory(prefix="chai-bench-") as name:
        folder = Path(name)
        published = publish(many(clips), str(folder / "datasets"))
        dataset = open_dataset(published.manifest.dataset_id, str(folder / "datasets"))
        media = MediaStore(root=str(folder / "media"))
        with dataset.rows() as rows:
            keys = sorted(rows.select("video").unique().collect()["video"])
        for key in keys:
            media.put_bytes(key, os.urandom(clip_bytes))
        packed, copied, busy, size = [], [], [], 0
        for number in range(ROUNDS):
            before = cpu_s()
            _, seconds = timed(lambda: pack_dataset(dataset, folder / "pack", media))
            packed.append(seconds)
            busy.append(cpu_s() - before)
            size = sum(path.stat().st_size for path in (folder / "pack").rglob("*") if path.is_file())
            copied.append(timed(lambda: _copy(folder / "pack", folder / "copy"))[1])
            say(f"round {number + 1}: pack {packed[-1]:.2f} s, copy {copied[-1]:.2f} s, load {load():.1f}")
            for made in ("pack", "copy"):
                shutil.rmtree(folder / made)
    megabytes = size / 1e6
    return {
        "pack_mb_s": megabytes / min(packed),
        "copy_mb_s": megabytes / min(copied),
        "pack_share": min(copied) / min(packed),
        "pack_cpu_s": min(busy),
    }


def _copy(source: Path, target: Path) -> None:
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        to = target / path.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb", buffering=0) as read, to.open("wb", buffering=0) as write:
            while piece := read.read(PIECE):
                write.write(piece)
            os.fsync(write.fileno())
