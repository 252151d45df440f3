"""A small published dataset with a media store that has its clips."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chai_assets.datasets.read.published import PublishedDataset, open_dataset
from chai_assets.datasets.write.publish import publish
from chai_resources.media_store import MediaStore
from tests.datasets.factory import many


@dataclass(frozen=True)
class Place:
    """A dataset, and the store of its clips."""

    dataset: PublishedDataset
    media: MediaStore
    clips: dict[str, bytes]
    """Bytes of the clips by key."""


def place(folder: Path, clips: int = 12, size: int = 3_000, **changes: Any) -> Place:
    """A dataset of so many clips on both sides, each of about that size and no two alike."""
    published = publish(many(clips, clips_per_source=1, eval_share=0.6, **changes), str(folder / "datasets"))
    dataset = open_dataset(published.manifest.dataset_id, str(folder / "datasets"))
    media = MediaStore(root=str(folder / "media"))
    with dataset.rows() as rows:
        keys = sorted(rows.select("video").unique().collect()["video"])
    held = {key: key.encode() * (size // len(key) + number) for number, key in enumerate(keys)}
    for key, data in held.items():
        media.put_bytes(key, data)
    return Place(dataset, media, held)
