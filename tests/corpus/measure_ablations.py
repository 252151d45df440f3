"""Degraded critiques by rule, beside those of the original study: length, sentences kept, distance from the original.

The data is no part of this repository: CHAI_CORPUS names its folder. Both are made from the same critiques.

python -m tests.corpus.measure_ablations
"""

import gzip
import json
import sys
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path
from statistics import median
from typing import Any

from chai_assets.datasets.evaluate.degrade import RULE_VARIANTS, RuleVariant, VariantUnavailable, degrade, remarks
from chai_assets.spec.versioning.releases import load_spec
from tests.corpus.measure_caption_lint import corpus

STUDY: dict[str, RuleVariant] = {
    "insertion_error_critique": "inaccurate_insertion",
    "replacement_error_critique": "inaccurate_replacement",
    "deletion_error_critique": "incomplete_deletion",
    "nonconstructive_critique": "nonconstructive",
}


def measure(folder: Path, most: int = 400) -> dict[RuleVariant, dict[str, Any]]:
    """By variant the medians for the study's texts and for the rule's, over up to `most` of its critiques."""
    spec = load_spec()
    pairs: dict[RuleVariant, list[tuple[str, str, str]]] = {variant: [] for variant in RULE_VARIANTS}
    unfit: Counter[RuleVariant] = Counter()
    with gzip.open(folder / "degraded_critiques_dev.jsonl.gz", "rt") as lines:
        for row in map(json.loads, lines):
            variant = STUDY.get(row["variant"])
            if variant is None or not row["critique"] or not row["degraded_critique"] or len(pairs[variant]) >= most:
                continue
            triple = {"id": f"{row['clip']} {row['aspect']}", "critique": row["critique"]}
            triple |= {"draft": row["pre_caption"], "final": row["post_caption"]}
            try:
                made = degrade(variant, triple, spec.aspects[row["aspect"]])
            except VariantUnavailable:
                unfit[variant] += 1
                continue
            pairs[variant].append((row["critique"], row["degraded_critique"], made.text))
    return {
        variant: {
            "texts": len(texts),
            "unfit": unfit[variant],
            "study": _like([(original, study) for original, study, _ in texts]),
            "rule": _like([(original, rule) for original, _, rule in texts]),
        }
        for variant, texts in pairs.items()
    }


def _like(pairs: list[tuple[str, str]]) -> dict[str, float]:
    kept = [len({*remarks(one)} & {*remarks(other)}) / len({*remarks(one)} or {""}) for one, other in pairs]
    alike = [SequenceMatcher(None, one.split(), other.split(), autojunk=False).ratio() for one, other in pairs]
    return {
        "length ratio": round(median(len(other) / len(one) for one, other in pairs), 3),
        "mean share of remarks kept": round(sum(kept) / len(kept), 3),
        "likeness of words": round(median(alike), 3),
    }


def main() -> None:
    folder = corpus()
    if folder is None:
        print("skipped: CHAI_CORPUS does not name a folder with the reference data", file=sys.stderr)
        return
    for variant, figures in measure(folder).items():
        print(variant, json.dumps(figures))


if __name__ == "__main__":
    main()
