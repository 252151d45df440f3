"""The four pages in a real browser, by people without other rights, on a real Label Studio."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from chai_assets.critique import page as critique
from chai_assets.critique.findings import Finding, in_order
from chai_assets.critique.label_answers import LabelAnswers
from chai_assets.labeling import page as labeling
from chai_assets.review import feedback_page as feedback
from chai_assets.review import page as review
from chai_assets.spec.compile import labeling_rows
from chai_assets.spec.handbook import publish
from chai_assets.spec.versioning.releases import load_spec
from chai_resources.label_studio import Annotator, LabelStudio, Task
from chai_resources.media import Media
from chai_resources.people import account_key
from tests.browser.chromium import Window, window
from tests.browser.label_rows import LABELS
from tests.ingestion import films
from tests.services.label_studio import LabelStudioHandle, raw_session, start_label_studio, task_ids
from tests.services.local import S3Server

pytestmark = pytest.mark.browser

ANN, REV = "ann.browser@example.com", "rev.browser@example.com"
PASSWORD = "A good password 1"
PAGES = {"labeling": labeling, "critique": critique, "review": review, "feedback": feedback}

DRAFT_ID = "drf_1"
DRAFT = "A rabbit \U0001f430 sleeps peacefully.\nThe camera trucks left at a beautiful pace <b>past</b> a huge oak."
REVISION = "A rabbit \U0001f430 sleeps.\nThe camera dollies in at a slow pace past a huge oak."


def _mark(kind: Any, words: str, fix: str = "") -> Finding:
    return Finding.mark(DRAFT_ID, DRAFT, kind, DRAFT.index(words), DRAFT.index(words) + len(words), fix)


FINDINGS = in_order(
    [
        _mark("wrong", "trucks left", "dollies in"),
        _mark("subjective", "beautiful"),
        Finding.missing(DRAFT_ID, "grass sways in the foreground"),
    ]
)


def _critique_data(seen: critique.Seen | None = None, doubts: Sequence[str] = ()) -> dict[str, Any]:
    return critique.task_data(
        draft_id=DRAFT_ID,
        draft=DRAFT,
        round=2 if seen else 1,
        cause=seen.revision_id if seen else DRAFT_ID,
        facts=["The camera moves forward (dolly in)."],
        seen=seen,
        doubts=doubts,
    )


@dataclass
class Studio:
    """A Label Studio with four projects, and who may log in to it."""

    server: LabelStudioHandle
    service: LabelStudio
    projects: dict[str, int]
    media: str

    def give(self, page: str, email: str, data: dict[str, Any], prefill: Any = None) -> int:
        """One task for a person on a page; returns its id."""
        key = f"{page}:{email}:{len(task_ids(self.service, self.projects[page]))}"
        common = {"assignee": account_key(email), "title": "Camera: a practice clip", "returned": "", "fps": 30}
        common["handbook"] = publish.link(load_spec(), load_spec().aspects["camera"])
        task = Task(key, data | common | {"video": f"{self.media}/clip.mp4"}, prefill)
        return self.service.ensure_tasks(self.projects[page], "browser", [task])[key]

    def open(self, desk: Window, page: str, email: str) -> None:
        """Logs in and opens the person's queue on a page."""
        desk.log_in(email, PASSWORD)
        tab = self.service.ensure_queue_tab(self.projects[page], f"{email} to do", account_key(email))
        desk.open_queue(self.projects[page], tab)

    def result(self, task_id: int) -> list[dict[str, Any]]:
        """What was stored for a task that was answered once."""
        (annotation,) = self.service._api.get(f"/api/tasks/{task_id}/annotations/")
        return annotation["result"]


def _studio(server: LabelStudioHandle, media: str, storage: str) -> Studio:
    service = LabelStudio(url=server.url, token=server.token)
    projects = {}
    for name, page in PAGES.items():
        projects[name] = service.ensure_project(name, f"Browser {name}", page.config(), "Answer.")
        service.ensure_storage(projects[name], storage)
    for email in (ANN, REV):
        service.ensure_person(email, PASSWORD)
    publish.publish(load_spec(), Media(root=storage))
    return Studio(server, service, projects, media)


@pytest.fixture(scope="module")
def studio(label_studio_server: LabelStudioHandle) -> Studio:
    """Pages whose clips lie in a folder."""
    folder = label_studio_server.home / "media"
    folder.mkdir(parents=True, exist_ok=True)
    films.write(folder / "clip.mp4", films.scene(1, frames=90), faststart=True)
    return _studio(label_studio_server, "/data/local-files/?d=media", str(folder))


