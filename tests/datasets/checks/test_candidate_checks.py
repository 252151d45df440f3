"""The checks of the nightly candidate as Dagster runs them: on what was pinned, and on an imported corpus as well."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import dagster as dg

from chai_assets.core.imported import batch_of_corpus
from chai_assets.datasets.assets import DatasetStore, captions_follow_the_specification, triples_expectations
from chai_assets.datasets.export import current_versions
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.releases import load_spec
from chai_resources.tables import Tables
from tests.datasets.factory import clip, triple
from tests.datasets.labels import label
from tests.spec.answers import walker

SPEC = load_spec()
CAMERA = SPEC.aspects["camera"]
CAPTION = "The camera pans left."


class Candidate:
    """A caption that says "pans left", and a label that it was written from; the label is written when a test asks."""

    def __init__(self, folder: Path, batch: str, **choice: Any) -> None:
        self.tables = Tables(root=str(folder / "tables"))
        self.datasets = DatasetStore(root=str(folder / "datasets"), **choice)
        self.clip = clip(0, batch=batch)
        answers = walker()["camera"] | {"turns": ["pan right"]}
        self.label = label(self.clip, CAMERA, SPEC, answers)
        spec = {"spec_version": SPEC.version, "spec_hash": SPEC.hash}
        row = triple(self.clip, "camera", rating=5, draft=CAPTION, final=CAPTION) | spec
        draft = {"draft_id": row["draft_id"], "text": CAPTION, "label_id": self.label["label_id"]}
        review = {"review_id": row["review_id"], "event_id": "evt_1", "verdict": "approve", "contradicts": []}
        of = {"batch": batch, "clip_id": self.clip["clip_id"], "aspect": "camera"}
        self.tables.append("triples", [row])
        self.tables.append("drafts", [of | draft])
        self.tables.append("reviews", [of | review])
        self.pin()

    def pin(self) -> None:
        self.datasets.pin(current_versions(self.tables))

    def followed(self) -> dg.AssetCheckResult:
        found = captions_follow_the_specification(self.tables, SpecRelease(), self.datasets)
        assert isinstance(found, dg.AssetCheckResult)
        return found

    def agreement(self) -> dg.AssetCheckResult:
        """The outcome of the check that holds approvals to their labels."""
        context = dg.build_asset_check_context()
        found = triples_expectations(context, self.tables, SpecRelease(), self.datasets)
        results = cast(Iterable[dg.AssetCheckResult], found)
        return next(one for one in results if one.check_name == "captions_agree_with_their_labels")


def test_what_is_labeled_after_the_candidate_was_pinned_is_not_looked_at(tmp_path: Path):
    candidate = Candidate(tmp_path, "b1")
    candidate.tables.append("primitives", [candidate.label])
    assert candidate.followed().passed
    assert candidate.agreement().passed
    candidate.pin()
    assert not candidate.followed().passed
    denied = candidate.agreement()
    assert not denied.passed
    assert "pan-left" in str(denied.metadata["failing_rows"].value)


def test_an_imported_corpus_is_held_against_the_specification_in_force(tmp_path: Path):
    candidate = Candidate(tmp_path, batch_of_corpus("films"), imported="films")
    assert candidate.followed().metadata["evaluated"].value == 1
    candidate.tables.append("primitives", [candidate.label])
    candidate.pin()
    assert not candidate.followed().passed
