"""Any kind of video file becomes a clip that shows what the file shows."""

from collections import Counter
from pathlib import Path

import av

from tests.fuzz.cases import Cases
from tests.ingestion.pictures.combinations import drawn
from tests.ingestion.pictures.test_matrix import compared

_DRAWS = 100
"""Most encoders go into few containers: that many are drawn until one is written."""


def test_any_kind_of_file_is_shown_as_it_is(cases: Cases, tmp_path: Path):
    av.logging.set_level(None)
    counts: Counter[str] = Counter()
    for name, random in cases:
        result = "not written"
        for number in range(_DRAWS):
            wanted, folder = drawn(random), tmp_path / f"{name}-{number}".replace(":", "-")
            folder.mkdir()
            result = compared(folder, wanted)
            if result != "not written":
                break
        counts[result.split(":")[0]] += 1
        assert not result.startswith("wrong"), f"{name}: {wanted}: {result}"
    print(dict(counts))
