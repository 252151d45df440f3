"""What a caption that a lead approves says against its labels. Reads tables, no more."""

from chai_assets.core.rows import LabelCorrectionRow, ReviewRow, read_rows
from chai_assets.critique.label_questions import contradictions
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.review.lead.find import ItemName
from chai_assets.spec.compile import derive
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.adoption import adopted_version
from chai_assets.workflow.item_state import Standing
from chai_resources.tables import Tables


def contradictions_if_approved(
    tables: Tables, release: SpecRelease, item: ItemName, stands: Standing, review: ReviewRow
) -> dict[str, str]:
    """What the caption under review says that its labels deny, by primitive, were it approved in place of `review`.

    Approved are then the corrections of labels, too, that the review looked at.
    """
    if stands.candidate is None:
        return {}
    looked_at = {tick["correction_id"] for tick in review.get("correction_ticks") or ()}
    corrections = read_rows(tables, LabelCorrectionRow, item.batch)
    corrected = {row["attribute"]: row["after"] for row in corrections if row["correction_id"] in looked_at}
    spec = release.releases.load(adopted_version(tables, item.batch, release.in_force))
    states = derive(spec.aspects[item.aspect], {**stands.answers, **corrected})
    found = contradictions(stands.candidate.text, lexicon_of(spec, item.aspect), states)
    return {row["primitive"]: row["says"] for row in found}
