"""A frame's display matrix, which can mirror as well as turn, as the filters that put the picture upright."""

import math
import struct
from dataclasses import dataclass

_EXACT_DEGREES = 1.0
"""As in FFmpeg's own player: a matrix nearer than this to a quarter turn means the quarter turn."""

_TRANSPOSED = {(1, 1): "cclock_flip", (1, -1): "clock", (-1, 1): "cclock", (-1, -1): "clock_flip"}


@dataclass(frozen=True)
class Orientation:
    """How a stored picture must be turned and mirrored to be seen as meant; `rounded` if that was at an odd angle."""

    transposed: bool = False
    right: int = 1
    down: int = 1
    rounded: bool = False

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Filters of FFmpeg, with their arguments."""
        if self.transposed:
            return [("transpose", _TRANSPOSED[self.down, self.right])]
        return [("hflip", "")] * (self.right < 0) + [("vflip", "")] * (self.down < 0)

    @property
    def told(self) -> list[str]:
        """What is done, in words."""
        mirrored = (self.right * self.down < 0) != self.transposed
        turned = self.transposed or (self.right < 0 and self.down < 0)
        words = ["mirrored"] * mirrored + ["turned upright"] * turned
        return [f"{word}, to the nearest quarter" if self.rounded else word for word in words or ["turned"]] * (
            bool(words) or self.rounded
        )


def orientation(matrix: bytes | None) -> Orientation:
    """What a display matrix (nine 32-bit integers, as ISO 14496-12 has them in `tkhd`) asks for, to a quarter turn.

    None and matrices that show nothing mean a picture that stands as it is.
    """
    if not matrix or len(matrix) < 36:
        return Orientation()
    # A pixel at (x, y) is shown at (a x + c y, b x + d y), with y downwards.
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:36])
    if not math.hypot(a, b) or not math.hypot(c, d):
        return Orientation()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, _sign(a), _sign(d), _odd(a, b) or _odd(d, c))
    return Orientation(True, _sign(c), _sign(b), _odd(b, a) or _odd(c, d))


def _sign(value: int) -> int:
    return -1 if value < 0 else 1


def _odd(along: int, across: int) -> bool:
    return math.degrees(math.atan2(abs(across), abs(along))) > _EXACT_DEGREES
