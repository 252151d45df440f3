"""The one place that reads the environment: where things are, and which engine and stores are used.

Every setting has a default that works on one machine with nothing set up; secrets have none and are read by
name only when used, so that loading the definitions needs no variable.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg

from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.executors import ExecutorChoice

LABEL_STUDIO_TOKEN = "CHAI_LABEL_STUDIO_TOKEN"
DAGSTER_PORT = "CHAI_DAGSTER_PORT"
CODE_PORT = "CHAI_CODE_PORT"
PRACTICE_MODEL_PORT = "CHAI_PRACTICE_MODEL_PORT"
PREVIEW_URL = "CHAI_PREVIEW_URL"
POSTGRES_URL = "CHAI_POSTGRES_URL"


@dataclass(frozen=True)
class Settings:
    """Where this deployment keeps its things. Folders may be `s3://bucket/prefix` where it says so."""

    home: Path
    """Folder of everything local: tables, media, inbox, secrets, logs."""
    tables: str
    """Folder or s3:// prefix of the Delta tables."""
    media: str
    """Folder or s3:// prefix of clips, thumbnails and stored model answers."""
    inbox: str
    """Folder or s3:// prefix whose sub-folders become batches."""
    datasets: str
    """Folder or s3:// prefix of published datasets."""
    dataset_specs: str
    """Version of the specification that datasets hold, or a range such as 1.0.0-1.1.0; empty for the one in force."""
    dataset_aspects: str
    """Aspects that datasets hold, joined by commas; empty for all."""
    dataset_review: str
    """The least review a caption must have had to be exported: approved, corrected or unreviewed."""
    dataset_edited: bool
    """Whether captions that a person wrote over are exported, marked as such."""
    dataset_variant: str
    """post_review, or pre_review for the same rows as they were before a reviewer sent them back."""
    dataset_critiques: str
    """Whose words of a critique are exported: written, or polished where those passed the check."""
    dataset_import: str
    """Name of an imported corpus, which is then all that is exported; empty for the loop's own batches."""
    dataset_pins: str
    """File of sources and clips, one id a line, that are eval always; empty for none."""
    tokenizer: str
    """Path of the video generator's SentencePiece vocabulary, a spiece.model; empty to estimate token counts."""
    people: Path
    """The people file (YAML)."""
    label_studio_url: str
    """Address of Label Studio, as browsers and this platform reach it."""
    dagster_port: int
    """Port of Dagster's UI."""
    code_port: int
    """Port of Dagster's code server."""
    practice_model_port: int
    """Port of the demo's practice model, where it runs with another engine than `offline`."""
    captioner: str
    """Name of the engine that drafts and revises: offline, openai, gemini or vllm."""
    prices: str
    """A price file of one's own; empty for the prices that come with the platform."""
    budget_run: float
    """US dollars that one run may spend on models; 0 for no limit."""
    budget_day: float
    """US dollars that all runs may spend on models between two midnights, UTC; 0 for no limit."""
    model: ModelChoice
    """The model that the engine asks, and how; nothing for the engine `offline`."""
    executor: ExecutorChoice
    """Where the engine works: in the run's own process, or on a Ray cluster."""
    spec_version: str
    """Released specification in force; empty for the newest."""
    specs: str
    """Folder of the versions of the specification; empty for those that come with the platform."""
    preview: bool
    """Whether annotators see in Label Studio what a model would make of their critique, before they submit it."""
    preview_url: str
    """Address by which Label Studio finds the server of previews."""
    polish: bool
    """Whether a model puts written critiques into better words, beside the written ones."""
    merge_tokens: int
    """Tokens that a merged caption may have: what the video generator reads."""
    redo_upstream: bool
    """Whether a caption is written again when an upstream caption it rests on was corrected after the fact."""
    redraft: bool
    """Whether what a model wrote is written again when its prompt template was changed and no person answered yet."""
    poll_seconds: int
    """Seconds between two looks at Label Studio and at the inbox."""
    detector: str
    """Shot detector: adaptive, content, or none."""
    clip_seconds: tuple[float, float]
    """Shortest and longest clip that is ingested, in seconds."""

    @property
    def dagster_url(self) -> str:
        """Address of Dagster's UI on this machine."""
        return f"http://127.0.0.1:{self.dagster_port}"

    def asking_live(self) -> "Settings":
        """These settings, never asking in batches: for commands, whose user waits for what they write."""
        return replace(self, model=self.model.model_copy(update={"batches": False}))

    def as_env(self) -> dict[str, str]:
        """These settings as CHAI_* variables, for the processes of this deployment."""
        shortest, longest = self.clip_seconds
        values = {
            "CHAI_HOME": self.home,
            "CHAI_TABLES": self.tables,
            "CHAI_MEDIA": self.media,
            "CHAI_INBOX": self.inbox,
            "CHAI_DATASETS": self.datasets,
            "CHAI_DATASET_SPECS": self.dataset_specs,
            "CHAI_DATASET_ASPECTS": self.dataset_aspects,
            "CHAI_DATASET_REVIEW": self.dataset_review,
            "CHAI_DATASET_EDITED": "yes" if self.dataset_edited else "no",
            "CHAI_DATASET_VARIANT": self.dataset_variant,
            "CHAI_DATASET_CRITIQUES": self.dataset_critiques,
            "CHAI_DATASET_IMPORT": self.dataset_import,
            "CHAI_DATASET_PINS": self.dataset_pins,
            "CHAI_TOKENIZER": self.tokenizer,
            "CHAI_PEOPLE": self.people,
            "CHAI_LABEL_STUDIO_URL": self.label_studio_url,
            DAGSTER_PORT: self.dagster_port,
            CODE_PORT: self.code_port,
            PRACTICE_MODEL_PORT: self.practice_model_port,
            "CHAI_CAPTIONER": self.captioner,
            **{f"CHAI_MODEL{end}": getattr(self.model, name) for name, end in _MODEL_NUMBERS.items()},
            "CHAI_PRICES": self.prices,
            "CHAI_BUDGET_RUN": self.budget_run,
            "CHAI_BUDGET_DAY": self.budget_day,
            "CHAI_MODEL": self.model.model,
            "CHAI_MODEL_URL": self.model.url,
            "CHAI_MODEL_MODE": "batch" if self.model.batches else "live",
            "CHAI_MODEL_UNPINNED": "allow" if self.model.unpinned else "refuse",
            "CHAI_MODEL_VIDEO": "whole" if self.model.whole_video else "frames",
            "CHAI_MODEL_STRUCTURED": "yes" if self.model.structured else "no",
            "CHAI_EXECUTOR": self.executor.name,
            "CHAI_RAY_ADDRESS": self.executor.address,
            "CHAI_RAY_GPUS": self.executor.gpus,
            "CHAI_RAY_ACTORS": self.executor.actors,
            "CHAI_RAY_PYTHON": self.executor.python,
            "CHAI_UNIT_CLIPS": self.executor.unit_clips,
            "CHAI_VLLM_PYTHON": self.model.vllm_python,
            "CHAI_VLLM_ARGS": self.model.vllm_args,
            "CHAI_SPEC_VERSION": self.spec_version,
            "CHAI_SPECS": self.specs,
            "CHAI_PREVIEW": "on" if self.preview else "off",
            PREVIEW_URL: self.preview_url,
            "CHAI_POLISH": "yes" if self.polish else "no",
            "CHAI_MERGE_TOKENS": self.merge_tokens,
            "CHAI_UPSTREAM_CORRECTED": "redo" if self.redo_upstream else "accept",
            "CHAI_PROMPT_CHANGED": "redraft" if self.redraft else "keep",
            "CHAI_POLL_SECONDS": self.poll_seconds,
            "CHAI_DETECTOR": self.detector,
            "CHAI_CLIP_SECONDS": f"{shortest:g}-{longest:g}",
            POSTGRES_URL: postgres_url() or "",
        }
        return {name: str(value) for name, value in values.items()}

    @classmethod
    def from_env(cls, **defaults: str) -> "Settings":
        """Settings from CHAI_* variables; `defaults` stand in for variables that are not set.

        Everything local lies under CHAI_HOME, by default `.chai/work` in the checkout.
        """
        get = {**defaults, **os.environ}.get
        home = Path(get("CHAI_HOME", "") or Path(__file__).resolve().parents[1] / ".chai" / "work").absolute()
        label_studio_port = get("CHAI_LABEL_STUDIO_PORT", "8080")
        shortest, _, longest = get("CHAI_CLIP_SECONDS", "1-20").partition("-")
        return cls(
            home=home,
            tables=get("CHAI_TABLES", str(home / "tables")),
            media=get("CHAI_MEDIA", str(home / "media")),
            inbox=get("CHAI_INBOX", str(home / "inbox")),
            datasets=get("CHAI_DATASETS", str(home / "datasets")),
            dataset_specs=get("CHAI_DATASET_SPECS", ""),
            dataset_aspects=get("CHAI_DATASET_ASPECTS", ""),
            dataset_review=_choice(get, "CHAI_DATASET_REVIEW", "approved", "corrected", "unreviewed"),
            dataset_edited=_choice(get, "CHAI_DATASET_EDITED", "no", "yes") == "yes",
            dataset_variant=_choice(get, "CHAI_DATASET_VARIANT", "post_review", "pre_review"),
            dataset_critiques=_choice(get, "CHAI_DATASET_CRITIQUES", "written", "polished"),
            dataset_import=get("CHAI_DATASET_IMPORT", ""),
            dataset_pins=get("CHAI_DATASET_PINS", ""),
            tokenizer=get("CHAI_TOKENIZER", ""),
            people=Path(get("CHAI_PEOPLE", str(home / "people.yaml"))),
            label_studio_url=get("CHAI_LABEL_STUDIO_URL", f"http://127.0.0.1:{label_studio_port}"),
            dagster_port=int(get(DAGSTER_PORT, "3000")),
            code_port=int(get(CODE_PORT, "3030")),
            practice_model_port=int(get(PRACTICE_MODEL_PORT, "3040")),
            captioner=get("CHAI_CAPTIONER", "offline"),
            prices=get("CHAI_PRICES", ""),
            budget_run=float(get("CHAI_BUDGET_RUN", "0")),
            budget_day=float(get("CHAI_BUDGET_DAY", "0")),
            model=_model(get),
            executor=_executor(get),
            spec_version=get("CHAI_SPEC_VERSION", ""),
            specs=get("CHAI_SPECS", ""),
            preview=_choice(get, "CHAI_PREVIEW", "off", "on") == "on",
            preview_url=get(PREVIEW_URL, "http://127.0.0.1:3050").rstrip("/"),
            polish=_choice(get, "CHAI_POLISH", "no", "yes") == "yes",
            merge_tokens=_positive(get, "CHAI_MERGE_TOKENS", 512),
            redo_upstream=_choice(get, "CHAI_UPSTREAM_CORRECTED", "accept", "redo") == "redo",
            redraft=_choice(get, "CHAI_PROMPT_CHANGED", "redraft", "keep") == "redraft",
            poll_seconds=int(get("CHAI_POLL_SECONDS", "30")),
            detector=get("CHAI_DETECTOR", "adaptive"),
            clip_seconds=(float(shortest), float(longest or 20)),
        )


