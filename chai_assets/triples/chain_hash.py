"""The hash that binds a triple's four records. Whether they follow from each other is not asked here."""

from chai_assets.core.ids import canonical_json, sha256_text


def chain_hash(draft_id: str, critique_id: str, revision_id: str | None, review_id: str | None) -> str:
    """Hex sha256 over the ids of draft, critique, revision (None where it stood) and review (None without one)."""
    return sha256_text(canonical_json([draft_id, critique_id, revision_id, review_id]))
