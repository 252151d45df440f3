"""The versions of the specification in one folder: which are released, which is in force, which are being written.

A version is a folder named by its number. The file `releases.lock` beside them holds a line for each released
version, with its hash: a released version whose files were changed afterwards is refused.
"""

import re
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

from chai_assets.spec.loading.document import SpecError, SpecProblem
from chai_assets.spec.loading.load import INDEX, load_spec_from
from chai_assets.spec.models import Spec
from chai_resources.errors import UnusableInput, read_utf8

PACKAGED = Path(__file__).parents[1] / "versions"
LOCK = "releases.lock"

_VERSION = re.compile(r"\d+\.\d+\.\d+\Z")


def order(version: str) -> tuple[int, ...]:
    """Sort key of a version. Raises UnusableInput for what is none."""
    if not _VERSION.match(version):
        raise UnusableInput(f"'{version}' is no version: write three numbers, such as 1.0.0")
    return tuple(int(part) for part in version.split("."))


class Releases:
    """The versions under one folder. What is released is read once; what is being written, each time anew."""

    def __init__(self, root: Path = PACKAGED) -> None:
        self.root = root
        self._loaded: dict[str, Spec] = {}

    @property
    def written(self) -> list[str]:
        """Every version that has a folder, oldest first, released or not. Raises SpecError."""
        if not self.root.is_dir():
            remedy = "set CHAI_SPECS to a folder of specifications, or leave it empty for the one that comes with this"
            raise SpecError([SpecProblem(str(self.root), 1, "is no folder", remedy)])
        return sorted((path.name for path in self.root.iterdir() if _VERSION.match(path.name)), key=order)

    @cached_property
    def locked(self) -> dict[str, str]:
        """Hash of every released version, oldest first. Raises SpecError for a line that cannot be read."""
        path = self.root / LOCK
        lines = read_utf8(path).splitlines() if path.exists() else []
        problems: list[SpecProblem] = []
        found: dict[str, str] = {}
        for number, line in enumerate(lines, start=1):
            version, _, recorded = line.partition(" ")
            if not line.strip() or line.startswith("#"):
                continue
            if not _VERSION.match(version) or not re.fullmatch(r"[0-9a-f]{64}", recorded.strip()):
                problems.append(
                    SpecProblem(LOCK, number, f"cannot read '{line}'", "restore the line as it was committed")
                )
            elif found and order(version) <= order(list(found)[-1]):
                message = f"version {version} does not come after {list(found)[-1]}"
                problems.append(SpecProblem(LOCK, number, message, "releases go upward: restore the order"))
            found[version] = recorded.strip()
        if problems:
            raise SpecError(problems)
        return found

    @property
    def newest(self) -> str:
        """The newest released version. Raises SpecError where nothing is released."""
        if not self.locked:
            remedy = "release a version with `chai spec release VERSION`"
            raise SpecError([SpecProblem(str(self.root / LOCK), 1, "no version is released", remedy)])
        return list(self.locked)[-1]

    def load(self, version: str | None = None) -> Spec:
        """The released specification of that version, or the newest one. Raises SpecError."""
        chosen = version or self.newest
        if chosen not in self.locked:
            message, remedy = f"version {chosen} is not released", f"choose one of {', '.join(self.locked)}"
            raise SpecError([SpecProblem(str(self.root), 1, message, remedy)])
        spec = self.read(chosen)
        if spec.hash != self.locked[chosen]:
            message = f"version {chosen} was changed after its release (it has hash {spec.hash[:12]}, "
            message += f"{LOCK} records {self.locked[chosen][:12]})"
            remedy = "restore its files, and put the change into a new version: `chai spec new`"
            raise SpecError([SpecProblem(f"{chosen}/{INDEX}", 1, message, remedy)])
        return spec

    def read(self, version: str) -> Spec:
        """The specification of that version, released or not. Raises SpecError."""
        if version in self._loaded:
            return self._loaded[version]
        if version not in self.written:
            message, remedy = f"there is no version {version}", f"choose one of {', '.join(self.written)}"
            raise SpecError([SpecProblem(str(self.root), 1, message, remedy)])
        spec = load_spec_from(self.root / version)
        if spec.version != version:
            message = f"version {spec.version} stands in the folder {version}"
            raise SpecError([SpecProblem(INDEX, 1, message, "make the two agree")])
        if version in self.locked:
            self._loaded[version] = spec
        return spec

    def through(self, version: str) -> Iterator[Spec]:
        """The released specifications up to and with that version, oldest first; it may itself be unreleased."""
        for released in self.locked:
            if order(released) < order(version):
                yield self.load(released)
        yield self.read(version)


def releases_in(root: str = "") -> Releases:
    """The versions under that folder, or those that come with the platform; read again after each release."""
    lock = (Path(root) if root else PACKAGED) / LOCK
    return _releases(lock.parent, lock.stat().st_mtime_ns if lock.exists() else 0)


@cache
def _releases(root: Path, _stamp: int) -> Releases:
    return Releases(root)


def load_spec(version: str | None = None) -> Spec:
    """A released specification that comes with the platform; the newest by default. Raises SpecError."""
    return releases_in().load(version)
