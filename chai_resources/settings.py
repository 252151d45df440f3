"""Every setting of a deployment: where things are, and which engine and stores are used.

A field carries its variable; `variables.py` reads and writes them. Every setting has a default that works on one
machine with nothing set up. What a model and an executor are told is declared beside them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, NonNegativeFloat, PositiveInt

from chai_resources import environment
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.executors import ExecutorChoice
from chai_resources.variables import Variable, as_variables, names_of, read_settings, refuse_misspelled


def _clip_seconds(given: object) -> object:
    """The shortest and longest clip of a text such as 1-20; the longest is 20 where only one number stands there."""
    if not isinstance(given, str):
        return given
    shortest, _, longest = given.partition("-")
    try:
        return float(shortest), float(longest or 20)
    except ValueError:
        raise ValueError("is no span of seconds: set one such as 1-20") from None


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("is no time zone: set a name such as Europe/Berlin") from None
    return name


def _under_home(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda known: str(known["home"] / name)


class DatasetChoice(BaseModel):
    """What the nightly export takes, and what `chai dataset export` takes where its options say nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specs: Annotated[str, Variable("CHAI_DATASET_SPECS")] = ""
    """Version of the specification that datasets hold, or a range such as 1.0.0-1.1.0; empty for the one in force."""
    aspects: Annotated[str, Variable("CHAI_DATASET_ASPECTS")] = ""
    """Aspects that datasets hold, joined by commas; empty for all."""
    review: Annotated[Literal["approved", "corrected", "unreviewed"], Variable("CHAI_DATASET_REVIEW")] = "approved"
    """The least review a caption must have had to be exported."""
    edited: Annotated[bool, Variable("CHAI_DATASET_EDITED", no="no", yes="yes")] = False
    """Whether captions that a person wrote over are exported, marked as such."""
    variant: Annotated[Literal["post_review", "pre_review"], Variable("CHAI_DATASET_VARIANT")] = "post_review"
    """`pre_review` for the same rows as they were before a reviewer sent them back."""
    critiques: Annotated[Literal["written", "polished"], Variable("CHAI_DATASET_CRITIQUES")] = "written"
    """Whose words of a critique are exported: `polished` where a model's passed the check."""
    imported: Annotated[str, Variable("CHAI_DATASET_IMPORT")] = ""
    """Name of an imported corpus, which is then all that is exported; empty for the loop's own batches."""
    pins: Annotated[str, Variable("CHAI_DATASET_PINS")] = ""
    """File of sources and clips, one id a line, that are eval always; empty for none."""
    stale: Annotated[Literal["mark", "drop"], Variable("CHAI_DATASET_STALE")] = "mark"
    """What becomes of rows that rest on an upstream caption which was corrected later: marked, or left out."""
    purposes: Annotated[str, Variable("CHAI_DATASET_PURPOSES")] = ""
    """What datasets are made for: train, evaluate, publish, commercial, joined by commas. Rows whose rights do not
    allow it stay out; empty to mark them only."""
    formats: Annotated[str, Variable("CHAI_DATASET_FORMATS")] = ""
    """Trainers whose own files datasets hold beside the tables, joined by commas, or `all`; empty for none."""


