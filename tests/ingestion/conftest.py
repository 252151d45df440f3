"""A batch's folder in an inbox, and a film to put into it."""

from pathlib import Path

import pytest

from tests.ingestion.films import scene, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "inbox" / "b1"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write(tmp_path / "film.mp4", scene(1, 36, (64, 48)))
