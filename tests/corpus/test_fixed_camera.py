"""The clips of one fixed camera that lie beside the reference corpus: all are stored, and fall into one split.

The data is no part of this repository: CHAI_CORPUS names the corpus' folder, and the clips lie in `../cases/video`.
"""

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest

from chai_assets.datasets.select.splits import assign_splits
from chai_assets.ingestion.ingest import ClipRules, StoredRows, ingest
from chai_resources.media import Media
from tests.datasets.factory import NOON, frame

CASES = Path(os.environ.get("CHAI_CORPUS") or "/nowhere", "..", "cases", "video")

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="CHAI_CORPUS does not name a folder beside cases/video")


@pytest.mark.parametrize("folder", ["fixed-camera", "mirrored"])
def test_every_clip_is_stored_and_all_fall_into_one_split(folder: str, tmp_path: Path):
    media = Media(root=str(tmp_path / "media"))
    found = list(ingest("b1", str(CASES / folder), media, StoredRows(), ClipRules("none", 0.5, 20.0)))
    clips = [row | {"recorded_at": NOON + timedelta(seconds=n)} for n, one in enumerate(found) for row in one.clips]
    # One of the files lies there twice, byte for byte: the same source is the same clip.
    assert {problem["kind"] for one in found for problem in one.problems} <= {"duplicate"}
    assert len(clips) == len({hashlib.sha256(path.read_bytes()).hexdigest() for path in (CASES / folder).iterdir()})
    assert len(set(assign_splits(frame("clips", clips), 0.5).sources["split_by"])) == 1
