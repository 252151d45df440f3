"""What an export takes of all that could be exported, as one value: it goes into the manifest, so into the id.

The level of review says how far a caption came: `approved` by someone independent; `corrected` by a reviewer who
rejected it and wrote the critique himself; `unreviewed`. The variant says which text of a row is meant.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeVar, get_args

import polars as pl

from chai_assets.core.imported import batch_of_corpus, own_work
from chai_assets.ingestion.rights import PURPOSES
from chai_resources.errors import UnusableInput, read_utf8

Level = Literal["approved", "corrected", "unreviewed"]
Variant = Literal["post_review", "pre_review"]
Wording = Literal["written", "polished"]
Stale = Literal["mark", "drop"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From the most to the least reviewed: a minimum takes itself and those before it."""
VARIANTS: tuple[Variant, ...] = get_args(Variant)
WORDINGS: tuple[Wording, ...] = get_args(Wording)
STALE: tuple[Stale, ...] = get_args(Stale)
SelectionFields = dict[str, str | bool | list[str]]
"""A selection as a manifest holds it: the fields of `Selection`, by name."""

Word = TypeVar("Word", bound=str)


@dataclass(frozen=True)
class Selection:
    """What an export takes; the plain `Selection()` is every approved caption of the loop's own batches."""

    aspects: tuple[str, ...] = ()
    """The aspects to take; all if none is named."""
    specs: str = ""
    """A version of the specification or a range such as 1.0.0-1.1.0; empty for the one in force."""
    review: Level = "approved"
    """The least review a caption must have had."""
    edited: bool = False
    """Whether to take rows whose caption a person wrote over; they are marked `human_edited`."""
    variant: Variant = "post_review"
    """`pre_review`: the same rows, each as it was when a reviewer first rejected it, where one did."""
    critiques: Wording = "written"
    """`polished`: a critique in a model's words, where some passed the check; a row says which it has."""
    imported: str = ""
    """Name of one imported corpus, which is then all that is taken; empty for the loop's own batches."""
    pins: tuple[str, ...] = ()
    """Sources that are always in eval, with all that shows the same shots; a clip stands for its source."""

    stale: Stale = "mark"
    """What becomes of rows that rest on an upstream caption which was corrected later; `drop` leaves them out."""
    purposes: tuple[str, ...] = ()
    """What the dataset is made for: rows whose rights do not allow it stay out. None: only expired rights bar a row."""

    def __post_init__(self) -> None:
        said = (("review", self.review, LEVELS), ("variant", self.variant, VARIANTS))
        said += (("critiques", self.critiques, WORDINGS), ("stale", self.stale, STALE))
        for what, value, known in said:
            if value not in known:
                raise UnusableInput(f"{what} {value!r} is none of {', '.join(known)}: give one of them")

    @property
    def batch(self) -> str:
        """The batch that holds the imported corpus."""
        return batch_of_corpus(self.imported)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of review that are taken."""
        return LEVELS[: LEVELS.index(self.review) + 1]

    def batch_filter(self) -> pl.Expr:
        """Whether a row's batch is taken."""
        if self.imported:
            return pl.col("batch") == self.batch
        return own_work()

    def aspect_filter(self) -> pl.Expr:
        """Whether a row's aspect is taken."""
        return pl.col("aspect").is_in(self.aspects) if self.aspects else pl.col("aspect").is_not_null()

    def as_manifest(self) -> SelectionFields:
        """The selection as the manifest holds it."""
        return json.loads(json.dumps(asdict(self)))


def parse_selection(
    *,
    aspects: str = "",
    specs: str = "",
    review: str = "approved",
    edited: bool = False,
    variant: str = "post_review",
    critiques: str = "written",
    imported: str = "",
    pins: str = "",
    stale: str = "mark",
    purposes: str = "",
) -> Selection:
    """A selection from the texts of settings and options: aspects and purposes joined by commas, `pins` a file of ids.

    Raises UnusableInput for a text that is none of those allowed, with the remedy.
    """
    asked = {_one_of("purposes", word.strip(), PURPOSES) for word in purposes.split(",") if word.strip()}
    return Selection(
        aspects=tuple(sorted({part.strip() for part in aspects.split(",") if part.strip()})),
        specs=specs,
        review=_one_of("review", review, LEVELS),
        edited=edited,
        variant=_one_of("variant", variant, VARIANTS),
        critiques=_one_of("critiques", critiques, WORDINGS),
        imported=imported,
        pins=read_pins(Path(pins)) if pins else (),
        stale=_one_of("stale", stale, STALE),
        purposes=tuple(purpose for purpose in PURPOSES if purpose in asked),
    )


def _one_of(name: str, value: str, allowed: tuple[Word, ...]) -> Word:
    for word in allowed:
        if word == value:
            return word
    raise UnusableInput(f"{name} {value!r} is none of {', '.join(allowed)}: give one of them")


def read_pins(path: Path) -> tuple[str, ...]:
    """The ids in a file, one a line; what follows a # is a comment. Raises UnusableInput if it cannot be read."""
    try:
        lines = read_utf8(path).splitlines()
    except (OSError, UnusableInput) as error:
        what = f"the pinned eval set {path} cannot be read ({error})"
        raise UnusableInput(f"{what}: correct CHAI_DATASET_PINS") from error
    return tuple(sorted({word for line in lines if (word := line.partition("#")[0].strip())}))
