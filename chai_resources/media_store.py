"""The media store: clips, thumbnails and stored answers as keyed objects in a folder or under `s3://`.

Writes are atomic: a reader sees a whole object or none. What the objects are, and how their keys are chosen,
is the business of the callers. boto3 takes endpoint and credentials from the standard AWS_* variables; it
is loaded where a bucket is reached for, and nowhere else.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from chai_resources.environment import s3_endpoint
from chai_resources.errors import Unavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

T = TypeVar("T")

_PART = ".part-"
"""Prefix of files being written; no key may start with it."""

_TYPES = {".mp4": "video/mp4", ".webp": "image/webp", ".json": "application/json"}
_TYPES |= {".html": "text/html; charset=utf-8"}
"""Players refuse an object without its type; the store's own default is `binary/octet-stream`."""

_MISSING = ("NoSuchKey", "404", "InvalidObjectState")
"""What servers call an object that cannot be had although they answer."""


class MediaError(Unavailable):
    """The store cannot do what was asked; the text names the object and the remedy."""


class ObjectMissing(MediaError):
    """One object cannot be had, and others can: it was deleted, or is kept in an archive."""


@dataclass(frozen=True)
class Entry:
    """An object as listed: its key, size in bytes, time of last change (UTC), and what changes with its content."""

    key: str
    bytes: int
    changed_at: datetime
    version: str = ""


class MediaStore(BaseModel):
    """Objects under one root, a folder or an `s3://bucket/prefix`; the same calls for both."""

    root: str

    @property
    def is_s3(self) -> bool:
        """Whether the store is a bucket."""
        return self.root.startswith("s3://")

    def put_file(self, key: str, path: Path) -> None:
        """Stores a file's bytes under the key, replacing what was there. Raises MediaError."""
        if self.is_s3:
            kind = _TYPES.get(Path(key).suffix)
            extra = {"ContentType": kind} if kind else {}
            self._s3_call(_checked(key), lambda s3, at: s3.upload_file(str(path), *at, ExtraArgs=extra))
        else:
            self._write(key, lambda part: shutil.copyfile(path, part), os.replace)

    def put_bytes(self, key: str, data: bytes) -> None:
        """Stores bytes under the key, replacing what was there. Raises MediaError."""
        if self.is_s3:
            self._put_object(key, data)
        else:
            self._write(key, lambda part: part.write_bytes(data), os.replace)

    def put_new(self, key: str, data: bytes) -> bool:
        """Publishes bytes under a key nobody holds yet: of several writers exactly one gets True.

        False means that the key exists, possibly through our own write whose reply was lost: read it to know.
        Raises MediaError.
        """
        if self.is_s3:
            return self._put_object(key, data, IfNoneMatch="*")
        return self._write(key, lambda part: part.write_bytes(data), os.link)

    def get_bytes(self, key: str) -> bytes:
        """The object's bytes. Raises MediaError if there is none."""
        if self.is_s3:
            return self._s3_call(key, lambda s3, at: s3.get_object(Bucket=at[0], Key=at[1])["Body"].read())
        with self._local_errors(key):
            return self._path(key).read_bytes()

    def exists(self, key: str) -> bool:
        """Whether the key holds an object. Raises MediaError if the store does not answer."""
        if not self.is_s3:
            return self._path(key).is_file()
        return self._s3_call(_checked(key), _head)

    # Not `keys`: dict() of the resource, which Dagster takes, would mistake it for a mapping's.
    def list_keys(self, prefix: str = "") -> list[str]:
        """Every key that starts with the prefix, sorted."""
        return [entry.key for entry in self.entries(prefix)]

    def entries(self, prefix: str = "") -> list[Entry]:
        """Every object whose key starts with the prefix, by key; none if the folder was never made."""
        found = self._s3_entries(prefix) if self.is_s3 else self._local_entries(prefix)
        return sorted(found, key=lambda entry: entry.key)

    def url(self, key: str) -> str:
        """What a Label Studio task carries: a local-files address, or the `s3://` address of the object.

        The document root of Label Studio's local files is the parent of the store's folder.
        """
        if self.is_s3:
            return self._name(key)
        return f"/data/local-files/?d={quote(f'{self._folder.name}/{_checked(key)}')}"

    def uri(self, key: str) -> str:
        """Where the object lies, for records: its path, or its `s3://` address."""
        return self._name(key) if self.is_s3 else str(self._path(key))

    @contextmanager
    def local_copy(self, key: str, folder: Path | None = None) -> Iterator[Path]:
        """The object as a file to read, for as long as the context lasts; a bucket's is copied into `folder`.

        Raises MediaError, and ObjectMissing where a bucket has none.
        """
        if not self.is_s3:
            yield self._path(key)
            return
        with tempfile.TemporaryDirectory(prefix="chai-media-", dir=folder) as own:
            path = Path(own) / f"object{Path(key).suffix}"
            self._s3_call(key, lambda s3, at: s3.download_file(*at, str(path)))
            yield path

    @cached_property
    def _folder(self) -> Path:
        return Path(self.root).absolute()

    def _path(self, key: str) -> Path:
        return self._folder / _checked(key)

    def _write(self, key: str, fill: Callable[[Path], Any], publish: Callable[[Path, Path], None]) -> bool:
        """Fills a file beside the target, flushes it and publishes it; False if the target is taken."""
        target = self._path(key)
        with self._local_errors(key):
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=_PART, dir=target.parent)
            part = Path(name)
            try:
                fill(part)
                # mkstemp lets only its owner read; Label Studio may run as someone else.
                os.fchmod(handle, 0o644)
                os.fsync(handle)
                try:
                    publish(part, target)
                except FileExistsError:
                    return False
                _flush_folder(target.parent)
            finally:
                os.close(handle)
                part.unlink(missing_ok=True)
        return True

    @contextmanager
    def _local_errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise MediaError(f"{error.filename} does not exist: check the key and the media folder") from error
        except OSError as error:
            raise MediaError(
                f"{self._path(key)} cannot be read or written ({error.strerror}): "
                "check the folder's rights and free space, then run again"
            ) from error

    def _local_entries(self, prefix: str) -> Iterator[Entry]:
        # Only the prefix's own folder is walked: a store has millions of objects.
        for folder, _, names in os.walk(self._folder / prefix.rpartition("/")[0]):
            for name in names:
                path = Path(folder, name)
                key = path.relative_to(self._folder).as_posix()
                if key.startswith(prefix) and not name.startswith(_PART):
                    try:
                        stat = path.lstat()
                    except FileNotFoundError:
                        continue  # removed since it was listed
                    yield Entry(key, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))

    def _s3_entries(self, prefix: str) -> Iterator[Entry]:
        base = self._at("")[1]

        def listing(s3: Any, at: tuple[str, str]) -> list[dict[str, Any]]:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=at[0], Prefix=at[1])
            return [item for page in pages for item in page.get("Contents", [])]

        for item in self._s3_call(prefix, listing):
            if item["Key"].endswith("/"):
                continue  # consoles make such an empty object to show a folder
            yield Entry(item["Key"].removeprefix(base), item["Size"], item["LastModified"], item.get("ETag", ""))

    def _at(self, key: str) -> tuple[str, str]:
        """Bucket and full key of an object, or of the whole store for an empty key."""
        bucket, _, prefix = self.root.removeprefix("s3://").partition("/")
        base = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        return bucket, base + key

    def _name(self, key: str) -> str:
        return "s3://" + "/".join(self._at(_checked(key)))

    @cached_property
    def _s3(self) -> Any:
        import boto3
        from botocore.config import Config

        # boto3's shared session would keep the first credentials it saw, and is not safe across threads.
        return boto3.Session().client(
            "s3",
            config=Config(
                connect_timeout=5,
                read_timeout=60,
                retries={"mode": "standard", "max_attempts": 3},
                signature_version="s3v4",
                # A server of one's own has one host name, not one a bucket.
                s3={"addressing_style": "path" if s3_endpoint() else "auto"},
            ),
        )

    def _put_object(self, key: str, data: bytes, **condition: str) -> bool:
        kind = _TYPES.get(Path(_checked(key)).suffix, "binary/octet-stream")

        def put(s3: Any, at: tuple[str, str]) -> bool:
            from botocore.exceptions import ClientError

            try:
                s3.put_object(Bucket=at[0], Key=at[1], Body=data, ContentType=kind, **condition)
            except ClientError as error:
                if condition and _status(error) == 412:
                    return False
                raise
            return True

        return self._s3_call(key, put)

    def _s3_call(self, key: str, call: Callable[[Any, tuple[str, str]], T]) -> T:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, full_key = at = self._at(key)
        try:
            return call(self._s3, at)
        except (ClientError, BotoCoreError, Boto3Error) as error:
            kind = ObjectMissing if _code(error) in _MISSING else MediaError
            raise kind(f"s3://{bucket}/{full_key}: {_explain(error, bucket)}") from error


