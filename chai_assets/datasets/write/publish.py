"""Publishes a dataset: builds its files, names it by their content, and makes it current in one step.

A dataset is a folder `<root>/<dataset_id>/` that holds a manifest, which is written last: without one it does
not exist. `<root>/latest.json` names the latest one. A publication that is stopped leaves the former one the latest.
"""

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from chai_assets.datasets.contamination.check import ContaminationCertificate
from chai_assets.datasets.file_names import (
    CARD,
    DATASET_INFO,
    LATEST,
    MANIFEST,
    VERIFY_SCRIPT,
)
from chai_assets.datasets.read.verify import script
from chai_assets.datasets.select.canonical_rows import (
    ExportRefused,
    LeftOut,
    columns_to_read,
    left_out,
    merge_left_out,
    to_canonical,
)
from chai_assets.datasets.select.export_inputs import (
    TRIPLE_ONLY_COLUMNS,
    Chunk,
    ExportInputs,
    chunk_captions,
    collect_captions,
    merged_captions_of,
    polished_critiques_of,
    with_record_ids,
)
from chai_assets.datasets.select.export_plan import ExportPlan, Log, caption_hash, plan_export
from chai_assets.datasets.select.leaks import LeakFound, certify
from chai_assets.datasets.select.primitive_rows import primitive_rows
from chai_assets.datasets.select.purposes import count_by_purpose
from chai_assets.datasets.select.recalled import recalled_notes, recalled_triples
from chai_assets.datasets.select.selection import LEVELS
from chai_assets.datasets.write.build_folder import scratch_folder
from chai_assets.datasets.write.caption_tokens import fit_to_token_limit
from chai_assets.datasets.write.card import render_card
from chai_assets.datasets.write.file_writers import (
    DISK_FULL_ERRORS,
    HashedFile,
)
from chai_assets.datasets.write.formats import (
    PROMPTS,
    count_reserved,
    left_out_of_pairs,
    merged_caption_rows,
)
from chai_assets.datasets.write.manifest import (
    Counts,
    DraftPrompts,
    FileEntry,
    Manifest,
    ManifestContent,
    clips_by_license,
    corrected_notes,
    count_values,
    empty_split_notes,
    people_text,
    triples_by_model,
    triples_by_spec,
    wording_notes,
)
from chai_assets.datasets.write.output_files import OutputFiles
from chai_assets.datasets.write.trainer_formats import (
    count_formulas,
    dataset_info,
    text_notes,
)
from chai_resources.errors import Unavailable
from chai_resources.media import Media

STATIC_FILES: dict[str, str | Callable[[ManifestContent], str]] = {
    DATASET_INFO: lambda content: dataset_info(content.files),
    VERIFY_SCRIPT: script().decode(),
    CARD: render_card,
}
"""Files that hold no rows, by path: their text, or what makes it of the manifest's content so far, in this order."""

_COUNTED_COLUMNS = [
    "id",
    "clip_id",
    "source_id",
    "split",
    "aspect",
    "rating",
    "review",
    "human_edited",
    "variant_differs",
]
_COUNTED_COLUMNS += ["model", "spec_version", "licence", "prompt_hash", "wording", "corrected_upstream"]


class DiskFull(Unavailable):
    """The files do not fit where they are written; the text names the file, what is needed and what is free."""


@dataclass(frozen=True)
class PublishResult:
    """A published dataset: its manifest, the folder or prefix it is, and whether this call wrote it."""

    manifest: Manifest
    uri: str
    new: bool


def _quiet(_: str) -> None:
    pass


def publish(inputs: ExportInputs, root: str, log: Log = _quiet, make_latest: bool = True) -> PublishResult:
    """Publishes under `root` (a folder or an s3:// prefix); where `current`, `latest.json` then names the dataset.

    Equal inputs give the same dataset: it is found there and nothing is written. Raises ExportRefused where
    the rows may not be exported, DiskFull where the disk is full; nothing is published then either.
    """
    store = Media(root=root)
    with scratch_folder(None if store.is_s3 else Path(root)) as scratch:
        manifest = build_dataset(inputs, scratch, log)
        prefix = manifest.dataset_id
        new = not store.exists(f"{prefix}/{MANIFEST}")
        if new:
            _move_into_place(manifest, scratch, store)
    latest = (json.dumps({"dataset_id": prefix, "manifest": f"{prefix}/{MANIFEST}"}) + "\n").encode()
    if make_latest and (not store.exists(LATEST) or store.get_bytes(LATEST) != latest):
        store.put_bytes(LATEST, latest)
    return PublishResult(manifest, f"{root.rstrip('/')}/{prefix}", new)


