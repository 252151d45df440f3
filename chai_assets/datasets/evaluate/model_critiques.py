"""A model's own critique of a draft: asked for as findings, kept where an editor can carry them out. Pure."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from chai_assets.critique.findings import NEED_FIX, Finding, FindingKind, as_prose
from chai_assets.critique.prose.locate_quotes import DraftPhrases
from chai_assets.datasets.evaluate.degrade import DegradedCritique, VariantUnavailable
from chai_resources.captioners.calls.acceptance import json_object

# The names of these two classes and their docstrings are part of the schema, so of the hash of every request.


class WrittenFinding(BaseModel):
    """One remark, as a model is asked for it; `quote` is empty for what is missing, `fix` for what shall go."""

    model_config = ConfigDict(extra="forbid")
    kind: FindingKind
    quote: str
    fix: str


class WrittenCritique(BaseModel):
    """A model's remarks on a draft."""

    model_config = ConfigDict(extra="forbid")
    findings: list[WrittenFinding]


CRITIQUE_SCHEMA: dict[str, Any] = WrittenCritique.model_json_schema()
"""JSON Schema of the answer. Every field is required and no other allowed, as OpenAI's strict mode wants it."""


def parse_model_critique(answer: str, draft: str, draft_id: str) -> DegradedCritique:
    """The critique in English, as people's read, of the remarks that an editor can carry out on this draft.

    Raises VariantUnavailable where none is left: the model found nothing, or quotes what the draft does not say.
    """
    try:
        written = WrittenCritique.model_validate(json_object(answer))
    except ValidationError as error:
        reason = error.errors()[0]
        raise VariantUnavailable(f"the model's answer has not the form asked for ({reason['msg']})") from error
    if not written.findings:
        raise VariantUnavailable("the model found nothing to change")
    places = DraftPhrases(draft)
    found = [_located(finding, places, draft_id) for finding in written.findings]
    usable = [finding for finding in found if finding]
    if not usable:
        raise VariantUnavailable(
            "the model quotes what the draft does not say, or does not say what should stand there"
        )
    changed = "the model wrote it of draft and clip, and saw no person's critique"
    if dropped := len(found) - len(usable):
        changed += f"; {dropped} of its {len(found)} remarks are left out: nobody could carry them out"
    return DegradedCritique(as_prose(usable), changed)


def _located(written: WrittenFinding, places: DraftPhrases, draft_id: str) -> Finding | None:
    """The remark on the words it quotes; None where they stand nowhere or at several places, or the fix is missing."""
    fix = written.fix.strip()
    if written.kind == "missing":
        return Finding.missing(draft_id, fix) if fix else None
    place = places.locate(written.quote)
    if place is None or (written.kind in NEED_FIX and not fix):
        return None
    return Finding.mark(draft_id, places.draft, written.kind, place.start, place.end, fix)
