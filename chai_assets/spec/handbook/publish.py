"""Publishes the handbook: stores its pages in the media store and gives their addresses on Label Studio.

Label Studio serves them by deploy/label_studio/handbook.py, from `handbook/` in the store. Its own ways to serve media
do not fit: links between pages would break on local files, and on S3 each page would need a signature of its own.
"""

from chai_assets.core.html import html_link
from chai_assets.spec.handbook.pages import INDEX, handbook, page_of
from chai_assets.spec.models import Aspect, Spec
from chai_resources.media import Media


def publish(spec: Spec, media: Media) -> list[str]:
    """Stores the pages that are not there yet in the same words; returns their keys. Raises MediaError."""
    written = []
    for name, text in handbook(spec).items():
        key, page = f"{_folder(spec)}/{name}", text.encode()
        if not media.exists(key) or media.get_bytes(key) != page:
            media.put_bytes(key, page)
            written.append(key)
    return written


def address(spec: Spec, page: str = INDEX) -> str:
    """Where Label Studio serves a page of the handbook, as a path on it."""
    return f"/{_folder(spec)}/{page}"


def link(spec: Spec, aspect: Aspect) -> str:
    """HTML of a link to an aspect's page, for the pages on which people work."""
    return html_link(address(spec, page_of(aspect)), f"Handbook: {aspect.title}")


def _folder(spec: Spec) -> str:
    return f"handbook/{spec.version}/{spec.hash[:12]}"
