"""Versions of a specification for tests: a first release in a folder of its own, and what comes after it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from chai_assets.spec.authoring.release import release
from chai_assets.spec.versioning.releases import PACKAGED, Releases, releases_in

Aspect = dict[str, Any]
Edit = Callable[[Aspect], None]
"""Changes the content of an aspect's file in place."""


def specs_folder(tmp_path: Path) -> Path:
    """A folder of specifications whose only release, 1.0.0, has the content of the newest that comes with this."""
    root, newest = tmp_path / "specs", releases_in().newest
    shutil.copytree(PACKAGED / newest, root / "1.0.0")
    _number(root / "1.0.0", "1.0.0")
    release(Releases(root), "1.0.0")
    return root


def write_version(root: Path, version: str, base: str = "1.0.0", **edits: Edit) -> Path:
    """A version being written: a copy of another in which the aspects named are edited."""
    folder = root / version
    shutil.copytree(root / base, folder)
    _number(folder, version)
    for aspect, edit in edits.items():
        path = folder / f"{aspect}.yaml"
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        edit(content)
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return folder


def rehearsal(root: Path, version: str = "1.1.0", base: str = "1.0.0") -> Path:
    """A minor version: a camera question more, a camera primitive split by it, and a subject definition reworded."""

    def camera(aspect: Aspect) -> None:
        add_zoom_pace(aspect)
        split_zoom_in(aspect)

    return write_version(root, version, base, camera=camera, subject=reword)


def add_zoom_pace(aspect: Aspect) -> None:
    """A question that applies only where the lens zooms in one way; it takes the place of none."""
    asked = {
        "id": "zoom_pace",
        "sub_aspect": "movement",
        "question": "How fast does the zoom run?",
        "kind": "choice",
        "applies_when": {"zoom": ["in", "out", "in and out", "in with dolly out"]},
        "options": ["gentle", "quick"],
    }
    at = next(n for n, attribute in enumerate(aspect["attributes"]) if attribute["id"] == "zoom")
    aspect["attributes"].insert(at + 1, asked)


def split_zoom_in(aspect: Aspect) -> None:
    """zoom-in becomes gentle-zoom-in and quick-zoom-in."""
    old = primitive(aspect, "zoom-in")
    parts = []
    for pace in ("gentle", "quick"):
        part = {**old, "id": f"{pace}-zoom-in", "term": f"{pace} zoom in", "split_from": "zoom-in"}
        part |= {"given_by": {**old["given_by"], "zoom_pace": [pace]}, "loose": [], "confused_with": {}}
        part |= {"example": f"The camera makes a {pace} zoom in.", "says": f"The camera makes a {pace} zoom in."}
        parts.append(part)
    at = aspect["primitives"].index(old)
    aspect["primitives"][at : at + 1] = parts
    for other in aspect["primitives"]:
        if "zoom-in" in other.get("excludes", []):
            other["excludes"] = [name for name in other["excludes"] if name != "zoom-in"]
            other["excludes"] += ["gentle-zoom-in", "quick-zoom-in"]
        other.get("confused_with", {}).pop("zoom-in", None)


def reword(aspect: Aspect) -> None:
    """The first definition in other words."""
    aspect["primitives"][0]["definition"] += " (In other words: just that.)"


def primitive(aspect: Aspect, name: str) -> dict[str, Any]:
    """The entry of a primitive."""
    return next(entry for entry in aspect["primitives"] if entry["id"] == name)


def attribute(aspect: Aspect, name: str) -> dict[str, Any]:
    """The entry of a question."""
    return next(entry for entry in aspect["attributes"] if entry["id"] == name)


def _number(folder: Path, version: str) -> None:
    path = folder / "spec.yaml"
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    path.write_text(yaml.safe_dump({**content, "version": version}, sort_keys=False), encoding="utf-8")
