"""Datasets on a terminal: the list, one dataset, the difference of two, a check with its progress, a judge's report.

Printing only; what is printed comes from `chai_assets/datasets`. Every text of a dataset is data and is escaped:
none of it may be read as a color of the terminal. `chai dataset list` shall start at once, so what takes long to load
(tables, progress bars) is imported where it is used.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from chai_assets.core.word_diff import word_changes
from chai_assets.datasets.read.manifest_data import ManifestData, SelectionData
from chai_assets.datasets.read.published import ListedDataset, PublishedDataset, StoredFiles
from chai_assets.datasets.read.verify import Folder, manifest_id, verify
from chai_resources.media_store import MediaStore

if TYPE_CHECKING:
    from chai_assets.datasets.evaluate.agreement import EstimatedShare
    from chai_assets.datasets.evaluate.judge import JudgeReport
    from chai_assets.datasets.read.diff import DatasetDiff, FieldChange, TextChange

_SHOWN_OTHERWISE = {
    "dataset_id",
    "format",
    "counts",
    "files",
    "left_out",
    "notes",
    "prompts",
    "leak_check",
    "leak_certificate",
}
_SHOWN_OTHERWISE |= {"spec_version", "spec_hash", "specs", "models", "licences", "table_versions", "code_version"}
_MOST_MOVED = 5


def check(store: MediaStore, console: Console) -> list[str]:
    """What `verify` finds wrong with the dataset in a store, with a bar while it reads."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    place = StoredFiles(store) if store.is_s3 else Folder(store.root)
    bar = Progress(
        BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), console=console, transient=True
    )
    with bar:
        task = bar.add_task("", total=sum(place.files().values()))
        return verify(place, lambda read: bar.advance(task, read))


