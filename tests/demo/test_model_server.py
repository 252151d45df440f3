"""The practice model reads prompts alone and writes what the offline engine writes of the same facts."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from chai_assets.core.prompts import dataset_clip
from chai_assets.datasets.evaluate.ablations import critique_request
from chai_assets.datasets.evaluate.judge import ABOUT, CHOICES, judge_request
from chai_assets.datasets.evaluate.model_critiques import parse_model_critique
from chai_assets.demo.material import truth
from chai_assets.demo.model_server.server import CannotAnswer, PracticeModel, serve
from chai_assets.drafting.prompt import draft_request
from chai_assets.revision.prompt import revise_request
from chai_assets.spec.versioning.releases import load_spec
from chai_assets.triples.limit import MergeLimit
from chai_assets.triples.merge import merge_request
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.engines.logprobs import of_choices, p_yes
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.captioners.protocol import Request
from chai_resources.media import Media
from tests.captioners.findings import mark, missing

SPEC, OFFLINE = load_spec(), OfflineCaptioner()
CLIP = {"clip_id": "clp_1", "duration_s": 4.0, "fps": 25.0, "media_key": "clips/clp_1.mp4"}
ITEMS = [(shot, aspect, answers) for shot, by_aspect in truth().items() for aspect, answers in by_aspect.items()]


def offline(request: Request) -> str | None:
    [result] = OFFLINE.run([request])
    return result.text


def test_every_practice_draft_comes_out_of_its_prompt_as_the_offline_engine_writes_it():
    model = PracticeModel(SPEC)
    for _, aspect, answers in ITEMS:
        upstream: dict[str, Any] = {"subject": "A tram."} if aspect in ("motion", "spatial") else {}
        request = draft_request(SPEC, aspect, CLIP, answers, upstream, OFFLINE)
        assert model.answer(request.prompt) == offline(request)


def test_a_revision_applies_the_findings_that_its_prompt_lists():
    text = "The camera pans left. The shot is level. It seems sad."
    findings = [mark(text, "left", "right"), mark(text, "It seems sad.", "", kind="subjective"), missing("It is slow.")]
    draft = {"draft_id": "drf_1", "aspect": "camera", "text": text}
    critique = {"critique_id": "crt_1", "findings": findings, "text": "Left is right."}
    request = revise_request(spec=SPEC, clip=CLIP, draft=draft, critique=critique, captioner=OFFLINE)
    assert (
        PracticeModel(SPEC).answer(request.prompt)
        == offline(request)
        == ("The camera pans right. The shot is level. It is slow.")
    )


def test_captions_are_merged_as_they_are_listed():
    captions = [{"aspect": aspect, "text": f"This is about {aspect}."} for aspect in SPEC.aspects]
    for too_long in (None, "A long one."):
        request = merge_request("clp_1", captions, OFFLINE, MergeLimit(), too_long)
        assert PracticeModel(SPEC).answer(request.prompt) == offline(request)


def test_a_judgment_of_a_caption_goes_by_its_length_and_by_nothing_else():
    triple = {"id": "tri_1", "clip_id": "clp_1", "aspect": "camera", "video": "clips/clp_1.mp4"}
    triple |= {"instruction": "Describe the camera.", "draft": "It pans.", "final": "It pans left. " * 30}
    said = [
        PracticeModel(SPEC).first_token(judge_request(triple, at, dataset_clip(triple), OFFLINE).prompt) for at in ABOUT
    ]
    draft, final = (p_yes(of_choices(CHOICES, first)) for first in said)
    assert 0 < draft < 0.5 < final < 1
    with pytest.raises(CannotAnswer, match="log-probabilities"):
        PracticeModel(SPEC).first_token("Write a poem.")


@pytest.mark.parametrize(("engine", "path"), [("openai", "/v1"), ("gemini", "")])
def test_the_practice_server_tells_log_probabilities_in_both_protocols(engine: str, path: str, tmp_path, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "test")
    server = serve(0, SPEC)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    model = ModelChoice(model="practice-2026-01-01", url=f"http://127.0.0.1:{server.server_address[1]}{path}")
    triple = {"id": "tri_1", "clip_id": "clp_1", "aspect": "camera", "video": "clips/clp_1.mp4"}
    triple |= {"instruction": "Describe the camera.", "draft": "It pans.", "final": "It pans left. " * 30}
    try:
        captioner = CaptionerChoice(name=engine, model=model).open(Media(root=str(tmp_path)))
        request = replace(judge_request(triple, "final", dataset_clip(triple), captioner), media=None)
        [result] = captioner.run([request])
    finally:
        server.shutdown()
        server.server_close()
    assert result.error is None
    assert result.text == "Yes"
    assert result.logprobs == of_choices(CHOICES, PracticeModel(SPEC).first_token(request.prompt))


def test_a_critique_is_written_where_one_is_asked_for():
    triple = {"id": "tri_1", "clip_id": "clp_1", "aspect": "camera", "video": "clips/clp_1.mp4", "draft": "It pans."}
    request = critique_request(triple | {"instruction": "Describe the camera."}, OFFLINE)
    written = parse_model_critique(PracticeModel(SPEC).answer(request.prompt), triple["draft"], triple["id"])
    assert written.text == "Add: The camera moves slowly."


def test_another_prompt_is_refused():
    with pytest.raises(CannotAnswer, match="drafts, critiques, revisions and merges"):
        PracticeModel(SPEC).answer("Write a poem.")
