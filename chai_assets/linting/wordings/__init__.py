"""Wordings of primitives beside their terms, by what they speak of: camera work, framing, places, subjects, actions.

Each is a pattern for text made ready by `phrase_patterns.normalize`, by the ids of the primitives that it may state: a
version of the specification without one of them does not use it. Wordings that only a label makes loose stand apart.
"""

from dataclasses import dataclass
from typing import Literal

Place = Literal["none", "camera", "acts", "placed", "named", "moves"]
"""Where a wording counts. `none`: anywhere. `camera`: where the camera does it. `acts`: where the main subject does
it. `moves`: there, after a verb of movement. `placed`: where the main subject is said to be. `named`: where the main
subject is named."""


@dataclass(frozen=True)
class Wording:
    """A pattern of words that state one of the primitives.

    `needs` says what makes it wrong beside the labels' denial: nothing; `other`: another answer to the same question in
    its place; `none`: that no answer to the question holds; or the primitives of which one has to hold. `loose` where
    the words are no good ones for what they mean.
    """

    primitives: tuple[str, ...]
    pattern: str
    place: Place = "none"
    needs: Literal["nothing", "other", "none"] | tuple[str, ...] = "nothing"
    loose: bool = False


def loosely(primitive: str, pattern: str) -> Wording:
    """A wording that is loose where the labels have the primitive, and says nothing where they have not."""
    return Wording((primitive,), pattern, loose=True)


def words(primitives: str, pattern: str, place: Place = "none", needs: str = "nothing") -> Wording:
    """A wording, its primitives and what it needs written as ids with blanks between them."""
    wanted = needs if needs in ("nothing", "other", "none") else tuple(needs.split())
    return Wording(tuple(primitives.split()), pattern, place, wanted)  # type: ignore[arg-type]