_MODEL_NUMBERS = {
    "fps": "_FPS",
    "frames": "_FRAMES",
    "max_tokens": "_MAX_TOKENS",
    "timeout_s": "_TIMEOUT",
    "parallel": "_PARALLEL",
    "requests_a_minute": "_RPM",
    "tokens_a_minute": "_TPM",
}
"""Settings of a model that are numbers, with the ends of their variables; defaults stand in ModelChoice."""


def _model(get: Callable[[str, str], str]) -> ModelChoice:
    given = {name: get(f"CHAI_MODEL{end}", "") for name, end in _MODEL_NUMBERS.items()}
    numbers: dict[str, Any] = {name: value for name, value in given.items() if value}
    return ModelChoice(
        model=get("CHAI_MODEL", ""),
        url=get("CHAI_MODEL_URL", ""),
        batches=_choice(get, "CHAI_MODEL_MODE", "live", "batch") == "batch",
        unpinned=_choice(get, "CHAI_MODEL_UNPINNED", "refuse", "allow") == "allow",
        whole_video=_choice(get, "CHAI_MODEL_VIDEO", "frames", "whole") == "whole",
        structured=_choice(get, "CHAI_MODEL_STRUCTURED", "yes", "no") == "yes",
        vllm_python=get("CHAI_VLLM_PYTHON", ""),
        vllm_args=get("CHAI_VLLM_ARGS", ""),
        **numbers,
    )


