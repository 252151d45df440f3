"""The preview of a revision, as Label Studio's protocol for model servers carries it. Pure.

What a person has typed so far becomes the request that the asset `revisions` would make of it, so both share one
stored answer; what comes back is words for the page. Nothing here is a record: no critique and no revision comes of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chai_assets.annotation.results import Malformed
from chai_assets.critique import page
from chai_assets.critique.findings import as_prose, as_sentence, findings_of
from chai_assets.critique.lint import lint_critique
from chai_assets.revision.effects import effects
from chai_assets.revision.prompt import RevisableCritique
from chai_resources.captioners.protocol import Result

PREVIEW_TITLE = "CHAI preview"
"""Title of the server of previews in Label Studio; the role guard lets annotators use the one of this title."""
PREVIEW_USER = "label-studio"
"""By this name, and a password of its own, Label Studio asks that server."""

ResultParts = list[dict[str, Any]]
"""A result as Label Studio has it: one part for each control's piece."""


class NothingToAsk(Exception):
    """The critique cannot be revised by yet; the text tells the person what is missing."""


@dataclass(frozen=True)
class PreviewRequest:
    """A person has finished a part of a critique: on which task, the parts they touched, the last draft known then.

    Label Studio sends only the parts of the touched kind; the whole page stands in the draft that it saves of itself.
    """

    task_id: int
    data: Mapping[str, Any]
    parts: ResultParts
    saved_at: datetime | None

    def settled(self, saved_at: datetime, result: ResultParts) -> bool:
        """Whether a saved draft was made after this, and so has all there is to see."""
        newer = self.saved_at is None or saved_at > self.saved_at
        return newer and _by_place(self.parts).items() <= _by_place(result).items()


def read_preview_request(body: object) -> PreviewRequest | None:
    """The request in the body of /predict; None where a task is only opened. Raises ValueError."""
    try:
        context = body["params"]["context"]  # type: ignore[index]
        if not context or not isinstance(context.get("result"), list):
            return None
        (task,) = body["tasks"]  # type: ignore[index]
        saved = [saved_at(draft) for draft in task.get("drafts") or [] if isinstance(draft, dict)]
        return PreviewRequest(int(task["id"]), dict(task["data"]), context["result"], max(saved, default=None))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not what Label Studio sends for one task: {error!r}") from None


def saved_at(draft: Mapping[str, Any]) -> datetime:
    """When Label Studio saved a draft of an answer."""
    return datetime.fromisoformat(str(draft["updated_at"]).replace("Z", "+00:00"))


def critique_so_far(data: Mapping[str, Any], result: object) -> RevisableCritique:
    """A row as of `critiques`, as far as a revision needs one. Raises NothingToAsk."""
    try:
        rating, findings = page.read_unfinished(data, result)
    except Malformed as problem:
        raise NothingToAsk(f"Not complete yet: {problem.reason}; {problem.remedy}.") from None
    if rating == page.PERFECT:
        raise NothingToAsk("Rated 5: nothing will be revised.")
    if not findings:
        raise NothingToAsk("Mark what is wrong or list what is missing: a model then shows what it makes of it.")
    text = as_prose(findings)
    if hints := lint_critique(text, data["draft"]):
        raise NothingToAsk(hints[0])
    return {"critique_id": "preview", "findings": [finding.value for finding in findings], "text": text}


def shown(draft: str, critique: RevisableCritique, result: Result | None) -> list[str]:
    """What the page shows for an answer; None is one that the budgets do not pay for."""
    if result is None:
        return [
            "No preview: the budget for models is used up. Submit as usual; the revision is made when there is more."
        ]
    if result.text is None:
        why = result.error.message if result.error else "the model gave no text"
        return [f"No preview: {why}. Submit as usual; your critique counts all the same."]
    took = effects(draft, critique["findings"], result.text)
    missed = [f for f, effect in zip(findings_of(critique), took, strict=True) if not effect["took"]]
    # Label Studio does not tell of a finding that is taken back: so the person sees how many this was made of.
    count = len(took)
    told = f"Made of {count} finding{'s' if count > 1 else ''}:"
    return [told, result.text, *(f"NOT done: {as_sentence(finding)}" for finding in missed)]


def _by_place(parts: ResultParts) -> dict[tuple[Any, Any], str]:
    """Values by mark and control, without what a preview put there."""
    named = [part for part in parts if part.get("from_name") != page.PREVIEW]
    return {(part.get("id"), part.get("from_name")): repr(part.get("value")) for part in named}
