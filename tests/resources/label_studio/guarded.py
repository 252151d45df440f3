"""A real Label Studio with two people, for attacks on what they may read: its media in a folder, or in a bucket.

What they may write is attacked in test_role_guard.py, with people and tasks of its own.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from chai_resources.label_studio import Annotator, LabelStudio, Task
from chai_resources.media import Media
from chai_resources.people import account_key
from tests.services.label_studio import LabelStudioHandle, raw_session, start_label_studio

CONFIG = """<View><Text name="t" value="$text"/><Video name="v" value="$video"/>
<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices></View>"""
ANSWER = [{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["a"]}}]
ANN, BOB, PASSWORD = "ann@example.com", "bob@example.com", "guarded-pass"
CLIP, SECRET = b"CLIP" * 100, b"SECRET" * 100
"""What the files hold: what may be shown to Ann, and what may not."""
BOBS_WORDS = "words of Bob's"
SECRETS = ("clips/bobs.mp4", "answers/asked.json", "tables/annotation_events/part-0.parquet", "handbook/notes.txt")


@dataclass(frozen=True)
class Guarded:
    """Two people, their tasks and what they did, and the media that the tasks show."""

    studio: LabelStudioHandle
    service: LabelStudio
    media: Media
    ann: Annotator
    bob: Annotator
    ids: dict[str, int]

    def ask(self, who: Annotator | None, method: str, path: str, **options: Any) -> requests.Response:
        """A raw request in a person's session, or a stranger's; `{name}` in the path stands for an id."""
        session = raw_session(who) if who else requests.Session()
        options = {"timeout": 60, "allow_redirects": False} | options
        return session.request(method, self.studio.url + path.format(**self.ids), **options)

    def address(self, key: str, task: str = "mine") -> str:
        """Where a task's player finds an object of the media store."""
        if not self.media.is_s3:
            return self.media.url(key)
        return f"/tasks/{self.ids[task]}/resolve/?fileuri={encoded(self.media.url(key))}"


def encoded(address: str) -> str:
    """An object's address as Label Studio's pages hand it over."""
    return base64.urlsafe_b64encode(address.encode()).decode()


@contextmanager
def guarded(home: Path, root: str) -> Iterator[Guarded]:
    """Starts Label Studio under `home` with its media under `root`."""
    media = Media(root=root)
    media.put_bytes("clips/mine.mp4", CLIP)
    media.put_bytes("thumbs/mine.webp", CLIP)
    for key in SECRETS:
        media.put_bytes(key, SECRET)
    studio = start_label_studio(home, root)
    service = LabelStudio(url=studio.url, token=studio.token)
    try:
        project = service.ensure_project("critique", "Guarded", CONFIG, "Answer.")
        service.ensure_storage(project, root)
        data = {
            "mine": {"assignee": account_key(ANN), "video": media.url("clips/mine.mp4")},
            "bobs": {"assignee": account_key(BOB), "text": BOBS_WORDS, "video": media.url("clips/bobs.mp4")},
            "bobs_answered": {"assignee": account_key(BOB), "text": BOBS_WORDS, "video": media.url("clips/bobs.mp4")},
            "nobodys": {"video": media.url("clips/bobs.mp4")},
        }
        # A text that is an address: people can write such into tasks.
        tasks = [Task(key, {"text": media.url("answers/asked.json"), **extra}) for key, extra in data.items()]
        ids = service.ensure_tasks(project, "b", tasks) | {"project": project}
        for email in (ANN, BOB):
            ids[email[:3]] = service.ensure_person(email, PASSWORD)
        ann, bob = (Annotator(studio.url, email, PASSWORD) for email in (ANN, BOB))
        ids["bobs_annotation"] = bob.submit(ids["bobs_answered"], ANSWER)
        drafts = f"/api/tasks/{ids['bobs']}/drafts"
        ids["bobs_draft"] = bob.api.send("POST", drafts, {"result": ANSWER, "lead_time": 1})["id"]
        ids["tab"] = service.ensure_queue_tab(project, "Bob to do", account_key(BOB))
        yield Guarded(studio, service, media, ann, bob, ids)
    finally:
        studio.stop()
