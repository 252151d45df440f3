"""When two clips show the same shot: how far their hashes, colors and lengths may be apart.

Only the limits, which the search for one shot (`perceptual_hash.py`) and for all pairs (`near_duplicates.py`) share.
A wrong match loses a clip and a missed one costs a duplicate, so every doubt counts against a match.
"""

MAX_HASH_BITS = 16
"""Of 256. Measured on 14 clips: hard re-encoding (CRF 36 at half the size) moves 2 to 16, in one case 20;
a camera moved by 1 % of the width 10 to 36, a different picture more than 100."""

MAX_COLOR_DIFFERENCE = 6
"""Of 255. Re-encoding moves a frame's mean color by 2 at most; hashes see no color at all."""

MAX_LENGTH_SECONDS = 0.15
MAX_LENGTH_SHARE = 0.03
"""The lengths may differ by so many seconds or by this share of the length, whichever is more."""
