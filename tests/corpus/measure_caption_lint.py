"""The caption linter on real camera captions whose labels are known: what it flags, and in which drafts.

The data is no part of this repository: CHAI_CORPUS names its folder. `--sample` writes flags with their captions
to a file outside the repository, for a person to judge; `--sheet` writes a sheet with their ids to put the verdicts
into, and `--score` says what a filled sheet comes to.

python -m tests.corpus.measure_caption_lint [--sample FILE] [--sheet FILE] [--seed N] [--size N] [--kind KIND]
python -m tests.corpus.measure_caption_lint --score tests/corpus/judged_flags.csv
"""

import argparse
import hashlib
import json
import os
import random
import re
import sys
import tarfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from chai_assets.importing.camerabench import as_ours, label_mapping
from chai_assets.importing.labels import read_labels
from chai_assets.linting.caption_lint import FLAG_KINDS, Flag, lint_caption
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.spec.compile import PRESENT, UNDECIDED
from chai_assets.spec.versioning.releases import load_spec
from tests.corpus.sheets import SEED, Judgement, flag_scores, place_id, read_sheet, write_sheet

REPOSITORY = Path(__file__).parents[2]
TASK = "camera_framing_dynamics"
SAMPLE = 120


@dataclass(frozen=True)
class Record:
    """A clip's camera caption: the draft, its rating 1 to 5, what was kept, and the states of the primitives."""

    clip: str
    draft: str
    rating: int
    final: str
    states: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class Measured:
    """Flags of the drafts and of the final captions, in the order of the records."""

    records: list[Record]
    drafts: list[list[Flag]]
    finals: list[list[Flag]]

    def share(self, *, perfect: bool, kind: str | None = None) -> float:
        """Share of the drafts rated 5, or of those rated lower, that have a flag (of one kind)."""
        flagged = [
            any(kind in (None, flag.kind) for flag in flags)
            for record, flags in zip(self.records, self.drafts, strict=True)
            if (record.rating == 5) == perfect
        ]
        return sum(flagged) / len(flagged)

    def figures(self) -> dict[str, object]:
        """Everything that is printed, by name."""
        below = sum(record.rating < 5 for record in self.records)
        return {
            "captions": len(self.records),
            "rated below 5": below,
            "draft flags": dict(Counter(flag.kind for flags in self.drafts for flag in flags)),
            "final flags": dict(Counter(flag.kind for flags in self.finals for flag in flags)),
            "drafts flagged, rated below 5": round(self.share(perfect=False), 3),
            "drafts flagged, rated 5": round(self.share(perfect=True), 3),
            **{
                f"{kind}, rated below 5 / rated 5": [
                    round(self.share(perfect=perfect, kind=kind), 3) for perfect in (False, True)
                ]
                for kind in FLAG_KINDS
            },
        }


def corpus() -> Path | None:
    """The folder of the reference data, or None where it is not given."""
    named = os.environ.get("CHAI_CORPUS", "")
    return Path(named) if named and Path(named, "release_dev.tar.gz").exists() else None


def measure(folder: Path) -> Measured:
    """Lints every draft and final caption in the folder."""
    lexicon = lexicon_of(load_spec(), "camera")
    records = read(folder)
    return Measured(
        records,
        [lint_caption(record.draft, lexicon, record.states) for record in records],
        [lint_caption(record.final, lexicon, record.states) for record in records],
    )


def read(folder: Path) -> list[Record]:
    """Every rated camera caption with the states of its clip, by clip name."""
    states = _states(folder)
    records = []
    with tarfile.open(folder / "release_dev.tar.gz") as archive:
        for member in archive:
            if f"/{TASK}/" not in f"/{member.name}" or not member.name.endswith("_feedback.json"):
                continue
            stored = archive.extractfile(member)
            assert stored is not None
            row = json.load(stored)
            clip = Path(member.name).name.removesuffix("_feedback.json")
            rating = row.get("initial_caption_rating_score")
            if rating and row.get("pre_caption") and clip in states:
                final = row.get("final_caption") or row["pre_caption"]
                records.append(Record(clip, row["pre_caption"], int(rating), final, states[clip]))
    return sorted(records, key=lambda record: record.clip)


def _states(folder: Path) -> dict[str, dict[str, str]]:
    """By clip the state of every primitive that the mapping has a label for."""
    undecided = dict.fromkeys(label_mapping().labels, UNDECIDED)
    ours = as_ours(read_labels(folder / "primitives_dev.jsonl.gz"))
    return {clip: {**undecided, **said} for clip, said in ours.states.items()}


def flag_id(record: Record, flag: Flag) -> str:
    """Where a flag stands in the corpus, as sheets name it."""
    return place_id(record.clip, flag.kind, flag.start, flag.end)


def error_id(record: Record, primitive: str) -> str:
    """What a draft says wrongly, as sheets name it."""
    return place_id(record.clip, primitive)


def held_out(clip: str) -> bool:
    """Whether a clip's source is in the half that no pattern was made on."""
    source = re.sub(r"\.\d+\.\d+\.mp4$", "", clip)
    return hashlib.sha256(f"linter\n{source}".encode()).digest()[0] % 2 == 1


def draw(measured: Measured, seed: int, kinds: tuple[str, ...], size: int) -> list[tuple[Record, Flag]]:
    """So many random flags of drafts, each with the record it is in."""
    flags = [
        (record, flag)
        for record, found in zip(measured.records, measured.drafts, strict=True)
        for flag in found
        if flag.kind in kinds
    ]
    return random.Random(seed).sample(flags, min(size, len(flags)))


def write_sample(chosen: list[tuple[Record, Flag]], target: Path) -> None:
    """Writes flags to be read, each with its caption, what people made of that, and the clip's labels."""
    if target.resolve().is_relative_to(REPOSITORY):
        raise SystemExit(f"{target} lies in the repository, where none of this data may go: choose another place")
    with target.open("w", encoding="utf-8") as out:
        for record, flag in chosen:
            marked = f"{record.draft[: flag.start]}[[{flag.quote}]]{record.draft[flag.end :]}"
            present = ", ".join(name for name, state in record.states.items() if state == PRESENT)
            heading = f"{flag_id(record, flag)} {flag.kind} {flag.primitive or ''} (rated {record.rating})"
            out.write(f"{heading}\n   {flag}\n")
            out.write(f"   {marked}\n   kept: {record.final}\n   labels: {present}\n\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=Path, help="file outside the repository for flags to judge")
    parser.add_argument("--sheet", type=Path, help="file for the ids of those flags, to put the verdicts into")
    parser.add_argument("--score", type=Path, help="a filled sheet: prints its figures and nothing else")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--kind", choices=FLAG_KINDS, action="append", help="only these kinds; all by default")
    parser.add_argument("--size", type=int, default=SAMPLE)
    arguments = parser.parse_args()
    if arguments.score:
        for name, scored in flag_scores(read_sheet(arguments.score)):
            print(f"{name}: {scored}")
        return
    folder = corpus()
    if folder is None:
        print("skipped: CHAI_CORPUS does not name a folder with release_dev.tar.gz", file=sys.stderr)
        return
    measured = measure(folder)
    for name, value in measured.figures().items():
        print(f"{name}: {value}")
    chosen = draw(measured, arguments.seed, tuple(arguments.kind or FLAG_KINDS), arguments.size)
    if arguments.sample:
        write_sample(chosen, arguments.sample)
    if arguments.sheet:
        write_sheet(arguments.sheet, (Judgement(flag_id(*one), one[1].kind, str(arguments.seed)) for one in chosen))


if __name__ == "__main__":
    main()