def _checked(key: str) -> str:
    """The key, if it is a plain relative path. Raises ValueError for one that would leave the store."""
    parts = key.split("/")
    if not key or any(part in ("", ".", "..") or part.startswith(_PART) for part in parts):
        raise ValueError(f"media key {key!r} is not a plain relative path such as clips/x.mp4")
    return key


def _head(s3: Any, at: tuple[str, str]) -> bool:
    from botocore.exceptions import ClientError

    try:
        s3.head_object(Bucket=at[0], Key=at[1])
    except ClientError as error:
        if _status(error) == 404:
            return False
        raise
    return True


def _status(error: "ClientError") -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _said_by_server(error: Exception) -> Exception:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import ClientError

    # A managed transfer wraps the server's answer in text.
    if isinstance(error, Boto3Error) and isinstance(error.__context__, ClientError):
        return error.__context__
    return error


def _code(error: Exception) -> str:
    """The server's word for what went wrong; empty where it said none."""
    from botocore.exceptions import ClientError

    error = _said_by_server(error)
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""


def _explain(error: Exception, bucket: str) -> str:
    """What went wrong and what to do, in one line."""
    from botocore.exceptions import ClientError, NoCredentialsError

    error, code = _said_by_server(error), _code(error)
    if code == "NoSuchBucket":
        return f"the bucket {bucket} does not exist; create it or correct the setting, then run again"
    if code == "InvalidObjectState":
        return "the object is in an archive; restore it to a class that can be read at once"
    if code in _MISSING:
        return "there is no such object; it was deleted or never stored"
    if isinstance(error, NoCredentialsError) or (isinstance(error, ClientError) and _status(error) in (401, 403)):
        return (
            f"access denied; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and their rights, then run again ({error})"
        )
    return f"the S3 server does not answer as it should; check AWS_ENDPOINT_URL and the server ({error})"


def _flush_folder(folder: Path) -> None:
    # Without it a power cut may forget the name of a file whose bytes are on disk.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
