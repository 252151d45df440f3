"""Prompts from template files, and the requests that carry them.

A template is a Markdown file beside the stage that asks, with `$name` for what is filled in. Everything that
the model is asked decides the request's hash; where the clip happens to lie does not.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Any

from chai_assets.records import record_id
from chai_resources.captioners import Captioner, Media, Request, TaskName

SAMPLING: dict[str, Any] = {"temperature": 0}


def render(template: Path, **values: str) -> str:
    """The template's text with every `$name` filled in. Raises ValueError naming file and fault."""
    try:
        return Template(template.read_text(encoding="utf-8")).substitute(values).strip()
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{template}: cannot be filled in ({error}); "
            f"it may use {', '.join(f'${name}' for name in values)}, and $$ for a dollar sign"
        ) from error


def bullets(lines: Iterable[str]) -> str:
    """A Markdown list, or the word none."""
    return "\n".join(f"- {line}" for line in lines) or "none"


def clip_media(clip: dict[str, Any]) -> Media:
    """The stored clip of a row of the `clips` table, as models are shown it."""
    return Media(key=clip["media_key"], mime="video/mp4", duration_s=clip["duration_s"], fps=clip["fps"])


def dataset_clip(row: Mapping[str, Any], duration_s: float = 10.0) -> Media:
    """The stored clip of a canonical row of a dataset; without its length, the forecast of cost goes by 10 s."""
    return Media(key=row["video"], mime="video/mp4", duration_s=duration_s, fps=0.0)


def build_request(
    task: TaskName,
    key: str,
    prompt: str,
    context: dict[str, Any],
    *,
    clip_id: str,
    captioner: Captioner,
    media: Media | None = None,
    choices: tuple[str, ...] = (),
) -> Request:
    """A request whose hash covers task, prompt, context, clip, model, its revision, the sampling and any choices."""
    request_hash = record_id(
        "request",
        task=task,
        prompt=prompt,
        context=context,
        clip=clip_id,
        model=captioner.model,
        revision=captioner.revision,
        sampling=SAMPLING,
        **({"choices": choices} if choices else {}),
    )
    return Request(
        key=key,
        hash=request_hash,
        task=task,
        prompt=prompt,
        context=context,
        media=media,
        sampling=dict(SAMPLING),
        cache_group=clip_id,
        choices=choices,
    )
