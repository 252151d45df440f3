"""The layout of the original project: what a path says, and what each kind of file must hold. Pure."""

import codecs
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from chai_assets.importing.corpus_names import ImportRefused
from chai_assets.importing.reasons import FileIssue

FileKind = Literal["precaption", "feedback_prev", "feedback", "review", "merged"]
CAPTIONS = "output_captions"
MERGED = "merged_captions"
ASPECTS = {
    "subject_description": "subject",
    "scene_composition_dynamics": "scene",
    "subject_motion_dynamics": "motion",
    "spatial_framing_dynamics": "spatial",
    "camera_framing_dynamics": "camera",
}
MOST_CHARACTERS = 20_000
"""Longest caption or critique that is taken; the longest of the released ones has 1,528."""

_FILE = re.compile(r"(?P<clip>.+)_(?P<kind>precaption|feedback_prev|feedback|review)\.json\Z", re.DOTALL)
_CUT = re.compile(r"(\.\d+){0,2}\.[A-Za-z0-9]{2,4}\Z")
# A quote, a dash or an accent stands alone between ASCII bytes; runs are another alphabet. One may end a word
# with an accent and go on with an apostrophe.
_RUN = re.compile(rb"(?![\xc0-\xff]\x92(?![\x80-\xff]))[\x80-\xff]{2}")
# Only an escape can bring a surrogate into a text that could be decoded.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

Text = Annotated[str, StringConstraints(max_length=MOST_CHARACTERS)]


@dataclass(frozen=True)
class FileRole:
    """What a path says: whose file it is. `root` is the folder of the tasks; a merged caption has no aspect."""

    clip: str
    aspect: str | None
    kind: FileKind
    root: str


def role_of(path: str) -> FileRole | FileIssue:
    """The clip, aspect, kind and root of a file by its path, or why it has none."""
    *folders, name = path.split("/")
    # `._name` is what a Mac leaves beside a file or a folder in a tar.
    if not folders or any(part.startswith("._") for part in (*folders, name)):
        return FileIssue.of("not_a_caption_file")
    root = "/".join(folders[:-1])
    if folders[-1] == MERGED and name.endswith(".json") and name != ".json":
        return FileRole(name.removesuffix(".json"), None, "merged", f"{root}/{CAPTIONS}".lstrip("/"))
    if (match := _FILE.match(name)) is None:
        return FileIssue.of("not_a_caption_file")
    if folders[-1] not in ASPECTS:
        return FileIssue.of("unknown_task", folders[-1][:80])
    kind: Any = match["kind"]
    return FileRole(match["clip"], ASPECTS[folders[-1]], kind, root)


def choose_root(roots: Mapping[str, int]) -> str:
    """Which of the folders that hold tasks is the corpus, given how many files each holds.

    The only one, whatever its name; of several, the uppermost that is called output_captions: beside it lie answers of
    exams and outputs of experiments, in folders of the same form. Raises ImportRefused where that does not decide.
    """
    named = [root for root in roots if root.rpartition("/")[2] == CAPTIONS]
    top = min((root.count("/") for root in named), default=0)
    candidates = [root for root in named if root.count("/") == top] if len(roots) > 1 else list(roots)
    if len(candidates) == 1:
        return candidates[0]
    listed = ", ".join(f"{root or 'the top'} ({count:,} files)" for root, count in sorted(roots.items())[:8])
    raise ImportRefused(
        f"captions lie in {len(roots)} folders, and {'none' if not named else len(named)} of them "
        f"{'is' if len(named) < 2 else 'are'} called {CAPTIONS}: {listed}. Give the one that is the corpus, and "
        "import another one under another name"
    )


def corpus_path(path: str, root: str) -> str:
    """A file's path as it is in every copy of the corpus: from output_captions on, wherever that lies."""
    if path.startswith(f"{root}/") or not root:
        return f"{CAPTIONS}/{path[len(root) :].lstrip('/')}"
    parent = root.rpartition("/")[0]
    return path.removeprefix(f"{parent}/") if parent else path


def source_name(clip: str) -> str:
    """Name of the video a clip was cut from: without shot, part (`.<shot>.<part>`, either may lack) and suffix."""
    return _CUT.sub("", clip) or clip


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    video_id: str | None = None
    timestamp: str | None = None