def print_list(found: Iterable[ListedDataset], root: str, console: Console) -> None:
    """One line a dataset, the earliest first."""
    names = ("dataset", "published", "spec", "selection", "triples", "clips", "sources", "size", "")
    table = Table(*names, box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in table.columns[4:8]:
        column.justify = "right"
    # Ids are there to be copied: on a terminal of 80 columns the selection alone is cut short.
    for column in (*table.columns[:3], *table.columns[4:]):
        column.no_wrap = True
    for listed in found:
        when = listed.published_at.astimezone().strftime("%Y-%m-%d %H:%M")
        note = "[green]latest[/green]" if listed.latest else ""
        if listed.dataset is None:
            table.add_row(escape(listed.name[:12]), when, "[red]damaged[/red]", *[""] * 5, note)
            continue
        manifest = listed.dataset.manifest
        counts = manifest.get("counts", {})
        numbers = [f"{counts.get(name, 0):,}" for name in ("triples", "clips", "sources")]
        spec = escape(str(manifest.get("spec_version", "")))
        selection = Text(describe_selection(manifest.get("selection", {})), no_wrap=True, overflow="ellipsis")
        table.add_row(escape(listed.name[:12]), when, spec, selection, *numbers, size(listed.dataset.bytes), note)
    if table.row_count:
        console.print(table)
    else:
        console.print(f"no dataset under {escape(root)} yet: `chai dataset export` makes one", soft_wrap=True)


def describe_selection(selection: SelectionData) -> str:
    """In a few words, what a manifest's selection has beyond the usual one."""
    usual = {"imported": "", "review": "approved", "variant": "post_review", "critiques": "written"}
    words = [str(selection[name]) for name, value in usual.items() if selection.get(name, value) != value]
    words += [*selection.get("aspects", []), *(["edited"] if selection.get("edited") else [])]
    return " ".join([*words, *(["pinned"] if selection.get("pins") else [])])


def print_judge_report(report: "JudgeReport", console: Console) -> None:
    """How far a model agrees with people, by aspect and over all, and what it did not answer."""
    names = ("caption > draft", "balanced", "of Yes and No")
    table = Table("aspect", *(Column(name, justify="right") for name in ("triples", "sources", *names)), box=None)
    for entry in report.agreements:
        shares = (entry.pairwise, entry.balanced, entry.balanced_of_both)
        table.add_row(escape(entry.aspect), f"{entry.pairs:,}", f"{entry.sources:,}", *map(_share, shares))
    if table.row_count:
        console.print(table)
        console.print(
            "P(Yes) of the caption above that of the draft; balanced accuracy at P(Yes) = 0.5, raw and as a share of "
            "Yes and No; in brackets the 95 % interval by source",
            soft_wrap=True,
            highlight=False,
        )
    for reason, count in report.errors.items():
        console.print(f"{count:,} captions not judged: {escape(reason)}", style="red", soft_wrap=True, highlight=False)


def _share(share: "EstimatedShare") -> str:
    interval = "one source" if share.low is None else f"{share.low:.2f}–{share.high:.2f}"
    return f"{share.value:.2f} ({interval})"


def print_dataset(dataset: PublishedDataset, console: Console) -> None:
    """What a manifest says: counts, where the dataset comes from, what was left out and why, and the files."""
    manifest = dataset.manifest
    counts = manifest.get("counts", {})
    console.print(f"[bold]{escape(dataset.id)}[/bold]", highlight=False)
    console.print(f"[dim]{escape(dataset.store.root)}[/dim]", soft_wrap=True, highlight=False)
    if manifest_id(dict(manifest)) != dataset.id:
        console.print("[red]its content has another id than it claims: it was changed; fetch it again[/red]")
    console.print(
        f"\n{counts.get('triples', 0):,} triples of {counts.get('clips', 0):,} clips from "
        f"{counts.get('sources', 0):,} sources, {size(dataset.bytes)}\n",
        highlight=False,
    )
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    for name, value in [
        *((key.removeprefix("by_"), counts.get(key)) for key in ("by_split", "by_aspect", "by_rating")),
        ("specification", f"{manifest.get('spec_version')} ({str(manifest.get('spec_hash'))[:12]})"),
        ("counted for", manifest.get("specs")),
        ("drafts by", manifest.get("models")),
        ("clips by licence", manifest.get("licences")),
        ("made from", manifest.get("table_versions")),
        ("made by", f"chai {manifest.get('code_version')}"),
        ("found on both sides", manifest.get("leak_certificate") or manifest.get("leak_check")),
        *((name, value) for name, value in manifest.items() if name not in _SHOWN_OTHERWISE),
    ]:
        facts.add_row(name.replace("_", " "), escape(_text_of(value)))
    console.print(facts, highlight=False)
    _print_left_out(manifest, console)
    files = Table("file", "rows", "size", box=None, pad_edge=False)
    for entry in manifest["files"]:
        files.add_row(
            escape(entry["path"]), "" if entry["rows"] is None else f"{entry['rows']:,}", size(entry["bytes"])
        )
    for column in files.columns[1:]:
        column.justify = "right"
    console.print()
    console.print(files)


def print_difference(old: PublishedDataset, new: PublishedDataset, found: "DatasetDiff", console: Console) -> None:
    """The counts of two datasets, what was added, removed and changed, and a few changes word by word."""
    console.print(f"[bold]{escape(old.short)}[/bold] to [bold]{escape(new.short)}[/bold]", highlight=False)
    if found.is_empty:
        console.print("nothing differs")
        return
    _print_changes("count", found.counts, console)
    console.print(
        f"\n[green]{found.added:,} triples added[/green]{_by(found.added_by_aspect)}, "
        f"[red]{found.removed:,} removed[/red]{_by(found.removed_by_aspect)}, "
        f"[yellow]{found.changed:,} changed[/yellow]{_by(found.changed_in)}, {found.same:,} as they were",
        highlight=False,
        soft_wrap=True,
    )
    if found.moved:
        named = ", ".join(found.moved[:_MOST_MOVED])
        console.print(
            f"[red]{len(found.moved)} sources moved to the other side[/red] ({escape(named)}): results on the two "
            "eval splits are not comparable",
            soft_wrap=True,
            highlight=False,
        )
    else:
        console.print("no source moved to another side of the split")
    _print_changes("in the manifest", found.facts, console)
    _print_changes("file", found.files, console, size)
    for example in found.examples:
        _print_texts(example, console)


def size(count: float) -> str:
    """A number of bytes in the unit that suits it."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def _print_left_out(manifest: ManifestData, console: Console) -> None:
    out = manifest.get("left_out") or []
    console.print("\nleft out: nothing" if not out else "\nleft out:")
    for entry in out:
        line = Text(f"  {entry.get('count', 0):,} {entry.get('what')}: {entry.get('reason')}")
        line.append(f"  such as {', '.join(map(str, entry.get('examples', [])[:2]))}", style="dim")
        console.print(line, soft_wrap=True)
    for note in manifest.get("notes") or []:
        console.print(Text(f"note: {note}", style="yellow"), soft_wrap=True)


def _print_changes(
    title: str, changes: "Iterable[FieldChange]", console: Console, show_number: Callable[[float], str] | None = None
) -> None:
    table = Table(title, "old", "new", "", box=None, pad_edge=False)
    table.columns[0].overflow = "fold"
    for change in changes:
        values = ["" if value is None else escape(_text_of(value, show_number)) for value in (change.old, change.new)]
        style = "" if change.old != change.new else "dim"
        table.add_row(escape(change.what), *values, _step(change, show_number), style=style)
    for column in table.columns[1:]:
        column.justify = "right" if show_number or title == "count" else "left"
    if table.row_count:
        console.print()
        console.print(table)


def _step(change: "FieldChange", show_number: Callable[[float], str] | None) -> str:
    """The difference of two numbers with its sign; empty where the values are equal or are no numbers."""
    old, new = _number(change.old), _number(change.new)
    if change.old == change.new or old is None or new is None:
        return ""
    step = new - old
    text = show_number(abs(step)) if show_number else f"{abs(step):,g}"
    return f"[green]+{text}[/green]" if step > 0 else f"[red]-{text}[/red]" if step else "[dim]±0[/dim]"


def _number(value: object) -> int | float | None:
    if value is None:
        return 0
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _print_texts(example: "TextChange", console: Console) -> None:
    console.print(
        f"\n[bold]{escape(example.aspect)}[/bold] of {escape(example.clip_id)}  [dim]{escape(example.old_id)} to "
        f"{escape(example.new_id)}[/dim]",
        highlight=False,
        soft_wrap=True,
    )
    for name, (was, now) in example.texts.items():
        line = Text(f"  {name}: ", style="dim")
        for gone, come in word_changes(was, now):
            if gone == come:
                line.append(gone, style="not dim")
                continue
            line.append(gone, style="not dim red strike")
            line.append(" " if gone and come else "")
            line.append(come, style="not dim green")
        console.print(line, soft_wrap=True)
    if not example.texts:
        console.print("  the texts are the same, the rating or the records behind them are not", style="dim")


def _by(counts: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{escape(name)} {count:,}' for name, count in counts.items())})" if counts else ""


def _text_of(value: object, show_number: Callable[[float], str] | None = None) -> str:
    """A value of a manifest in one line."""
    if show_number and (number := _number(value)) is not None:
        return show_number(number)
    if isinstance(value, dict) and not any(isinstance(inner, dict | list) for inner in value.values()):
        return ", ".join(f"{name}: {_text_of(inner)}" for name, inner in value.items()) or "none"
    if value is None:
        return "not known"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
