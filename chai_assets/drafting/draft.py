"""Which drafts are wanted, and what a draft row holds. Pure; the prompt is built in `prompt.py`."""

from collections.abc import Iterable

from chai_assets.core.ids import draft_id
from chai_assets.core.rows import Row
from chai_assets.drafting.prompt import draft_request
from chai_assets.inference.generate import Wanted
from chai_assets.spec.models import Spec
from chai_assets.workflow.item_state import Standing
from chai_resources.captioners.protocol import Captioner


def wanted_drafts(
    items: Iterable[Standing],
    spec: Spec,
    clips: dict[str, Row],
    captioner: Captioner,
    given_up: set[str],
) -> list[Wanted]:
    """Requests for the items that are labelled, whose upstream captions are approved, and that have no draft.

    In clip order, so that the aspects of a clip go out back to back and share its prefix.
    """
    wanted = []
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
        wanted.append(Wanted(request, base))
    return wanted


def finish_draft(row: Row) -> Row:
    """Completes a draft row with its id."""
    return {**row, "draft_id": draft_id(row)}
