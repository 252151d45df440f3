"""Reads the files of a corpus, one after the other, from a folder or a tar, as bytes. Nothing is unpacked to disk.

What cannot be a file of the corpus (a link, a device, a path that leads out of it) is not read and is yielded with
the reason. What the files say is the business of `layout.py`.
"""

import bz2
import gzip
import lzma
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from chai_assets.importing.corpus_names import ImportRefused
from chai_assets.importing.reasons import FileIssue

MOST_BYTES = 1_000_000
"""A caption file is a few kilobytes with its prompts; more than this is not read into memory."""

FILES_A_STEP = 100
"""Files between two calls of `progress`: moving a bar takes as long as reading a file."""

ShareProgress = Callable[[float], None]


@dataclass(frozen=True)
class CorpusFile:
    """One file: its path as it stands in the corpus, and its bytes or why they were not read."""

    path: str
    data: bytes = b""
    refused: FileIssue | None = None


def files_of(corpus: Path, progress: ShareProgress = lambda share: None) -> Iterator[CorpusFile]:
    """The files of a folder by path, or of a tar (also gz, bz2, xz) in its order; `progress` gets the share read.

    Raises ImportRefused where there is no such folder or archive, or the archive breaks off.
    """
    if corpus.is_dir():
        yield from _of_folder(corpus, progress)
    elif corpus.is_file():
        yield from _of_tar(corpus, progress)
    else:
        raise ImportRefused(f"{corpus} does not exist: give the folder that holds output_captions, or a tar of it")


def _of_folder(root: Path, progress: ShareProgress) -> Iterator[CorpusFile]:
    paths = [Path(folder) / name for folder, _, names in os.walk(root) for name in names]
    # A link to a folder is listed among the folders and never followed.
    links = [Path(folder) / name for folder, names, _ in os.walk(root) for name in names]
    paths = sorted([*paths, *(link for link in links if link.is_symlink())])
    for number, path in enumerate(paths, 1):
        name = path.relative_to(root).as_posix()
        if path.is_symlink() or not path.is_file():
            yield CorpusFile(_plain(name), refused=FileIssue.of("not_a_plain_file"))
        else:
            with path.open("rb") as file:
                yield _read(name, path.stat().st_size, file)
        if number % FILES_A_STEP == 0:
            progress(number / len(paths))
    progress(1.0)


def _of_tar(archive: Path, progress: ShareProgress) -> Iterator[CorpusFile]:
    size = max(1, archive.stat().st_size)
    with archive.open("rb") as packed:
        try:
            whole = _ToItsEnd(_unpacked(packed))
            with tarfile.open(fileobj=whole, mode="r|") as tar:  # pyright: ignore  # it asks for `read` alone
                for number, member in enumerate(tar, 1):
                    if not member.isdir():
                        yield _member(tar, member)
                    tar.members.clear()  # pyright: ignore  # tarfile keeps every header it has seen
                    if number % FILES_A_STEP == 0:
                        progress(packed.tell() / size)
            whole.check()
            progress(1.0)
        except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
            raise ImportRefused(
                f"{archive} is no whole tar ({error}): nothing was imported; get the archive again"
            ) from error


def _unpacked(packed: BinaryIO) -> IO[bytes]:
    """The bytes of the tar itself. The decompressors raise where their stream breaks off; tarfile's own do not."""
    begins = packed.read(6)
    packed.seek(0)
    if begins[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=packed)  # pyright: ignore
    if begins[:3] == b"BZh":
        return bz2.BZ2File(packed)  # pyright: ignore
    return lzma.LZMAFile(packed) if begins == b"\xfd7zXZ\0" else packed  # pyright: ignore


class _ToItsEnd:
    """A tar's bytes, read on to their end, which must be the empty block that closes a tar.

    tarfile takes a tar that breaks off between two files for one that ends there.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._last = b""

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._last = (self._last + data)[-tarfile.BLOCKSIZE :]
        return data

    def check(self) -> None:
        """Reads what is left. Raises EOFError where the last block is not empty."""
        while self.read(1 << 20):
            pass
        if self._last != bytes(tarfile.BLOCKSIZE):
            raise EOFError("it breaks off")


def _member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> CorpusFile:
    if member.name.startswith("/") or ".." in member.name.split("/"):
        return CorpusFile(_plain(member.name), refused=FileIssue.of("path_escapes"))
    file = tar.extractfile(member) if member.isfile() else None
    if file is None:
        return CorpusFile(_plain(member.name), refused=FileIssue.of("not_a_plain_file"))
    return _read(member.name, member.size, file)


def _read(name: str, size: int, file: IO[bytes]) -> CorpusFile:
    if size > MOST_BYTES:
        return CorpusFile(_plain(name), refused=FileIssue.of("too_large", f"{size:,} bytes"))
    return CorpusFile(_plain(name), file.read())


def _plain(name: str) -> str:
    """A file name as text: bytes of it that are no UTF-8 are spelled out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
