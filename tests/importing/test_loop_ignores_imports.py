"""The loop works as if an imported corpus were not there."""

from pathlib import Path

import pytest

from chai_assets.cli.main import _standings  # pyright: ignore[reportPrivateUsage]
from chai_assets.core.partitions import batch_key
from chai_assets.importing.labels import read_labels
from chai_assets.ingestion.files.listing import Listing, VideoFile
from chai_assets.ingestion.inbox import InboxBatch, Survey
from chai_assets.orchestration.inbox_watch import plan_batches
from chai_assets.planning.effort import medians
from chai_assets.planning.load import current_states, make_plan
from chai_assets.spec.resource import release_of
from chai_assets.spec.versioning.adoption import adopted_versions, unsettled
from chai_resources.settings import Settings
from tests.importing.corpora import approved
from tests.importing.imports import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A deployment with an imported corpus, labels included, and one clip of its own."""
    place = Place(tmp_path)
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"primitive": "moves.pan", "present": ["pier.0.0.mp4"], "absent": []}')
    place.take(approved("pier.0.0.mp4"), read_labels(labels))
    place.tables.append("clips", [{"batch": "own", "clip_id": "clp_own", "source_id": "s", "name": "own"}])
    return place


def test_status_plan_medians_and_adoption_see_our_own_batches_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAI_HOME", str(place.home))
    settings = Settings.from_env()
    release, tables = release_of(settings), place.tables
    assert set(_standings(settings)) == {"own"}
    states, versions = current_states(tables, release)
    assert set(states["batch"]) == set(versions) == {"own"}
    plan = make_plan(tables, release, release.in_force)
    assert (plan.affected, plan.untouched) == ([], [])
    assert medians(tables).tokens == {}
    assert adopted_versions(tables) == {}
    assert unsettled(tables) == []


def test_an_inbox_folder_cannot_take_the_name_of_an_import() -> None:
    with pytest.raises(ValueError, match="rename it"):
        batch_key("import-summer")
    listing = Listing(videos=[VideoFile("a.mp4", "a.mp4", 1, "")])
    folder = InboxBatch("import-summer", "inbox/import-summer", listing)
    plan = plan_batches(Survey([folder], []), {}, lambda _: [])
    assert (plan.runs, plan.waiting, plan.seen, len(plan.wrong)) == ([], [], {}, 1)
