"""Ingesting 200 short 480p clips, beside the same normalization alone: clips per second and core.

Alone means the `ffmpeg` command where there is one, else a bare PyAV loop; `bare` in the figures says which.
Ingestion also hashes, scans every frame for cuts and damage, makes thumbnails and signatures, and stores.
"""

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av

from chai_assets.ingestion.ingest import ClipRules, StoredRows, ingest
from chai_resources.media import Media
from tests.bench.support.measuring import peak_mb
from tests.ingestion.films import scene, write

FRAMES, RATE, SIZE = 36, 24, (854, 480)
CORES = 2
_X264 = {"preset": "veryfast", "crf": "20", "bf": "0"}


def run(clips: int = 200) -> dict[str, float | str]:
    """Figures by name; `_per_core_s` counts processor seconds, so that a busy machine does not distort it."""
    with tempfile.TemporaryDirectory() as folder:
        inbox, store, bare = (Path(folder, name) for name in ("inbox", "media", "bare"))
        inbox.mkdir()
        bare.mkdir()
        with ThreadPoolExecutor(CORES) as pool:
            list(pool.map(lambda seed: _make(inbox / f"{seed:03}.mp4", seed), range(clips)))
        sources, made = [], []

        def first_run() -> None:
            for outcome in ingest("bench", str(inbox), Media(root=str(store)), StoredRows(), ClipRules()):
                sources.extend(outcome.sources)
                made.extend(outcome.clips)

        def second_run() -> None:
            known = StoredRows(sources, made)
            if list(ingest("bench", str(inbox), Media(root=str(store)), known, ClipRules())):
                raise RuntimeError("the second run found something to do")

        ingest_wall, ingest_core = _timed(first_run)
        if len(made) != clips:
            raise RuntimeError(f"{len(made)} clips came of {clips} files")
        again_wall, _ = _timed(second_run)
        normalize = _ffmpeg if shutil.which("ffmpeg") else _pyav
        bare_wall, bare_core = _timed(lambda: _all(normalize, inbox, bare))
    return {
        "clips": clips,
        "frames_per_clip": FRAMES,
        "ingest_clips_per_s": round(clips / ingest_wall, 2),
        "ingest_clips_per_core_s": round(clips / ingest_core, 2),
        "again_s": round(again_wall, 2),
        "bare": normalize.__name__.removeprefix("_"),
        "bare_clips_per_s": round(clips / bare_wall, 2),
        "bare_clips_per_core_s": round(clips / bare_core, 2),
        "peak_mb": round(peak_mb(), 1),
    }


def _make(path: Path, seed: int) -> None:
    write(path, scene(seed, FRAMES, SIZE, pan=2), RATE, crf=24)


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock and of the processor, children included."""
    clock, processor = time.perf_counter(), _processor_seconds()
    work()
    return time.perf_counter() - clock, _processor_seconds() - processor


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _all(normalize: Callable[[Path, Path], None], inbox: Path, target: Path) -> None:
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(lambda path: normalize(path, target / path.name), sorted(inbox.iterdir())))


def _ffmpeg(source: Path, target: Path) -> None:
    command = ["ffmpeg", "-v", "error", "-threads", "1", "-i", str(source), "-an", "-c:v", "libx264"]
    command += [part for name, value in _X264.items() for part in (f"-{name}", value)]
    command += ["-threads", "1", "-g", str(RATE), "-r", str(RATE), "-vf", "format=yuv420p"]
    subprocess.run([*command, "-movflags", "+faststart", str(target)], check=True)


def _pyav(source: Path, target: Path) -> None:
    with (
        av.open(str(source)) as reading,
        av.open(str(target), "w", options={"movflags": "+faststart"}) as writing,
    ):
        reading.streams.video[0].codec_context.thread_count = 1
        stream = writing.add_stream("libx264", rate=RATE, options=_X264)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.gop_size = RATE
        for frame in reading.decode(video=0):
            frame.pict_type = av.video.frame.PictureType.NONE
            writing.mux(stream.encode(frame))
        writing.mux(stream.encode())


if __name__ == "__main__":
    print(json.dumps(run(*((6,) if "--smoke" in sys.argv else ()))))
