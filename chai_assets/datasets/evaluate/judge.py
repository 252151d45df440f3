"""A model judges the captions of a published dataset: is this caption right, yes or no, with the clip in view?

Of each triple that asked for a change, the draft and the final caption are asked about, in the words in which a
reward model is trained. What comes of it is a folder outside the dataset, which never changes.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from chai_assets.core.ids import sha256_text
from chai_assets.core.prompts import build_request, dataset_clip, render
from chai_assets.core.rows import Row
from chai_assets.datasets.evaluate.agreement import Agreement, JudgedPair, agreements
from chai_assets.datasets.read.published import PublishedDataset
from chai_assets.datasets.read.viewer import stratified_sample
from chai_assets.datasets.write.formats import changed_captions
from chai_assets.datasets.write.manifest import MANIFEST
from chai_assets.inference.metered import Booked
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.engines.logprobs import p_yes, yes_of_both
from chai_resources.captioners.protocol import Captioner, Media, Request, Result
from chai_resources.media import Media as MediaStore
from chai_resources.settings import Settings
from chai_resources.tables import Tables

TEMPLATE = Path(__file__).parent / "prompts" / "judge.md"
CHOICES = ("Yes", "No")
ABOUT = ("draft", "final")
ROWS, REPORT = "judged.parquet", "report.json"
_READ_COLUMNS = ["id", "video", "clip_id", "source_id", "split", "aspect", "rating"]
_READ_COLUMNS += ["instruction", "draft", "critique", "final"]
_COPIED_COLUMNS = ["clip_id", "source_id", "split", "aspect", "rating"]
_SCHEMA = {"triple_id": pl.String, "about": pl.String, **dict.fromkeys(_COPIED_COLUMNS, pl.String), "rating": pl.Int32}
_SCHEMA |= {"yes_logprob": pl.Float64, "no_logprob": pl.Float64, "p_yes": pl.Float64, "yes_of_both": pl.Float64}
_SCHEMA |= dict.fromkeys(("answer", "model", "served_revision", "request_hash", "prompt_hash", "error"), pl.String)


class JudgeRefused(ValueError):
    """Nothing is asked; the text says why and what to do."""


@dataclass(frozen=True)
class JudgeReport:
    """What was judged: a row for each caption asked about, and how far the model agrees with people."""

    rows: pl.DataFrame
    agreements: list[Agreement]

    @property
    def errors(self) -> dict[str, int]:
        """Rows without an answer, by reason, the most frequent first."""
        counts = self.rows.drop_nulls("error")["error"].value_counts().sort("count", "error", descending=[True, False])
        return dict(counts.iter_rows())


def judge_dataset(dataset: PublishedDataset, size: int, eval_only: bool, settings: Settings) -> JudgeReport:
    """Asks the model of the settings about a sample of a dataset. Raises CannotJudge, NoDataset, ModelRefused."""
    choice = CaptionerChoice.of(settings.asking_live())
    captioner = choice.open(MediaStore(root=settings.media))
    triples = sample_pairs(dataset, size, eval_only)
    tables = Tables(root=settings.tables)
    lengths = dict(tables.read("clips", columns=["clip_id", "duration_s"]).iter_rows())
    return judge(triples, Booked(captioner, choice, tables, batch="judge", stage="judge"), lengths)


def sample_pairs(dataset: PublishedDataset, size: int, eval_only: bool) -> list[Row]:
    """Triples that asked for a change, every aspect and rating among them, the same for the same dataset."""
    with dataset.rows() as rows:
        wanted = rows.filter(pl.col("split") == "eval") if eval_only else rows
        pairs = changed_captions(wanted.select(_READ_COLUMNS).collect()).collect()
    if pairs.is_empty():
        side = " on its eval side" if eval_only else ""
        raise JudgeRefused(f"{dataset.id} has no triple{side} whose draft was changed: take another dataset")
    chosen = (
        stratified_sample(pairs.select("id", "aspect", "rating"), dataset.id, size) if size else pairs["id"].to_list()
    )
    found = {row["id"]: row for row in pairs.iter_rows(named=True)}
    # The requests of a clip back to back, so that they share its prefix.
    return sorted((found[triple] for triple in chosen), key=lambda row: (row["clip_id"], row["id"]))


def judge_request(triple: Row, about: str, media: Media, captioner: Captioner) -> Request:
    """The question whether the draft or the final caption (`about`) of a triple is right, with the clip in view."""
    prompt = render(TEMPLATE, instruction=triple["instruction"], caption=triple[about])
    return build_request(
        "judge",
        f"{triple['id']}:{about}",
        prompt,
        {"aspect": triple["aspect"], "caption": triple[about]},
        clip_id=triple["clip_id"],
        captioner=captioner,
        media=media,
        choices=CHOICES,
    )


def judge(triples: Iterable[Row], captioner: Captioner, lengths: dict[str, float]) -> JudgeReport:
    """Asks about draft and caption of each triple; a request without an answer is a row with its error.

    `lengths` are clips' seconds by id. Raises CannotJudge for an engine without log-probabilities.
    """
    if not captioner.capabilities.logprobs:
        raise JudgeRefused(
            f"the engine {captioner.model} tells no log-probabilities: set CHAI_CAPTIONER to openai, gemini or vllm, "
            "and CHAI_MODEL to a model that does"
        )
    asked: dict[str, tuple[Row, str, Request]] = {}
    for triple in triples:
        clip, length = dataset_clip(triple), lengths.get(triple["clip_id"])
        clip = clip if length is None else replace(clip, duration_s=length)
        for about in ABOUT:
            request = judge_request(triple, about, clip, captioner)
            asked[request.key] = (triple, about, request)
    answers = {result.key: result for result in captioner.run(request for _, _, request in asked.values())}
    rows = [_row(*whole, answers.get(key)) for key, whole in asked.items()]
    return JudgeReport(pl.DataFrame(rows, schema=_SCHEMA), agreements(_pairs(rows)))


def check_output_folder(out: Path) -> None:
    """Raises CannotJudge where `out` lies in a dataset or in a folder of ablations."""
    whole = out.resolve()
    if any((folder / MANIFEST).exists() for folder in (whole, *whole.parents)):
        raise JudgeRefused(f"{out} lies in a dataset, which never changes: choose a folder outside it")
    if out.is_file():
        raise JudgeRefused(f"{out} is a file: choose a folder")


def write_report(judged: JudgeReport, dataset: PublishedDataset, out: Path, size: int, eval_only: bool) -> None:
    """Writes rows and report into `out`, over those of an earlier call.

    Rows first: a report never speaks of rows that are not there.
    """
    out.mkdir(parents=True, exist_ok=True)
    report = {
        "dataset_id": dataset.id,
        "sample": size or None,
        "eval_only": eval_only,
        "models": sorted(set(judged.rows["model"].drop_nulls())),
        "prompt": TEMPLATE.read_text(encoding="utf-8"),
        "agreement": [asdict(entry) for entry in judged.agreements],
        "errors": judged.errors,
    }
    part = out / f".{ROWS}.part"
    judged.rows.write_parquet(part)
    os.replace(part, out / ROWS)
    part = out / f".{REPORT}.part"
    part.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, out / REPORT)


def _row(triple: Row, about: str, request: Request, result: Result | None) -> dict[str, Any]:
    row = {"triple_id": triple["id"], "about": about, **{name: triple[name] for name in _COPIED_COLUMNS}}
    row |= {"request_hash": request.hash, "prompt_hash": sha256_text(request.prompt)}
    if result is None:
        return row | {"error": "the budget is used up: raise CHAI_BUDGET_RUN or CHAI_BUDGET_DAY and run again"}
    row |= {"model": result.model, "served_revision": result.served_revision}
    if result.error:
        return row | {"error": f"{result.error.kind}: {result.error.message}"}
    row |= {"answer": result.text, "yes_logprob": result.logprobs.get("Yes")}
    row |= {"no_logprob": result.logprobs.get("No")}
    of_both = yes_of_both(result.logprobs)
    if of_both is None:
        said = f"neither Yes nor No was likely, the model said {result.text!r}: take a model that follows the question"
        return row | {"error": said}
    return row | {"p_yes": p_yes(result.logprobs), "yes_of_both": of_both}


def _pairs(rows: list[dict[str, Any]]) -> list[JudgedPair]:
    """The triples of which both captions were judged."""
    by_triple: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        if row.get("error") is None:
            by_triple.setdefault(row["triple_id"], {})[row["about"]] = row
    return [
        JudgedPair(
            draft["aspect"],
            draft["source_id"],
            draft["p_yes"],
            final["p_yes"],
            draft["yes_of_both"],
            final["yes_of_both"],
        )
        for draft, final in ((two["draft"], two["final"]) for two in by_triple.values() if len(two) == len(ABOUT))
    ]
