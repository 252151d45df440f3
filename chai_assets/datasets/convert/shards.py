"""WebDataset shards: tar files in which the files of a sample follow each other under one name.

They are plain USTAR, so `tarfile` and `tar` read them. Nothing in them is a time or a user: equal samples give equal
bytes.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, BinaryIO

from pydantic import BaseModel, ConfigDict, NonNegativeInt, StringConstraints

SHARD_BYTES = 512 << 20
"""The most that a shard has: with clips under half of that, every shard but the last is between 256 and 512 MB."""
_COPY_BYTES = 4 << 20
"""Read at once: few calls, and the processor's cache still holds them when they are hashed."""
_BLOCK = tarfile.BLOCKSIZE


class ShardEntry(BaseModel):
    """One shard: where it lies, what it holds, and the hash of its bytes."""

    model_config = ConfigDict(frozen=True)
    path: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}/[a-z]{1,20}-[0-9]{6,12}\.tar$")]
    split: str
    samples: NonNegativeInt
    bytes: NonNegativeInt
    sha256: str


@dataclass(frozen=True)
class Member:
    """One file of a sample: its name, and its bytes or the file that has them."""

    name: str
    content: bytes | Path

    @property
    def bytes(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


class ShardWriter:
    """Writes the samples of one split into shards; while a piece is hashed, the next one is read."""

    def __init__(self, folder: Path, split: str, most_bytes: int = SHARD_BYTES) -> None:
        self.entries: list[ShardEntry] = []
        self._folder, self._split, self._most = folder, split, most_bytes
        self._pool = ThreadPoolExecutor(1)
        self._shard: _Shard | None = None

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._close()
        elif self._shard:
            self._shard.handle.close()
        self._pool.shutdown()

    def add(self, members: Iterable[Member]) -> None:
        """Writes a sample. One that is larger than a shard has a shard of its own."""
        members = list(members)
        size = sum(_BLOCK + -(-member.bytes // _BLOCK) * _BLOCK for member in members)
        if self._shard and self._shard.bytes + size + tarfile.RECORDSIZE > self._most:
            self._close()
        if self._shard is None:
            path = f"{self._split}/{self._split}-{len(self.entries):06}.tar"
            self._shard = _Shard(self._folder, path, self._pool)
        self._shard.add(members)

    def _close(self) -> None:
        if self._shard:
            self.entries.append(self._shard.close(self._split))
            self._shard = None


class _Shard:
    """A tar file being written; its hash is known when it closes."""

    def __init__(self, folder: Path, path: str, pool: ThreadPoolExecutor) -> None:
        self.path, self.bytes, self.samples = path, 0, 0
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        self.handle = file.open("wb", buffering=0)
        self._file, self._pool, self._sha256 = file, pool, hashlib.sha256()
        self._hashing: Future[None] | None = None

    def add(self, members: list[Member]) -> None:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.size, info.mode = member.bytes, 0o644
            self._write(info.tobuf(tarfile.USTAR_FORMAT))
            if isinstance(member.content, bytes):
                self._write(member.content)
            else:
                with member.content.open("rb", buffering=0) as source:
                    self._copy(source, info.size, member.content)
            self._write(bytes(-info.size % _BLOCK))
        self.samples += 1

    def _copy(self, source: BinaryIO, size: int, path: Path) -> None:
        left = size
        while left and (data := source.read(min(left, _COPY_BYTES))):
            self._write(data)
            left -= len(data)
        if left:
            raise OSError(0, "was cut short while it was read", str(path))

    def _write(self, data: bytes) -> None:
        if self._hashing:
            self._hashing.result()
        self._hashing = self._pool.submit(self._sha256.update, data)
        self.bytes += len(data)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self.handle.write(rest) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._file)) from error

    def close(self, split: str) -> ShardEntry:
        """Ends the archive as `tar` does, and waits until its bytes are on disk."""
        end = 2 * _BLOCK
        self._write(bytes(end + -(self.bytes + end) % tarfile.RECORDSIZE))
        if self._hashing:
            self._hashing.result()
        os.fsync(self.handle.fileno())
        self.handle.close()
        return ShardEntry(
            path=self.path, split=split, samples=self.samples, bytes=self.bytes, sha256=self._sha256.hexdigest()
        )
