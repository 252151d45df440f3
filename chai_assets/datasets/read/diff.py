"""What differs between two datasets: counts, triples, splits of sources, fields of the manifest, files. Pure.

Triples are compared by what they say about a (clip, aspect), so that a caption written anew is one change and not
a removal and an addition. Texts are compared by hash and read only for the few that are shown.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import polars as pl

from chai_assets.datasets.read.manifest_data import ManifestData

TEXTS = ("draft", "critique", "final")
_COMPARED = (*TEXTS, "rating")
_KEY = ["clip_id", "aspect", "nth"]


@dataclass(frozen=True)
class ComparedDataset:
    """One of two datasets."""

    manifest: ManifestData
    rows: pl.LazyFrame


@dataclass(frozen=True)
class FieldChange:
    """A value that both datasets have; None where one does not have it."""

    what: str
    old: object
    new: object


@dataclass(frozen=True)
class TextChange:
    """A triple whose texts changed: its key, and each changed text before and after."""

    clip_id: str
    aspect: str
    old_id: str
    new_id: str
    texts: dict[str, tuple[str, str]]


@dataclass(frozen=True)
class DatasetDiff:
    """Everything that differs between an old and a new dataset; `counts` holds equal ones as well."""

    counts: list[FieldChange]
    added: int
    """Triples of a (clip, aspect) that the old dataset does not have."""
    removed: int
    changed: int
    """Triples that both have, with another draft, critique, caption or rating, or made again to the same texts."""
    same: int
    changed_in: dict[str, int]
    """Of those changed, how many in which column; `id` where nothing but the records behind it changed."""
    added_by_aspect: dict[str, int]
    removed_by_aspect: dict[str, int]
    moved: list[str]
    """Sources that are in another split now: always empty, or evaluations are not comparable."""
    facts: list[FieldChange]
    """Fields of the manifest that differ, nested ones with a dot between the names."""
    files: list[FieldChange]
    """Bytes of each file whose content differs."""
    examples: list[TextChange]

    @property
    def is_empty(self) -> bool:
        """Whether the two are the same dataset in all but their place."""
        moved_on = self.added or self.removed or self.changed or self.moved or self.facts or self.files
        return not moved_on and all(count.old == count.new for count in self.counts)

    def as_json(self) -> str:
        """All of it, for scripts."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)


def compare(old: ComparedDataset, new: ComparedDataset, shown: int = 3) -> DatasetDiff:
    """The difference, with the texts of the first `shown` triples that changed."""
    before, after = _comparable(old.rows), _comparable(new.rows)
    whole = before.join(after, on=_KEY, how="full", coalesce=True, suffix="_new")
    is_old, is_new = pl.col("id").is_not_null(), pl.col("id_new").is_not_null()
    both = whole.filter(is_old & is_new)
    differs = {name: pl.col(name).ne_missing(pl.col(f"{name}_new")) for name in (*_COMPARED, "id")}
    changed = both.filter(pl.any_horizontal(differs.values())).sort(_KEY)
    added, removed = whole.filter(~is_old), whole.filter(~is_new)
    return DatasetDiff(
        counts=_field_changes(old.manifest.get("counts"), new.manifest.get("counts")),
        added=added.height,
        removed=removed.height,
        changed=changed.height,
        same=both.height - changed.height,
        changed_in=_changed_in(changed, differs),
        added_by_aspect=_by_aspect(added),
        removed_by_aspect=_by_aspect(removed),
        moved=_moved_sources(before, after),
        facts=[
            change
            for change in _field_changes(_other_fields(old.manifest), _other_fields(new.manifest))
            if change.old != change.new
        ],
        files=_file_changes(old.manifest, new.manifest),
        examples=_examples(changed.head(shown), old.rows, new.rows),
    )


def _comparable(rows: pl.LazyFrame) -> pl.DataFrame:
    """Keys, and a hash in place of each text; `nth` tells several triples of one (clip, aspect) apart."""
    return (
        rows.select("id", "clip_id", "aspect", "source_id", "split", "rating", *(pl.col(t).hash() for t in TEXTS))
        .sort("clip_id", "aspect", "id")
        .with_columns(nth=pl.int_range(pl.len()).over("clip_id", "aspect"))
        .collect()
    )


def _changed_in(changed: pl.DataFrame, differs: Mapping[str, pl.Expr]) -> dict[str, int]:
    found = {name: changed.filter(differs[name]).height for name in _COMPARED}
    found["id"] = changed.filter(~pl.any_horizontal(differs[name] for name in _COMPARED)).height
    return {name: count for name, count in found.items() if count}


def _by_aspect(rows: pl.DataFrame) -> dict[str, int]:
    return dict(rows.group_by("aspect").len().sort("aspect").iter_rows())


def _moved_sources(before: pl.DataFrame, after: pl.DataFrame) -> list[str]:
    was, now = (rows.group_by("source_id").agg(pl.col("split").unique().sort()) for rows in (before, after))
    both = was.join(now, on="source_id", suffix="_new")
    return both.filter(pl.col("split") != pl.col("split_new"))["source_id"].sort().to_list()


def _examples(changed: pl.DataFrame, old: pl.LazyFrame, new: pl.LazyFrame) -> list[TextChange]:
    texts_of = [
        {row["id"]: row for row in rows.filter(pl.col("id").is_in(ids.to_list())).collect().iter_rows(named=True)}
        for rows, ids in ((old.select("id", *TEXTS), changed["id"]), (new.select("id", *TEXTS), changed["id_new"]))
    ]
    examples = []
    for row in changed.iter_rows(named=True):
        was, now = texts_of[0][row["id"]], texts_of[1][row["id_new"]]
        texts = {name: (was[name] or "", now[name] or "") for name in TEXTS if was[name] != now[name]}
        examples.append(TextChange(row["clip_id"], row["aspect"], row["id"], row["id_new"], texts))
    return examples


def _other_fields(manifest: ManifestData) -> dict[str, object]:
    """All fields but those compared otherwise; of what was left out, the counts by reason."""
    facts: dict[str, object] = {
        name: value for name, value in manifest.items() if name not in ("counts", "files", "dataset_id")
    }
    out = facts.get("left_out")
    if isinstance(out, list) and all(isinstance(entry, dict) for entry in out):
        facts["left_out"] = {f"{entry.get('what')}: {entry.get('reason')}": entry.get("count") for entry in out}
    return facts


def _field_changes(old: object, new: object) -> list[FieldChange]:
    was, now = dict(_flatten(old, "")), dict(_flatten(new, ""))
    return [FieldChange(name, was.get(name), now.get(name)) for name in dict.fromkeys([*was, *now])]


def _flatten(value: object, name: str) -> Iterable[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else key)
    elif name:
        yield name, value


def _file_changes(old: ManifestData, new: ManifestData) -> list[FieldChange]:
    was, now = ({entry["path"]: entry for entry in manifest["files"]} for manifest in (old, new))
    changes = []
    for path in sorted(was.keys() | now.keys()):
        before, after = was.get(path), now.get(path)
        if before is None or after is None or before["sha256"] != after["sha256"]:
            changes.append(FieldChange(path, before and before["bytes"], after and after["bytes"]))
    return changes