class Precaption(_File):
    """A draft as the model wrote it."""

    pre_caption: Text
    pre_caption_llm: str
    pre_caption_prompt: str
    pre_caption_mode: str | None = None


class Feedback(Precaption):
    """A critique with what it led to. Where no change was asked for, all but the draft and the caption is null."""

    pre_caption_prompt: str = ""
    user: str | None = None
    initial_caption_rating_score: Annotated[int, Field(ge=1, le=5)]
    feedback_is_needed: bool
    gpt_feedback: Text | None = None
    final_feedback: Text | None = None
    gpt_caption: Text | None = None
    gpt_caption_llm: str | None = None
    gpt_caption_prompt: str | None = None
    final_caption: Text


class Review(_File):
    """A reviewer's verdict."""

    reviewer_double_check: bool
    reviewer_name: str | None = None
    review_timestamp: str | None = None


class Merged(_File):
    """One caption of a clip, made by a model from those of the five aspects, which are named as people call them."""

    merged_caption: Text
    input_captions: dict[str, Text]
    prompt: str | None = None
    llm_model: str | None = None

    @property
    def inputs(self) -> dict[str, str]:
        """The captions it was made from, by aspect."""
        return {name.lower(): text for name, text in self.input_captions.items()}


MODELS: dict[FileKind, type[_File]] = {
    "merged": Merged,
    "precaption": Precaption,
    "feedback": Feedback,
    "feedback_prev": Feedback,
    "review": Review,
}


def parse_json(data: bytes) -> tuple[Any, FileIssue | None] | FileIssue:
    """The JSON value of a file's bytes, with an issue where they were not plain UTF-8; or an issue alone: no JSON."""
    decoded = _decoded(data)
    if isinstance(decoded, FileIssue):
        return decoded
    text, issue = decoded
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return FileIssue.of("unreadable_json", str(error)[:120])
    try:
        json.dumps(value, ensure_ascii=False).encode() if _SURROGATE.search(text) else b""
    except UnicodeEncodeError:
        return FileIssue.of("bad_characters")
    return value, issue


def _decoded(data: bytes) -> tuple[str, FileIssue | None] | FileIssue:
    try:
        if data.startswith(codecs.BOM_UTF8):
            return data.decode("utf-8-sig"), FileIssue.of("utf8_with_mark")
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16"), FileIssue.of("utf16")
        # JSON begins with an ASCII character: a null byte beside it tells UTF-16 that lacks its mark.
        if len(data) > 1 and 0 in data[:2]:
            return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le"), FileIssue.of("utf16")
        return data.decode(), None
    except UnicodeDecodeError as error:
        return _as_cp1252(data) or FileIssue.of("unknown_encoding", str(error)[:120])


def _as_cp1252(data: bytes) -> tuple[str, FileIssue] | None:
    """The text as Windows-1252, where nothing speaks against it: all bytes have a meaning there, none in runs."""
    if _RUN.search(data):
        return None
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return None
    odd = {c for c in text if ord(c) > 127 and unicodedata.category(c)[0] not in "LP" and c not in "°±×€£™®©½¼¾²³"}
    return None if odd else (text, FileIssue.of("cp1252"))


def parse_file(kind: FileKind, value: Any) -> Precaption | Feedback | Review | Merged | FileIssue:
    """A file's JSON value as what its kind must hold, or what is wrong with it."""
    try:
        model: Any = MODELS[kind].model_validate(value)
    except ValidationError as failure:
        errors = failure.errors(include_input=False, include_url=False)
        fields = ", ".join(str(error["loc"][0]) if error["loc"] else "the whole file" for error in errors)
        too_long = any(error["type"] == "string_too_long" for error in errors)
        return FileIssue.of("caption_too_long" if too_long else "missing_field", fields)
    if isinstance(model, Feedback):
        missing = [name for name in ("final_feedback", "gpt_caption") if getattr(model, name) is None]
        if model.feedback_is_needed and missing:
            return FileIssue.of("missing_field", ", ".join(missing))
    return model


def parse_time(text: str | None) -> datetime | None:
    """A time stamp of the corpus, taken as UTC where it names no zone; None for what is no time."""
    try:
        read = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
