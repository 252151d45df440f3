"""Which revisions wait to be written, and what a revision row holds: its effects are checked as it is made. Pure."""

from collections.abc import Callable, Iterable, Mapping

from chai_assets.core.ids import revision_id
from chai_assets.core.rows import ClipRow, NewRow
from chai_assets.inference.pending import PendingRequest
from chai_assets.revision.effects import effects, other_changes
from chai_assets.revision.prompt import revise_request
from chai_assets.spec.models import Spec
from chai_assets.workflow.item_state import Standing
from chai_resources.captioners.protocol import Captioner


def pending_revisions(
    items: Iterable[Standing],
    spec: Spec,
    clips: Mapping[str, ClipRow],
    captioner: Captioner,
    given_up: set[str],
) -> list[PendingRequest]:
    """Requests for the critiques that ask for a change and have no revision yet."""
    pending = []
    for item in items:
        if item.stage != "revision" or item.draft is None or item.unrevised is None:
            continue
        clip, draft, critique = clips[item.clip_id], item.draft, item.unrevised
        request = revise_request(
            spec=spec,
            clip=clip,
            draft=draft,
            critique=critique,
            captioner=captioner,
        )
        if request.hash in given_up:
            continue
        base = {
            "batch": clip["batch"],
            "clip_id": item.clip_id,
            "aspect": item.aspect,
            "draft_id": draft["draft_id"],
            "critique_id": critique["critique_id"],
            "spec_version": spec.version,
        }
        pending.append(PendingRequest(request, base))
    return pending


def complete_revision(items: Iterable[Standing]) -> Callable[[NewRow], NewRow]:
    """Completes revision rows: the id, whether each finding took, and what changed that none asked for."""
    waiting = [(item.draft, item.unrevised) for item in items if item.draft and item.unrevised]
    sources = {critique["critique_id"]: (draft, critique) for draft, critique in waiting}

    def complete(row: NewRow) -> NewRow:
        source, critique = sources[row["critique_id"]]
        draft, findings = source["text"], critique["findings"]
        return {
            **row,
            "revision_id": revision_id(row),
            "effects": effects(draft, findings, row["text"]),
            "other_changes": other_changes(draft, findings, row["text"]),
        }

    return complete
