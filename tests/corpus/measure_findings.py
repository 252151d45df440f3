"""Findings recovered from the prose of real critiques: how many, and what they do to the draft.

The data is no part of this repository: CHAI_CORPUS names its folder. Sources are halved by hash: the patterns were
written on the one half, the other is held out. `--sample` writes findings with their drafts to a file outside the
repository, for a person to judge; `--sheet` writes a sheet with their ids to put the verdicts into, and `--score` says
what a filled sheet comes to.

python -m tests.corpus.measure_findings [--half dev|held-out|all] [--sample FILE] [--sheet FILE] [--seed N] [--size N]
python -m tests.corpus.measure_findings --score tests/corpus/judged_findings.csv
"""

import argparse
import hashlib
import json
import random
import re
import sys
import tarfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from sacrebleu.metrics.bleu import BLEU

from chai_assets.critique.findings import Finding
from chai_assets.critique.prose.extract_findings import findings_in
from chai_resources.captioners.engines.edits import revise
from tests.corpus.measure_caption_lint import REPOSITORY, corpus
from tests.corpus.sheets import SEED, Judgement, finding_scores, place_id, read_sheet, write_sheet

Half = Literal["dev", "held-out", "all"]
SAMPLE = 100


@dataclass(frozen=True)
class Record:
    """A draft that was rated below 5: its critique in prose, and the caption that people kept."""

    name: str
    aspect: str
    half: Half
    draft: str
    critique: str
    final: str = field(repr=False)


@dataclass(frozen=True)
class Measured:
    """Records with the findings of each, and what the offline engine makes of the draft with them."""

    records: list[Record]
    findings: list[tuple[Finding, ...]]
    revised: list[str]
    seconds: float

    @property
    def located(self) -> list[bool]:
        """Whether a critique has a finding on words of the draft."""
        return [any(finding.start is not None for finding in found) for found in self.findings]

    def share(self, aspect: str | None = None) -> float:
        """Share of the critiques with a located finding (of one aspect)."""
        hits = [hit for record, hit in zip(self.records, self.located, strict=True) if aspect in (None, record.aspect)]
        return sum(hits) / len(hits)

    def closeness(self, *, with_findings: bool) -> dict[str, float]:
        """BLEU-4 and exact share against the kept captions, of the drafts and of the revisions."""
        chosen = [at for at, found in enumerate(self.findings) if found or not with_findings]
        finals = [self.records[at].final for at in chosen]
        texts = {"draft": [self.records[at].draft for at in chosen], "revised": [self.revised[at] for at in chosen]}
        figures: dict[str, float] = {"captions": len(chosen)}
        for name, those in texts.items():
            exact = sum(a.strip() == b.strip() for a, b in zip(those, finals, strict=True)) / len(chosen)
            figures |= {f"{name} BLEU-4": BLEU().corpus_score(those, [finals]).score, f"{name} exact": exact}
        return {name: round(value, 3) for name, value in figures.items()}

    def moved(self) -> Counter[str]:
        """Revisions that are closer to the kept caption than the draft, farther from it, or as close."""
        bleu = BLEU(effective_order=True)
        moves: Counter[str] = Counter()
        for record, found, revised in zip(self.records, self.findings, self.revised, strict=True):
            if found:
                before, after = (bleu.sentence_score(text, [record.final]).score for text in (record.draft, revised))
                moves["closer" if after > before else "farther" if after < before else "as close"] += 1
        return moves

    def figures(self) -> dict[str, object]:
        """Everything that is printed, by name."""
        scorer = BLEU()
        scorer.corpus_score(["a"], [["a"]])
        kinds = Counter(f"{f.kind}{'' if f.fix else ', removed'}" for found in self.findings for f in found)
        return {
            "critiques": len(self.records),
            "with a located finding": round(self.share(), 3),
            **{
                f"with a located finding, {a}": round(self.share(a), 3)
                for a in sorted({r.aspect for r in self.records})
            },
            "findings": dict(kinds),
            "all": self.closeness(with_findings=False),
            "those with findings": self.closeness(with_findings=True),
            "revisions": dict(self.moved()),
            "BLEU signature": str(scorer.get_signature()),
            "critiques a second": round(len(self.records) / self.seconds),
        }


