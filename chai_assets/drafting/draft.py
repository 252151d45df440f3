"""Which drafts wait to be written, and what a draft row holds. Pure; the prompt is built in `prompt.py`."""

from collections.abc import Iterable, Mapping

from chai_assets.core.ids import draft_id
from chai_assets.core.rows import ClipRow, NewRow
from chai_assets.drafting.prompt import draft_request
from chai_assets.inference.pending import PendingRequest
from chai_assets.spec.models import Spec
from chai_assets.workflow.item_state import Standing
from chai_resources.captioners.protocol import Captioner


def pending_drafts(
    items: Iterable[Standing],
    spec: Spec,
    clips: Mapping[str, ClipRow],
    captioner: Captioner,
    given_up: set[str],
) -> list[PendingRequest]:
    """Requests for the items that are labeled, whose upstream captions are approved, and that have no draft.

    In clip order, so that the aspects of a clip go out back to back and share its prefix.
    """
    pending = []
    for item in items:
        if item.stage != "drafting" or item.label is None:
            continue
        clip, label = clips[item.clip_id], item.label
        request = draft_request(
            spec=spec,
            aspect_id=item.aspect,
            clip=clip,
            answers=item.answers,
            upstream={name: candidate.text for name, candidate in item.upstream.items()},
            captioner=captioner,
        )
        if request.hash in given_up:
            continue
        base = {
            "batch": clip["batch"],
            "clip_id": item.clip_id,
            "aspect": item.aspect,
            "label_id": label["label_id"],
            "upstream": item.upstream_ids,
            "spec_version": spec.version,
            "spec_hash": spec.hash,
        }
        pending.append(PendingRequest(request, base))
    return pending


def complete_draft(row: NewRow) -> NewRow:
    """Completes a draft row with its id."""
    return {**row, "draft_id": draft_id(row)}
