"""Renders the practice videos to H.264 files: the same bytes each time on one machine.

What the videos show is in `scenes`.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av

from chai_assets.demo.rendering.scenes import VIDEOS
from chai_assets.demo.rendering.world import FPS, HEIGHT, WIDTH, Shot

# One thread, or the encoder's slices and so the bytes (the source's identity) vary with the machine's cores.
_ENCODING = {"crf": "23", "preset": "veryfast", "threads": "1"}


def render_practice_clips(folder: Path, progress: Callable[[str], None] | None = None) -> list[Path]:
    """Render the practice videos that `folder` lacks; gives the paths of all. `progress` gets lines."""
    folder.mkdir(parents=True, exist_ok=True)

    def render(stem: str) -> Path:
        path = folder / f"{stem}.mp4"
        if not path.exists():
            render_video(stem, path)
            if progress:
                progress(f"rendered {path.name}")
        return path

    # Two at a time: NumPy and OpenCV let go of the interpreter for about half of the work.
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(render, VIDEOS))


def render_video(stem: str, path: Path) -> None:
    """Render the practice video of that name; the file appears when it is whole."""
    unfinished = path.with_suffix(".part")
    _encode(unfinished, [shot() for shot in VIDEOS[stem]])
    unfinished.rename(path)


def _encode(path: Path, shots: list[Shot]) -> None:
    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options=_ENCODING)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        for shot in shots:
            for number in range(shot.frames):
                frame = av.VideoFrame.from_ndarray(shot.frame(number), format="bgr24")
                container.mux(stream.encode(frame))
        container.mux(stream.encode())