def half_of(clip: str) -> Half:
    """By the clip's source: its name less the numbers of the shot."""
    source = re.sub(r"(?:\.\d+)+(?=\.mp4$|$)|\.mp4$", "", clip)
    return "held-out" if int(hashlib.sha256(source.encode()).hexdigest(), 16) % 2 else "dev"


def read(folder: Path, half: Half = "all") -> list[Record]:
    """Every record rated below 5 with a critique, of one half of the sources or of both, by name."""
    records = []
    with tarfile.open(folder / "release_dev.tar.gz") as archive:
        for member in archive:
            if not member.name.endswith("_feedback.json"):
                continue
            stored = archive.extractfile(member)
            assert stored is not None
            row = json.load(stored)
            task, clip = Path(member.name).parent.name, Path(member.name).name.removesuffix("_feedback.json")
            if (row.get("initial_caption_rating_score") or 5) < 5 and row.get("final_feedback"):
                texts = (row["pre_caption"], row["final_feedback"], row["final_caption"])
                records.append(Record(f"{clip} {task}", task, half_of(clip), *texts))
    return sorted((r for r in records if half in ("all", r.half)), key=lambda record: record.name)


def measure(records: list[Record]) -> Measured:
    """Recovers the findings of every record and applies them to its draft."""
    began = time.process_time()
    findings = [findings_in(record.critique, "", record.draft) for record in records]
    seconds = time.process_time() - began
    revised = [revise(r.draft, [asdict(f) for f in found]) for r, found in zip(records, findings, strict=True)]
    return Measured(records, findings, revised, seconds)


def finding_id(record: Record, finding: Finding) -> str:
    """Where a finding stands in the corpus, as sheets name it."""
    return place_id(record.name, finding.start, finding.end, finding.fix)


def draw(measured: Measured, seed: int, size: int) -> list[tuple[Record, Finding]]:
    """So many random findings, each with the record it is in."""
    pairs = [(r, f) for r, found in zip(measured.records, measured.findings, strict=True) for f in found]
    return random.Random(seed).sample(pairs, min(size, len(pairs)))


def write_sample(chosen: list[tuple[Record, Finding]], target: Path) -> None:
    """Writes findings to be read, each with its critique and its draft."""
    if target.resolve().is_relative_to(REPOSITORY):
        raise SystemExit(f"{target} lies in the repository, where none of this data may go: choose another place")
    with target.open("w", encoding="utf-8") as out:
        for record, finding in chosen:
            marked = record.draft
            if finding.start is not None and finding.end is not None:
                marked = f"{marked[: finding.start]}[[{finding.quote}]]{marked[finding.end :]}"
            out.write(f"{finding_id(record, finding)} {finding.kind}: {finding.fix or '(removed)'}\n")
            out.write(f"   {record.critique}\n   {marked}\n\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("dev", "held-out", "all"), default="all")
    parser.add_argument("--sample", type=Path, help="file outside the repository for findings to judge")
    parser.add_argument("--sheet", type=Path, help="file for the ids of those findings, to put the verdicts into")
    parser.add_argument("--score", type=Path, help="a filled sheet: prints its figures and nothing else")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--size", type=int, default=SAMPLE)
    arguments = parser.parse_args()
    if arguments.score:
        for name, scored in finding_scores(read_sheet(arguments.score)):
            print(f"{name}: {scored}")
        return
    folder = corpus()
    if folder is None:
        print("skipped: CHAI_CORPUS does not name a folder with release_dev.tar.gz", file=sys.stderr)
        return
    measured = measure(read(folder, arguments.half))
    for name, value in measured.figures().items():
        print(f"{name}: {value}")
    chosen = draw(measured, arguments.seed, arguments.size)
    if arguments.sample:
        write_sample(chosen, arguments.sample)
    if arguments.sheet:
        rows = (Judgement(finding_id(*one), one[1].kind, str(arguments.seed)) for one in chosen)
        write_sheet(arguments.sheet, rows)


if __name__ == "__main__":
    main()
