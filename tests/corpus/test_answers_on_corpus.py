"""The rules for answers of models on real captions: what people kept and models wrote for them is seldom refused.

The data is no part of this repository: CHAI_CORPUS names its folder. Run as a module (`python -m`), this file prints
the figures.
"""

import gzip
import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from chai_resources.captioners.calls.acceptance import settled
from chai_resources.captioners.protocol import Request, Result
from tests.corpus.measure_caption_lint import corpus

FOLDER = corpus()
pytestmark = pytest.mark.skipif(FOLDER is None, reason="CHAI_CORPUS does not name a folder with release_dev.tar.gz")

_FIELDS = ("pre_caption", "original_caption", "gpt_caption", "final_caption")
_VARIANTS = ("pre_caption", "post_caption", "degraded_post_caption")


def captions(folder: Path) -> list[str]:
    """Every different caption of the corpus: drafts, revisions, captions that were kept."""
    found: dict[str, None] = {}
    with tarfile.open(folder / "release_dev.tar.gz") as archive:
        for member in archive:
            stored = archive.extractfile(member) if member.name.endswith(".json") else None
            if stored is not None:
                row = json.load(stored)
                found |= dict.fromkeys(row[name] for name in _FIELDS if row.get(name))
    with gzip.open(folder / "degraded_critiques_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            found |= dict.fromkeys(row[name] for name in _VARIANTS if row.get(name))
    return list(found)


def verdicts(texts: list[str]) -> Counter[str]:
    """How many are taken as they are, unwrapped, or refused by which rule."""
    found: Counter[str] = Counter()
    for text in texts:
        result = settled(Request("k", "req_1", "draft", "", {}), Result("k", "m", "", text, "stop"))
        found[result.error.code if result.error else "as it is" if result.raw is None else "unwrapped"] += 1
    return found


def test_fewer_than_one_real_caption_in_a_thousand_is_refused_or_changed():
    assert FOLDER is not None
    texts = captions(FOLDER)
    assert len(texts) > 13_000
    found = verdicts(texts)
    assert len(texts) - found["as it is"] < len(texts) / 1_000, found


if __name__ == "__main__" and FOLDER is not None:
    print(verdicts(captions(FOLDER)))
