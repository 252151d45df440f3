"""Which clips can have a merged caption, and what its row holds. Pure; the request is built in `merge.py`."""

from collections.abc import Callable, Iterable

from chai_assets.asking import Wanted
from chai_assets.chain import Row
from chai_assets.records import record_id
from chai_assets.spec.models import Spec
from chai_assets.triples.limit import MergeLimit
from chai_assets.triples.merge import merge_request
from chai_resources.captioners import Captioner

TRIPLE = ["triple_id", "standing", "batch", "clip_id", "source_id", "aspect", "final"]
"""What is needed of a triple to merge its caption."""
MERGED = ["merged_id", "clip_id", "triple_ids", "text", "tokens", "over_limit", "shortens"]
"""What is needed of a merged caption to know whether another is wanted."""


def wanted_merges(
    triples: Iterable[Row],
    merged: Iterable[Row],
    spec: Spec,
    captioner: Captioner,
    given_up: set[str],
    limit: MergeLimit,
) -> list[Wanted]:
    """Requests for the clips all of whose aspects are approved and whose caption was not merged from just those.

    A caption that came out over the limit is wanted once more, shorter; the second is kept as it comes.
    """
    by_clip: dict[str, dict[str, Row]] = {}
    for triple in triples:
        by_clip.setdefault(triple["clip_id"], {})[triple["aspect"]] = triple
    made: dict[tuple[str, ...], list[Row]] = {}
    for row in merged:
        made.setdefault(tuple(row["triple_ids"]), []).append(row)
    wanted = []
    for clip_id, by_aspect in by_clip.items():
        if set(by_aspect) != set(spec.aspects):
            continue
        parts = [by_aspect[aspect] for aspect in spec.aspects]
        ids = [part["triple_id"] for part in parts]
        before = made.get(tuple(ids), [])
        if any(row["shortens"] or not row["over_limit"] for row in before):
            continue
        first = before[0] if before else None
        captions = [{"aspect": part["aspect"], "text": part["final"]} for part in parts]
        request = merge_request(clip_id, captions, captioner, limit, first["text"] if first else None)
        if request.hash in given_up:
            continue
        base = {"batch": parts[0]["batch"], "clip_id": clip_id, "source_id": parts[0]["source_id"]}
        base |= {"triple_ids": ids, "spec_version": spec.version, "shortens": first["merged_id"] if first else None}
        wanted.append(Wanted(request, base))
    return wanted


def finish_merge(limit: MergeLimit) -> Callable[[Row], Row]:
    """Completes a merged caption's row: its id, its length in words and in tokens, and whether that is too long."""

    def finish(row: Row) -> Row:
        merged_id = record_id("merged", triples=row["triple_ids"], request=row["request_hash"], text=row["text"])
        tokens = limit.count(row["text"])
        sized = {"words": len(row["text"].split()), "tokens": tokens, "over_limit": tokens > limit.tokens}
        return {**row, **sized, "merged_id": merged_id}

    return finish


def still_too_long(merged: Iterable[Row]) -> list[Row]:
    """Of rows of merged captions in order, the clips whose latest one is over the limit: clip_id and tokens."""
    latest = {row["clip_id"]: row for row in merged}
    return [{"clip_id": row["clip_id"], "tokens": row["tokens"]} for row in latest.values() if row["over_limit"]]
