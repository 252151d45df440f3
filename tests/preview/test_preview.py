"""Previews of revisions: through a real Label Studio, by people without other rights, from a real model server."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from chai_assets.critique import page
from chai_assets.critique.findings import Finding
from chai_assets.deployment.local import PREVIEW, preview_service, up
from chai_assets.inference.budget import NoPrice
from chai_assets.preview import server as preview_server
from chai_assets.preview.protocol import PREVIEW_USER
from chai_assets.preview.server import Previews
from chai_resources.captioners.calls.model_choice import ModelRefused
from chai_resources.label_studio import LabelStudioRefused
from chai_resources.services.processes import log_path, start, stop
from chai_resources.services.secrets import password_of
from tests.inference.model_stage import EACH
from tests.preview.previewing import BATCH, Studio, previewing
from tests.services.label_studio import task_ids


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with previewing(tmp_path_factory.mktemp("preview")) as studio:
        yield studio


def critique(task: dict[str, Any], *missing: str, rating: int = 3) -> list[dict[str, Any]]:
    """A critique that asks to add these; with none, just the rating."""
    findings = tuple(Finding.missing(task["data"]["draft_id"], text) for text in missing)
    return page.write(task["data"], page.CritiqueAnswer(rating, findings))


def test_a_finding_shows_its_revision_and_the_pipeline_pays_nothing_for_the_same(studio: Studio) -> None:
    task, before = studio.tasks()[0], studio.book.charged.total()
    result = critique(task, "A red kite crosses the sky above the lake.")
    made_of, first, *missed = studio.preview(task, result)
    assert made_of == "Made of 1 finding:"
    assert missed == ["NOT done: Add: A red kite crosses the sky above the lake."], "this model repeats its prompt"
    assert studio.press(task, result[:1])[1] == first, "the same critique, pressed again"
    assert studio.book.charged.total() == before + 1
    [booked] = studio.ledger
    assert (booked["stage"], booked["aspect"], booked["cost"]) == ("preview", task["data"]["aspect"], EACH)

    studio.ann.submit(task["id"], result + page.preview([made_of, first, *missed]))
    studio.world.advance(BATCH)
    [revision] = studio.world.tables.rows("revisions", BATCH)
    assert revision["text"] == first
    assert studio.book.charged.total() == before + 1, "the pipeline found the answer"
    assert studio.ledger == [booked], "and entered it no second time"
    assert studio.world.tables.rows("quarantine", BATCH) == []

    [again] = [each for each in studio.tasks() if each["data"]["round"] == 2]
    [filled] = studio.ann.api.get(f"/api/tasks/{again['id']}")["predictions"]
    assert filled["result"] == result[:1], "the second round begins with the person's findings, not with a preview"


def test_what_cannot_be_revised_by_says_why_and_asks_no_model(studio: Studio) -> None:
    task, before = studio.tasks()[1], studio.book.calls.total()
    data = task["data"]
    wrong = page.prefill(data, [Finding.mark(data["draft_id"], data["draft"], "wrong", 0, 3)])
    nothing, perfect, vague = critique(task), critique(task, "A kite.", rating=5), critique(task, "It is bad.")
    for result, said in ((wrong, "Not complete yet"), (nothing, "Mark what"), (perfect, "Rated 5"), (vague, "whole")):
        [text] = studio.preview(task, result)
        assert said in text
    opened = {"tasks": [{"id": task["id"], "data": data}], "params": {"context": None}}
    auth = (PREVIEW_USER, password_of(studio.world.home, PREVIEW_USER))
    answer = requests.post(f"{studio.world.settings.preview_url}/predict", json=opened, auth=auth, timeout=30)
    assert answer.json()["results"][0]["result"] == [], "a task that is only opened"
    assert studio.book.calls.total() == before


def test_of_findings_made_one_after_the_other_only_the_last_asks_a_model(studio: Studio) -> None:
    task, before = studio.tasks()[1], studio.book.calls.total()
    first, both = critique(task, "A grey heron lands."), critique(task, "A grey heron lands.", "A boat passes by.")
    with ThreadPoolExecutor() as pool:
        earlier = pool.submit(studio.press, task, first[:1])
        time.sleep(1)
        studio.type(task, both, after_s=1)
        shown = studio.press(task, both[:1])
        assert earlier.result() == []
    assert shown[-2:] == ["NOT done: Add: A grey heron lands.", "NOT done: Add: A boat passes by."]
    assert studio.book.calls.total() == before + 1


def test_a_model_that_refuses_or_is_slow_is_said_in_words_and_its_answer_is_kept(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = studio.tasks()[1]
    studio.book.faults["otter"] = ["blocked"]
    [refused] = studio.preview(task, critique(task, "An otter dives into the water."))
    assert refused.startswith("No preview: ")
    assert refused.endswith("your critique counts all the same.")

    here = Previews(studio.world.settings, studio.world.label_studio)
    monkeypatch.setattr(preview_server, "ANSWER_S", 1.0)
    monkeypatch.setattr(studio.book, "answer_s", 4.0)
    body = studio.body(task, critique(task, "A white swan takes off from the pond."))
    before = studio.book.calls.total()
    assert "slow" in studio.texts(here.predict(body))[0]
    assert "slow" in studio.texts(here.predict(body))[0], "the same request, still out"
    time.sleep(4)
    assert "NOT done" in studio.texts(here.predict(body))[2]
    assert studio.book.calls.total() == before + 1


def test_a_used_up_budget_is_said_and_nothing_is_asked(studio: Studio) -> None:
    task, before = studio.tasks()[1], studio.book.calls.total()
    poor = Previews(studio.world.settings.model_copy(update={"budget_day": EACH}), studio.world.label_studio)
    [said] = studio.texts(poor.predict(studio.body(task, critique(task, "A brown fox sits in the grass."))))
    assert "budget" in said
    assert studio.book.calls.total() == before


def test_presses_beyond_those_that_label_studio_has_threads_for_are_told_so_at_once(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = studio.tasks()[1]
    monkeypatch.setattr(preview_server, "_PRESSES_AT_ONCE", 1)
    monkeypatch.setattr(studio.book, "answer_s", 3.0)
    here = Previews(studio.world.settings, studio.world.label_studio)
    body = studio.body(task, critique(task, "A heron stands in the shallow water."))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(here.predict, body)
        time.sleep(1)
        assert "too many" in studio.texts(here.predict(body))[0]
        assert "NOT done" in studio.texts(first.result())[2], "who was there first is answered"
    assert "NOT done" in studio.texts(here.predict(body))[2], "and there is room again"


def test_annotators_reach_the_preview_of_their_own_tasks_and_nothing_else_of_model_servers(studio: Studio) -> None:
    task, model, rev = studio.tasks()[1], studio.model(), studio.world.person("rev")
    ask, context = f"/api/ml/{model}/interactive-annotating", {"result": []}
    labels = studio.world.label_studio.require_project("primitives")
    assert studio.ann.api.get("/api/ml", project=studio.project) == [
        {"id": model, "title": "CHAI preview", "is_interactive": True}
    ]
    assert studio.ann.api.get("/api/ml", project=labels) == []
    [other, *_] = task_ids(studio.world.label_studio, labels)
    for person, method, path, body in (
        (rev, "POST", ask, {"task": task["id"], "context": context}),
        (studio.ann, "POST", ask, {"task": other, "context": context}),
        (studio.ann, "POST", ask, {"task": str(task["id"]), "context": context}),
        (studio.ann, "POST", ask, {"task": task["id"], "context": context, "url": "http://127.0.0.1/"}),
        (studio.ann, "POST", f"/api/ml/{model + 1}/interactive-annotating", {"task": task["id"], "context": context}),
        (studio.ann, "POST", "/api/ml/", {"project": studio.project, "url": "http://127.0.0.1:1"}),
        (studio.ann, "PATCH", f"/api/ml/{model}", {"url": "http://127.0.0.1:1"}),
        (studio.ann, "DELETE", f"/api/ml/{model}", None),
        (studio.ann, "POST", f"/api/ml/{model}/train", {}),
        (studio.ann, "POST", f"/api/ml/{model}/predict/test?random=true", {}),
    ):
        with pytest.raises(LabelStudioRefused) as refusal:
            person.api.send(method, path, body)
        assert refusal.value.status == 403, (method, path, body)


def test_the_server_answers_label_studio_only_and_keeps_no_token(studio: Studio) -> None:
    url = studio.world.settings.preview_url
    for method, path in (("POST", "/setup"), ("POST", "/predict"), ("GET", "/versions")):
        for auth in (None, (PREVIEW_USER, "guessed")):
            assert requests.request(method, url + path, json={}, auth=auth, timeout=30).status_code == 401
    auth = (PREVIEW_USER, password_of(studio.world.home, PREVIEW_USER))
    assert requests.post(url + "/predict", json=[], auth=auth, timeout=30).status_code == 400
    assert studio.world.label_studio._api.get(f"/api/ml/{studio.model()}")["readable_state"] == "Connected"
    log = log_path(studio.world.home, "preview").read_text()
    assert studio.world.server.token not in log
    assert password_of(studio.world.home, PREVIEW_USER) not in log


def test_a_deployment_whose_model_can_give_none_says_so_at_the_start(studio: Studio) -> None:
    settings = studio.world.settings
    waiting = settings.model_copy(update={"model": settings.model.model_copy(update={"batches": True})})
    for refused, word in (
        (waiting, "CHAI_MODEL_MODE=live"),
        (settings.model_copy(update={"captioner": "vllm"}), "openai"),
    ):
        with pytest.raises(ModelRefused, match=word):
            up(refused, lambda _: None)
    priceless = settings.model.model_copy(update={"model": "unheard-of-2026-01-01"})
    with pytest.raises(NoPrice):
        Previews(settings.model_copy(update={"model": priceless}), studio.world.label_studio)


def test_a_server_that_is_down_is_said_in_the_page(studio: Studio) -> None:
    task = studio.tasks()[1]
    stop(studio.world.home, PREVIEW)
    try:
        [said] = studio.press(task, [])
        assert said.startswith("No preview now")
    finally:
        start(studio.world.home, preview_service(studio.world.settings))


def test_switched_off_the_page_finds_no_server_and_old_answers_stay_readable(studio: Studio) -> None:
    world = studio.world
    task = studio.tasks()[1]
    studio.ann.submit(task["id"], critique(task, "A boat.") + page.preview(["Seen before it was switched off."]))
    studio.provision(world.settings.preview_url)
    studio.model()  # one, however often it is connected
    studio.provision("")
    assert studio.ann.api.get("/api/ml", project=studio.project) == []
    world.advance(BATCH)
    assert world.tables.rows("quarantine", BATCH) == []
