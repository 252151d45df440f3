"""The media store as a resource of Dagster. What it does stands in `media_store.py`, which loads no Dagster."""

import dagster as dg

from chai_resources.media_store import MediaStore


class Media(MediaStore, dg.ConfigurableResource):
    """Objects under one root, a folder or an `s3://bucket/prefix`; the same calls for both."""
