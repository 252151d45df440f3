"""Ablations: worse critiques of a published dataset, in a folder of their own and never part of the dataset.

The folder holds `<split>/<variant>.jsonl` and a manifest that names the dataset. A model degrades people's critiques
where one is given and offers the task; else the rules of `degrade.py` do. With a model there is one more variant: the
critique that the model itself writes, with the clip in view.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypedDict, cast

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from chai_assets.core.prompts import build_request, dataset_clip, render
from chai_assets.datasets.evaluate.degrade import (
    RULE_VARIANTS,
    DegradedCritique,
    RuleVariant,
    VariantUnavailable,
    degrade,
)
from chai_assets.datasets.evaluate.metered_model import open_metered_model
from chai_assets.datasets.evaluate.model_critiques import CRITIQUE_SCHEMA, parse_model_critique
from chai_assets.datasets.file_names import MANIFEST, TRIPLES
from chai_assets.datasets.select.canonical_rows import CanonicalRow
from chai_assets.datasets.select.splits import SPLITS
from chai_assets.datasets.write.manifest import FileEntry, Manifest
from chai_assets.datasets.write.new_folder import check_new_folder, new_folder
from chai_assets.spec.models import Spec
from chai_assets.spec.versioning.releases import load_spec
from chai_resources.captioners.protocol import Captioner, Request, Result
from chai_resources.captioners.registry import ENGINES
from chai_resources.errors import NotAllowed
from chai_resources.settings import Settings
from chai_resources.tables import Tables

TEMPLATE = Path(__file__).parent / "prompts" / "degrade.md"
CRITIQUE = Path(__file__).parent / "prompts" / "critique.md"
RULE = "rule"
AblationVariant = RuleVariant | Literal["written_by_model"]
BY_MODEL: Literal["written_by_model"] = "written_by_model"
ABLATION_VARIANTS: tuple[AblationVariant, ...] = (*RULE_VARIANTS, BY_MODEL)
_ENGINES_WITHOUT_MODEL = (RULE, "offline")
"""What can be named as the engine and has no model behind it."""
_INSTRUCTIONS: dict[RuleVariant, str] = {
    "inaccurate_insertion": "Add one remark that sounds plausible and is false.",
    "inaccurate_replacement": "Turn one remark that is right into one that is wrong, of the same kind and length.",
    "incomplete_deletion": "Leave out one remark.",
    "nonconstructive": "Keep what is wrong with the caption, leave out what it should say instead.",
}


class AblationsRefused(NotAllowed):
    """No ablations are written; the text says why and what to do."""


class AblationRow(TypedDict):
    """A row of a variant's file: what was made of a triple's critique, and the triple's own columns."""

    id: str
    variant: AblationVariant
    triple_id: str
    made_by: str
    degraded_critique: str
    changed: str
    clip_id: str
    source_id: str
    split: str
    aspect: str
    video: str
    instruction: str
    rating: int
    draft: str
    critique: str
    final: str


class LeftOutRows(BaseModel):
    """How many triples have no row of a variant, by reason."""

    model_config = ConfigDict(frozen=True)
    variant: AblationVariant
    reason: str
    count: int


class AblationsManifest(BaseModel):
    """What a folder of ablations holds, and the dataset it was made from."""

    model_config = ConfigDict(frozen=True)
    dataset_id: str
    spec_version: str
    """The specification whose primitives and terms the rules used."""
    rows: dict[str, int]
    """Rows by variant."""
    made_by: dict[str, int]
    """Rows by what wrote them: `rule`, or the name of the model."""
    left_out: list[LeftOutRows]
    files: list[FileEntry]

    def text(self) -> str:
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def run_ablations(dataset: Path, out: Path, variants: Sequence[str] | None, engine: str) -> list[str]:
    """Writes the ablations for the command and returns the lines it prints. Raises AblationsRefused."""
    wanted = set(variants or (RULE_VARIANTS if engine in _ENGINES_WITHOUT_MODEL else ABLATION_VARIANTS))
    chosen: list[AblationVariant] = [variant for variant in ABLATION_VARIANTS if {variant} <= wanted]
    if unknown := sorted(wanted - set(ABLATION_VARIANTS)):
        raise AblationsRefused(f"{', '.join(unknown)}: no such variant, choose from {', '.join(ABLATION_VARIANTS)}")
    if engine != RULE and engine not in ENGINES:
        raise AblationsRefused(f"{engine}: no such engine, choose from {', '.join([RULE, *ENGINES])}")
    if BY_MODEL in chosen and engine in _ENGINES_WITHOUT_MODEL:
        raise AblationsRefused(f"{BY_MODEL} takes a model: give --engine openai or gemini, and set CHAI_MODEL")
    captioner = None if engine == RULE else _open_model(engine)
    manifest = write_ablations(dataset, out, load_spec(), chosen, captioner)
    lines = [f"{variant}: {count} rows" for variant, count in manifest.rows.items()]
    lines += [f"  {entry.count} without {entry.variant}: {entry.reason}" for entry in manifest.left_out]
    return [*lines, f"{out} is written, from {manifest.dataset_id}"]


