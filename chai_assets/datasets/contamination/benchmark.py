"""A public benchmark as it lies on the disk: a folder of clips, or a JSONL file of captions and the files of clips."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from chai_assets.ingestion.files.names import is_video
from chai_resources.errors import UnusableInput, one_line

CAPTIONS = ("caption", "captions", "text", "description", "reference", "references", "answer", "final")
"""Fields that hold a text of the benchmark, or a list of texts, the first one that a row has."""
VIDEOS = ("video", "video_path", "media", "path", "file", "file_name", "filename")
"""Fields that name the file of the clip, from the folder of the JSONL on."""
IDS = ("id", "video_id", "clip_id", "question_id", "name")
_OTHER_FORMS = {".csv": "CSV", ".tsv": "TSV", ".parquet": "Parquet", ".json": "one JSON value"}


class BenchmarkUnusable(UnusableInput):
    """A benchmark cannot be compared with; the text names file and row, and the remedy."""


@dataclass(frozen=True)
class BenchmarkItem:
    """A row of a benchmark: its id, its captions, and the file of its clip where it names one that is there."""

    id: str
    captions: tuple[str, ...] = ()
    video: Path | None = None


@dataclass(frozen=True)
class Benchmark:
    """A benchmark by the name of its file or folder."""

    name: str
    items: list[BenchmarkItem]
    missing_clips: int
    """Items that name a clip which is not there: only their captions are compared."""

    def sha256(self) -> str:
        """Over the ids, captions and sizes of clips: whether another copy of it is the same."""
        said = [[one.id, *one.captions, one.video.stat().st_size if one.video else None] for one in self.items]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()


def read_benchmark(path: Path, caption_field: str = "", video_field: str = "") -> Benchmark:
    """The benchmark at a path. Fields that are not named are found by their usual names. Raises BenchmarkUnusable."""
    if not path.exists():
        raise BenchmarkUnusable(f"{path} is not there: name a folder of clips, or a JSONL file")
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() in _OTHER_FORMS:
        raise BenchmarkUnusable(
            f"{path} is {_OTHER_FORMS[path.suffix.lower()]}, not JSONL: write one JSON object a line, with a field "
            f"`caption` or `video`, and name that file"
        )
    captions, videos = ((caption_field,) if caption_field else CAPTIONS), ((video_field,) if video_field else VIDEOS)
    items, missing = [], 0
    for line, row in _rows(path):
        item = _item(path, line, row, captions, videos)
        if item.video and not _is_there(item.video):
            missing, item = missing + 1, BenchmarkItem(item.id, item.captions)
        items.append(item)
    if not items:
        raise BenchmarkUnusable(f"{path} has no row: name a JSONL file with one JSON object a line")
    if not any(item.captions or item.video for item in items):
        raise BenchmarkUnusable(
            f"{path}: of the {missing} clips it names none is there, and it has no captions: put the clips beside it "
            f"({path.parent}), or add a field `caption`"
        )
    return Benchmark(path.name, items, missing)


def _folder(path: Path) -> Benchmark:
    clips = sorted(one for one in path.rglob("*") if is_video(one.name) and one.is_file())
    if not clips:
        rows = sorted(one.name for one in path.iterdir() if one.name.endswith((".jsonl", ".jsonl.gz")))
        instead = f"it holds {rows[0]}: name that file" if rows else "name the folder that holds them, or a JSONL file"
        raise BenchmarkUnusable(f"{path} is a folder without clips; {instead}")
    return Benchmark(path.name, [BenchmarkItem(one.relative_to(path).as_posix(), (), one) for one in clips], 0)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if zipped else raw
            for number, line in enumerate(stream, 1):
                if line.strip(b" \t\r\n\xef\xbb\xbf"):
                    yield number, _parsed(path, number, line)
    except (OSError, EOFError, zlib.error) as error:
        raise BenchmarkUnusable(f"{path} cannot be read ({error}): fetch it again, or mend its rights") from error


def _parsed(path: Path, number: int, line: bytes) -> dict[str, Any]:
    where = f"{path}, row {number}"
    try:
        data = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BenchmarkUnusable(f"{where} is not UTF-8 (byte {error.start}): save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        said = one_line(str(error))
        raise BenchmarkUnusable(f"{where} is no JSON ({said}): a JSONL file has one JSON object a line") from error
    if not isinstance(data, dict):
        raise BenchmarkUnusable(f"{where} is a {type(data).__name__}, no object: write one with a field `caption`")
    return data


def _item(path: Path, line: int, row: dict[str, Any], captions: Sequence[str], videos: Sequence[str]) -> BenchmarkItem:
    where = f"{path}, row {line}"
    field = next((name for name in captions if row.get(name)), "")
    texts = row[field] if field else []
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BenchmarkUnusable(f"{where}: `{field}` is no text and no list of texts: name another --caption-field")
    named = next((name for name in videos if row.get(name)), "")
    if named and not isinstance(row[named], str):
        raise BenchmarkUnusable(f"{where}: `{named}` is no file name: name another --video-field")
    if not field and not named:
        there = ", ".join(f"`{one_line(name, 30)}`" for name in list(row)[:8]) or "nothing"
        raise BenchmarkUnusable(
            f"{where} has no caption and no clip (it has {there}): name the field with --caption-field or --video-field"
        )
    name = next((str(row[name]) for name in IDS if isinstance(row.get(name), str | int)), f"row {line}")
    video = path.parent / row[named] if named else None
    # Half a character, as JSON can hold it, can neither be hashed nor printed.
    return BenchmarkItem(_whole(name), tuple(_whole(text) for text in texts), video)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False  # a name that no file can have


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
