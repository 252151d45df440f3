"""Publishes a dataset: builds its files, names it by their content, and makes it current in one step.

A dataset is a folder `<root>/<dataset_id>/` that holds a manifest, which is written last: without one it does
not exist. `<root>/latest.json` names the current one. Being stopped at any point leaves the former current.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from chai_assets.datasets.read.verify import NAME as VERIFY
from chai_assets.datasets.read.verify import script
from chai_assets.datasets.select.canonical_rows import (
    CANONICAL,
    ExportRefused,
    LeftOut,
    added_up,
    canonical,
    columns_of,
    left_out,
)
from chai_assets.datasets.select.export_inputs import NAMED, Export, Part, captions, merged_of, named, polished_of
from chai_assets.datasets.select.leaks import Leaked, certify
from chai_assets.datasets.select.membership import Plan, Say, caption_hash, make_plan
from chai_assets.datasets.select.selection import LATEST, LEVELS
from chai_assets.datasets.select.splits import SPLITS
from chai_assets.datasets.write.build_folder import scratch_folder
from chai_assets.datasets.write.caption_tokens import within_limit
from chai_assets.datasets.write.card import card
from chai_assets.datasets.write.file_writers import NO_ROOM, HashedFile, Lines, Parquet, Rows, entry_of, rows_file
from chai_assets.datasets.write.formats import PROMPTS, VIEWS, View, bracketed, merged_rows, unpaired
from chai_assets.datasets.write.manifest import (
    CARD,
    MANIFEST,
    Content,
    Counts,
    DraftPrompts,
    FileEntry,
    Manifest,
    licences,
    models,
    notes,
    specs,
    tally,
    wording_notes,
)
from chai_assets.datasets.write.trainer_formats import (
    DATASET_INFO,
    MERGED_VIEWS,
    TRAINER_VIEWS,
    dataset_info,
    text_notes,
)
from chai_resources.errors import Unavailable
from chai_resources.media import Media

STATIC: dict[str, str | Callable[[Content], str]] = {
    DATASET_INFO: lambda content: dataset_info(content.files),
    VERIFY: script().decode(),
    CARD: card,
}
"""Files that hold no rows, by path: their text, or what makes it of the manifest's content so far, in this order."""

_SLIM = ["id", "clip_id", "source_id", "split", "aspect", "rating", "review", "human_edited", "variant_differs"]
_SLIM += ["model", "spec_version", "licence", "prompt_hash", "wording"]


class NoRoom(Unavailable):
    """The files do not fit where they are written; the text names the file, what is needed and what is free."""


@dataclass(frozen=True)
class Published:
    """A published dataset: its manifest, the folder or prefix it is, and whether this call wrote it."""

    manifest: Manifest
    uri: str
    new: bool


def _quiet(_: str) -> None:
    pass


def publish(export: Export, root: str, say: Say = _quiet, current: bool = True) -> Published:
    """Publishes under `root` (a folder or an s3:// prefix); where `current`, `latest.json` then names the dataset.

    Equal inputs give the same dataset: it is found there and nothing is written. Raises ExportRefused where
    the rows may not be exported, NoRoom where the disk is full; nothing is published then either.
    """
    store = Media(root=root)
    with scratch_folder(None if store.is_s3 else Path(root)) as scratch:
        manifest = build(export, scratch, say)
        prefix = manifest.dataset_id
        new = not store.exists(f"{prefix}/{MANIFEST}")
        if new:
            _place(manifest, scratch, store)
    latest = (json.dumps({"dataset_id": prefix, "manifest": f"{prefix}/{MANIFEST}"}) + "\n").encode()
    if current and (not store.exists(LATEST) or store.get_bytes(LATEST) != latest):
        store.put_bytes(LATEST, latest)
    return Published(manifest, f"{root.rstrip('/')}/{prefix}", new)


