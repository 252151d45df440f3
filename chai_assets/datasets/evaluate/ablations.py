"""Worse critiques of a published dataset, as files of their own beside it: never a part of the dataset.

A folder of ablations holds `<split>/<variant>.jsonl` and a manifest that names the dataset they were made from. A
model degrades people's critiques where one is given and offers the task; else the rules of `degrade.py` do. One more
variant is there only with a model: the critique that it writes itself, the clip in view.
"""

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from chai_assets.core.prompts import build_request, dataset_clip, render
from chai_assets.datasets.evaluate.degrade import (
    RULE_VARIANTS,
    DegradedCritique,
    RuleVariant,
    Triple,
    VariantUnavailable,
    degrade,
)
from chai_assets.datasets.evaluate.model_critiques import CRITIQUE_SCHEMA, parse_model_critique
from chai_assets.datasets.select.splits import SPLITS
from chai_assets.datasets.write.manifest import MANIFEST, FileEntry, Manifest
from chai_assets.inference.metered import Booked
from chai_assets.spec.models import Spec
from chai_assets.spec.versioning.releases import load_spec
from chai_resources.captioner import ENGINES, CaptionerChoice
from chai_resources.captioners.protocol import Captioner, Request, Result
from chai_resources.media import Media
from chai_resources.settings import Settings
from chai_resources.tables import Tables

TEMPLATE = Path(__file__).parent / "prompts" / "degrade.md"
CRITIQUE = Path(__file__).parent / "prompts" / "critique.md"
RULE = "rule"
AblationVariant = RuleVariant | Literal["written_by_model"]
BY_MODEL: Literal["written_by_model"] = "written_by_model"
ABLATION_VARIANTS: tuple[AblationVariant, ...] = (*RULE_VARIANTS, BY_MODEL)
_ENGINES_WITHOUT_MODEL = (RULE, "offline")
"""What can be named as an engine and has no model behind it."""
_COPIED_COLUMNS = (
    "clip_id",
    "source_id",
    "split",
    "aspect",
    "video",
    "instruction",
    "rating",
    "draft",
    "critique",
    "final",
)
_INSTRUCTIONS: dict[RuleVariant, str] = {
    "inaccurate_insertion": "Add one remark that sounds plausible and is false.",
    "inaccurate_replacement": "Turn one remark that is right into one that is wrong, of the same kind and length.",
    "incomplete_deletion": "Leave out one remark.",
    "nonconstructive": "Keep what is wrong with the caption, leave out what it should say instead.",
}


class AblationsRefused(ValueError):
    """No ablations are written; the text says why and what to do."""


class LeftOutRows(BaseModel):
    """Triples that have no row of a variant, by reason."""

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
    """What the command does: writes the ablations and tells, a line each, how many rows there are. Raises Refused."""
    wanted = set(variants or (RULE_VARIANTS if engine in _ENGINES_WITHOUT_MODEL else ABLATION_VARIANTS))
    chosen: list[AblationVariant] = [variant for variant in ABLATION_VARIANTS if {variant} <= wanted]
    if unknown := sorted(wanted - set(ABLATION_VARIANTS)):
        raise AblationsRefused(f"{', '.join(unknown)}: no such variant, choose from {', '.join(ABLATION_VARIANTS)}")
    if engine != RULE and engine not in ENGINES:
        raise AblationsRefused(f"{engine}: no such engine, choose from {', '.join([RULE, *ENGINES])}")
    if BY_MODEL in chosen and engine in _ENGINES_WITHOUT_MODEL:
        raise AblationsRefused(f"{BY_MODEL} takes a model: give --engine openai or gemini, and set CHAI_MODEL")
    captioner = None if engine == RULE else _engine(engine)
    manifest = write_ablations(dataset, out, load_spec(), chosen, captioner)
    lines = [f"{variant}: {count} rows" for variant, count in manifest.rows.items()]
    lines += [f"  {entry.count} without {entry.variant}: {entry.reason}" for entry in manifest.left_out]
    return [*lines, f"{out} is written, from {manifest.dataset_id}"]


def _engine(name: str) -> Captioner:
    """The engine of this name, asking the model that the settings name, its calls booked. Raises ModelRefused."""
    settings = Settings.from_env()
    choice = CaptionerChoice.of(settings.asking_live(), name)
    captioner = choice.open(Media(root=settings.media))
    return Booked(captioner, choice, Tables(root=settings.tables), batch="ablations", stage="degrade")


