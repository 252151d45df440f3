"""The folder's `rights.yaml`: who holds the rights in its videos, what licence they are under, and to which file what
is said there belongs. What is recorded of it, and when that changes, is in `rights_changes.py`.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from pathlib import PurePosixPath
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from chai_resources.errors import UnusableInput, one_line
from chai_resources.media import Media
from chai_resources.yaml_text import MOST_BYTES, YamlRefused, read_yaml, too_large

RIGHTS_FILE = "rights.yaml"
UNKNOWN = "unknown"
RIGHTS_PROBLEM = "rights"
"""Kind of the problem rows about rights that are said of no file, or where nobody reads them."""

_MEANT_AS_RIGHTS = re.compile(r"rights?\.(ya?ml|json|toml|txt|csv)(\.txt)?")
_MOST_HINTS = 20
"""Entries that the nearest name is searched for; of 10,000 names that takes about 0.1 s each."""
_UNTIL_THEN = "until then videos that have no entry of their own are recorded with unknown rights"

Purpose = Literal["train", "evaluate", "publish", "commercial"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
"""What a dataset may be made for: to train on it, to evaluate on it, to hand it on, to earn with what came of it."""


def parse_until(text: str) -> str:
    """The last day of a right, as YYYY-MM-DD. Raises UnusableInput for what is no day."""
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise UnusableInput(f"{one_line(text, 40)!r} is no day: write its last one as 2027-12-31") from None


def parse_purposes(given: Iterable[str]) -> tuple[Purpose, ...]:
    """These purposes, in the order of PURPOSES and each once. Raises UnusableInput for a word that is none."""
    words = {word.strip() for word in given}
    if wrong := sorted(words - set(PURPOSES)):
        raise UnusableInput(f"{one_line(wrong[0], 40)!r} is no purpose: write some of {', '.join(PURPOSES)}, or []")
    return tuple(purpose for purpose in PURPOSES if purpose in words)


Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Until = Annotated[str, AfterValidator(parse_until)]
Purposes = Annotated[tuple[str, ...], AfterValidator(parse_purposes)]


@dataclass(frozen=True)
class Right:
    """Rights holder and licence of one video, and what they were given for."""

    rights: str = UNKNOWN
    licence: str = UNKNOWN
    until: str | None = None
    """The last day on which the video may be used, as YYYY-MM-DD; None where no end was said."""
    purposes: tuple[str, ...] | None = None
    """What it may be used for, whatever the licence says; None where that was not said."""

    def shown(self) -> dict[str, str]:
        """Each part by its name in the rights file, as text for a person."""
        purposes = "any the licence allows" if self.purposes is None else ", ".join(self.purposes) or "no purpose"
        return {
            "rights": self.rights,
            "licence": self.licence,
            "until": self.until or "no last day",
            "purposes": purposes,
        }


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @field_validator("rights", "licence", "until", "purposes", mode="before", check_fields=False)
    @classmethod
    def _says_something(cls, value: object) -> object:
        if value is None:
            raise ValueError("says nothing: write what holds, or remove the line")
        return value


class _FileRights(_Part):
    rights: Said | None = None
    licence: Said | None = None
    until: Until | None = None
    purposes: Purposes | None = None


class Rights(_Part):
    """What holds for every video of a folder, and what differs for single files."""

    rights: Said = UNKNOWN
    licence: Said = UNKNOWN
    until: Until | None = None
    purposes: Purposes | None = None
    files: Annotated[dict[str, _FileRights], BeforeValidator(lambda given: {} if given is None else given)] = Field(
        default_factory=dict
    )

    @property
    def of_folder(self) -> Right:
        """What holds for a file that has no entry of its own."""
        return Right(self.rights, self.licence, self.until, self.purposes)

    def of(self, name: str) -> Right:
        """What the entry of exactly that name says; what is not said there holds as for the folder."""
        own = self.files.get(name, _FileRights())
        purposes = self.purposes if own.purposes is None else own.purposes
        return Right(own.rights or self.rights, own.licence or self.licence, own.until or self.until, purposes)


@dataclass
class Matches:
    """Which entry is said of which file, and the entries that are said of none, each with its reason."""

    entry_of: dict[str, str] = field(default_factory=dict)
    unmatched: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FolderRights:
    """The rights of every file of a batch, and what is wrong with how they are written."""

    said: Rights | None
    """What the rights file says; None without one that can be used."""
    matches: Matches
    misplaced: Mapping[str, str]
    """Files that are not read but were meant as rights files, by their folder: "" for the batch's own."""
    problems: tuple[tuple[str, str, str], ...]
    """Name, kind and reason of each problem."""

    def of(self, name: str) -> Right:
        """The rights of a file; unknown where something that was meant for it may not have been understood."""
        if self.said is None:
            return Right()
        if entry := self.matches.entry_of.get(name):
            return self.said.of(entry)
        return Right() if self._in_doubt(name) else self.said.of_folder

    @cached_property
    def _entries_in_doubt(self) -> bool:
        """Whether an entry that matches nothing says other things than hold for the folder."""
        return self.said is not None and any(
            self.said.of(entry) != self.said.of_folder for entry in self.matches.unmatched
        )

    def _in_doubt(self, name: str) -> bool:
        beside = any(not folder or name.startswith(f"{folder}/") for folder in self.misplaced)
        return beside or self._entries_in_doubt


