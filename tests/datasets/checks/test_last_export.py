"""What the next export is compared with: the current dataset of the store, however its files are called."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chai_assets.datasets.checks.last_export import last_export
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.write.publish import publish
from chai_resources.media import Media
from chai_resources.media_store import MediaError
from tests.datasets.factory import many


def test_a_published_dataset_is_read_as_ids_aspects_ratings_and_lengths(tmp_path: Path):
    export = many(4)
    publish(export, str(tmp_path))
    before = last_export(Media(root=str(tmp_path)), Selection().as_manifest())
    assert before is not None
    assert set(before["triple_id"]) == set(export.triples["triple_id"])
    row = before.filter(triple_id=export.triples["triple_id"][0]).row(0, named=True)
    told = export.triples.row(0, named=True)
    assert row == {
        "triple_id": told["triple_id"],
        "aspect": told["aspect"],
        "rating": told["rating"],
        "words": len(told["final"].split()),
    }


def test_where_nothing_was_published_there_is_nothing_to_compare_with(tmp_path: Path):
    assert last_export(Media(root=str(tmp_path)), Selection().as_manifest()) is None


def test_a_dataset_of_another_selection_is_none_to_compare_with(tmp_path: Path):
    publish(replace(many(4), selection=Selection(variant="pre_review")), str(tmp_path))
    assert last_export(Media(root=str(tmp_path)), Selection().as_manifest()) is None


def test_a_dataset_without_the_files_of_its_manifest_is_an_error_and_not_taken_for_none(tmp_path: Path):
    published = publish(many(4), str(tmp_path))
    Path(published.uri, "triples.parquet").unlink()
    with pytest.raises(MediaError):
        last_export(Media(root=str(tmp_path)), Selection().as_manifest())


def test_a_dataset_of_a_version_that_asked_for_less_is_compared_as_what_it_was(tmp_path: Path):
    published = publish(many(4), str(tmp_path))
    path = Path(published.uri, "manifest.json")
    manifest = json.loads(path.read_text())
    for newer in ("stale", "purposes"):
        del manifest["selection"][newer]
    path.write_text(json.dumps(manifest))
    assert last_export(Media(root=str(tmp_path)), Selection().as_manifest()) is not None
    assert last_export(Media(root=str(tmp_path)), Selection(stale="drop").as_manifest()) is None