def _open_model(engine: str) -> Captioner:
    settings = Settings.from_env()
    tables = Tables(root=settings.tables)
    return open_metered_model(settings, tables, batch="ablations", stage="degrade", engine=engine)


def write_ablations(
    dataset: Path,
    out: Path,
    spec: Spec,
    variants: Sequence[AblationVariant] = RULE_VARIANTS,
    captioner: Captioner | None = None,
) -> AblationsManifest:
    """Writes the variants of a dataset's critiques into `out`, all or nothing, and returns the manifest.

    Raises AblationsRefused where the dataset cannot be read as published, FolderTaken where `out` lies in one or is
    not empty, NoRoom, NotWritten.
    """
    parent, triples = _read_published(dataset)
    check_new_folder(out)
    rows, left = ablation_rows(triples, spec, variants, captioner)
    with new_folder(out) as scratch:
        manifest = AblationsManifest(
            dataset_id=parent.dataset_id,
            spec_version=spec.version,
            rows={variant: sum(row["variant"] == variant for row in rows) for variant in variants},
            made_by=dict(sorted(Counter(row["made_by"] for row in rows).items())),
            left_out=[LeftOutRows(variant=v, reason=why, count=n) for (v, why), n in sorted(left.items())],
            files=list(_files(scratch, rows, variants)),
        )
        (scratch / MANIFEST).write_text(manifest.text(), encoding="utf-8")
    return manifest


def ablation_rows(
    triples: Iterable[CanonicalRow],
    spec: Spec,
    variants: Sequence[AblationVariant] = RULE_VARIANTS,
    captioner: Captioner | None = None,
) -> tuple[list[AblationRow], Counter[tuple[AblationVariant, str]]]:
    """A row for each triple and variant that has one, in order, and how many have none by variant and reason."""
    rows: list[AblationRow] = []
    left: Counter[tuple[AblationVariant, str]] = Counter()
    triples = list(triples)
    written, failed = _by_model(triples, spec, variants, captioner) if captioner else ({}, {})
    for triple in triples:
        for variant in variants:
            try:
                made = written.get((triple["id"], variant)) or _by_rule(variant, triple, spec, failed)
            except VariantUnavailable as reason:
                left[variant, str(reason)] += 1
                continue
            rows.append(_row(variant, triple, *made))
    return rows, left


def critique_request(triple: CanonicalRow, captioner: Captioner) -> Request:
    """The request for a model's own critique of a triple's draft."""
    prompt = render(CRITIQUE, instruction=triple["instruction"].strip(), draft=triple["draft"])
    context = {"aspect": triple["aspect"], "draft": triple["draft"]}
    return build_request(
        "critique",
        f"{triple['id']}:{BY_MODEL}",
        prompt,
        context,
        clip_id=triple["clip_id"],
        captioner=captioner,
        media=dataset_clip(triple),
        schema=CRITIQUE_SCHEMA,
    )


def degrade_request(variant: RuleVariant, triple: CanonicalRow, spec: Spec, captioner: Captioner) -> Request:
    """The request for one variant of a triple's critique, made worse by a model."""
    prompt = render(
        TEMPLATE,
        instruction=spec.aspects[triple["aspect"]].instruction.strip(),
        draft=triple["draft"],
        critique=triple["critique"],
        how=_INSTRUCTIONS[variant],
    )
    context = {"variant": variant, "draft": triple["draft"], "critique": triple["critique"]}
    key = f"{triple['id']}:{variant}"
    return build_request("degrade", key, prompt, context, clip_id=triple["clip_id"], captioner=captioner)