class Settings(BaseModel):
    """Where this deployment keeps its things, and how it works.

    Folders may be `s3://bucket/prefix` where it says so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Annotated[Path, AfterValidator(Path.absolute), Variable("CHAI_HOME")] = (
        environment.CHECKOUT / ".chai" / "work"
    )
    """Folder of everything local: tables, media, inbox, secrets, logs."""
    tables: Annotated[str, Variable("CHAI_TABLES")] = Field(default_factory=_under_home("tables"))
    """Folder or s3:// prefix of the Delta tables."""
    media: Annotated[str, Variable("CHAI_MEDIA")] = Field(default_factory=_under_home("media"))
    """Folder or s3:// prefix of clips, thumbnails and stored model answers."""
    inbox: Annotated[str, Variable("CHAI_INBOX")] = Field(default_factory=_under_home("inbox"))
    """Folder or s3:// prefix whose sub-folders become batches."""
    datasets: Annotated[str, Variable("CHAI_DATASETS")] = Field(default_factory=_under_home("datasets"))
    """Folder or s3:// prefix of published datasets."""
    dataset: DatasetChoice = DatasetChoice()
    """What datasets hold."""
    benchmarks: Annotated[str, Variable("CHAI_DATASET_BENCHMARKS")] = ""
    """Public benchmarks that every export is compared with, folders of clips or JSONL files, joined by commas."""
    tokenizer: Annotated[str, Variable("CHAI_TOKENIZER")] = ""
    """Path of the video generator's SentencePiece vocabulary, a spiece.model; empty to estimate token counts."""
    coverage_targets: Annotated[str, Variable("CHAI_COVERAGE_TARGETS")] = ""
    """File (YAML) that says how many clips shall have each primitive; empty for one on either side."""
    people: Annotated[Path, Variable("CHAI_PEOPLE")] = Field(
        default_factory=lambda known: known["home"] / "people.yaml"
    )
    """The people file (YAML)."""
    label_studio_port: Annotated[PositiveInt, Variable(environment.LABEL_STUDIO_PORT)] = 8080
    """Port of Label Studio on this machine."""
    label_studio_url: Annotated[str, Variable("CHAI_LABEL_STUDIO_URL")] = Field(
        default_factory=lambda known: f"http://127.0.0.1:{known['label_studio_port']}"
    )
    """Address of Label Studio, as browsers and this platform reach it; by default this machine's."""
    dagster_port: Annotated[PositiveInt, Variable(environment.DAGSTER_PORT)] = 3000
    """Port of Dagster's UI."""
    dagster_public_url: Annotated[str, AfterValidator(lambda url: url.rstrip("/")), Variable("CHAI_DAGSTER_URL")] = ""
    """Address by which browsers reach Dagster's UI through a proxy; empty where they are on this machine."""
    code_port: Annotated[PositiveInt, Variable(environment.CODE_PORT)] = 3030
    """Port of Dagster's code server."""
    practice_model_port: Annotated[PositiveInt, Variable(environment.PRACTICE_MODEL_PORT)] = 3040
    """Port of the demo's practice model, where it runs with another engine than `offline`."""
    captioner: Annotated[str, Variable("CHAI_CAPTIONER")] = "offline"
    """Name of the engine that drafts and revises: offline, openai, gemini or vllm."""
    prices: Annotated[str, Variable("CHAI_PRICES")] = ""
    """A price file of one's own; empty for the prices that come with the platform."""
    budget_run: Annotated[NonNegativeFloat, Variable("CHAI_BUDGET_RUN")] = 0.0
    """US dollars that one run may spend on models; 0 for no limit."""
    budget_day: Annotated[NonNegativeFloat, Variable("CHAI_BUDGET_DAY")] = 0.0
    """US dollars that all runs may spend on models between two midnights, UTC; 0 for no limit."""
    model: ModelChoice = ModelChoice()
    """The model that the engine asks, and how; nothing for the engine `offline`."""
    executor: ExecutorChoice = ExecutorChoice()
    """Where the engine works: in the run's own process, or on a Ray cluster."""
    spec_version: Annotated[str, Variable("CHAI_SPEC_VERSION")] = ""
    """Released specification in force; empty for the newest."""
    specs: Annotated[str, Variable("CHAI_SPECS")] = ""
    """Folder of the versions of the specification; empty for those that come with the platform."""
    preview: Annotated[bool, Variable("CHAI_PREVIEW", no="off", yes="on")] = False
    """Whether annotators see in Label Studio what a model would make of their critique, before they submit it."""
    preview_url: Annotated[str, AfterValidator(lambda url: url.rstrip("/")), Variable(environment.PREVIEW_URL)] = (
        "http://127.0.0.1:3050"
    )
    """Address by which Label Studio finds the server of previews."""
    polish: Annotated[bool, Variable("CHAI_POLISH", no="no", yes="yes")] = False
    """Whether a model puts written critiques into better words, beside the written ones."""
    merge_tokens: Annotated[PositiveInt, Variable("CHAI_MERGE_TOKENS")] = 512
    """Tokens that a merged caption may have: what the video generator reads."""
    redo_upstream: Annotated[bool, Variable("CHAI_UPSTREAM_CORRECTED", no="accept", yes="redo")] = False
    """Whether a caption is written again when an upstream caption it rests on was corrected after the fact."""
    redraft: Annotated[bool, Variable("CHAI_PROMPT_CHANGED", no="keep", yes="redraft")] = True
    """Whether what a model wrote is written again when its prompt template was changed and no person answered yet."""
    poll_seconds: Annotated[PositiveInt, Variable("CHAI_POLL_SECONDS")] = 30
    """Seconds between two looks at Label Studio and at the inbox."""
    timezone: Annotated[str, AfterValidator(_time_zone), Variable("CHAI_TIMEZONE")] = "UTC"
    """Time zone of the nightly schedules, such as Europe/Berlin."""
    detector: Annotated[str, Variable("CHAI_DETECTOR")] = "adaptive"
    """Shot detector: adaptive, content, or none."""
    clip_seconds: Annotated[tuple[float, float], BeforeValidator(_clip_seconds), Variable("CHAI_CLIP_SECONDS")] = (
        1.0,
        20.0,
    )
    """Shortest and longest clip that is ingested, in seconds."""

    @property
    def cache(self) -> Path:
        """Folder of what can be made again, such as the features of clips that are compared."""
        return self.home / "cache" / "features"

    @property
    def dagster_url(self) -> str:
        """Address of Dagster's UI on this machine."""
        return f"http://127.0.0.1:{self.dagster_port}"

    def asking_live(self) -> "Settings":
        """These settings, never asking in batches: for commands, whose user waits for what they write."""
        return self.model_copy(update={"model": self.model.model_copy(update={"batches": False})})

    def as_env(self) -> dict[str, str]:
        """These settings as CHAI_* variables, with the address of PostgreSQL: for the deployment's processes."""
        return {**as_variables(self), environment.POSTGRES_URL: environment.postgres_url()}

    @classmethod
    def from_env(cls, **defaults: str) -> "Settings":
        """Settings from CHAI_* variables; `defaults` stand in for variables that are not set, or empty.

        Everything local lies under CHAI_HOME, by default `.chai/work` in the checkout. Raises SettingsUnusable for a
        value that does not fit, and for a name that is nearly one of ours; any other is only told.
        """
        given = {**defaults, **environment.own_variables()}
        refuse_misspelled(given, {*names_of(cls), *environment.SECRETS})
        return read_settings(cls, given)
