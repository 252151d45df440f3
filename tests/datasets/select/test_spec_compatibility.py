"""Which triples one dataset may hold: of one release, of an equal meaning, or of a declared range."""

from pathlib import Path

import pytest

from chai_assets.datasets.select.spec_compatibility import (
    describe_other_specs,
    parse_version_range,
    resolve_dataset_spec,
    triples_of_other_specs,
)
from chai_assets.spec.authoring.release import release
from chai_assets.spec.versioning.releases import Releases
from tests.datasets.factory import clip, frame, triple
from tests.spec.versions import rehearsal, specs_folder


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    """1.0.0, and a 1.1.0 that means something else in the camera aspect alone."""
    root = specs_folder(tmp_path)
    rehearsal(root)
    release(Releases(root), "1.1.0")
    return Releases(root)


def test_an_aspect_that_means_the_same_counts_and_one_that_does_not_is_counted_out(releases: Releases) -> None:
    old = {"spec_version": "1.0.0", "spec_hash": releases.load("1.0.0").hash}
    new = {"spec_version": "1.1.0", "spec_hash": releases.load("1.1.0").hash}
    rows = [triple(clip(0), "subject", **old), triple(clip(0), "camera", **new), triple(clip(1), "camera", **old)]
    triples = frame("triples", rows)
    mixed = triples_of_other_specs(triples, resolve_dataset_spec(triples, releases, parse_version_range("", "1.1.0")))
    assert [(row["aspect"], row["spec_version"], row["triples"]) for row in mixed] == [("camera", "1.0.0", 1)]
    assert describe_other_specs(mixed) == f"1 of camera under 1.0.0 ({old['spec_hash'][:8]})"
    assert (
        triples_of_other_specs(
            triples, resolve_dataset_spec(triples, releases, parse_version_range("1.0.0-1.1.0", "1.1.0"))
        )
        == []
    )
    behind = triples_of_other_specs(
        triples, resolve_dataset_spec(triples, releases, parse_version_range("1.0.0", "1.1.0"))
    )
    assert [(row["aspect"], row["spec_version"]) for row in behind] == [("camera", "1.1.0")]


def test_a_release_that_is_unknown_or_was_another_never_counts(releases: Releases) -> None:
    rows = [triple(clip(0), "subject", spec_version="9.0.0"), triple(clip(1), "scene", spec_hash="0" * 64)]
    triples = frame("triples", rows)
    assert len(triples_of_other_specs(triples, resolve_dataset_spec(triples, releases, ("1.0.0", "1.1.0")))) == 2


@pytest.mark.parametrize("text", ["1", "1.1.0-1.0.0", "new"])
def test_a_range_that_is_none_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ValueError, match=r"CHAI_DATASET_SPECS=.* write 1\.1\.0, or 1\.0\.0-1\.1\.0"):
        parse_version_range(text, "1.1.0")
