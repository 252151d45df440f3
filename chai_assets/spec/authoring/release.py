"""Writing the next version of the specification and releasing it: what a taxonomy lead does, step by step."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from chai_assets.spec.authoring.lint import lint_spec
from chai_assets.spec.loading.document import SpecError, SpecProblem
from chai_assets.spec.loading.load import INDEX
from chai_assets.spec.models import Spec
from chai_assets.spec.versioning.diff import STEPS, SpecChange, diff, step_made, step_needed
from chai_assets.spec.versioning.releases import LOCK, Releases, order


@dataclass(frozen=True)
class Released:
    """A version that was just released, and what it changes."""

    spec: Spec
    changes: list[SpecChange]


def begin(releases: Releases, version: str) -> Path:
    """Copies the newest release into the folder of a new version, to be edited. Raises SpecError."""
    _above(releases, version)
    folder = releases.root / version
    if folder.exists():
        raise SpecError([SpecProblem(str(folder), 1, "is there already", "edit it, or choose another number")])
    shutil.copytree(releases.root / releases.newest, folder)
    index = folder / INDEX
    text = index.read_text(encoding="utf-8")
    index.write_text(text.replace(f"version: {releases.newest}", f"version: {version}"), encoding="utf-8")
    return folder


def release(releases: Releases, version: str) -> Released:
    """Records a version as released: from then on it may not be changed. Raises SpecError with what forbids it."""
    _above(releases, version)
    spec = releases.read(version)
    if problems := lint_spec(spec, releases.root / version):
        raise SpecError(problems)
    changes = check_step(releases, spec) if releases.locked else []
    path = releases.root / LOCK
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{text}{spec.version} {spec.hash}\n", encoding="utf-8")
    os.replace(fresh, path)
    return Released(spec, changes)


def check_step(releases: Releases, spec: Spec) -> list[SpecChange]:
    """What a version changes since the newest release. Raises SpecError where its number does not say so."""
    old = releases.load(releases.newest)
    changes = diff(old, spec)
    needed, made = step_needed(changes), step_made(old.version, spec.version)
    if needed == "nothing":
        message = f"version {spec.version} changes nothing in {old.version}"
        raise SpecError([SpecProblem(f"{spec.version}/{INDEX}", 1, message, "there is nothing to release")])
    if STEPS.index(made) < STEPS.index(needed):
        why = {"major": "meaning", "minor": "addition", "patch": "wording"}[needed]
        first = next(change for change in changes if change.kind == why)
        message = f"version {spec.version} is a {made} step from {old.version}, but it needs a {needed} one: "
        message += f"{first.part} {first.id} of {first.aspect}: {first.what}"
        remedy = f"number it {_next(old.version, needed)}, or undo that change"
        raise SpecError([SpecProblem(f"{spec.version}/{INDEX}", 1, message, remedy)])
    return changes


def _above(releases: Releases, version: str) -> None:
    try:
        number = order(version)
    except ValueError as error:
        raise SpecError([SpecProblem(LOCK, 1, str(error), "choose another number")]) from error
    newest = releases.newest if releases.locked else None
    if newest and number <= order(newest):
        message = f"version {version} does not come after {newest}, the newest release"
        message += " (it is released already)" if version in releases.locked else ": versions never go backwards"
        raise SpecError([SpecProblem(LOCK, 1, message, f"choose a number above {newest}")])


def _next(version: str, step: str) -> str:
    major, minor, patch = order(version)
    return {
        "major": f"{major + 1}.0.0",
        "minor": f"{major}.{minor + 1}.0",
        "patch": f"{major}.{minor}.{patch + 1}",
    }[step]
