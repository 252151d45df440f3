"""Checks a dataset against its own manifest: `python verify.py [FOLDER]`, the folder being the one it lies in.

A copy of this file is part of every dataset, so it needs Python 3.9 or later and nothing beside it. Whoever does
not trust where a dataset comes from takes this file from elsewhere: a forger would have changed it, too. What is
inside triples.parquet is vouched for by its hash alone; everything said about rows is read from triples.jsonl.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from json.encoder import encode_basestring
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

NAME = "verify.py"
"""What this file is called in a dataset."""

MANIFEST = "manifest.json"
ROWS = "triples.jsonl"
PINNED = "pinned"
"""Stands in a row's `split_by` where people, not a hash, put it into eval."""

CHUNK = 4 << 20
"""Bytes read at once: large enough that two threads hashing seldom wait for the third that reads rows."""
LONGEST_LINE = 64 << 20
NAMED = 10
"""Problems of one kind that are told one by one; the rest is counted."""


_DECODER = json.JSONDecoder()
_ASIDE = bytes(32 if code < 128 and not chr(code).isalnum() else code for code in range(256))
"""Captions are the same if their words are: a blank stands for every ASCII character that is no letter or digit."""


class Place(Protocol):
    """Where a dataset lies: a folder here, a bucket elsewhere."""

    def files(self) -> dict[str, int]:
        """Bytes of every file by its path, with "/" between folders."""
        ...

    def open(self, path: str) -> AbstractContextManager[BinaryIO]:
        """A file to read from its beginning. Raises OSError."""
        ...


class Folder:
    """A dataset in a folder."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)

    def files(self) -> dict[str, int]:
        """Bytes by path; what begins with a dot is the desktop's, version control's or a killed write's."""
        paths = (path for path in self.root.rglob("*") if path.is_file())
        found = {path.relative_to(self.root).as_posix(): path.stat().st_size for path in paths}
        return {path: size for path, size in found.items() if not any(p.startswith(".") for p in path.split("/"))}

    def open(self, path: str) -> BinaryIO:
        """The file, unbuffered: it is read in large pieces."""
        return (self.root / path).open("rb", buffering=0)


Progress = Callable[[int], None]
"""Is told of every so many bytes read, from several threads."""


def verify_dataset(folder: str | os.PathLike[str]) -> list[str]:
    """Everything that is wrong with the dataset in `folder`, one line each; an empty list if it is whole."""
    return verify(Folder(folder), lambda _: None)


def verify(place: Place, progress: Progress) -> list[str]:
    """Everything that is wrong with the dataset at `place`, one line each. Two files are read at once."""
    try:
        found = place.files()
        if MANIFEST not in found:
            return [f"{MANIFEST} is missing: without it this is no dataset; fetch it again, or name another folder"]
        with place.open(MANIFEST) as handle:
            manifest = read_manifest(handle.read())
    except OSError as error:
        return [f"{MANIFEST} cannot be read ({error.strerror or error}): check rights and disk, then run again"]
    except ValueError as error:
        return [f"{MANIFEST} cannot be read: {error}; fetch it again"]
    problems = Problems()
    if (named := manifest_id(manifest)) != manifest["dataset_id"]:
        problems.add(
            MANIFEST, f"{MANIFEST} claims the id {manifest['dataset_id']}, but its content is {named}: it was changed"
        )
    entries = {entry["path"]: entry for entry in manifest["files"]}
    for stranger in sorted(found.keys() - entries.keys() - {MANIFEST}):
        problems.add("stranger", f"{stranger} is not in the manifest: do not use it")
    rows = Rows(manifest)
    # The rows take longest for their size, so they go first; the rest in the order that ends soonest.
    order = sorted(entries, key=lambda path: (path != ROWS, -entries[path]["bytes"]))
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda path: _file_problem(place, entries[path], found, rows, progress), order))
    for _, problem in sorted(zip(order, told)):  # noqa: B905
        if problem:
            problems.add("file", problem)
    if ROWS not in entries:
        problems.add("row", f"the manifest names no {ROWS}: the rows cannot be checked; fetch the whole dataset")
    elif rows.intact:
        problems.extend(rows.finish())
    return problems.lines()


def script() -> bytes:
    """This file, as it goes into every dataset."""
    return Path(__file__).read_bytes()


def read_manifest(data: bytes) -> dict[str, Any]:
    """The manifest as it is, fields unknown here included. Raises ValueError that says what is wrong with it."""
    manifest = json.loads(data, object_pairs_hook=_distinct)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("dataset_id"), str):
        raise ValueError("it is no manifest of a dataset (no dataset_id)")
    files = manifest.get("files")
    if not isinstance(files, list) or not all(_is_entry(entry) for entry in files):
        raise ValueError("its list of files is not one of path, rows, bytes and sha256")
    for entry in files:
        path = PurePosixPath(entry["path"])
        if path.is_absolute() or ".." in path.parts or "\\" in entry["path"]:
            raise ValueError(f"it names a file outside the dataset, {entry['path']!r}")
    return manifest