@pytest.fixture
def desk(studio: Studio, tmp_path: Path) -> Iterator[Window]:
    """A browser window of its own for each test."""
    with window(studio.server.url, tmp_path) as opened:
        yield opened


def _without_ids(result: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A result as a set of statements: the page draws ids by lot, and lists parts as they were made."""
    parts = [{key: value for key, value in part.items() if key != "id"} for part in result]
    return sorted(parts, key=lambda part: (part["from_name"], str(part["value"])))


def test_an_annotator_plays_marks_fixes_rates_and_submits(studio: Studio, desk: Window) -> None:
    data = _critique_data()
    task = studio.give("critique", ANN, data)
    studio.open(desk, "critique", ANN)
    desk.play()
    desk.mark("w", "trucks left")
    desk.fix("trucks left", "dollies in")
    desk.mark("s", "beautiful")
    desk.type("Missing from the draft", "grass sways in the foreground")
    desk.choose("How good is the draft?", "3")
    desk.submit()
    answer = critique.CritiqueAnswer(3, FINDINGS)
    assert critique.read(data, studio.result(task)) == answer
    assert _without_ids(critique.write(data, answer)) == _without_ids(studio.result(task))


@pytest.mark.parametrize("doubts", [[], ["“trucks left” says truck left, which the labels deny: <truck right>."]])
def test_doubts_stand_below_the_draft_and_leave_no_empty_card(studio: Studio, desk: Window, doubts: list[str]) -> None:
    task = studio.give("critique", ANN, _critique_data(doubts=doubts))
    studio.open(desk, "critique", ANN)
    shown = desk.page.inner_text(".chai-right")
    places = [shown.index(text) for text in ["The draft", *(["Worth a look:"] if doubts else []), *doubts, "Missing"]]
    assert places == sorted(places)
    assert ("Worth a look" in shown) == bool(doubts)
    # The card of the round before is empty in round 1.
    assert desk.page.locator(".chai-right .chai-card.chai-html:visible").count() == len(doubts)
    desk.choose("How good is the draft?", "5")
    desk.submit()
    assert critique.read(_critique_data(), studio.result(task)).rating == 5


def test_a_mark_without_its_fix_is_not_accepted(studio: Studio, desk: Window) -> None:
    task = studio.give("critique", ANN, _critique_data())
    studio.open(desk, "critique", ANN)
    desk.mark("i", "peacefully")
    desk.choose("How good is the draft?", "4")
    desk.press_submit()
    desk.dismiss("Say what the marked words should be.")
    desk.fix("peacefully", "on its side")
    desk.submit()
    (finding,) = critique.read(_critique_data(), studio.result(task)).findings
    assert (finding.kind, finding.quote, finding.fix) == ("imprecise", "peacefully", "on its side")


def test_findings_of_the_last_round_arrive_marked_and_stay(studio: Studio, desk: Window) -> None:
    seen = critique.Seen("rev_1", REVISION, [(finding, True) for finding in FINDINGS])
    data = _critique_data(seen)
    task = studio.give("critique", ANN, data, critique.prefill(data, FINDINGS))
    studio.open(desk, "critique", ANN)
    assert 'Done: Replace "trucks left" with "dollies in".' in desk.page.inner_text(".chai-right")
    desk.mark("r", "huge")
    desk.choose("How good is the revision?", "4")
    desk.submit()
    answer = critique.read(data, studio.result(task))
    assert answer.findings == in_order([*FINDINGS, _mark("redundant", "huge")])


def test_a_fix_against_an_agreed_answer_is_asked_about_and_corrects_it(studio: Studio, desk: Window) -> None:
    data = _critique_data() | LABELS | {"chai_kind": "critique"}
    task = studio.give("critique", ANN, data)
    studio.open(desk, "critique", ANN)
    desk.mark("w", "trucks left")
    desk.fix("trucks left", "dollies in")
    desk.choose("How good is the draft?", "3")
    assert "'dollies in' says dolly in, which the agreed answers deny; correct the answer" in desk.refusal()
    desk.choose("How does the camera travel?", "dolly in")
    desk.submit()
    answer = critique.CritiqueAnswer(3, FINDINGS[:1], LabelAnswers({"travel": ["dolly in"]}))
    assert critique.read(data, studio.result(task)) == answer
    assert _without_ids(critique.write(data, answer)) == _without_ids(studio.result(task))


def test_an_annotator_answers_every_question(studio: Studio, desk: Window) -> None:
    rows = labeling_rows(load_spec().aspects["scene"])
    data = labeling.task_data(rows)
    task = studio.give("labeling", ANN, data)
    studio.open(desk, "labeling", ANN)
    answers: dict[str, list[str]] = {}
    questions = [(group, row) for group in ("choices", "several", "texts") for row in rows[group]]
    for at, (group, row) in enumerate(questions):
        line = desk.page.locator(".chai-q").nth(at)
        if group == "texts":
            line.locator("input").fill("a few words")
            answers[row["key"]] = ["a few words"]
            continue
        chosen = [0] if group == "choices" else [1, 2]
        for option in chosen:
            line.locator(".lsf-choice").nth(option).click()
        answers[row["key"]] = [row["options"][option]["value"] for option in chosen]
    desk.submit()
    said = labeling.Labels(answers, None, None)
    assert labeling.read(data, studio.result(task)) == said
    assert _without_ids(labeling.write(data, said)) == _without_ids(studio.result(task))


def test_a_clip_that_cannot_be_labeled_needs_no_answers(studio: Studio, desk: Window) -> None:
    data = labeling.task_data(labeling_rows(load_spec().aspects["camera"]))
    task = studio.give("labeling", ANN, data)
    studio.open(desk, "labeling", ANN)
    desk.choose("Only if this clip cannot be labelled", "shows a cut")
    desk.type("Only if this clip cannot be labelled", "cut at 2 s")
    desk.submit()
    said = labeling.read(data, studio.result(task))
    assert (said.problem, said.note) == ("transition", "cut at 2 s")
    assert not any(said.answers.values())


@pytest.mark.parametrize("page", ["labeling", "critique"])
def test_an_annotator_opens_the_handbook_beside_the_task(studio: Studio, desk: Window, page: str) -> None:
    camera = load_spec().aspects["camera"]
    studio.give(page, ANN, labeling.task_data(labeling_rows(camera)) if page == "labeling" else _critique_data())
    studio.open(desk, page, ANN)
    handbook = desk.open_beside("Handbook: Camera")
    assert handbook.title() == "Camera - Handbook"
    for name in ("dolly-in", "zoom-in"):
        (primitive,) = [primitive for primitive in camera.primitives if primitive.id == name]
        handbook.locator(f".contents a[href='#{name}']").click()
        assert primitive.rule in handbook.locator(f"#{name}:target").inner_text()
    handbook.get_by_role("link", name="Spatial framing").click()
    handbook.locator("#close-up").wait_for()
    assert desk.page.locator(".lsf-choice").count()  # the task is still there


def test_the_handbook_is_only_for_those_who_are_logged_in(studio: Studio) -> None:
    address = studio.server.url + publish.address(load_spec())
    turned_away = requests.get(address, allow_redirects=False, timeout=30)
    assert (turned_away.status_code, turned_away.headers["Location"].partition("?")[0]) == (302, "/user/login/")
    session = raw_session(Annotator(studio.server.url, ANN, PASSWORD))
    served = session.get(address, timeout=30)
    assert (served.status_code, served.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in served.headers["Content-Security-Policy"]
    missing = session.get(address.replace("index", "nothing"), timeout=30)
    assert (missing.status_code, "materialize the asset `spec`" in missing.text) == (503, True)
    outside = session.get(address.replace("index.html", "..%2f..%2f..%2fclip.mp4"), timeout=30)
    assert outside.headers["Content-Type"].startswith("text/html")  # Label Studio's own page, not the clip
    assert session.post(address, timeout=30).status_code in (403, 405)


def _review_data(appeal: review.Appeal | None = None) -> dict[str, Any]:
    return review.task_data(
        candidate_id="cnd_1",
        draft_id=DRAFT_ID,
        draft=DRAFT,
        critique_id="crt_1",
        findings=FINDINGS,
        revision_id="rev_1",
        revision=REVISION,
        grade=2 if appeal else 1,
        appeal=appeal,
    )


REJECTED = review.ReviewAnswer(
    verdict="reject",
    ticks=((FINDINGS[0].finding_id, True), (FINDINGS[1].finding_id, False), (FINDINGS[2].finding_id, True)),
    misses=("the oak is small",),
    reasons=("critique_inaccurate", "critique_incomplete"),
    note="Look at the roots.",
)


def test_a_reviewer_ticks_findings_and_rejects_with_reasons(studio: Studio, desk: Window) -> None:
    data = _review_data()
    task = studio.give("review", REV, data)
    studio.open(desk, "review", REV)
    desk.play()
    desk.choose("trucks left", "right")
    desk.choose('Remove the subjective "beautiful"', "wrong")
    desk.choose("Add: grass sways", "right")
    desk.type("What the critique missed", "the oak is small")
    desk.choose("Verdict", "reject")
    desk.choose("Verdict", "critique inaccurate")
    desk.choose("Verdict", "critique incomplete")
    desk.type("Verdict", "Look at the roots.")
    desk.submit()
    assert review.read(data, studio.result(task)) == REJECTED
    assert _without_ids(review.write(data, REJECTED)) == _without_ids(studio.result(task))


def test_a_second_reviewer_sees_the_plea_and_approves(studio: Studio, desk: Window) -> None:
    data = _review_data(review.Appeal(REJECTED.reasons, REJECTED.misses, REJECTED.note, "The oak is huge."))
    task = studio.give("review", REV, data)
    studio.open(desk, "review", REV)
    assert "The annotator: The oak is huge." in desk.page.inner_text(".chai-right")
    for words in ("trucks left", 'Remove the subjective "beautiful"', "Add: grass sways"):
        desk.choose(words, "right")
    desk.choose("Verdict", "reject")
    desk.choose("Verdict", "false alarm")
    desk.choose("Verdict", "approve")  # a change of mind: the reason is hidden and must not be stored
    desk.submit()
    ticks = tuple((finding.finding_id, True) for finding in FINDINGS)
    expected = replace(REJECTED, verdict="approve", ticks=ticks, misses=(), reasons=(), note=None)
    assert review.read(data, studio.result(task)) == expected


def test_an_annotator_reads_the_rejection_and_asks_for_a_regrade(studio: Studio, desk: Window) -> None:
    data = feedback.task_data(review_id="rvw_1", draft=DRAFT, revision=REVISION, findings=FINDINGS, review=REJECTED)
    task = studio.give("feedback", ANN, data)
    studio.open(desk, "feedback", ANN)
    assert 'WRONG: Remove the subjective "beautiful".' in desk.page.inner_text(".chai-right")
    desk.choose("Your answer", "ask for a regrade")
    desk.page.locator(".chai-card textarea").fill("Pace is not a matter of taste.")
    desk.submit()
    answer = feedback.FeedbackAnswer("request_regrade", "Pace is not a matter of taste.")
    assert feedback.read(data, studio.result(task)) == answer
    assert _without_ids(feedback.write(data, answer)) == _without_ids(studio.result(task))


@pytest.mark.parametrize(("email", "other"), [(ANN, REV), (REV, ANN)])
def test_nobody_may_touch_the_work_of_others(studio: Studio, desk: Window, email: str, other: str) -> None:
    data = _critique_data()
    mine, others = studio.give("critique", email, data), studio.give("critique", other, data)
    result = critique.write(data, critique.CritiqueAnswer(5, ()))
    annotation = studio.service._api.send("POST", f"/api/tasks/{others}/annotations/", {"result": result})["id"]
    studio.open(desk, "critique", email)
    project = studio.projects["critique"]
    assert desk.ask("POST", f"/api/tasks/{others}/annotations/", {"result": result}) == 403
    assert desk.ask("PATCH", f"/api/annotations/{annotation}/", {"result": []}) == 403
    assert desk.ask("DELETE", f"/api/annotations/{annotation}/") == 403
    assert desk.ask("DELETE", f"/api/tasks/{mine}/") == 403
    assert desk.ask("DELETE", f"/api/projects/{project}/") == 403
    assert desk.ask("GET", f"/api/projects/{project}/export?exportType=JSON") == 403
    assert desk.ask("POST", f"/api/tasks/{mine}/annotations/", {"result": result}) == 201


def test_a_clip_on_s3_plays_in_the_page(
    s3_server: S3Server, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    clip = films.write(tmp_path / "clip.mp4", films.scene(2, frames=90), faststart=True)
    boto3.client("s3").upload_file(str(clip), "chai", "browser/clip.mp4")
    server = start_label_studio(tmp_path_factory.mktemp("s3-studio"), media="s3://chai/browser")
    try:
        studio = _studio(server, "s3://chai/browser", "s3://chai/browser")
        studio.give("critique", ANN, _critique_data())
        with window(server.url, tmp_path) as desk:
            studio.open(desk, "critique", ANN)
            desk.play()
            source = desk.page.evaluate("document.querySelector('video').currentSrc")
            assert desk.open_beside("Handbook: Camera").locator("#dolly-in").count() == 1
        assert "/resolve/" in source or s3_server.endpoint in source
    finally:
        server.stop()
