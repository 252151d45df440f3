"""Which captions a dataset holds, and on which side each goes: decided on ids and hashes, before a text is kept.

What may not be exported at all is refused here, and what is left out is counted here. Pure.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from chai_assets.datasets.select.candidates import NOT_TAKEN
from chai_assets.datasets.select.canonical_rows import ExportRefused, LeftOut, added_up, left_out
from chai_assets.datasets.select.export_inputs import Export, Part, captions, named, parts
from chai_assets.datasets.select.spec_compatibility import mixed_in, told
from chai_assets.datasets.select.splits import BadPins, Sides, sides
from chai_assets.triples.chain_hash import chain_hash

Say = Callable[[str], None]

_IDS = ["id", "batch", "clip_id", "source_id", "aspect", "review", "human_edited", "spec_version", "spec_hash"]
_IDS += ["draft_id", "critique_id", "revision_id"]
_KEPT = ["id", "batch", "clip_id", "source_id", "caption", "was_caption"]
_CLIP = ["clip_id", "batch", "source_id", "media_key", "licence", "rights", "same_as", "phash", "duration_s"]


@dataclass(frozen=True)
class Plan:
    """What goes into a dataset: its parts, its rows by id, what stays out, and what was found of likeness."""

    parts: list[Part]
    rows: pl.DataFrame
    """id, batch, clip_id, source_id, split, split_by, video, licence, rights; in no order."""
    clips: pl.DataFrame
    """Every clip once."""
    out: list[LeftOut]
    groups: int
    """Groups of sources that show the same shots."""


def caption_hash(column: str) -> pl.Expr:
    """A hash of a caption's words, case and punctuation aside; null where it has none."""
    words = pl.col(column).str.to_lowercase().str.replace_all(r"[\W_]+", " ").str.strip_chars(" ")
    return pl.when(words.str.len_bytes() > 0).then(words.hash(0))


def make_plan(export: Export, say: Say) -> Plan:
    """Raises ExportRefused where the captions may not be exported."""
    clips = export.clips.lazy().select(*_CLIP, "recorded_at").collect()
    clips = clips.sort("recorded_at", *_CLIP).unique("clip_id", keep="first", maintain_order=True)
    found: list[pl.DataFrame] = []
    out: list[LeftOut] = []
    unfit = _Unfit()
    every = parts(export)
    for number, part in enumerate(every, 1):
        rows, left = _part(export, part, clips, unfit)
        found.append(rows)
        out += left
        say(f"deciding: part {number} of {len(every)}, {sum(map(len, found)):,} captions")
    unfit.refuse(export)
    rows = pl.concat(found) if found else pl.DataFrame(schema=dict.fromkeys(_KEPT, pl.String))
    if rows.is_empty() and not out:
        if export.selection.imported:
            raise ExportRefused(f"no caption was imported as {export.selection.imported}: check the name, or import it")
        raise ExportRefused("there is no verified triple to export: wait for the first approving review")
    try:
        where = sides(clips, export.eval_share, export.selection.pins)
    except BadPins as error:
        raise ExportRefused(str(error)) from error
    rows, left = _placed(rows, clips, where)
    out = added_up([*out, *left])
    if rows.is_empty():
        why = "; ".join(f"{entry.count}: {entry.reason}" for entry in out)
        raise ExportRefused(f"no triple is left to export ({why}): give the clips of the triples, or select others")
    return Plan(every, rows, clips, out, where.groups)


def _part(export: Export, part: Part, clips: pl.DataFrame, unfit: "_Unfit") -> tuple[pl.DataFrame, list[LeftOut]]:
    """The captions of a part that the selection takes (_KEPT), and those it does not take."""
    hashes = {"caption": caption_hash("final"), "was_caption": caption_hash("was_final")}
    hashes["was_caption"] = pl.when("variant_differs").then(hashes["was_caption"])
    found = captions(export, part, clips)
    approved = found.approved.select(*_IDS, "review_id", "chain_hash", **hashes).collect()
    unfit.look_at(approved.filter(export.selection.takes_aspect()), export)
    approved, out = _selected(export, approved)
    # Most parts hold nothing but approved captions, and to find the others' level takes as long as all the rest.
    without = found.critiqued.join(approved.lazy(), on=["clip_id", "aspect"], how="anti").head(1).collect()
    if without.is_empty():
        return approved.select(_KEPT), out
    others = found.others.select(*(name for name in _IDS if name != "id"), **hashes).collect()
    others, left = _others(export, others)
    unfit.aspects |= set(others["aspect"])
    return pl.concat([approved.select(_KEPT), others.select(_KEPT)]), [*out, *left]