def folder_rights(folder: Media, ingested: Iterable[str] = ()) -> FolderRights:
    """The rights of a batch's files, those included that were `ingested` and may have been taken away since.

    Raises MediaError if the bucket or the folder cannot be read.
    """
    listed = folder.list_keys()
    rights, wrong = read_rights(folder)
    said = rights if RIGHTS_FILE in listed and not wrong else None
    matches = match_entries(said.files, {*listed, *ingested}) if said else Matches()
    misplaced = _misplaced(listed)
    problems = [(RIGHTS_FILE, "broken", wrong)] if wrong else []
    problems += [(one_line(entry, 200), RIGHTS_PROBLEM, why) for entry, why in matches.unmatched.items()]
    problems += [(one_line(name, 200), RIGHTS_PROBLEM, _why_misplaced(name)) for name in misplaced.values()]
    return FolderRights(said, matches, misplaced, tuple(problems))


def read_rights(folder: Media) -> tuple[Rights, str | None]:
    """The folder's rights, and in one line what is wrong with the file; no file means unknown rights.

    Raises MediaError if the bucket or the folder cannot be read.
    """
    size = next((entry.bytes for entry in folder.entries(RIGHTS_FILE) if entry.key == RIGHTS_FILE), None)
    if size is None:
        return Rights(), None
    try:
        if size > MOST_BYTES:
            raise too_large()
        with folder.local_copy(RIGHTS_FILE) as path:
            text = read_yaml(path)
    except YamlRefused as error:
        wrong = f"it {error}"
    except OSError as error:
        wrong = f"it cannot be read: {error.strerror}"
    else:
        try:
            return Rights.model_validate({} if text.value is None else text.value), None
        except ValidationError as error:
            wrong = text.faults(error, Rights.model_fields)
    return Rights(), (
        f"{RIGHTS_FILE} cannot be used ({wrong}); correct it: "
        "videos ingested meanwhile are recorded with unknown rights"
    )


def match_entries(entries: Iterable[str], names: Iterable[str]) -> Matches:
    """Which file each entry is said of: the one of exactly its name, else the only one that differs in case, Unicode
    form or separators. Entries that could be said of several files are said of none.
    """
    entries, names = list(entries), sorted(names)
    there = set(names)
    found = Matches({name: name for name in entries if name in there})
    others: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry not in found.entry_of:
            others[comparable(entry)].append(entry)
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[comparable(name)].append(name)
    nearest = _Nearest(alike)
    for form, spellings in others.items():
        free = [name for name in alike.get(form, []) if name not in found.entry_of]
        if len(spellings) == len(free) == 1:
            found.entry_of[free[0]] = spellings[0]
        else:
            found.unmatched |= {entry: _why_unmatched(entry, spellings, alike, nearest) for entry in spellings}
    return found


def comparable(name: str) -> str:
    """A file's path without what may differ between two systems: case, Unicode form (NFC), separators."""
    form = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return "/".join(part for part in form.replace("\\", "/").split("/") if part not in ("", "."))


class _Nearest:
    """Searches for the file that an entry was probably meant for."""

    def __init__(self, alike: Mapping[str, list[str]]) -> None:
        self._names = {form: names[0] for form, names in alike.items()}
        self._by_part: dict[str, str] = {}
        for form, name in self._names.items():
            path = PurePosixPath(form)
            for part in (path.stem, str(path.with_suffix("")), path.name):
                self._by_part[part] = name
        self._hints = _MOST_HINTS

    def to(self, entry: str) -> str | None:
        """The nearest name: the same in another folder or with another ending, else the one written most alike."""
        path = PurePosixPath(comparable(entry))
        for part in (path.name, str(path.with_suffix("")) if path.name else "", path.stem):
            if part in self._by_part:
                return self._by_part[part]
        self._hints -= 1
        near = get_close_matches(str(path), self._names, n=1) if self._hints >= 0 else []
        return self._names[near[0]] if near else None


def _why_unmatched(entry: str, spellings: list[str], alike: Mapping[str, list[str]], nearest: _Nearest) -> str:
    shown = one_line(entry, 200)
    same = alike.get(comparable(entry), [])
    if len(same) > 1 or (same and len(spellings) > 1):
        files = " and ".join(one_line(name, 200) for name in same[:3])
        return (
            f"{shown} is named in {RIGHTS_FILE}, where more than one file or entry is called so but for case or "
            f"Unicode form ({files}): name each file there exactly as it is; {_UNTIL_THEN}"
        )
    if same:
        return f"{shown} is named in {RIGHTS_FILE}, whose entry {one_line(same[0], 200)} is that file's: remove one"
    near = nearest.to(entry)
    hint = f"; did you mean {one_line(near, 200)}?" if near else "."
    return (
        f"{shown} is named in {RIGHTS_FILE}, and no file of the batch is called so{hint} Correct the name there (with "
        f"its folder, such as day1/clip.mp4), or remove the entry; {_UNTIL_THEN}"
    )


def _misplaced(listed: Iterable[str]) -> dict[str, str]:
    """Files that were meant as rights files and are none, by their folder."""
    found = {}
    for name in listed:
        path = PurePosixPath(name)
        hidden = any(part.startswith(".") for part in path.parts)
        if name != RIGHTS_FILE and not hidden and _MEANT_AS_RIGHTS.fullmatch(comparable(path.name)):
            found["" if str(path.parent) == "." else str(path.parent)] = name
    return found


def _why_misplaced(name: str) -> str:
    if "/" in name:
        where = f"only the one at the top of the batch: name its files there with their folder ({RIGHTS_FILE}, files)"
        return f"{one_line(name, 200)} is not read, {where}, and remove it; {_UNTIL_THEN}, in this folder"
    return f"{one_line(name, 200)} is not read: call it {RIGHTS_FILE}, or remove it; {_UNTIL_THEN}"
