"""The text checks on real captions that people accepted: they cry wolf at none, and see what models wrote.

The data is no part of this repository: CHAI_CORPUS names its folder. Run as a module (`python -m`), this file
prints the figures.
"""

import json
import tarfile
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from chai_assets.auditing.aspect_coverage import mentions_aspect
from chai_assets.auditing.jsonl import aspect_of
from chai_assets.datasets.checks.facts import LARGEST_SHARE
from chai_assets.datasets.checks.texts import english, is_caption
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.linting.refusals import refusal_in
from chai_assets.spec.versioning.releases import load_spec
from chai_resources.captioners.calls.language import FEWEST_WORDS, other_language
from tests.corpus.measure_caption_lint import corpus
from tests.datasets.factory import ASPECTS

FOLDER = corpus()
pytestmark = pytest.mark.skipif(FOLDER is None, reason="CHAI_CORPUS does not name a folder with release_dev.tar.gz")


def captions(folder: Path) -> list[tuple[str, str]]:
    """Aspect and text of every caption that was kept."""
    found = []
    with tarfile.open(folder / "release_dev.tar.gz") as archive:
        for member in archive:
            stored = archive.extractfile(member) if member.name.endswith("_feedback.json") else None
            if stored is not None:
                row = json.load(stored)
                text = row.get("final_caption") or row.get("pre_caption")
                if text:
                    found.append((aspect_of(Path(member.name).parent.name, ASPECTS), text))
    return found


def sentences(texts: list[str]) -> list[str]:
    """Their sentences: the shortest texts whose language is judged."""
    return [part.strip() for text in texts for part in text.replace("\n", " ").split(". ") if part.strip()]


@pytest.fixture(scope="module")
def kept() -> list[tuple[str, str]]:
    assert FOLDER is not None
    return captions(FOLDER)


def test_no_kept_caption_nor_a_sentence_of_one_is_taken_for_another_language(kept: list[tuple[str, str]]) -> None:
    texts = [text for _, text in kept]
    assert english(pl.Series(texts)).all()
    assert [part for part in sentences(texts) if other_language(part)] == []


def test_no_kept_caption_is_taken_for_a_refusal(kept: list[tuple[str, str]]) -> None:
    assert is_caption(pl.Series([text for _, text in kept])).all()


def test_no_kept_caption_comes_near_to_standing_for_a_large_share(kept: list[tuple[str, str]]) -> None:
    counts, clips = Counter(kept), Counter(aspect for aspect, _ in kept)
    assert max(count / clips[aspect] for (aspect, _), count in counts.items()) < LARGEST_SHARE / 20


def test_nearly_every_caption_of_an_aspect_is_seen_to_touch_it(kept: list[tuple[str, str]]) -> None:
    spec = load_spec()
    for aspect in ASPECTS:
        texts = [text for named, text in kept if named == aspect]
        assert sum(mentions_aspect(text, lexicon_of(spec, aspect)) for text in texts) > 0.9 * len(texts), aspect


def main() -> None:
    if FOLDER is None:
        print("skipped: CHAI_CORPUS does not name a folder with release_dev.tar.gz")
        return
    spec, found = load_spec(), captions(FOLDER)
    texts = [text for _, text in found]
    parts = [part for part in sentences(texts) if len(part.split()) >= FEWEST_WORDS]
    print(f"captions kept: {len(texts)}; taken for another language: {sum(map(bool, map(other_language, texts)))}")
    print(f"their sentences of {FEWEST_WORDS} words or more: {len(parts)}; of them", end=" ")
    print(f"taken for another language: {sum(map(bool, map(other_language, parts)))}")
    print(f"taken for a refusal: {sum(map(bool, map(refusal_in, texts)))}")
    print(f"clips that the most frequent caption of an aspect stands for: {max(Counter(found).values())}")
    for aspect in ASPECTS:
        own = [text for named, text in found if named == aspect]
        print(
            f"{aspect}: {sum(mentions_aspect(text, lexicon_of(spec, aspect)) for text in own)} of {len(own)} touch it"
        )


if __name__ == "__main__":
    main()
