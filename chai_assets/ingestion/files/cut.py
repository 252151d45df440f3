"""What is done to one video in a process of its own: its shots are found and encoded."""

from dataclasses import dataclass, replace
from pathlib import Path

from chai_assets.ingestion.encode import Encoded, encode_shots
from chai_assets.ingestion.shots import Scan, Shot, scan


@dataclass(frozen=True)
class ClipRules:
    """How videos are cut: the shot detector, and the shortest and longest shot that is kept, in seconds."""

    detector: str = "adaptive"
    shortest_s: float = 1.0
    longest_s: float = 20.0

    def keeps(self, shot: Shot) -> bool:
        """Whether a shot's length is within the limits."""
        return self.shortest_s <= shot.seconds <= self.longest_s


@dataclass(frozen=True)
class Cut:
    """A video that was read whole, and its shots of the right length, encoded, by shot number."""

    scan: Scan
    encoded: dict[int, Encoded]


def cut(path: Path, rules: ClipRules, folder: Path) -> Cut:
    """Reads a video and encodes its shots into `folder`. Raises BadVideo, and UnusableInput for the detector."""
    scanned = scan(path, rules.detector)
    encoded = encode_shots(path, scanned, [shot for shot in scanned.shots if rules.keeps(shot)], folder)
    # A film has hundreds of thousands of times, which nobody needs once its shots are encoded.
    return Cut(replace(scanned, times=[]), encoded)