def _executor(get: Callable[[str, str], str]) -> ExecutorChoice:
    return ExecutorChoice(
        name="ray" if _choice(get, "CHAI_EXECUTOR", "local", "ray") == "ray" else "local",
        address=get("CHAI_RAY_ADDRESS", "").rstrip("/"),
        gpus=float(get("CHAI_RAY_GPUS", "0")),
        actors=int(get("CHAI_RAY_ACTORS", "0")),
        python=get("CHAI_RAY_PYTHON", "python"),
        unit_clips=int(get("CHAI_UNIT_CLIPS", "64")),
    )


def _choice(get: Callable[[str, str], str], name: str, *choices: str) -> str:
    """One of some words, the first by default. Raises ValueError naming the variable."""
    value = get(name, choices[0])
    if value not in choices:
        raise ValueError(f"{name}={value} is none of {', '.join(choices)}: set one of them, or unset it")
    return value


def _positive(get: Callable[[str, str], str], name: str, default: int) -> int:
    """A whole number above 0. Raises ValueError naming the variable."""
    value = get(name, "") or str(default)
    if not value.isdecimal() or int(value) == 0:
        raise ValueError(f"{name}={value} is no whole number above 0: set one, or unset it for {default}")
    return int(value)


def s3_options() -> dict[str, str]:
    """Options for Delta tables on S3, from the standard AWS_* variables that boto3 reads by itself."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    options = {"aws_conditional_put": "etag"}
    if endpoint:
        options |= {"aws_endpoint": endpoint, "aws_allow_http": str(endpoint.startswith("http://")).lower()}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        if value := os.environ.get(name):
            options[name.lower()] = value
    # boto3 reads only the second of the two names.
    options["aws_region"] = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return options


def postgres_url() -> str | None:
    """PostgreSQL for Dagster's own storage, or None for the embedded SQLite."""
    return os.environ.get(POSTGRES_URL) or None


def secret(variable: str) -> str:
    """A key, by name, where it is used: secrets are no settings and enter no configuration; empty if not set."""
    return os.environ.get(variable, "")


def label_studio_token() -> dg.EnvVar:
    """Service token of Label Studio, by name: resolved when a run uses it, never shown in the UI."""
    return dg.EnvVar(LABEL_STUDIO_TOKEN)


def label_studio_token_value() -> str | None:
    """Service token of a Label Studio that was set up elsewhere, or None."""
    return os.environ.get(LABEL_STUDIO_TOKEN) or None
