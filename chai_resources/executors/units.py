"""Units of work: requests bundled by clip, and their answers as one object each, published once.

`plan_units` is pure, over frames. Which requests are done is read from the objects that are there, so it does
not matter who made them, or how the requests were bundled then.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from typing import Any

import polars as pl

from chai_resources.captioners.protocol import Call, CaptionError, ClipMedia, Request, Result
from chai_resources.media_store import MediaStore

WANTED = {"request_hash": pl.String, "clip": pl.String}
"""Columns of what is wanted: a request and the clip it is about, whose requests stay in one unit."""
TRIED = {"request_hash": pl.String, "final": pl.Boolean}
"""Columns of what was answered: `final` where asking again would not change the answer."""
_ANSWERED = {"request_hash": pl.String, "final": pl.Boolean, "result": pl.String}


def plan_units(wanted: pl.DataFrame, tried: pl.DataFrame, clips_a_unit: int) -> pl.DataFrame:
    """The requests still to be answered with their unit: columns `unit` and `request_hash`, units in clip order.

    `wanted` has the columns of WANTED, each request once; `tried` those of TRIED, a row for each time that a
    request was answered. A unit's name follows from its requests and from how often each was tried in vain: the
    same work has the same name, and work that failed gets a new one.
    """
    done = tried.filter("final").select("request_hash")
    tries = tried.filter(~pl.col("final")).group_by("request_hash").agg(tries=pl.len())
    left = (
        wanted.join(done, on="request_hash", how="anti")
        .join(tries, on="request_hash", how="left")
        .sort("clip", "request_hash")
        .with_columns(number=(pl.col("clip").rle_id() // clips_a_unit))
    )
    named = left.with_columns(part=pl.col("request_hash") + "#" + pl.col("tries").fill_null(0).cast(pl.String))
    units = named.group_by("number", maintain_order=True).agg(pl.col("part").str.join("\n"))
    names = [f"unit_{hashlib.sha256(parts.encode()).hexdigest()[:32]}" for parts in units["part"]]
    units = units.select("number", unit=pl.Series(names, dtype=pl.String))
    return left.join(units, on="number", how="left", maintain_order="left").select("unit", "request_hash")


@dataclass(frozen=True)
class UnitStore:
    """The units of one batch in the media store."""

    media: MediaStore
    batch: str

    def ask(self, unit: str, requests: Iterable[Request]) -> None:
        """Writes down what a unit asks. The same unit asks the same, so it is written once."""
        lines = (json.dumps(asdict(request), ensure_ascii=False) for request in requests)
        self.media.put_new(self._key(unit, "asked.jsonl"), "\n".join(lines).encode())

    def asked(self, unit: str) -> list[Request]:
        """The requests of a unit, as written down."""
        lines = (
            self.media.get_bytes(self._key(unit, "asked.jsonl")).decode().split("\n")
        )  # not at the separators texts may hold
        return [_request(json.loads(line)) for line in lines]

    def publish(self, unit: str, results: Iterable[Result]) -> bool:
        """Publishes a unit's answers, keyed by request hash; False where somebody has published them already."""
        rows = [(result.key, _final(result), _as_json(result)) for result in results]
        frame, buffer = pl.DataFrame(rows, schema=_ANSWERED, orient="row"), BytesIO()
        frame.write_parquet(buffer)
        return self.media.put_new(self._key(unit, "answered.parquet"), buffer.getvalue())

    def published(self) -> list[str]:
        """The units that have their answers."""
        ends = "/answered.parquet"
        keys = self.media.list_keys(f"units/{self.batch}/")
        return [key.removesuffix(ends).rpartition("/")[2] for key in keys if key.endswith(ends)]

    def is_published(self, unit: str) -> bool:
        """Whether a unit has its answers."""
        return self.media.exists(self._key(unit, "answered.parquet"))

    def answers(self, unit: str) -> Iterator[tuple[str, bool, Result]]:
        """Request hash, whether it is final, and the answer, for each request of a published unit."""
        frame = pl.read_parquet(BytesIO(self.media.get_bytes(self._key(unit, "answered.parquet"))))
        for request_hash, final, text in frame.iter_rows():
            yield request_hash, final, _result(json.loads(text))

    def _key(self, unit: str, name: str) -> str:
        return f"units/{self.batch}/{unit}/{name}"


def _final(result: Result) -> bool:
    return result.error is None or result.error.kind not in ("retryable", "waiting")


def _as_json(result: Result) -> str:
    return json.dumps(asdict(result), ensure_ascii=False)


def _result(fields: dict[str, Any]) -> Result:
    error, calls = fields.pop("error"), fields.pop("calls")
    return Result(**fields, error=CaptionError(**error) if error else None, calls=tuple(Call(**c) for c in calls))


def _request(fields: dict[str, Any]) -> Request:
    media, choices = fields.pop("media"), tuple(fields.pop("choices"))
    return Request(**fields, media=ClipMedia(**media) if media else None, choices=choices)


def keyed_by_hash(requests: Iterable[Request]) -> list[Request]:
    """The requests with their hash as key: callers' keys repeat, and answers must be told apart."""
    return [replace(request, key=request.hash) for request in requests]
