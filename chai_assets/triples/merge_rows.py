"""Which clips can have a merged caption, and what its row holds. Pure; the request is built in `merge.py`."""

from collections.abc import Iterable

from chai_assets.asking import Wanted
from chai_assets.chain import Row
from chai_assets.records import record_id
from chai_assets.spec.models import Spec
from chai_assets.triples.merge import merge_request
from chai_resources.captioners import Captioner

TRIPLE = ["triple_id", "standing", "batch", "clip_id", "source_id", "aspect", "final"]
"""What is needed of a triple to merge its caption."""


def wanted_merges(
    triples: Iterable[Row], merged: Iterable[Row], spec: Spec, captioner: Captioner, given_up: set[str]
) -> list[Wanted]:
    """Requests for the clips all of whose aspects are approved and whose caption was not merged from just those."""
    by_clip: dict[str, dict[str, Row]] = {}
    for triple in triples:
        by_clip.setdefault(triple["clip_id"], {})[triple["aspect"]] = triple
    done = {tuple(row["triple_ids"]) for row in merged}
    wanted = []
    for clip_id, by_aspect in by_clip.items():
        if set(by_aspect) != set(spec.aspects):
            continue
        parts = [by_aspect[aspect] for aspect in spec.aspects]
        ids = [part["triple_id"] for part in parts]
        if tuple(ids) in done:
            continue
        captions = [{"aspect": part["aspect"], "text": part["final"]} for part in parts]
        request = merge_request(clip_id=clip_id, captions=captions, captioner=captioner)
        if request.hash in given_up:
            continue
        base = {"batch": parts[0]["batch"], "clip_id": clip_id, "source_id": parts[0]["source_id"]}
        wanted.append(Wanted(request, {**base, "triple_ids": ids, "spec_version": spec.version}))
    return wanted


def finish_merge(row: Row) -> Row:
    """Completes a merged caption's row: its id and its length in words."""
    merged_id = record_id("merged", triples=row["triple_ids"], request=row["request_hash"], text=row["text"])
    return {**row, "merged_id": merged_id, "words": len(row["text"].split())}
