"""Fits the coefficients of the constructiveness scorer (`chai_assets/critique/prose/constructiveness.py`).

It is measured on sources that it never saw.

The data is no part of this repository: CHAI_CORPUS names its folder. It has critiques of other public datasets,
labeled by a model, and real critiques beside rewritten ones that keep the complaint and take out the remedy. Half
of the sources, by hash, are for fitting and for every choice that was made while the features were written; the
other half only measures. A source is the video that a clip was cut from, or a question of a dataset.

python -m tests.corpus.fit_constructiveness           measures the committed coefficients on the held-out half
python -m tests.corpus.fit_constructiveness --choose  cross-validates on the fitting half, for changing a feature
python -m tests.corpus.fit_constructiveness --fit     prints coefficients to put into constructiveness.py

Measure once, after the last change: a held-out half that choices are made on is none. To read beside the figures: a
model gave the labels, and the same critique has both labels here and there, so that no scorer comes near 1 on them; a
model wrote the variants, shorter and in a few turns of phrase, so that length and its favorite words are measured
beside the scorer, and so is a fit on either kind alone, which cannot have learned the other's habits.
"""

import argparse
import gzip
import hashlib
import json
import re
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from chai_assets.critique.prose.constructiveness import COEFFICIENTS, CONSTRUCTIVE, INTERCEPT, means, score
from chai_assets.critique.prose.constructiveness_features import FEATURES, statements
from tests.corpus.measure_caption_lint import corpus

LABELS, VARIANTS = "labels", "variants"
RESAMPLES = 1000
STRENGTH = 1.0
"""Of the regularization; from 0.1 to 10 cross-validation does not tell them apart."""


@dataclass(frozen=True)
class Sample:
    """A critique with its caption, and whether it is constructive. `pair` joins a variant with its original."""

    critique: str
    caption: str
    constructive: bool
    kind: str
    """LABELS or VARIANTS."""
    part: str
    """The dataset, or the aspect."""
    source: str
    pair: int = -1

    @property
    def held_out(self) -> bool:
        return held_out(self.source)


Score = Callable[[Sample], float]
_JUDGES = re.compile(
    r"\b(?:in(?:accurate|correct|complete)|wrong|mis(?:leading|identif|taken)|fail|omit)", re.IGNORECASE
)

SCORERS: dict[str, Score] = {
    "scorer": lambda sample: score(sample.critique, sample.caption),
    "scorer, caption unknown": lambda sample: score(sample.critique),
    "length alone": lambda sample: len(sample.critique.split()),
    "no fault word alone": lambda sample: -len(_JUDGES.findall(sample.critique)),
    "a quote alone": lambda sample: float(bool(re.search(r"[\"“”]|(?<!\w)'", sample.critique))),
}


def held_out(source: str) -> bool:
    """Whether a source is of the half that is only measured on."""
    return bool(hashlib.sha256(source.encode()).digest()[0] & 1)


def source_of(clip: str) -> str:
    """The video that a clip was cut from: its name without the numbers of the cut."""
    return re.sub(r"(\.\d+)+$", "", clip.removesuffix(".mp4"))


def read(folder: Path) -> list[Sample]:
    """Every sample of both kinds. Labels that are neither of the two are left out, as are variants never made."""
    samples = []
    for row in _rows(folder / "constructive_labels_dev.jsonl.gz"):
        if row["label"] in ("Constructive", "Non-Constructive"):
            said, good = row["critique"], row["label"] == "Constructive"
            source = f"{row['dataset']}\n{row['question']}"
            samples.append(Sample(said, row["answer"] or "", good, LABELS, row["dataset"], source))
    for number, row in enumerate(_rows(folder / "degraded_critiques_dev.jsonl.gz")):
        if row["variant"] == "nonconstructive_critique" and row["critique"] and row["degraded_critique"]:
            for critique, good in ((row["critique"], True), (row["degraded_critique"], False)):
                caption, source = row["pre_caption"], source_of(row["clip"])
                samples.append(Sample(critique, caption, good, VARIANTS, row["aspect"], source, number))
    return samples


