"""The hash that binds a triple's four records. Whether they follow from each other is not asked here."""

import polars as pl

from chai_assets.core.ids import canonical_json, sha256_text

_SAME_IN_JSON = r"^[A-Za-z0-9_.:-]*$"


def chain_hash(draft_id: str, critique_id: str, revision_id: str | None, review_id: str | None) -> str:
    """Hex sha256 over the ids of draft, critique, revision (None where it stood) and review (None without one)."""
    return sha256_text(canonical_json([draft_id, critique_id, revision_id, review_id]))


def chain_hashes(chains: pl.DataFrame) -> pl.Series:
    """The `chain_hash` of each row of draft_id, critique_id, revision_id, review_id, put together by column."""
    ids = [pl.col(name) for name in ("draft_id", "critique_id", "revision_id", "review_id")]
    quoted = [pl.format('"{}"', name).fill_null("null") for name in ids]
    same = pl.all_horizontal(name.str.contains(_SAME_IN_JSON).fill_null(True) for name in ids)
    texts = chains.select(pl.when(same).then(pl.format("[{},{},{},{}]", *quoted))).to_series().to_list()
    others = {at: chain_hash(*chains.select(ids).row(at)) for at, text in enumerate(texts) if text is None}
    hashes = [others[at] if text is None else sha256_text(text) for at, text in enumerate(texts)]
    return pl.Series("chain_hash", hashes, dtype=pl.String)
