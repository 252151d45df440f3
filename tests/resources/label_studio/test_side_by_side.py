"""Ten people at once on Label Studio as `make up` starts it, on SQLite: nobody is refused and nothing is doubled."""

import random
import threading
import time
from collections import Counter
from pathlib import Path

from chai_resources.label_studio import Annotator, LabelStudio, LabelStudioRefused, Task
from chai_resources.people import account_key
from chai_resources.services.processes import log_path
from tests.services.label_studio import start_label_studio

PEOPLE, TASKS_EACH, SECONDS = 10, 40, 15
PASSWORD = "side-by-side-1"
CONFIG = """<View><Text name="t" value="$text"/>
<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices></View>"""
ANSWER = [{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["a"]}}]


def _work(person: Annotator, tasks: list[int], until: float, answered: list[int], refused: list[str]) -> None:
    """Saves a draft of each task, thinks, saves it again and submits, as the labeling page does."""
    for number, task in enumerate(tasks):
        if time.monotonic() > until:
            return
        try:
            draft = person.api.send("POST", f"/api/tasks/{task}/drafts", {"result": ANSWER, "lead_time": 1})["id"]
            time.sleep(random.uniform(0, 0.5))
            person.api.send("PATCH", f"/api/drafts/{draft}/", {"result": ANSWER, "lead_time": 2})
            body = {"result": ANSWER, "draft_id": draft, "unique_id": f"00000000-0000-4000-8000-{task:012}"}
            person.api.send("POST", f"/api/tasks/{task}/annotations/", body | {"lead_time": number})
            answered.append(task)
        except LabelStudioRefused as error:
            refused.append(str(error))


def test_ten_people_submit_side_by_side_on_sqlite(tmp_path: Path) -> None:
    studio = start_label_studio(tmp_path)
    try:
        service = LabelStudio(url=studio.url, token=studio.token)
        project = service.ensure_project("critique", "Side by side", CONFIG, "Answer.")
        emails = [f"person{number}@example.com" for number in range(PEOPLE)]
        for email in emails:
            service.ensure_person(email, PASSWORD)
        sessions = [Annotator(studio.url, email, PASSWORD) for email in emails]
        wanted = {
            f"{e}:{n}": Task(f"{e}:{n}", {"text": "x", "assignee": account_key(e)}) for e in emails for n in range(40)
        }
        ids = service.ensure_tasks(project, "b", list(wanted.values()))
        answered, refused = list[int](), list[str]()
        until = time.monotonic() + SECONDS
        threads = [
            threading.Thread(
                target=_work,
                args=(session, [ids[f"{session.email}:{n}"] for n in range(TASKS_EACH)], until, answered, refused),
            )
            for session in sessions
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert refused == []
        assert len(answered) > PEOPLE
        api = service._api
        stored = {task: len(api.get(f"/api/tasks/{task}/annotations/")) for task in answered}
        assert Counter(stored.values()) == {1: len(answered)}
        assert [task for task in answered if service.drafts(task)] == []
        assert "database is locked" not in log_path(tmp_path, "label-studio").read_text()
    finally:
        studio.stop()