def _others(export: Export, others: pl.DataFrame) -> tuple[pl.DataFrame, list[LeftOut]]:
    """Of the captions without a triple those that the selection takes, and the rest."""
    selection, out = export.selection, []
    for review, reason in NOT_TAKEN.items():
        out += _left("caption", reason, others.filter(pl.col("review") == review))
    levels = set(others["review"]) - set(selection.levels) - set(NOT_TAKEN)
    for level in sorted(levels):
        reason = f"it is {level}, and the selection asks for {selection.review}"
        out += _left("caption", reason, others.filter(pl.col("review") == level))
    others = others.filter(pl.col("review").is_in(selection.levels))
    other_spec = ~export.counted.holds()
    out += _left("caption", "made under another specification, and not approved", others.filter(other_spec))
    taken, left = _selected(export, named(others.filter(~other_spec)))
    return taken, [*out, *left]


def _selected(export: Export, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[LeftOut]]:
    aspect = export.selection.takes_aspect()
    # By the later version: the earlier one may be edited all the same, which its row says.
    edited = pl.col("human_edited") & (not export.selection.edited)
    out = left_out("triple", "its aspect is not selected", rows.filter(~aspect)["id"])
    rows = rows.filter(aspect)
    out += left_out("triple", "a person wrote over the model's revision", rows.filter(edited)["id"])
    return rows.filter(~edited), out


def _left(what: str, reason: str, rows: pl.DataFrame) -> list[LeftOut]:
    return left_out(what, reason, (f"{clip} {aspect}" for clip, aspect in rows.select("clip_id", "aspect").iter_rows()))


def _placed(rows: pl.DataFrame, clips: pl.DataFrame, where: Sides) -> tuple[pl.DataFrame, list[LeftOut]]:
    """The rows with side, video and rights; those that cannot be placed without a leak are left out."""
    facts = clips.select("clip_id", "licence", "rights", video="media_key", cut_from="source_id")
    rows = rows.join(facts, on="clip_id", how="left").join(where.sources, on="source_id", how="left")
    homeless = pl.col("cut_from").is_null()
    out = left_out("triple", "its clip is not in the clips table", rows.filter(homeless)["id"])
    rows = rows.filter(~homeless)
    if not (unknown := rows.filter(pl.col("split").is_null())).is_empty():
        first, source = min(unknown.select("id", "source_id").iter_rows())
        raise ExportRefused(f"triple {first} names source {source}, which no clip is cut from: correct its source_id")
    repeated = pl.col("clip_id").is_in(where.repeats)
    out += left_out("triple", "its clip shows the same shot as a clip of the other split", rows.filter(repeated)["id"])
    rows = rows.filter(~repeated)
    train = rows.filter(pl.col("split") == "train")
    said = pl.concat([train["caption"], train["was_caption"]]).drop_nulls().unique().implode()
    # Both variants count in both exports, so that they hold the same rows.
    echo = (pl.col("split") == "eval") & (pl.col("caption").is_in(said) | pl.col("was_caption").is_in(said))
    echo = echo.fill_null(False)
    reason = "eval only: its caption stands word for word in train, for another source"
    out += left_out("triple", reason, rows.filter(echo)["id"])
    return rows.filter(~echo).drop("caption", "was_caption", "cut_from"), out


@dataclass
class _Unfit:
    """What forbids an export, from all its parts."""

    mixed: list[pl.DataFrame] = field(default_factory=list)
    aspects: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)

    def look_at(self, triples: pl.DataFrame, export: Export) -> None:
        mixed = triples.filter(~export.counted.holds())
        self.mixed.append(mixed.select("aspect", "spec_version", "spec_hash"))
        self.aspects |= set(triples["aspect"].unique())
        ids = triples.select("id", "chain_hash", "draft_id", "critique_id", "revision_id", "review_id")
        self.broken += [triple for triple, claimed, *chain in ids.iter_rows() if claimed != chain_hash(*chain)]

    def refuse(self, export: Export) -> None:
        if self.mixed and (mixed := mixed_in(pl.concat(self.mixed), export.counted)):
            raise ExportRefused(
                f"the triples follow more than specification {export.counted.version}: {told(mixed)}; move their "
                "batches to it (`chai plan`, `chai backfill`) and let people answer what it asks, or declare the "
                "range with CHAI_DATASET_SPECS"
            )
        instructed = {aspect for aspect, text in export.instructions.items() if text.strip()}
        if missing := sorted(self.aspects - instructed):
            raise ExportRefused(f"no task instruction for {', '.join(missing)}: add it to the specification")
        if self.broken:
            raise ExportRefused(
                f"the chain hash of {len(self.broken)} triple(s) does not match its records, first "
                f"{min(self.broken)}: withdraw them and join them again from their records"
            )