def build(export: Export, folder: Path, say: Say = _quiet) -> Manifest:
    """Writes the files of a dataset, but for its manifest, into `folder` and returns the manifest."""
    plan = make_plan(export, say)
    files = _Files(folder)
    try:
        written = _write_rows(export, plan, files, say)
        entries = files.finish()
        content = _content(export, plan, written, entries)
        for path, made in STATIC.items():
            entries.append(_static(folder, path, made, content))
            content = content.model_copy(update={"files": sorted(entries, key=lambda entry: entry.path)})
    except OSError as error:
        files.abandon()
        if error.errno in NO_ROOM:
            raise _no_room(error, folder, files, plan) from error
        raise
    except BaseException:
        files.abandon()
        raise
    return Manifest.of(content)


def latest(root: str) -> Manifest | None:
    """The manifest of the current dataset under `root`, or None where nothing was published yet."""
    store = Media(root=root)
    if not store.exists(LATEST):
        return None
    return Manifest.model_validate_json(store.get_bytes(json.loads(store.get_bytes(LATEST))["manifest"]))


@dataclass(frozen=True)
class _Written:
    rows: pl.DataFrame
    """What counts and the certificate are made from: the columns _SLIM, and `caption`, a hash of it."""
    out: list[LeftOut]
    bracketed: int
    """Rows with a text that holds a word which trainers would take for media."""


class _Files:
    """Every file of a dataset that holds rows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.whole: list[Rows] = [
            Parquet(HashedFile(folder / "triples.parquet"), lambda rows: rows, CANONICAL),
            Lines(HashedFile(folder / "triples.jsonl"), lambda rows: rows),
        ]
        # A folder a split, so that nobody trains on eval by reading a whole file; empty files keep paths stable.
        self.views = {split: self._opened(split, (*VIEWS, *TRAINER_VIEWS)) for split in SPLITS}
        self.merged = {split: self._opened(split, MERGED_VIEWS) for split in SPLITS}

    def _opened(self, split: str, views: Iterable[View]) -> list[Rows]:
        return [rows_file(self._folder / split / view.path, view.rows) for view in views]

    @property
    def _every(self) -> list[Rows]:
        split = [*self.views.values(), *self.merged.values()]
        return [*self.whole, *(file for files in split for file in files)]

    @property
    def bytes(self) -> int:
        return sum(rows.file.bytes for rows in self._every)

    @property
    def rows(self) -> int:
        return self.whole[-1].rows

    def jobs(self, rows: pl.DataFrame, merged: pl.DataFrame) -> Iterator[tuple[Rows, pl.DataFrame]]:
        """What each file gets of a part's rows."""
        # Sides without rows too: a file knows its columns from what it is given.
        for files, table in ((self.views, rows), (self.merged, merged)):
            for split in SPLITS:
                side = table.filter(pl.col("split") == split)
                yield from ((file, side) for file in files[split])
        yield from ((file, rows) for file in self.whole)

    def finish(self) -> list[FileEntry]:
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda rows: entry_of(rows, self._folder), self._every))

    def abandon(self) -> None:
        for rows in self._every:
            rows.file.abandon()


def _write_rows(export: Export, plan: Plan, files: _Files, say: Say) -> _Written:
    """Writes all rows; while one part is turned into text, the next one is read."""
    slim: list[pl.DataFrame] = []
    out: list[LeftOut] = []
    in_brackets = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running: list[Future[None]] = []
        for part in plan.parts:
            rows, merged, left = _part(export, plan, part)
            out += left
            in_brackets += bracketed(rows)
            slim.append(rows.select(*_SLIM, caption=caption_hash("final")))
            for future in running:
                future.result()
            running = [pool.submit(file.add, table) for file, table in files.jobs(rows, merged)]
            say(f"writing: {files.rows:,} of {len(plan.rows):,} captions, {files.bytes / 1e6:,.0f} MB")
        for future in running:
            future.result()
    return _Written(pl.concat(slim), out, in_brackets)


