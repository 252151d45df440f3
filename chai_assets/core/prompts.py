"""Prompts from template files, and the requests that carry them.

A template is a Markdown file beside the stage that asks, with `$name` for what is filled in. Everything that
the model is asked decides the request's hash; where the clip happens to lie does not. The template's own hash
stands on every row it led to: by that, rows are told from those that today's template would give.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Literal, get_args

from chai_assets.core.ids import record_id, sha256_text
from chai_assets.core.rows import ClipRow
from chai_resources.captioners.protocol import Captioner, ClipMedia, Request, TaskName
from chai_resources.errors import UnusableInput

SAMPLING: dict[str, Any] = {"temperature": 0}

WritingTask = Literal["draft", "revise", "merge", "shorten", "polish"]
"""The tasks whose answers are rows of the loop: drafts, revisions, merged captions, polished critiques."""

_STAGES = Path(__file__).parents[1]
TEMPLATES: dict[WritingTask, Path] = {
    "draft": _STAGES / "drafting" / "prompts" / "draft.md",
    "revise": _STAGES / "revision" / "prompts" / "revise.md",
    "merge": _STAGES / "triples" / "prompts" / "merge.md",
    "shorten": _STAGES / "triples" / "prompts" / "shorten.md",
    "polish": _STAGES / "critique" / "prompts" / "polish.md",
}


class UnusableTemplate(UnusableInput):
    """A template cannot be read or filled in; the text names it and the remedy."""


@dataclass(frozen=True)
class Prompt:
    """What a model is told, and the hash of the template it was made from."""

    text: str
    template_hash: str


@dataclass(frozen=True)
class Templates:
    """Hashes of the templates that models are asked with; where one is empty, whatever was written stands."""

    draft: str = ""
    revise: str = ""
    merge: str = ""
    shorten: str = ""
    polish: str = ""

    @classmethod
    def on_disk(cls) -> "Templates":
        """The templates as they are now. Raises UnusableTemplate where one cannot be read."""
        return cls(**{task: sha256_text(_text(TEMPLATES[task])) for task in get_args(WritingTask)})

    def replaced(self, task: WritingTask, template: str | None) -> bool:
        """Whether another template took the place of the one a row was written with; an unknown one stands."""
        now: str = getattr(self, task)
        return bool(template and now and template != now)


def render(template: Path, **values: str) -> Prompt:
    """The template with every `$name` filled in. Raises UnusableTemplate naming file and fault."""
    text = _text(template)
    try:
        return Prompt(Template(text).substitute(values).strip(), sha256_text(text))
    except (KeyError, ValueError) as error:
        raise UnusableTemplate(
            f"{template}: cannot be filled in ({error}); "
            f"it may use {', '.join(f'${name}' for name in values)}, and $$ for a dollar sign"
        ) from error


def _text(template: Path) -> str:
    try:
        return template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableTemplate(f"{template}: cannot be read ({error}): restore the file, as UTF-8") from error


def bullets(lines: Iterable[str]) -> str:
    """A Markdown list, or the word none."""
    return "\n".join(f"- {line}" for line in lines) or "none"


def clip_media(clip: ClipRow) -> ClipMedia:
    """The stored clip of a row of the `clips` table, as models are shown it."""
    return ClipMedia(key=clip["media_key"], mime="video/mp4", duration_s=clip["duration_s"], fps=clip["fps"])


def dataset_clip(row: Mapping[str, Any], duration_s: float = 10.0) -> ClipMedia:
    """The stored clip of a canonical row of a dataset; without its length, the forecast of cost goes by 10 s."""
    return ClipMedia(key=row["video"], mime="video/mp4", duration_s=duration_s, fps=0.0)


def build_request(
    task: TaskName,
    key: str,
    prompt: Prompt,
    context: dict[str, Any],
    *,
    clip_id: str,
    captioner: Captioner,
    media: ClipMedia | None = None,
    choices: tuple[str, ...] = (),
    schema: dict[str, Any] | None = None,
) -> Request:
    """A request whose hash covers all that decides the answer: task, prompt, context, clip, model and its revision,
    the sampling, and the choices or the schema of the answer where it has any.
    """
    request_hash = record_id(
        "request",
        task=task,
        prompt=prompt.text,
        context=context,
        clip=clip_id,
        model=captioner.model,
        revision=captioner.revision,
        sampling=SAMPLING,
        **({"choices": choices} if choices else {}),
        **({"schema": schema} if schema else {}),
    )
    return Request(
        key=key,
        hash=request_hash,
        task=task,
        prompt=prompt.text,
        template_hash=prompt.template_hash,
        context=context,
        media=media,
        sampling=dict(SAMPLING),
        cache_group=clip_id,
        choices=choices,
        schema=schema or {},
    )
