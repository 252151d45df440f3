"""Requests: what a prompt holds, and that everything asked decides the hash."""

from pathlib import Path
from typing import Any

import pytest

from chai_assets.core.prompts import TEMPLATES, UnusableTemplate, WritingTask, render
from chai_assets.drafting.prompt import draft_request
from chai_assets.revision.prompt import revise_request
from chai_assets.spec.compile import facts, statements
from chai_assets.spec.versioning.releases import load_spec
from chai_assets.triples.limit import MergeLimit
from chai_assets.triples.merge import merge_request
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.captioners.protocol import Request
from tests.captioners.findings import mark, missing

SPEC = load_spec(None)
CLIP = {"clip_id": "clp_1", "duration_s": 4.0, "fps": 25.0, "media_key": "clips/clp_1.mp4"}
ANSWERS = {"movement": ["slow"], "turns": ["pan left"]}
TEXT = "The camera pans left. It costs $5."


def draft(**changes: Any) -> Request:
    same: dict[str, Any] = {
        "spec": SPEC,
        "aspect_id": "camera",
        "clip": CLIP,
        "answers": ANSWERS,
        "upstream": {},
    }
    same |= {"captioner": OfflineCaptioner()}
    return draft_request(**same | changes)


def revise(**changes: Any) -> Request:
    same: dict[str, Any] = {
        "spec": SPEC,
        "clip": CLIP,
        "captioner": OfflineCaptioner(),
    }
    same["draft"] = {"draft_id": "drf_1", "aspect": "camera", "text": TEXT}
    findings = [mark(TEXT, "left", "right"), missing("It is slow.")]
    same["critique"] = {"critique_id": "crt_1", "findings": findings, "text": "Left is right."}
    return revise_request(**same | changes)


def merge(text: str = TEXT, captioner: Any = None, **changes: Any) -> Request:
    changes = {"limit": MergeLimit()} | changes
    captions = [{"aspect": "camera", "text": text}]
    return merge_request(clip_id="clp_1", captions=captions, captioner=captioner or OfflineCaptioner(), **changes)


class Newer(OfflineCaptioner):
    revision = "2"


def test_a_draft_prompt_holds_instruction_policy_facts_and_upstream_captions():
    aspect = SPEC.aspects["camera"]
    request = draft(upstream={"subject": "A brown dog."})
    for part in (aspect.instruction, *aspect.policy, *facts(aspect, ANSWERS), "A brown dog."):
        assert part in request.prompt
    assert request.context["statements"] == list(statements(aspect, ANSWERS))
    assert "$" not in request.prompt


def test_a_revise_prompt_holds_instruction_draft_every_finding_and_the_critique():
    request = revise()
    for part in (
        SPEC.aspects["camera"].instruction,
        TEXT,
        '"left"',
        '"right"',
        "It is slow.",
        "Left is right.",
    ):
        assert part in request.prompt


def test_the_engine_answers_each_request():
    results = list(OfflineCaptioner().run([draft(), revise(), merge()]))
    assert [result.key for result in results] == ["clp_1/camera", "crt_1", "clp_1"]
    assert "pans left" in (results[0].text or "")
    assert results[1].text == "The camera pans right. It costs $5. It is slow."
    assert results[2].text == TEXT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (draft(), draft(answers={**ANSWERS, "turns": ["pan right"]})),
        (draft(), draft(upstream={"subject": "A dog."})),
        (draft(), draft(clip={**CLIP, "clip_id": "clp_2"})),
        (draft(), draft(captioner=Newer())),
        (revise(), revise(draft={"draft_id": "drf_2", "aspect": "camera", "text": TEXT + " "})),
        (revise(), revise(critique={"critique_id": "c", "findings": [], "text": ""})),
        (revise(), revise(captioner=Newer())),
        (merge(), merge(text="The camera pans right.")),
        (merge(), merge(captioner=Newer())),
        (merge(), merge(limit=MergeLimit(tokens=511))),
        (merge(), merge(too_long="It is long.")),
    ],
)
def test_whatever_changes_what_is_asked_changes_the_hash(one: Request, other: Request):
    assert one.hash != other.hash


def test_where_the_clip_lies_does_not_change_the_hash():
    assert draft(clip={**CLIP, "media_key": "elsewhere/a.mp4"}).hash == draft().hash


def test_requests_of_a_clip_share_a_group():
    assert {draft().cache_group, revise().cache_group, merge().cache_group} == {"clp_1"}


@pytest.mark.parametrize(("task", "ask"), [("draft", draft), ("revise", revise), ("merge", merge)])
def test_one_character_of_a_prompt_file_changes_both_hashes(task: WritingTask, ask, tmp_path: Path, monkeypatch):
    before = ask()
    copy = tmp_path / "prompt.md"
    copy.write_text(TEMPLATES[task].read_text().replace("caption alone", "caption Alone"))
    monkeypatch.setitem(TEMPLATES, task, copy)
    after = ask()
    assert (before.hash != after.hash, before.template_hash != after.template_hash) == (True, True)
    assert len(before.prompt) == len(after.prompt)


@pytest.mark.parametrize("text", ["Look at $nothing.", "It costs 5 $."])
def test_a_template_that_cannot_be_filled_in_is_named_with_what_it_may_use(tmp_path: Path, text: str):
    template = tmp_path / "draft.md"
    template.write_text(text)
    with pytest.raises(UnusableTemplate, match=r"draft\.md.*\$facts"):
        render(template, facts="none")


def test_a_template_that_cannot_be_read_is_named_with_the_remedy(tmp_path: Path):
    gone, latin = tmp_path / "gone.md", tmp_path / "latin.md"
    latin.write_bytes("Café".encode("latin-1"))
    for template in (gone, latin):
        with pytest.raises(UnusableTemplate, match=rf"{template.name}.*restore the file, as UTF-8"):
            render(template)
