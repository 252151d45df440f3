"""Labels of clips as the table `primitives` holds them, for the tests of what datasets make of them."""

from datetime import datetime
from typing import Any

from chai_assets.core.ids import label_id
from chai_assets.spec.compile import derive
from chai_assets.spec.models import Aspect, Spec
from chai_assets.workflow.records import label_key
from tests.datasets.factory import NOON
from tests.spec.answers import Answers, walker

Row = dict[str, Any]


def label(
    of: Row, aspect: Aspect, spec: Spec, answers: Answers | None = None, at: datetime = NOON, **changes: Any
) -> Row:
    """The label of a clip's aspect; without answers those of the worked example."""
    given = walker()[aspect.id] if answers is None else answers
    row = {
        "batch": of["batch"],
        "clip_id": of["clip_id"],
        "aspect": aspect.id,
        "chai_key": label_key(of["clip_id"], aspect.id, spec.version),
        "spec_version": spec.version,
        "spec_hash": spec.hash,
        "answers": [{"attribute": name, "values": values} for name, values in given.items()],
        "states": [{"primitive": name, "state": state} for name, state in derive(aspect, given).items()],
        "problem": None,
        "note": None,
        "author": "ann-2",
        "submitted_at": at,
        "recorded_at": at,
    }
    row |= changes
    return {"label_id": label_id(row), "event_id": f"evt-{label_id(row)}-{at.timestamp():.0f}"} | row