def build_dataset(inputs: ExportInputs, folder: Path, log: Log = _quiet) -> Manifest:
    """Writes the files of a dataset, but for its manifest, into `folder` and returns the manifest."""
    plan = plan_export(inputs, log)
    files = OutputFiles(folder, inputs.dialects)
    try:
        written = _write_rows(inputs, plan, files, log)
        entries = files.finish()
        content = _manifest_content(inputs, plan, written, entries)
        for path, made in STATIC_FILES.items():
            if path == DATASET_INFO and "llama-factory" not in inputs.dialects:
                continue
            entries.append(_write_static(folder, path, made, content))
            content = content.model_copy(update={"files": sorted(entries, key=lambda entry: entry.path)})
    except OSError as error:
        files.abandon()
        if error.errno in DISK_FULL_ERRORS:
            raise _disk_full(error, folder, files, plan) from error
        raise
    except BaseException:
        files.abandon()
        raise
    return Manifest.of(content)


def latest_manifest(root: str) -> Manifest | None:
    """The manifest of the current dataset under `root`, or None where nothing was published yet."""
    store = Media(root=root)
    if not store.exists(LATEST):
        return None
    return Manifest.model_validate_json(store.get_bytes(json.loads(store.get_bytes(LATEST))["manifest"]))


@dataclass(frozen=True)
class _WrittenRows:
    rows: pl.DataFrame
    """What counts and the certificate are made from: _COUNTED_COLUMNS, and `caption`, a hash of it."""
    left_out: list[LeftOut]
    bracketed: int
    """Rows with a text that holds a word which trainers would take for media."""
    formulas: int
    """Whole captions that a spreadsheet would take for a formula."""
    contamination: list[ContaminationCertificate]


def _write_rows(inputs: ExportInputs, plan: ExportPlan, files: OutputFiles, log: Log) -> _WrittenRows:
    """Writes all rows; while one chunk is turned into text, the next one is read."""
    slim: list[pl.DataFrame] = []
    said: list[pl.DataFrame] = []
    out: list[LeftOut] = []
    in_brackets = formulas = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running: list[Future[None]] = []
        for part in plan.chunks:
            rows, merged, left = _read_chunk(inputs, plan, part)
            out += left
            in_brackets += count_reserved(rows)
            formulas += count_formulas(merged) if "diffsynth" in inputs.dialects else 0
            slim.append(rows.select(*_COUNTED_COLUMNS, caption=caption_hash(pl.col("final"))))
            labels = primitive_rows(inputs, part, rows)
            if inputs.contamination:
                said.append(rows.select(record_id="id", clip_id="clip_id", text="final"))
                said.append(merged.select(record_id="merged_id", clip_id="clip_id", text="caption"))
            for future in running:
                future.result()
            running = [pool.submit(file.write_rows, table) for file, table in files.row_batches(rows, merged, labels)]
            log(f"writing: {files.rows:,} of {len(plan.rows):,} captions, {files.bytes / 1e6:,.0f} MB")
        for future in running:
            future.result()
    certificates = inputs.contamination.run(pl.concat(said)).certificates if inputs.contamination else []
    return _WrittenRows(pl.concat(slim), out, in_brackets, formulas, certificates)


