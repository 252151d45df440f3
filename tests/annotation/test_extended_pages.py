"""A page that is extended while tasks are out: those of before are answered, closed and given back as ever."""

from typing import Any
from xml.etree import ElementTree

import pytest

from chai_assets.critique import page as critique
from chai_assets.critique.findings import Finding
from chai_assets.review import page as review
from chai_resources.label_studio import LabelStudio, Task
from tests.services.label_studio import LabelStudioHandle

DRAFT = "A dog sleeps."
PAGES: dict[str, Any] = {"critique": critique, "review": review}
NEW = {"critique": ("label_", "contradict"), "review": ("label_", "contradict", "correct", "facts")}
"""How the names of the controls and fields begin that came with the labels."""
FIELDS = {"labels", "denied", "corrections"}


def page_of_before(kind: str) -> str:
    """The page without the cards for labels."""
    root = ElementTree.fromstring(PAGES[kind].config())
    for parent in root.iter("View"):
        for card in list(parent):
            named = [part.get("name", "") for part in card.iter()]
            if card.get("className", "").startswith("chai-card") and any(n.startswith(NEW[kind]) for n in named):
                parent.remove(card)
    return ElementTree.tostring(root, encoding="unicode")


def task_of_before(kind: str) -> dict[str, Any]:
    """The data of a task without what labels brought."""
    shared: dict[str, Any] = {"title": "A clip", "returned": "", "handbook": "", "video": "clip.mp4", "fps": 25}
    if kind == "critique":
        data = critique.task_data(draft_id="drf_1", draft=DRAFT, round=1, cause="drf_1", facts=["A dog."])
    else:
        data = review.task_data(
            candidate_id="cnd_1",
            draft_id="drf_1",
            draft=DRAFT,
            critique_id="crt_1",
            findings=[Finding.missing("drf_1", "It is dusk.")],
            revision_id=None,
            revision=None,
            grade=1,
        )
    return shared | {key: value for key, value in data.items() if not key.startswith(NEW[kind]) and key not in FIELDS}


def answer_of(kind: str, data: dict[str, Any]) -> list[dict[str, Any]]:
    if kind == "critique":
        return critique.write(data, critique.CritiqueAnswer(5, ()))
    ticks = tuple((row["finding_id"], True) for row in data["findings"])
    return review.write(data, review.ReviewAnswer("approve", ticks, (), (), None))


@pytest.mark.parametrize("kind", ["critique", "review"])
def test_a_task_of_before_is_answered_closed_and_given_back(label_studio_server: LabelStudioHandle, kind: Any) -> None:
    service = LabelStudio(url=label_studio_server.url, token=label_studio_server.token)
    title, batch, keys = f"Extended {kind}", f"extended-{kind}", [f"{kind}:one", f"{kind}:two"]
    data = task_of_before(kind)
    project = service.ensure_project(kind, title, page_of_before(kind), "Answer.")
    tasks = service.ensure_tasks(project, batch, [Task(key, data) for key in keys])
    body = {"result": answer_of(kind, data)}
    service._api.send("POST", f"/api/tasks/{tasks[keys[0]]}/annotations/", body)
    assert service.ensure_project(kind, title, PAGES[kind].config(), "Answer.") == project
    service._api.send("POST", f"/api/tasks/{tasks[keys[1]]}/annotations/", body)
    service.give_back(tasks[keys[0]], "Please correct: it is dusk.", keys[0])
    service.close(tasks[keys[1]], keys[1])
    states = service.task_states(project, batch)
    assert states[tasks[keys[1]]] == (keys[1], "closed")
    for task in service.changed(project, batch=batch, since=service.server_time().replace(year=2020)):
        assert data.items() <= {**task["data"], "returned": ""}.items()
        assert PAGES[kind].read(task["data"], task["annotations"][0]["result"])
