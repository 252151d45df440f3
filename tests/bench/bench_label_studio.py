"""Pushing 10,000 tasks to a real Label Studio on SQLite, and finding 50 changed ones among them."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from chai_resources.label_studio import Annotator, LabelStudio, Task
from chai_resources.people import account_key
from tests.services.label_studio import newest, start_label_studio

T = TypeVar("T")

TASKS, CHANGED = 10_000, 50
EMAIL, PASSWORD = "ann@example.com", "bench-password"
CONFIG = """<View><Text name="t" value="$text"/>
<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices></View>"""
ANSWER = [{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["a"]}}]


def run(tasks: int = TASKS) -> dict[str, float]:
    """Tasks pushed a second; seconds to push again, and to poll what changed: whole, and lightly."""
    with tempfile.TemporaryDirectory() as folder:
        studio = start_label_studio(Path(folder))
        try:
            return _measure(LabelStudio(url=studio.url, token=studio.token), tasks)
        finally:
            studio.stop()


def _measure(service: LabelStudio, count: int) -> dict[str, float]:
    project = service.ensure_project("critique", "Bench", CONFIG, "")
    service.ensure_person(EMAIL, PASSWORD)
    data = {"text": "word " * 300, "assignee": account_key(EMAIL)}  # 1.5 KB, as critique tasks have
    tasks = [Task(f"k{n:05}", data) for n in range(count)]
    ids, push = _timed(lambda: service.ensure_tasks(project, "b", tasks))
    _, again = _timed(lambda: service.ensure_tasks(project, "b", tasks))

    since = newest(service, project)
    assert since is not None
    since += timedelta(microseconds=1)
    ann = Annotator(service.url, EMAIL, PASSWORD)
    for task_id in list(ids.values())[:: count // CHANGED]:
        ann.submit(task_id, ANSWER)
    changed, poll = _timed(lambda: list(service.changed(project, since)))
    touched, look = _timed(lambda: service.touched(project, since))
    assert len(changed) == len(touched) == CHANGED
    return {
        "pushed_tasks_per_s": count / push,
        "push_again_s": again,
        "poll_changed_s": poll,
        "touched_s": look,
    }


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


if __name__ == "__main__":
    print(json.dumps(run(*((100,) if "--smoke" in sys.argv else ()))))