def manifest_id(manifest: dict[str, Any]) -> str:
    """The id that follows from a manifest's content, whatever fields it has.

    Neither the id it claims nor the versions of the tables it was made from count.
    """
    content = {name: value for name, value in manifest.items() if name not in ("dataset_id", "table_versions")}
    text = _canonical(["dataset", {"manifest": content}])
    return f"dst_{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def split_of(key: str, eval_share: float) -> str:
    """The side that the hash of a source's id puts it on."""
    digest = hashlib.sha256(f"split:{key}".encode()).digest()
    return "eval" if int.from_bytes(digest[:8], "big") < eval_share * 2**64 else "train"


class Problems:
    """Lines by kind: the first few of each, and how many more there are."""

    def __init__(self) -> None:
        self._told: dict[str, list[str]] = {}
        self._more: Counter[str] = Counter()

    def add(self, kind: str, line: str) -> None:
        told = self._told.setdefault(kind, [])
        if len(told) < NAMED:
            told.append(line)
        else:
            self._more[kind] += 1

    def extend(self, other: Problems) -> None:
        self._told.update(other._told)
        self._more.update(other._more)

    def lines(self) -> list[str]:
        lines = []
        for kind, told in self._told.items():
            lines += told
            if self._more[kind]:
                lines.append(f"... and {self._more[kind]} more like the last one")
        return lines