def _read_chunk(
    inputs: ExportInputs, plan: ExportPlan, chunk: Chunk
) -> tuple[pl.DataFrame, pl.DataFrame, list[LeftOut]]:
    """The canonical rows of a chunk, its merged captions, and what stays out of some files."""
    selection = inputs.selection
    here = plan.rows.filter(chunk.contains_source()).drop("clip_id")
    found = chunk_captions(inputs, chunk, plan.clips)
    wanted = columns_to_read(selection.variant)
    rows = collect_captions(found.approved, found.rejected, wanted)
    if selection.levels != LEVELS[:1]:
        of_level = found.unapproved.filter(pl.col("review").is_in(selection.levels))
        made = [name for name in wanted if name not in TRIPLE_ONLY_COLUMNS]
        others = collect_captions(of_level, found.rejected, made)
        rows = pl.concat([rows, with_record_ids(others).select(wanted)])
    rows = rows.join(found.prompts.collect(), on="draft_id", how="left")
    polished = polished_critiques_of(inputs, chunk)
    rows = to_canonical(rows, here, inputs.instructions, selection.variant, polished, inputs.people_key)
    merged, left = merged_caption_rows(merged_captions_of(inputs, chunk), rows)
    columns = merged.columns
    # In the order of the rows, which no cutting into parts changes.
    merged = (
        rows.select("clip_id")
        .unique(maintain_order=True)
        .join(merged, on="clip_id", maintain_order="left")
        .select(columns)
    )
    out = [*left, *left_out_of_pairs(rows)]
    if selection.variant == "pre_review":
        changed = pl.col("clip_id").is_in(rows.filter("variant_differs")["clip_id"].unique().implode())
        reason = "it was merged from captions as they were after review"
        out += left_out("merged caption", reason, merged.filter(changed)["clip_id"])
        merged = merged.filter(~changed)
    merged, too_long = fit_to_token_limit(merged, inputs.token_counter)
    return rows, merged, [*out, *too_long]


def _manifest_content(
    inputs: ExportInputs, plan: ExportPlan, written: _WrittenRows, entries: list[FileEntry]
) -> ManifestContent:
    rows = written.rows
    try:
        certificate = certify(rows, plan.clips)
    except LeakFound as leak:
        raise ExportRefused(str(leak)) from leak
    counts, recalled = Counts.of(rows), recalled_triples(inputs)
    return ManifestContent(
        counts=counts,
        files=sorted(entries, key=lambda entry: entry.path),
        spec_version=inputs.dataset_spec.version,
        spec_hash=inputs.dataset_spec.hash,
        specs=triples_by_spec(rows),
        table_versions=dict(sorted(inputs.table_versions.items())),
        code_version=inputs.code_version,
        eval_share=inputs.eval_share,
        models=triples_by_model(rows),
        licences=clips_by_license(rows),
        prompts=PROMPTS,
        instructions_from=inputs.instructions_from,
        draft_prompts=DraftPrompts.of(rows["prompt_hash"]),
        selection=inputs.selection.as_manifest(),
        by_review=dict.fromkeys(LEVELS, 0) | count_values(rows["review"]),
        human_edited=int(rows["human_edited"].sum()),
        variant_differs=int(rows["variant_differs"].sum()),
        near_duplicate_groups=plan.near_duplicate_groups,
        left_out=merge_left_out([*plan.left_out, *written.left_out]),
        leak_certificate=certificate,
        rights=count_by_purpose(plan.rows),
        corrected_upstream=int((rows["corrected_upstream"].list.len() > 0).sum()),
        people=people_text(inputs.people_key, inputs.selection.imported),
        contamination=written.contamination,
        notes=[
            *empty_split_notes(counts),
            *corrected_notes(rows),
            *wording_notes(inputs.selection, rows),
            *(certificate.sentence() for certificate in written.contamination),
            *text_notes(inputs.token_counter, written.bracketed, written.formulas),
            *recalled_notes(recalled),
        ],
        recalled=recalled,
    )


def _write_static(
    folder: Path, path: str, made: str | Callable[[ManifestContent], str], content: ManifestContent
) -> FileEntry:
    file = HashedFile(folder / path)
    try:
        file.write((made if isinstance(made, str) else made(content)).encode())
    except BaseException:
        file.abandon()
        raise
    return FileEntry(path=path, rows=None, sha256=file.close(), bytes=file.bytes)


def _move_into_place(manifest: Manifest, scratch: Path, store: Media) -> None:
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


def _disk_full(error: OSError, folder: Path, files: OutputFiles, plan: ExportPlan) -> DiskFull:
    free = shutil.disk_usage(folder).free
    done = files.rows
    about = f"about {files.bytes * len(plan.rows) / done / 1e9:,.1f} GB in all" if done else "more than that"
    return DiskFull(
        f"{error.filename}: {error.strerror} after {files.bytes / 1e9:,.3f} GB; the dataset needs {about}, and "
        f"{free / 1e9:,.1f} GB are free there: make room (or lift the limit on file sizes), then export again; what "
        "was current still is, and what was half written is removed"
    )
