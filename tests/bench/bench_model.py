"""A stage that asks a model: requests a second beside what the server allows, processor time, memory.

Through a `Generator` with tables, ledger, budget and stored answers, by the real SDK, against a server that answers in
300 ms and lets 32 requests in at a time. Once without media, once with small clips that go out as frames.

python -m tests.bench.bench_model [--smoke]
"""

import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from chai_assets.core.rows import NewRow
from chai_assets.inference.generate import Generator
from chai_assets.inference.pending import PendingRequest
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.protocol import ClipMedia, Request
from chai_resources.media import Media
from chai_resources.tables import Tables
from tests.bench.support.measuring import cpu_s, load, peak_mb, say, timed
from tests.bench.support.slow_model import slow_model
from tests.ingestion.films import scene, write

CLIPS = 2_000
ASPECTS = ("subject", "scene", "motion", "spatial", "camera")
SECONDS, AT_ONCE = 0.3, 32
BOUND = AT_ONCE / SECONDS
_PROMPT = "Describe the clip. " + "- a label (present): what it means, in a sentence of usual length.\n" * 40
_MEASURED_FROM = 0.2
"""Share of the requests after which memory is looked at for the first time: all is warm by then."""


def run(clips: int = CLIPS) -> dict[str, float]:
    """Figures by name: without media, and the same with small clips."""
    bare = _asked(clips, with_clips=False)
    shown = _asked(clips, with_clips=True)
    return {**bare, **{f"clips_{name}": value for name, value in shown.items()}, "bound": BOUND, "load": load()}


def _asked(clips: int, with_clips: bool) -> dict[str, float]:
    say(f"{clips * len(ASPECTS):,} requests {'with small clips' if with_clips else 'without media'}")
    with tempfile.TemporaryDirectory() as folder, slow_model(SECONDS, AT_ONCE) as url:
        media, tables = Media(root=f"{folder}/media"), Tables(root=f"{folder}/tables")
        wanted = _wanted(clips, media if with_clips else None)
        model = ModelChoice(model="gpt-4.1-2025-04-14", url=url, parallel=AT_ONCE)
        choice = CaptionerChoice(name="openai", model=model, budget_run=1e6)
        grown: list[float] = []

        def log(text: str) -> None:
            if (found := re.search(r"(\d+) of \d+ answered", text)) and int(found[1]) > _MEASURED_FROM * len(wanted):
                grown.append(_resident_mb())

        before = cpu_s()
        work = _stage(wanted, choice, media, tables, log)
        made, took = timed(work)
        if made != len(wanted) or len(tables.read("model_calls")) != len(wanted):
            raise RuntimeError(f"{made} of {len(wanted)} were answered in one call each")
        return {
            "requests_per_s": made / took,
            "share": made / took / BOUND,
            "cpu_ms": (cpu_s() - before) / made * 1000,
            "peak_mb": peak_mb(),
            "grown_mb": grown[-1] - grown[0] if grown else 0.0,
        }


def _stage(
    wanted: list[PendingRequest], choice: CaptionerChoice, media: Media, tables: Tables, log: Callable[[str], None]
) -> Callable[[], int]:
    def finish(row: NewRow) -> NewRow:
        return {**row, "draft_id": f"{row['clip_id']}-{row['aspect']}"}

    generator = Generator("draft", "bench", tables, choice, choice.open(media), "bench", log)
    return lambda: generator.run(wanted, finish).written


def _wanted(clips: int, media: Media | None) -> list[PendingRequest]:
    """The aspects of a clip back to back; clips are copies of a few, each an object of its own."""
    films = [_film(number) for number in range(5)] if media else []
    wanted = []
    for clip in range(clips):
        name = f"clip-{clip:05}"
        shown = None
        if media:
            media.put_bytes(f"clips/{name}.mp4", films[clip % len(films)])
            shown = ClipMedia(f"clips/{name}.mp4", "video/mp4", 2.0, 25.0)
        for number, aspect in enumerate(ASPECTS):
            key = f"{clip * len(ASPECTS) + number:032x}"
            prompt = f"{_PROMPT}{name} {aspect}"
            request = Request(key, f"req_{key[::-1]}", "draft", prompt, {}, shown, cache_group=name)
            wanted.append(PendingRequest(request, {"batch": "bench", "clip_id": name, "aspect": aspect}))
    return wanted


def _film(seed: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder, "film.mp4"), scene(seed, 50), rate=25).read_bytes()


def _resident_mb() -> float:
    found = re.search(r"VmRSS:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    print(json.dumps(run(*((10,) if "--smoke" in sys.argv else ()))))