def _by_model(
    triples: list[CanonicalRow], spec: Spec, variants: Sequence[AblationVariant], captioner: Captioner
) -> tuple[dict[tuple[str, AblationVariant], tuple[DegradedCritique, str]], dict[str, str]]:
    """What the model wrote, by triple and variant; and why it wrote no critique of its own, by triple.

    Where it failed or changed nothing there is no entry, and the rule stands in; for its own critiques none can.
    """
    asked: dict[str, tuple[CanonicalRow, AblationVariant]] = {
        f"{triple['id']}:{variant}": (triple, variant)
        for triple in triples
        if triple["critique"] and triple["aspect"] in spec.aspects
        for variant in variants
    }
    requests = (
        critique_request(triple, captioner)
        if variant == BY_MODEL
        else degrade_request(variant, triple, spec, captioner)
        for triple, variant in asked.values()
    )
    found, failed = {}, {}
    for result in captioner.run(requests):
        triple, variant = asked[result.key]
        text = (result.text or "").strip()
        if variant == BY_MODEL:
            try:
                found[triple["id"], variant] = _own_critique(result, triple), result.model
            except VariantUnavailable as reason:
                failed[triple["id"]] = str(reason)
        elif result.error is None and text and text != triple["critique"]:
            found[triple["id"], variant] = (DegradedCritique(text, _INSTRUCTIONS[variant]), result.model)
    return found, failed


def _own_critique(result: Result, triple: CanonicalRow) -> DegradedCritique:
    if result.error:
        raise VariantUnavailable(f"the model wrote none ({result.error.kind}: {result.error.code})")
    return parse_model_critique(result.text or "", triple["draft"], triple["id"])


def _by_rule(
    variant: AblationVariant, triple: CanonicalRow, spec: Spec, failed: dict[str, str]
) -> tuple[DegradedCritique, str]:
    if variant == BY_MODEL:
        unasked = "the model was not asked: no person asked for a change, or the budget is used up"
        raise VariantUnavailable(failed.get(triple["id"], unasked))
    if triple["aspect"] not in spec.aspects:
        raise VariantUnavailable("the specification does not have the aspect")
    return degrade(variant, triple, spec.aspects[triple["aspect"]]), RULE


def _row(variant: AblationVariant, triple: CanonicalRow, made: DegradedCritique, made_by: str) -> AblationRow:
    return {
        "id": f"{triple['id']}:{variant}",
        "variant": variant,
        "triple_id": triple["id"],
        "made_by": made_by,
        "degraded_critique": made.text,
        "changed": made.changed,
        "clip_id": triple["clip_id"],
        "source_id": triple["source_id"],
        "split": triple["split"],
        "aspect": triple["aspect"],
        "video": triple["video"],
        "instruction": triple["instruction"],
        "rating": triple["rating"],
        "draft": triple["draft"],
        "critique": triple["critique"],
        "final": triple["final"],
    }


def _files(folder: Path, rows: list[AblationRow], variants: Sequence[AblationVariant]) -> Iterator[FileEntry]:
    for split in SPLITS:
        (folder / split).mkdir()
        for variant in variants:
            own = [row for row in rows if row["split"] == split and row["variant"] == variant]
            data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in own).encode()
            name = f"{split}/{variant}.jsonl"
            (folder / name).write_bytes(data)
            yield FileEntry(path=name, rows=len(own), bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _read_published(dataset: Path) -> tuple[Manifest, list[CanonicalRow]]:
    """The dataset's manifest and its canonical rows, after the hash of their file was checked."""
    try:
        manifest = Manifest.model_validate_json((dataset / MANIFEST).read_bytes())
        data = (dataset / TRIPLES).read_bytes()
    except (OSError, ValidationError) as error:
        raise AblationsRefused(
            f"{dataset} is no published dataset ({error}): give the folder that holds {MANIFEST}"
        ) from error
    claimed = next((entry.sha256 for entry in manifest.files if entry.path == TRIPLES), None)
    if hashlib.sha256(data).hexdigest() != claimed:
        raise AblationsRefused(f"{dataset / TRIPLES} is not the file its manifest names: fetch the dataset again")
    return manifest, cast(list[CanonicalRow], pl.read_parquet(data).to_dicts())
