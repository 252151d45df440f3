"""What one reader judged of a random sample: ids and verdicts, without a word of the corpus.

A row says of one flag or finding whether it is right. Its id is a hash of where it stands, so that whoever has the
corpus finds it again; a sheet that still has rows without a verdict cannot be scored. Every figure about samples
that a manual quotes is computed here from the sheets beside this file.

How flags were judged: by the caption, the labels of its clip and the rule of the specification. A contradiction is
right where the caption says it of the shot and the labels deny it, even if people kept the words (reason "kept"). A
loose term is right where the labels have the primitive and it is the camera that does so; a guess, an impression and
talk of the video are right where the sentence loses nothing by the advice. A sentence on playback speed is no talk of
the video, for the specification speaks of the footage there itself.

How findings were judged: by the critique and the draft. Right means that the marked words are those that the critique
is about, that the fix is what it asks for, and that the kind is what it calls the fault; "wrong kind" means that only
the kind is not.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from math import sqrt
from pathlib import Path

VERDICTS = ("right", "wrong kind", "wrong")
FLAGS = Path(__file__).with_name("judged_flags.csv")
CONTRADICTIONS = Path(__file__).with_name("judged_contradictions.csv")
"""Every contradiction of the linter in drafts of held-out sources, at the first look."""
DENIED = Path(__file__).with_name("judged_denied.csv")
"""Every error in those drafts that a critique corrects and a label denies; right where the linter flags it."""
FINDINGS = Path(__file__).with_name("judged_findings.csv")
SEED = 5150
"""The draw of both sheets."""
WHOLE = "whole kind"
"""The draw of rows that were read because all of their kind were."""
_Z = 1.959964


@dataclass(frozen=True)
class Judgement:
    """One row of a sheet. `draw` is the seed it was drawn with, or WHOLE; `reason` a word or two."""

    id: str
    kind: str
    draw: str
    verdict: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Tally:
    """So many right of so many that were read, with the 95 % Wilson interval of the share, in percent."""

    right: int
    read: int

    @property
    def interval(self) -> tuple[float, float]:
        share, size = self.right / self.read, self.read
        middle = share + _Z**2 / (2 * size)
        half = _Z * sqrt(share * (1 - share) / size + _Z**2 / (4 * size**2))
        low, high = ((middle + sign * half) / (1 + _Z**2 / size) for sign in (-1, 1))
        return 100 * low, 100 * high

    def __str__(self) -> str:
        """As manuals quote it; the upper end with a decimal where it would round to a whole that it is not."""
        low, high = self.interval
        upper = f"{high:.1f}" if self.right < self.read and round(high) == 100 else f"{high:.0f}"
        return f"{self.right} of {self.read} ({low:.0f} to {upper} %)"


def place_id(*where: object) -> str:
    """The id of something in the corpus: a hash of where it stands there."""
    return hashlib.sha256("\n".join(map(str, where)).encode()).hexdigest()[:16]


def read_sheet(path: Path) -> list[Judgement]:
    """The rows of a sheet. Raises ValueError for a verdict that is none; one that is still empty is let through."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [Judgement(**row) for row in csv.DictReader(lines)]
    for row in rows:
        if row.verdict and row.verdict not in VERDICTS:
            raise ValueError(f"{path}: {row.id} has the verdict {row.verdict!r}: give one of {', '.join(VERDICTS)}")
    return rows


def write_sheet(path: Path, rows: Iterable[Judgement]) -> None:
    """Writes a sheet, by id: its order tells nothing of the draw."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, [field.name for field in fields(Judgement)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in sorted(rows, key=lambda row: (row.kind, row.id)))


def score(rows: Iterable[Judgement], *, kind_counts: bool = True) -> Tally:
    """How many are right; with `kind_counts` false also those of which only the kind is wrong.

    Raises ValueError where a row has no verdict yet.
    """
    rows = list(rows)
    if blank := [row.id for row in rows if not row.verdict]:
        raise ValueError(f"{len(blank)} rows have no verdict, {blank[0]} first: judge them all")
    fine = VERDICTS[:1] if kind_counts else VERDICTS[:2]
    return Tally(sum(row.verdict in fine for row in rows), len(rows))


def drawn(rows: Iterable[Judgement]) -> list[Judgement]:
    """The rows of the random draw."""
    return [row for row in rows if row.draw != WHOLE]


def flag_scores(rows: list[Judgement]) -> Iterator[tuple[str, Tally]]:
    """Of a sheet of flags: the draw as a whole, then each kind over all that were read of it."""
    yield "drawn at random", score(drawn(rows))
    for kind in sorted({row.kind for row in rows}):
        yield kind, score(row for row in rows if row.kind == kind)


def finding_scores(rows: list[Judgement]) -> Iterator[tuple[str, Tally]]:
    """Of a sheet of findings: span and fix, then the kind too."""
    yield "span and fix", score(rows, kind_counts=False)
    yield "kind too", score(rows)