class Rows:
    """The canonical rows, looked at one after the other: chains, sides of the split, counts."""

    intact = False
    """Whether the file they were read from is the one the manifest names: what a damaged one says is no news."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.problems = Problems()
        self.claimed = manifest.get("counts", {})
        self.eval_share = manifest.get("eval_share")
        self.captions: dict[int, int] | None = {} if _claims_no_repeated_captions(manifest) else None
        self.line = 0
        self.tally: Counter[tuple[str, str, str]] = Counter()
        self.ids: set[int] = set()
        self.sources: dict[str, str] = {}
        self.clips: dict[str, str] = {}
        self.placed: set[tuple[str, str]] = set()

    def take(self, lines: list[bytes]) -> None:
        """Looks at whole lines of the file, in their order."""
        for line in lines:
            self.line += 1
            try:
                self._look_at(_parsed(line.decode()))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                missing = f"it has no {error}" if isinstance(error, KeyError) else error
                self.problems.add("line", f"{ROWS}, line {self.line} is not a triple: {missing}")

    def finish(self) -> Problems:
        """What is wrong, once every row was seen."""
        found: dict[str, Any] = {"triples": self.line, "clips": len(self.clips), "sources": len(self.sources)}
        for place, name in enumerate(("by_split", "by_aspect", "by_rating")):
            found[name] = Counter[str]()
            for key, count in self.tally.items():
                found[name][key[place]] += count
        for name, value in found.items():
            claimed = self.claimed.get(name)
            if isinstance(claimed, dict):  # a split without rows counts 0
                claimed = {key: count for key, count in claimed.items() if count}
            if claimed != value:
                told = dict(sorted(value.items())) if isinstance(value, Counter) else value
                self.problems.add(
                    "count", f"{MANIFEST}: counts.{name} is {claimed}, the rows of {ROWS} say {told}: do not cite it"
                )
        return self.problems

    def _look_at(self, row: dict[str, Any]) -> None:
        triple, source, split = row["id"], row["source_id"], row["split"]
        # Hashes of 64 bits instead of ids: a million rows need 60 MB less, and one in 10 million such runs errs.
        if (short := hash(triple)) in self.ids:
            self.problems.add("twice", f"triple {triple} is there twice (line {self.line}): use one of them")
        self.ids.add(short)
        if row["chain_hash"] != _chain(row["draft_id"], row["critique_id"], row["revision_id"], row["review_id"]):
            self.problems.add(
                "chain", f"triple {triple}: its chain hash does not match its draft, critique, revision and review"
            )
        self.tally[split, row["aspect"], str(row["rating"])] += 1
        self._one_side("source", self.sources, source, split)
        self._one_side("clip", self.clips, row["clip_id"], split)
        key = row.get("split_by") or source
        if (key, split) not in self.placed:
            self.placed.add((key, split))
            self._hash_puts_it(key, source, split)
        if self.captions is not None:
            self._no_caption_across(self.captions, row["final"], split)

    def _one_side(self, kind: str, sides: dict[str, str], value: str, split: str) -> None:
        if sides.setdefault(value, split) != split:
            self.problems.add(
                kind, f"{kind} {value} is on both sides of the split (line {self.line}): do not evaluate on it"
            )

    def _hash_puts_it(self, key: str, source: str, split: str) -> None:
        if self.eval_share is None or split == ("eval" if key == PINNED else split_of(key, self.eval_share)):
            return
        by = {source: "its hash", PINNED: "its pin"}.get(key, f"the hash of {key}")
        self.problems.add("side", f"source {source} is in {split}, where {by} does not put it (line {self.line})")

    def _no_caption_across(self, captions: dict[int, int], text: str, split: str) -> None:
        words = b" ".join(text.lower().encode().translate(_ASIDE).split())
        if not words:
            return
        # Line numbers, negative for eval: all that is needed to name the pair.
        here = -self.line if split == "eval" else self.line
        there = captions.setdefault(hash(words), here)
        if (there < 0) != (here < 0):
            self.problems.add(
                "caption",
                f"{ROWS}, lines {abs(there)} and {self.line}: one caption on both sides of the split, though the "
                "manifest says there is none",
            )


def _file_problem(place: Place, entry: dict[str, Any], found: dict[str, int], rows: Rows, progress: Progress) -> str:
    """What is wrong with a file, or nothing; its rows are looked at on the way if it holds the canonical ones."""
    path = entry["path"]
    if path not in found:
        return f"{path} is missing: fetch it again"
    if found[path] != entry["bytes"]:
        progress(entry["bytes"])
        return f"{path} has {found[path]} bytes, the manifest says {entry['bytes']}: fetch it again"
    digest, count, tail = hashlib.sha256(), 0, b""
    try:
        with place.open(path) as handle:
            for chunk in _chunks(handle):
                digest.update(chunk)
                count += chunk.count(b"\n")
                tail = _feed(rows, tail, chunk) if path == ROWS else chunk[-1:]
                progress(len(chunk))
    except OSError as error:
        return f"{path} cannot be read ({error.strerror or error}): check rights and disk, then run again"
    except ValueError as error:
        return str(error)
    if digest.hexdigest() != entry["sha256"]:
        return f"{path} is not the file the manifest names (sha256 differs): fetch it again"
    if path == ROWS:
        rows.take([tail] if tail else [])
        rows.intact = True
    if tail not in (b"", b"\n"):
        count += 1  # a last line without its end
    if entry["rows"] is not None and path.endswith(".jsonl") and count != entry["rows"]:
        return f"{path} has {count} rows, the manifest says {entry['rows']}: do not cite it"
    return ""


def _chunks(handle: BinaryIO) -> Iterator[bytes]:
    while chunk := handle.read(CHUNK):
        yield chunk


def _feed(rows: Rows, tail: bytes, chunk: bytes) -> bytes:
    """Gives the rows every whole line; what is left of the last one is returned."""
    *lines, rest = (tail + chunk).split(b"\n")
    rows.take(lines)
    if len(rest) > LONGEST_LINE:
        raise ValueError(f"{ROWS}, line {rows.line + 1} is longer than {LONGEST_LINE >> 20} MB: fetch it again")
    return rest


def _parsed(text: str) -> Any:
    # What json.loads does, without its three calls around it: a fifth of the time of a row.
    value, end = _DECODER.raw_decode(text)
    return value if end == len(text) else json.loads(text)


def _chain(*ids: str | None) -> str:
    # The canonical JSON of the four ids: three times as fast as an encoder, which 1,000,000 rows notice.
    quoted = ["null" if one is None else encode_basestring(one) for one in ids]
    return hashlib.sha256(f"[{','.join(quoted)}]".encode()).hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _claims_no_repeated_captions(manifest: dict[str, Any]) -> bool:
    """Whether its certificate says that no caption stands on both sides; older datasets have none."""
    certificate = manifest.get("leak_certificate")
    return isinstance(certificate, dict) and certificate.get("identical_captions") == 0


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it says something twice")
    return found


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or not {"path", "rows", "bytes", "sha256"} <= entry.keys():
        return False
    return isinstance(entry["path"], str) and isinstance(entry["bytes"], int) and isinstance(entry["sha256"], str)


class _Meter:
    """How far it is and how fast, on one line of a terminal; nothing where nobody watches."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.begun, self.shown = total, 0, time.monotonic(), 0.0
        self.lock = threading.Lock()

    def __call__(self, read: int) -> None:
        with self.lock:
            self.done += read
            now = time.monotonic()
            if sys.stderr.isatty() and now - self.shown > 0.2:
                self.shown = now
                speed = self.done / max(now - self.begun, 1e-9) / 1e6
                sys.stderr.write(f"\r{self.done / 1e6:,.0f} of {self.total / 1e6:,.0f} MB, {speed:,.0f} MB/s ")

    def clear(self) -> None:
        if self.shown:
            sys.stderr.write("\r" + " " * 60 + "\r")


def main(arguments: list[str]) -> int:
    """Checks the folder named, or the one this file lies in; the exit status is 1 if anything is wrong."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print("Checks every file, hash chain and split of a dataset against its manifest.\n")
        print(
            "  python verify.py             the dataset this file lies in\n  python verify.py FOLDER      another one"
        )
        return 0 if arguments in (["-h"], ["--help"]) else 2
    folder = Folder(arguments[0] if arguments else Path(__file__).resolve().parent)
    meter = _Meter(sum(folder.files().values()))
    problems = verify(folder, meter)
    meter.clear()
    for problem in problems:
        print(problem)
    if problems:
        print(f"{folder.root} is NOT what its manifest says")
        return 1
    print(f"{folder.root} is whole: every file, chain and split is as its manifest says")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