def write_ablations(
    dataset: Path,
    out: Path,
    spec: Spec,
    variants: Sequence[AblationVariant] = RULE_VARIANTS,
    captioner: Captioner | None = None,
) -> AblationsManifest:
    """Writes the variants of a dataset's critiques into `out`, all or nothing, and returns the manifest.

    Raises Refused where the dataset cannot be read as published, or `out` lies in it or holds something already.
    """
    parent, triples = _read_published(dataset)
    _check_output_folder(dataset, out)
    rows, left = ablation_rows(triples.iter_rows(named=True), spec, variants, captioner)
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        manifest = AblationsManifest(
            dataset_id=parent.dataset_id,
            spec_version=spec.version,
            rows={variant: sum(row["variant"] == variant for row in rows) for variant in variants},
            made_by=dict(sorted(Counter(row["made_by"] for row in rows).items())),
            left_out=[LeftOutRows(variant=v, reason=why, count=n) for (v, why), n in sorted(left.items())],
            files=list(_files(scratch, rows, variants)),
        )
        (scratch / MANIFEST).write_text(manifest.text(), encoding="utf-8")
        scratch.chmod(0o755)
        scratch.replace(out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return manifest


def ablation_rows(
    triples: Iterable[Triple],
    spec: Spec,
    variants: Sequence[AblationVariant] = RULE_VARIANTS,
    captioner: Captioner | None = None,
) -> tuple[list[dict[str, Any]], Counter[tuple[AblationVariant, str]]]:
    """A row for each triple and variant that has one, in order, and how many have none by variant and reason."""
    rows: list[dict[str, Any]] = []
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


def critique_request(triple: Triple, captioner: Captioner) -> Request:
    """What a model is asked for a critique of its own of a triple's draft."""
    prompt = render(CRITIQUE, instruction=triple["instruction"].strip(), draft=triple["draft"])
    context = {"aspect": triple["aspect"], "draft": triple["draft"]}
    key, clip, media = f"{triple['id']}:{BY_MODEL}", triple["clip_id"], dataset_clip(triple)
    given: dict[str, Any] = {"clip_id": clip, "captioner": captioner, "media": media, "schema": CRITIQUE_SCHEMA}
    return build_request("critique", key, prompt, context, **given)


def degrade_request(variant: RuleVariant, triple: Triple, spec: Spec, captioner: Captioner) -> Request:
    """What a model is asked for one variant of a triple."""
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
    triples: list[Triple], spec: Spec, variants: Sequence[AblationVariant], captioner: Captioner
) -> tuple[dict[tuple[str, AblationVariant], tuple[DegradedCritique, str]], dict[str, str]]:
    """What the model wrote; where it failed or changed nothing there is no entry, and the rule stands in.

    For critiques of its own no rule can: by the triple's id, why there is none.
    """
    asked: dict[str, tuple[Triple, AblationVariant]] = {
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
                found[triple["id"], variant] = _written(result, triple), result.model
            except VariantUnavailable as reason:
                failed[triple["id"]] = str(reason)
        elif result.error is None and text and text != triple["critique"]:
            found[triple["id"], variant] = (DegradedCritique(text, _INSTRUCTIONS[variant]), result.model)
    return found, failed


def _written(result: Result, triple: Triple) -> DegradedCritique:
    if result.error:
        raise VariantUnavailable(f"the model wrote none ({result.error.kind}: {result.error.code})")
    return parse_model_critique(result.text or "", triple["draft"], triple["id"])


def _by_rule(
    variant: AblationVariant, triple: Triple, spec: Spec, failed: dict[str, str]
) -> tuple[DegradedCritique, str]:
    if variant == BY_MODEL:
        unasked = "the model was not asked: no person asked for a change, or the budget is used up"
        raise VariantUnavailable(failed.get(triple["id"], unasked))
    if triple["aspect"] not in spec.aspects:
        raise VariantUnavailable("the specification does not have the aspect")
    return degrade(variant, triple, spec.aspects[triple["aspect"]]), RULE


def _row(variant: AblationVariant, triple: Triple, made: DegradedCritique, made_by: str) -> dict[str, Any]:
    row = {"id": f"{triple['id']}:{variant}", "variant": variant, "triple_id": triple["id"], "made_by": made_by}
    row |= {"degraded_critique": made.text, "changed": made.changed}
    return row | {name: triple[name] for name in _COPIED_COLUMNS}


def _files(folder: Path, rows: list[dict[str, Any]], variants: Sequence[AblationVariant]) -> Iterator[FileEntry]:
    for split in SPLITS:
        (folder / split).mkdir()
        for variant in variants:
            own = [row for row in rows if row["split"] == split and row["variant"] == variant]
            data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in own).encode()
            name = f"{split}/{variant}.jsonl"
            (folder / name).write_bytes(data)
            yield FileEntry(path=name, rows=len(own), bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _read_published(dataset: Path) -> tuple[Manifest, pl.DataFrame]:
    """The dataset's manifest and its canonical rows, the file's hash checked."""
    try:
        manifest = Manifest.model_validate_json((dataset / MANIFEST).read_bytes())
        data = (dataset / "triples.parquet").read_bytes()
    except (OSError, ValidationError) as error:
        raise AblationsRefused(
            f"{dataset} is no published dataset ({error}): give the folder that holds {MANIFEST}"
        ) from error
    claimed = next((entry.sha256 for entry in manifest.files if entry.path == "triples.parquet"), None)
    if hashlib.sha256(data).hexdigest() != claimed:
        raise AblationsRefused(
            f"{dataset / 'triples.parquet'} is not the file its manifest names: fetch the dataset again"
        )
    return manifest, pl.read_parquet(data)


def _check_output_folder(dataset: Path, out: Path) -> None:
    if out.resolve().is_relative_to(dataset.resolve()):
        raise AblationsRefused(f"{out} lies in the dataset {dataset}, which never changes: choose a folder outside it")
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise AblationsRefused(f"{out} holds something already: choose a new or empty folder")
