"""A model judges the captions of a published dataset: is this caption right, yes or no, with the clip in view?

Of each triple that asked for a change, the draft and the final caption are asked about, in the words in which a
reward model is trained. The report goes into a folder outside the dataset, which never changes.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Literal, TypedDict, cast, get_args

import polars as pl

from chai_assets.core.ids import sha256_text
from chai_assets.core.prompts import build_request, dataset_clip, render
from chai_assets.datasets.evaluate.agreement import Agreement, JudgedPair, agreements
from chai_assets.datasets.evaluate.metered_model import open_metered_model
from chai_assets.datasets.read.published import PublishedDataset
from chai_assets.datasets.read.viewer import stratified_sample
from chai_assets.datasets.select.canonical_rows import CanonicalRow
from chai_assets.datasets.write.formats import changed_captions
from chai_assets.datasets.write.new_folder import write_results
from chai_resources.captioners.engines.logprobs import p_yes, yes_of_both
from chai_resources.captioners.protocol import Captioner, ClipMedia, Request, Result
from chai_resources.errors import NotAllowed
from chai_resources.settings import Settings
from chai_resources.tables import Tables

TEMPLATE = Path(__file__).parent / "prompts" / "judge.md"
CHOICES = ("Yes", "No")
About = Literal["draft", "final"]
ABOUT: tuple[About, ...] = get_args(About)
"""The captions of a triple that are asked about."""
ROWS, REPORT = "judged.parquet", "report.json"
_READ_COLUMNS = ["id", "video", "clip_id", "source_id", "split", "aspect", "rating"]
_READ_COLUMNS += ["instruction", "draft", "critique", "final"]
_SCHEMA = {
    "triple_id": pl.String,
    "about": pl.String,
    **dict.fromkeys(("clip_id", "source_id", "split", "aspect"), pl.String),
    "rating": pl.Int32,
}
_SCHEMA |= {"yes_logprob": pl.Float64, "no_logprob": pl.Float64, "p_yes": pl.Float64, "yes_of_both": pl.Float64}
_SCHEMA |= dict.fromkeys(("answer", "model", "served_revision", "request_hash", "prompt_hash", "error"), pl.String)


class JudgeRefused(NotAllowed):
    """Nothing is asked; the text says why and what to do."""


class JudgedRow(TypedDict):
    """One caption and what the model said of it; `error` where it gave no answer that counts."""

    triple_id: str
    about: About
    clip_id: str
    source_id: str
    split: str
    aspect: str
    rating: int
    yes_logprob: float | None
    no_logprob: float | None
    p_yes: float | None
    yes_of_both: float | None
    answer: str | None
    model: str | None
    served_revision: str | None
    request_hash: str
    prompt_hash: str
    error: str | None


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
    """Asks the model of the settings about a sample. Raises JudgeRefused, DatasetNotFound, ModelRefused."""
    tables = Tables(root=settings.tables)
    captioner = open_metered_model(settings, tables, batch="judge", stage="judge")
    triples = sample_pairs(dataset, size, eval_only)
    lengths = dict(tables.read("clips", columns=["clip_id", "duration_s"]).iter_rows())
    return judge(triples, captioner, lengths)


def sample_pairs(dataset: PublishedDataset, size: int, eval_only: bool) -> list[CanonicalRow]:
    """Triples that asked for a change, of every aspect and rating; the same dataset gives the same ones.

    They have the columns _READ_COLUMNS only.
    """
    with dataset.rows() as rows:
        wanted = rows.filter(pl.col("split") == "eval") if eval_only else rows
        pairs = changed_captions(wanted.select(_READ_COLUMNS).collect()).collect()
    if pairs.is_empty():
        side = " on its eval side" if eval_only else ""
        raise JudgeRefused(f"{dataset.id} has no triple{side} whose draft was changed: take another dataset")
    chosen = (
        stratified_sample(pairs.select("id", "aspect", "rating"), dataset.id, size) if size else pairs["id"].to_list()
    )
    found = {row["id"]: row for row in cast(list[CanonicalRow], pairs.to_dicts())}
    # The requests of a clip back to back, so that they share its prefix.
    return sorted((found[triple] for triple in chosen), key=lambda row: (row["clip_id"], row["id"]))


def judge_request(triple: CanonicalRow, about: About, media: ClipMedia, captioner: Captioner) -> Request:
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


def judge(triples: Iterable[CanonicalRow], captioner: Captioner, lengths: dict[str, float]) -> JudgeReport:
    """Asks about draft and caption of each triple; a request without an answer is a row with its error.

    `lengths` are clips' seconds by id. Raises JudgeRefused for an engine without log-probabilities.
    """
    if not captioner.capabilities.logprobs:
        raise JudgeRefused(
            f"the engine {captioner.model} tells no log-probabilities: set CHAI_CAPTIONER to openai, gemini or vllm, "
            "and CHAI_MODEL to a model that does"
        )
    asked: dict[str, tuple[CanonicalRow, About, Request]] = {}
    for triple in triples:
        clip, length = dataset_clip(triple), lengths.get(triple["clip_id"])
        clip = clip if length is None else replace(clip, duration_s=length)
        for about in ABOUT:
            request = judge_request(triple, about, clip, captioner)
            asked[request.key] = (triple, about, request)
    answers = {result.key: result for result in captioner.run(request for _, _, request in asked.values())}
    rows = [_row(*whole, answers.get(key)) for key, whole in asked.items()]
    return JudgeReport(pl.DataFrame(rows, schema=_SCHEMA), agreements(_pairs(rows)))


def write_report(judged: JudgeReport, dataset: PublishedDataset, out: Path, size: int, eval_only: bool) -> None:
    """Writes rows and report into `out`, over those of an earlier call. Raises NoRoom, NotWritten.

    Rows first: a report never speaks of rows that are not there.
    """
    report = {
        "dataset_id": dataset.id,
        "sample": size or None,
        "eval_only": eval_only,
        "models": sorted(set(judged.rows["model"].drop_nulls())),
        "prompt": TEMPLATE.read_text(encoding="utf-8"),
        "agreement": [asdict(entry) for entry in judged.agreements],
        "errors": judged.errors,
    }
    rows = BytesIO()
    judged.rows.write_parquet(rows)
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    write_results(out, {ROWS: rows.getvalue(), REPORT: text.encode()})


def _row(triple: CanonicalRow, about: About, request: Request, result: Result | None) -> JudgedRow:
    row: JudgedRow = {
        "triple_id": triple["id"],
        "about": about,
        "clip_id": triple["clip_id"],
        "source_id": triple["source_id"],
        "split": triple["split"],
        "aspect": triple["aspect"],
        "rating": triple["rating"],
        "yes_logprob": None,
        "no_logprob": None,
        "p_yes": None,
        "yes_of_both": None,
        "answer": None,
        "model": result.model if result else None,
        "served_revision": result.served_revision if result else None,
        "request_hash": request.hash,
        "prompt_hash": sha256_text(request.prompt),
        "error": None,
    }
    if result is None:
        row["error"] = "the budget is used up: raise CHAI_BUDGET_RUN or CHAI_BUDGET_DAY and run again"
    elif result.error:
        row["error"] = f"{result.error.kind}: {result.error.message}"
    else:
        _enter_answer(row, result)
    return row


def _enter_answer(row: JudgedRow, result: Result) -> None:
    row["answer"] = result.text
    row["yes_logprob"], row["no_logprob"] = result.logprobs.get("Yes"), result.logprobs.get("No")
    share = yes_of_both(result.logprobs)
    if share is None:
        row["error"] = (
            f"neither Yes nor No was likely, the model said {result.text!r}: take a model that follows the question"
        )
    else:
        row["p_yes"], row["yes_of_both"] = p_yes(result.logprobs), share


def _pairs(rows: list[JudgedRow]) -> list[JudgedPair]:
    """The triples of which both captions were judged."""
    judged: dict[str, dict[About, tuple[float, float]]] = {}
    first: dict[str, JudgedRow] = {}
    for row in rows:
        if row["p_yes"] is not None and row["yes_of_both"] is not None:
            first.setdefault(row["triple_id"], row)
            judged.setdefault(row["triple_id"], {})[row["about"]] = row["p_yes"], row["yes_of_both"]
    pairs = []
    for triple, answers in judged.items():
        if len(answers) == len(ABOUT):
            (draft, draft_of_both), (final, final_of_both) = answers["draft"], answers["final"]
            row = first[triple]
            pairs.append(JudgedPair(row["aspect"], row["source_id"], draft, final, draft_of_both, final_of_both))
    return pairs
