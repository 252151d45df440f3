"""The trainers whose files a dataset may hold beside its tables, by the names that settings and commands use."""

from chai_resources.errors import UnusableInput

DIALECTS = ("ms-swift", "llama-factory", "trl", "qwen", "diffsynth", "musubi")
"""Trainers whose files name the clips and hold none. Their files stand in `write/trainer_formats.py`."""
WITH_CLIPS = "energon"
"""The one whose files hold the clips themselves: it is made of a dataset, and never stands in one."""
ALL = "all"


def parse_dialects(text: str) -> tuple[str, ...]:
    """The trainers named in a text, joined by commas; `all` for all of them. Raises UnusableInput."""
    words = {word.strip().lower() for word in text.split(",") if word.strip()}
    if words == {ALL}:
        return DIALECTS
    if WITH_CLIPS in words:
        raise UnusableInput(
            f"{WITH_CLIPS} wants the clips in its files, and a dataset holds none: leave it out of "
            f"CHAI_DATASET_FORMATS, and run `chai dataset convert latest --to {WITH_CLIPS}`"
        )
    if wrong := sorted(words - set(DIALECTS)):
        raise UnusableInput(
            f"CHAI_DATASET_FORMATS: {wrong[0]!r} is no trainer: name some of {', '.join(DIALECTS)}, or {ALL}"
        )
    return tuple(name for name in DIALECTS if name in words)
