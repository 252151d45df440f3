"""What an export takes of all that could be exported, as one value: it goes into the manifest, so into the id.

Levels of review say how far a caption came: `approved` by someone independent; `corrected` by a reviewer who
rejected it and wrote the critique himself; `unreviewed`. The variant says which text of a row is meant.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl

Level = Literal["approved", "corrected", "unreviewed"]
Variant = Literal["post_review", "pre_review"]
Wording = Literal["written", "polished"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From the most to the least reviewed: a minimum takes itself and those before it."""
VARIANTS: tuple[Variant, ...] = get_args(Variant)
WORDINGS: tuple[Wording, ...] = get_args(Wording)
IMPORTED = "import-"
"""How the batch of an imported corpus begins; no batch of the loop is called so."""
LATEST = "latest.json"


@dataclass(frozen=True)
class Selection:
    """What an export takes; the plain `Selection()` is every approved caption of the loop's own batches."""

    aspects: tuple[str, ...] = ()
    """Aspects taken; none named means all."""
    specs: str = ""
    """A version of the specification or a range such as 1.0.0-1.1.0; empty for the one in force."""
    review: Level = "approved"
    """The least review a caption must have had."""
    edited: bool = False
    """Whether rows whose caption a person wrote over are taken, marked `human_edited`."""
    variant: Variant = "post_review"
    """`pre_review`: the same rows, each with what a reviewer first rejected of it, where anything was."""
    critiques: Wording = "written"
    """`polished`: a critique in a model's words, where there are some that passed the check; a row says which."""
    imported: str = ""
    """Name of one imported corpus, which is then all that is taken; empty for the loop's own batches."""
    pins: tuple[str, ...] = ()
    """Sources and clips (standing for their sources) that are eval always, with all that shows the same shots."""

    def __post_init__(self) -> None:
        said = (("review", self.review, LEVELS), ("variant", self.variant, VARIANTS))
        for what, value, known in (*said, ("critiques", self.critiques, WORDINGS)):
            if value not in known:
                raise ValueError(f"{what} {value!r} is none of {', '.join(known)}: give one of them")

    @property
    def batch(self) -> str:
        """The batch that holds the imported corpus."""
        return IMPORTED + self.imported

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of review that are taken."""
        return LEVELS[: LEVELS.index(self.review) + 1]

    def batch_filter(self) -> pl.Expr:
        """Whether a row's batch is taken."""
        if self.imported:
            return pl.col("batch") == self.batch
        return ~pl.col("batch").str.starts_with(IMPORTED)

    def aspect_filter(self) -> pl.Expr:
        """Whether a row's aspect is taken."""
        return pl.col("aspect").is_in(self.aspects) if self.aspects else pl.col("aspect").is_not_null()

    def as_manifest(self) -> dict[str, Any]:
        """The selection as the manifest holds it."""
        return json.loads(json.dumps(asdict(self)))


def describe_selection(told: dict[str, Any]) -> str:
    """A selection of a manifest in a few words."""
    usual = {"imported": "", "review": "approved", "variant": "post_review", "critiques": "written"}
    words = [str(told[name]) for name, value in usual.items() if told.get(name, value) != value]
    words += [*told.get("aspects", []), *(["edited"] if told.get("edited") else [])]
    return " ".join([*words, *(["pinned"] if told.get("pins") else [])])


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
) -> Selection:
    """A selection from the texts of settings and options: aspects joined by commas, `pins` a file of ids.

    Raises ValueError for what is no such thing, with the remedy.
    """
    return Selection(
        aspects=tuple(sorted({part.strip() for part in aspects.split(",") if part.strip()})),
        specs=specs,
        review=review,  # pyright: ignore[reportArgumentType]  # Selection judges the word
        edited=edited,
        variant=variant,  # pyright: ignore[reportArgumentType]
        critiques=critiques,  # pyright: ignore[reportArgumentType]
        imported=imported,
        pins=read_pins(Path(pins)) if pins else (),
    )


def read_pins(path: Path) -> tuple[str, ...]:
    """The ids in a file, one a line; what follows a # is for people. Raises ValueError if it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the pinned eval set {path} cannot be read ({error}): correct CHAI_DATASET_PINS") from error
    return tuple(sorted({word for line in lines if (word := line.partition("#")[0].strip())}))