def read_accepted(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Critique, draft and source of what reviewers approved and that asks for a change."""
    feedback, approved = {}, set()
    with tarfile.open(folder / "release_dev.tar.gz") as archive:
        for member in archive:
            name, _, kind = member.name.removesuffix(".json").rpartition("_")
            stored = archive.extractfile(member) if kind in ("feedback", "review") else None
            if stored is not None and kind == "feedback":
                feedback[name] = json.load(stored)
            elif stored is not None and json.load(stored).get("reviewer_double_check") is True:
                approved.add(name)
    for name in sorted(approved & feedback.keys()):
        row = feedback[name]
        if row.get("final_feedback") and (row.get("initial_caption_rating_score") or 0) < 5:
            yield row["final_feedback"], row["pre_caption"], source_of(name.rpartition("/")[2])


def fit(samples: Sequence[Sample]) -> dict[str, float]:
    """Coefficients by feature, and "intercept", from samples of both kinds; each kind weighs the same in sum."""
    model = _model(_matrix(samples), samples)
    return {
        **dict(zip(FEATURES, model.coef_[0].round(2).tolist(), strict=True)),
        "intercept": round(float(model.intercept_[0]), 2),
    }


def cross_validate(samples: Sequence[Sample], folds: int = 5) -> dict[str, float]:
    """AUC by kind and part, of predictions by models that saw none of the sample's source."""
    matrix, scores = _matrix(samples), np.zeros(len(samples))
    for seen, rest in GroupKFold(folds).split(matrix, groups=[sample.source for sample in samples]):
        model = _model(matrix[seen], [samples[index] for index in seen])
        scores[rest] = model.decision_function(matrix[rest])
    good = np.array([sample.constructive for sample in samples])
    return {name: round(_auc(good[index], scores[index]), 3) for name, index in _parts(samples).items()}


def measure(samples: Sequence[Sample], scorers: dict[str, Score] = SCORERS) -> dict[str, dict[str, list[float]]]:
    """By part and scorer: AUC, or share of pairs put in order, each with its 95 % interval over sources."""
    found: dict[str, dict[str, list[float]]] = {}
    good = np.array([sample.constructive for sample in samples])
    sources = np.array([sample.source for sample in samples])
    for scorer, of in scorers.items():
        scores = np.array([of(sample) for sample in samples])
        for name, index in _parts(samples).items():
            part = found.setdefault(name, {})
            part[scorer] = _interval(sources[index], good[index], scores[index], _auc)
            if name.startswith(VARIANTS):
                # An original and its variant follow each other.
                outcome = (np.sign(np.diff(scores[index])[::2]) * np.where(good[index][::2], -1, 1) + 1) / 2
                paired = found.setdefault(f"{name}, paired", {})
                paired[scorer] = _interval(sources[index][::2], good[index][::2], outcome, _mean)
    return found


def longer_variants(samples: Sequence[Sample]) -> list[Sample]:
    """The pairs whose variant is no shorter than the original: here length cannot help."""
    words = {(sample.pair, sample.constructive): len(sample.critique.split()) for sample in samples}
    pairs = {sample.pair for sample in samples if sample.kind == VARIANTS}
    kept = {pair for pair in pairs if words[pair, False] >= words[pair, True]}
    return [sample for sample in samples if sample.pair in kept]


def _rows(path: Path) -> Iterator[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _matrix(samples: Sequence[Sample]) -> np.ndarray:
    found = (statements(sample.critique, sample.caption) for sample in samples)
    return np.array([means(said) if said else [0.0] * len(FEATURES) for said in found])


def _model(matrix: np.ndarray, samples: Sequence[Sample]) -> LogisticRegression:
    kinds = np.array([sample.kind for sample in samples])
    weights = np.array([1 / (kinds == kind).sum() for kind in kinds]) * len(kinds) / len(set(kinds))
    model = LogisticRegression(C=STRENGTH, max_iter=5000)
    return model.fit(matrix, [sample.constructive for sample in samples], sample_weight=weights)


def _parts(samples: Sequence[Sample]) -> dict[str, np.ndarray]:
    """Indices of each kind, and of each of its parts, those that have both outcomes."""
    names = sorted({(sample.kind, part) for sample in samples for part in ("", sample.part)})
    return {
        f"{kind} {part}".strip(): np.array(
            [i for i, s in enumerate(samples) if s.kind == kind and part in ("", s.part)]
        )
        for kind, part in names
    }


def _auc(good: np.ndarray, scores: np.ndarray) -> float:
    """Share of pairs of a good one and another in which the good one scores higher. By ranks: it is drawn often."""
    some = int(good.sum())
    if not 0 < some < len(good):
        return float("nan")
    return float((rankdata(scores)[good].sum() - some * (some + 1) / 2) / (some * (len(good) - some)))


def _mean(_: np.ndarray, scores: np.ndarray) -> float:
    return float(scores.mean())


def _interval(sources: np.ndarray, good: np.ndarray, scores: np.ndarray, of: Callable[..., float]) -> list[float]:
    """The figure, and the middle 95 % of it over resampled sources."""
    _, numbers = np.unique(sources, return_inverse=True)
    groups = np.split(np.argsort(numbers, kind="stable"), np.cumsum(np.bincount(numbers))[:-1])
    dice, drawn = np.random.default_rng(7), []
    for _ in range(RESAMPLES):
        index = np.concatenate([groups[i] for i in dice.integers(len(groups), size=len(groups))])
        drawn.append(of(good[index], scores[index]))
    return [round(float(value), 3) for value in (of(good, scores), *np.nanpercentile(drawn, [2.5, 97.5]))]


def shares(folder: Path, samples: Sequence[Sample]) -> dict[str, float]:
    """Share judged constructive, of the held-out half: approved critiques of people, and each outcome of each kind."""
    accepted = [score(said, draft) for said, draft, source in read_accepted(folder) if held_out(source)]
    groups = {"approved human critiques": accepted}
    for sample in samples:
        name = f"{sample.kind}, {'constructive' if sample.constructive else 'not'}"
        groups.setdefault(name, []).append(score(sample.critique, sample.caption))
    return {
        f"{name} ({len(values)})": round(float(np.mean([value >= CONSTRUCTIVE for value in values])), 3)
        for name, values in groups.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--choose", action="store_true", help="cross-validate on the fitting half")
    parser.add_argument("--fit", action="store_true", help="fit on the fitting half and print the coefficients")
    arguments = parser.parse_args()
    folder = corpus()
    if folder is None:
        print("skipped: CHAI_CORPUS does not name a folder with release_dev.tar.gz", file=sys.stderr)
        return
    samples = read(folder)
    fitting, rest = ([sample for sample in samples if sample.held_out == side] for side in (False, True))
    if arguments.choose:
        print(json.dumps(cross_validate(fitting), indent=1))
    elif arguments.fit:
        print(json.dumps(fit(fitting), indent=1))
        print("committed:", {**COEFFICIENTS, "intercept": INTERCEPT})
    else:
        _report(folder, fitting, rest)


def _by_one_kind(fitting: list[Sample]) -> dict[str, Score]:
    """Scorers that were fitted on one kind alone: what they score on the other is no habit of its writers."""
    return {
        f"fitted on {kind} alone": _scored_by(fit([sample for sample in fitting if sample.kind == kind]))
        for kind in (LABELS, VARIANTS)
    }


def _scored_by(coefficients: dict[str, float]) -> Score:
    weights = np.array([coefficients[name] for name in FEATURES])
    return lambda sample: float(_matrix([sample])[0] @ weights)


def _report(folder: Path, fitting: list[Sample], rest: list[Sample]) -> None:
    print(f"{len(rest)} critiques of {len({sample.source for sample in rest})} held-out sources")
    for name, by_scorer in measure(rest, {**SCORERS, **_by_one_kind(fitting)}).items():
        print(f"\n{name}")
        for scorer, (value, low, high) in by_scorer.items():
            print(f"  {scorer:<24} {value:.3f}  [{low:.3f}, {high:.3f}]")
    longer = longer_variants(rest)
    print(f"\npairs whose variant is no shorter ({len(longer) // 2})")
    for scorer, (value, low, high) in measure(longer)[f"{VARIANTS}, paired"].items():
        print(f"  {scorer:<24} {value:.3f}  [{low:.3f}, {high:.3f}]")
    print("\nshare at or above CONSTRUCTIVE")
    for name, share in shares(folder, rest).items():
        print(f"  {name:<36} {share:.3f}")


if __name__ == "__main__":
    main()