def _part(export: Export, plan: Plan, part: Part) -> tuple[pl.DataFrame, pl.DataFrame, list[LeftOut]]:
    """The canonical rows of a part, its merged captions, and what stays out of some files."""
    selection = export.selection
    here = plan.rows.filter(part.holds_source()).drop("clip_id")
    found = captions(export, part, plan.clips)
    wanted = columns_of(selection.variant)
    lazy = [found.prompts, found.approved.select(wanted)]
    if selection.levels != LEVELS[:1]:
        of_level = pl.col("review").is_in(selection.levels)
        lazy.append(found.others.filter(of_level).select(name for name in wanted if name not in NAMED))
    prompts, approved, *others = pl.collect_all(lazy)
    rows = pl.concat([approved, *(named(one).select(wanted) for one in others)])
    rows = rows.join(prompts, on="draft_id", how="left")
    rows = canonical(rows, here, export.instructions, selection.variant, polished_of(export, part))
    merged, left = merged_rows(merged_of(export, part), rows)
    columns = merged.columns
    # In the order of the rows, which no cutting into parts changes.
    merged = (
        rows.select("clip_id")
        .unique(maintain_order=True)
        .join(merged, on="clip_id", maintain_order="left")
        .select(columns)
    )
    out = [*left, *unpaired(rows)]
    if selection.variant == "pre_review":
        changed = pl.col("clip_id").is_in(rows.filter("variant_differs")["clip_id"].unique().implode())
        reason = "it was merged from captions as they were after review"
        out += left_out("merged caption", reason, merged.filter(changed)["clip_id"])
        merged = merged.filter(~changed)
    merged, too_long = within_limit(merged, export.tokens)
    return rows, merged, [*out, *too_long]


def _content(export: Export, plan: Plan, written: _Written, entries: list[FileEntry]) -> Content:
    rows = written.rows
    try:
        certificate = certify(rows, plan.clips)
    except Leaked as leak:
        raise ExportRefused(str(leak)) from leak
    counts = Counts.of(rows)
    return Content(
        counts=counts,
        files=sorted(entries, key=lambda entry: entry.path),
        spec_version=export.counted.version,
        spec_hash=export.counted.hash,
        specs=specs(rows),
        table_versions=dict(sorted(export.table_versions.items())),
        code_version=export.code_version,
        eval_share=export.eval_share,
        models=models(rows),
        licences=licences(rows),
        prompts=PROMPTS,
        instructions_from=export.instructions_from,
        draft_prompts=DraftPrompts.of(rows["prompt_hash"]),
        selection=export.selection.told(),
        by_review=dict.fromkeys(LEVELS, 0) | tally(rows["review"]),
        human_edited=int(rows["human_edited"].sum()),
        variant_differs=int(rows["variant_differs"].sum()),
        near_duplicate_groups=plan.groups,
        left_out=added_up([*plan.out, *written.out]),
        leak_certificate=certificate,
        notes=[*notes(counts), *wording_notes(export.selection, rows), *text_notes(export.tokens, written.bracketed)],
    )


def _static(folder: Path, path: str, made: str | Callable[[Content], str], content: Content) -> FileEntry:
    file = HashedFile(folder / path)
    try:
        file.write((made if isinstance(made, str) else made(content)).encode())
    except BaseException:
        file.abandon()
        raise
    return FileEntry(path=path, rows=None, sha256=file.close(), bytes=file.bytes)


def _place(manifest: Manifest, scratch: Path, store: Media) -> None:
    """Makes the files the dataset: by one rename in a folder; to a bucket they are sent, the manifest last."""
    prefix = manifest.dataset_id
    if store.is_s3:
        for entry in manifest.files:
            store.put_file(f"{prefix}/{entry.path}", scratch / entry.path)
        store.put_bytes(f"{prefix}/{MANIFEST}", manifest.text().encode())
        return
    last = HashedFile(scratch / MANIFEST)
    last.write(manifest.text().encode())
    last.close()
    target = Path(store.root) / prefix
    shutil.rmtree(target, ignore_errors=True)  # without a manifest it is no dataset
    os.rename(scratch, target)
    for folder in (target, target.parent):
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def _no_room(error: OSError, folder: Path, files: _Files, plan: Plan) -> NoRoom:
    free = shutil.disk_usage(folder).free
    done = files.rows
    about = f"about {files.bytes * len(plan.rows) / done / 1e9:,.1f} GB in all" if done else "more than that"
    return NoRoom(
        f"{error.filename}: {error.strerror} after {files.bytes / 1e9:,.3f} GB; the dataset needs {about}, and "
        f"{free / 1e9:,.1f} GB are free there: make room (or lift the limit on file sizes), then export again; what "
        "was current still is, and what was half written is removed"
    )
