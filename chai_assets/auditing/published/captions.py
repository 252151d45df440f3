"""The published datasets of captions: for each, its files, their fields, and which of their texts is the caption.

Where a file has several captions of a clip from different hands, the one that the dataset is known for is read: the
paragraph of all its sentences, the description of the whole clip, the caption that a person wrote.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chai_assets.auditing.jsonl import storable, text_at

Row = dict[str, Any]


@dataclass(frozen=True)
class PublishedCaption:
    """A caption, and the clip it is of where a clip has several: they are not independent."""

    text: str
    clip: str = ""


@dataclass(frozen=True)
class CaptionSet:
    """A published dataset of captions; `captions` are those of one row, none where it is in another form."""

    name: str
    title: str
    files: str
    """The files it is published in."""
    form: str
    """The fields that are read."""
    captions: Callable[[Row], Iterator[PublishedCaption]]


def _first(row: Row, *fields: str) -> Iterator[PublishedCaption]:
    """The text of the first of these fields that has one."""
    texts = (text_at(row, field) for field in fields)
    if text := next((text for text in texts if text and text.strip()), ""):
        yield PublishedCaption(text)


def _paragraph(parts: Any) -> Iterator[PublishedCaption]:
    """The texts of a list as one paragraph."""
    texts = [part.strip() for part in parts if isinstance(part, str)] if isinstance(parts, list) else []
    if text := " ".join(filter(None, texts)):
        yield PublishedCaption(storable(text))


def _activitynet(row: Row) -> Iterator[PublishedCaption]:
    by_video = [video for video in row.values() if isinstance(video, dict) and "sentences" in video]
    for one in by_video or [row]:
        yield from _paragraph(one.get("sentences", one.get("en_captions")))
    if not by_video:
        yield from _first(row, "caption")


def _msr_vtt(row: Row) -> Iterator[PublishedCaption]:
    rows = row["sentences"] if isinstance(row.get("sentences"), list) else [row]
    for one in rows:
        if not isinstance(one, dict):
            continue
        said = one.get("caption", one.get("sentence"))
        for text in said if isinstance(said, list) else [said]:
            if isinstance(text, str) and text.strip():
                yield PublishedCaption(storable(text), storable(str(one.get("video_id", ""))))


def _sharegpt4video(row: Row) -> Iterator[PublishedCaption]:
    captions = row.get("captions")
    if isinstance(captions, str):  # in a table the list stands as JSON
        captions = _listed(captions)
    listed = captions if isinstance(captions, list) else []
    whole = [one for one in listed if isinstance(one, dict) and str(one.get("idx")) == "-1"]
    for one in whole:
        yield from _first(one, "content")
    if not whole:
        yield from _first(row, "conversations")


def _listed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _pe_video(row: Row) -> Iterator[PublishedCaption]:
    row = row["json"] if isinstance(row.get("json"), dict) else row
    dense = row.get("dense_captions")
    if isinstance(dense, list):
        yield from _paragraph([part.get("caption") for part in dense if isinstance(part, dict)])
    else:
        yield from _first(row, "human_caption", "model_caption", "caption")


def _tuna_bench(row: Row) -> Iterator[PublishedCaption]:
    events = row.get("events")
    if isinstance(events, list):
        yield from _paragraph([event.get("event") for event in events if isinstance(event, dict)])
    else:
        yield from _first(row, "caption")


CAPTION_SETS = (
    CaptionSet(
        "activitynet-captions",
        "ActivityNet Captions",
        "train.json, val_1.json, val_2.json",
        "{video: {sentences: [...]}}, or rows with sentences, en_captions or caption; sentences make one caption",
        _activitynet,
    ),
    CaptionSet(
        "msr-vtt",
        "MSR-VTT",
        "videodatainfo_2016.json, MSRVTT_data.json, MSRVTT_JSFUSION_test.csv",
        "{sentences: [{caption, video_id}]}, or rows with caption or sentence; each sentence is a caption",
        _msr_vtt,
    ),
    CaptionSet(
        "dream-1k",
        "DREAM-1K",
        "json/metadata.json",
        "rows with description (or GT_description)",
        lambda row: _first(row, "description", "GT_description"),
    ),
    CaptionSet(
        "sharegpt4video",
        "ShareGPT4Video",
        "sharegpt4video_40k.jsonl",
        "rows with captions: [{idx, content}], of which idx -1 is the clip's; or conversations",
        _sharegpt4video,
    ),
    CaptionSet(
        "pe-video",
        "PE-Video and PerceptionLM",
        "the .tar shards of PE-Video, rcap and rdcap of PLM-Video-Human and PLM-VideoBench",
        "rows with human_caption (else model_caption), caption, or dense_captions: [{caption}]",
        _pe_video,
    ),
    CaptionSet(
        "tuna-bench",
        "TUNA-Bench",
        "the metadata of TUNA-CAP as JSON or Parquet, TUNA-Bench_1K",
        "rows with events: [{event}], which are one caption, or caption",
        _tuna_bench,
    ),
    CaptionSet(
        "ultravideo",
        "UltraVideo",
        "short.csv, long.csv",
        "the column Summarized Description, else Detailed Description",
        lambda row: _first(row, "Summarized Description", "Detailed Description"),
    ),
    CaptionSet("vdc", "VDC", "VDC_1k.jsonl", "rows with detailed_caption", lambda row: _first(row, "detailed_caption")),
)
