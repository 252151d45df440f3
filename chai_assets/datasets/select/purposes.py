"""What a row may be used for, by the rights of its source: a rule for each purpose. Pure.

What was agreed on (`purposes` in rights.yaml) decides where it is said; else the licence does, as far as its name says
what it allows. A licence that is unknown, or that no rule knows, allows nothing, and rights that have run out allow
nothing whatever they were. This is no legal advice: it keeps what nobody looked at from going where it must not.
"""

import re
from datetime import date

import polars as pl

from chai_assets.datasets.select.canonical_rows import UNKNOWN_LICENSE, LeftOut, left_out
from chai_assets.ingestion.rights import PURPOSES, Purpose

EXPIRED = "its rights have run out"
UNKNOWN_RIGHTS = "its licence is unknown"
_OTHER_LICENSE = "no rule knows its licence"
_NOT_AGREED = "it was not agreed on"

_CREATIVE_COMMONS = re.compile(r"cc-by((?:-(?:sa|nc|nd))*)(-[0-9.]+)?(-[a-z]{2,3}|-igo|-international|-unported)?")
_OPEN = re.compile(
    r"cc0(-1\.0)?|cc-?zero|public-domain|pddl(-1\.0)?|mit|apache-2\.0|bsd-[234]-clause|unlicense|odbl(-1\.0)?|"
    r"odc-by(-1\.0)?|cdla-(permissive|sharing)-[12]\.0"
)
# An adaptation of what is under -nd may not be handed on, and a clip cut from a video with a caption beside it is one.
_FORBIDDEN_BY: dict[str, dict[Purpose, str]] = {
    "nc": {"commercial": "its licence is for other than commercial use (NC)"},
    "nd": {"publish": "its licence lets nothing that was made of it be handed on (ND)"},
}
RULES = (
    "what was agreed on in rights.yaml (`purposes`) decides where it is said; else open licences (CC0, CC BY and "
    "BY-SA, MIT, Apache-2.0, BSD, ODbL, ODC-BY, PDDL, CDLA, public domain) allow all four, NC all but `commercial`, "
    "ND all but `publish`; an unknown licence, or one that no rule knows, allows nothing, nor do rights that have run "
    "out; `train` and `evaluate` are asked of the rows of that side only"
)
"""The rules in words, for the card."""


def obstacles(licence: str | None, until: str | None, agreed: list[str] | None, today: date) -> dict[Purpose, str]:
    """Why these rights do not allow a purpose, for each one that they do not. `until` is YYYY-MM-DD."""
    if until and date.fromisoformat(until) < today:
        return dict.fromkeys(PURPOSES, EXPIRED)
    if agreed is not None:
        return {purpose: _NOT_AGREED for purpose in PURPOSES if purpose not in agreed}
    name = re.sub(r"[^a-z0-9.]+", "-", (licence or "").lower()).strip("-") or UNKNOWN_LICENSE
    if name == UNKNOWN_LICENSE:
        return dict.fromkeys(PURPOSES, UNKNOWN_RIGHTS)
    if _OPEN.fullmatch(name):
        return {}
    if (found := _CREATIVE_COMMONS.fullmatch(name)) is None:
        return dict.fromkeys(PURPOSES, _OTHER_LICENSE)
    return {purpose: why for part in found[1].split("-") for purpose, why in _FORBIDDEN_BY.get(part, {}).items()}


def with_obstacles(clips: pl.DataFrame, today: date) -> pl.DataFrame:
    """Clips with `purposes`, the list of what their rights allow, and `no_train` and so on: why not, else null.

    `clips` has licence, rights_until and rights_purposes.
    """
    keys = ["licence", "rights_until", "rights_purposes"]
    kinds = clips.select(keys).unique(maintain_order=True)
    found = [obstacles(licence, until, agreed, today) for licence, until, agreed in kinds.iter_rows()]
    allowed = [[purpose for purpose in PURPOSES if purpose not in why] for why in found]
    columns = [pl.Series("purposes", allowed, dtype=pl.List(pl.String))]
    columns += [pl.Series(f"no_{one}", [why.get(one) for why in found], dtype=pl.String) for one in PURPOSES]
    return clips.join(kinds.with_columns(columns), on=keys, how="left", nulls_equal=True, maintain_order="left")


def concerns(purpose: str) -> pl.Expr:
    """Whether a purpose is one of a row: nobody trains on the eval side, and nobody evaluates on the other."""
    side = {"train": "train", "evaluate": "eval"}.get(purpose)
    return pl.lit(True) if side is None else pl.col("split") == side


def without_forbidden(rows: pl.DataFrame, purposes: tuple[str, ...]) -> tuple[pl.DataFrame, list[LeftOut]]:
    """The rows whose rights allow all these purposes, and the others as left out; expired ones always are.

    `rows` have id, split and the columns of `with_obstacles`.
    """
    out: list[LeftOut] = []
    expired = (pl.col("no_train") == EXPIRED).fill_null(False)
    out += left_out("triple", f"{EXPIRED}: renew them in rights.yaml (`until`)", rows.filter(expired)["id"])
    rows = rows.filter(~expired)
    for purpose in purposes:
        forbidden = concerns(purpose) & pl.col(f"no_{purpose}").is_not_null()
        for why, of_reason in sorted(rows.filter(forbidden).group_by(f"no_{purpose}").agg("id").iter_rows()):
            remedy = "say in rights.yaml what holds (`licence`, `purposes`), or make the dataset for other purposes"
            out += left_out("triple", f"its rights do not allow `{purpose}`: {why}; {remedy}", of_reason)
        rows = rows.filter(~forbidden)
    return rows, out


def count_by_purpose(rows: pl.DataFrame) -> dict[str, dict[str, int]]:
    """For each purpose, how many of these rows it is allowed for, and how many not, by reason."""
    counts: dict[str, dict[str, int]] = {}
    for purpose in PURPOSES:
        why = rows.select(pl.col(f"no_{purpose}").fill_null("allowed").alias("why")).group_by("why").len()
        counts[purpose] = {"allowed": 0} | dict(sorted(why.iter_rows()))
    return counts
