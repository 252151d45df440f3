"""A real vLLM, asked as in production: through the real SDK and the engine `openai`, and as the engine `vllm`."""

import base64
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from chai_resources.captioners.calls.acceptance import json_object
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.calls.network_captioner import CallingCaptioner
from chai_resources.captioners.engines.vllm_server import VllmServer
from chai_resources.captioners.protocol import ClipMedia, Request, Result
from chai_resources.captioners.registry import ENGINES
from chai_resources.media import Media
from tests.vllm.conftest import ARGS, NAME, PYTHON

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]
NOISE = {None, "loop", "repeated", "foreign", "empty", "truncated"}


@pytest.fixture
def engine(vllm: VllmServer, clips: Path, monkeypatch: pytest.MonkeyPatch) -> CallingCaptioner:
    """The engine `openai`, one call at a time, so that what a call finds in the cache is known."""
    monkeypatch.setenv("CHAI_MODEL_KEY", vllm.key)
    choice = ModelChoice(model=NAME, url=vllm.address, whole_video=True, parallel=1, max_tokens=16)
    captioner = ENGINES["openai"](choice, Media(root=str(clips)))
    assert isinstance(captioner, CallingCaptioner)
    return captioner


@pytest.fixture
def sdk(vllm: VllmServer) -> openai.OpenAI:
    return openai.OpenAI(api_key=vllm.key, base_url=vllm.address, max_retries=0, timeout=120)


def request(name: str, clip: str = "1.mp4", prompt: str = "") -> Request:
    shown = ClipMedia(clip, "video/mp4", 2.0, 25.0)
    words = prompt or f"Describe the {name} of this video."
    return Request(name, f"req_{name}", "draft", words, {}, shown, {"temperature": 0}, cache_group=clip)


def answers(captioner: CallingCaptioner, *requests: Request) -> dict[str, Result]:
    return {result.key: result for result in captioner.run(requests)}


def video(url: str) -> dict[str, Any]:
    return {"type": "video_url", "video_url": {"url": url}}


def inline(path: Path) -> dict[str, Any]:
    return video(f"data:video/mp4;base64,{base64.b64encode(path.read_bytes()).decode()}")


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def asked(sdk: openai.OpenAI, *content: Any, **more: Any) -> Any:
    messages: Any = [{"role": "user", "content": list(content)}]
    return sdk.chat.completions.create(
        model=NAME, messages=messages, **{"max_completion_tokens": 1, "temperature": 0, **more}
    )


def cached(answer: Any) -> int:
    return answer.usage.prompt_tokens_details.cached_tokens or 0


def test_the_aspects_of_a_clip_share_what_was_computed_of_it(engine: CallingCaptioner):
    results = list(engine.run(request(name) for name in ("subject", "scene", "motion", "spatial", "camera")))
    # What random weights say is noise, and the platform may well refuse it; that it was an answer counts here.
    assert {result.error and result.error.code for result in results} <= NOISE
    assert results[0].tokens_cached == 0
    assert all(result.tokens_cached >= 128 for result in results[1:]), "the clip comes first in the message"
    assert all(result.tokens_in > result.tokens_cached for result in results)
    assert all(result.served_revision.startswith(f"{NAME}/vllm-") for result in results)


def test_words_before_the_clip_would_share_nothing(sdk: openai.OpenAI, clips: Path):
    clip = inline(clips / "2.mp4")
    found = [
        cached(asked(sdk, text(f"{name} of this video, please."), clip)) for name in ("Subject", "Motion", "Scene")
    ]
    assert found == [0, 0, 0]


def test_log_probabilities_are_raw_until_a_choice_is_forced(sdk: openai.OpenAI, clips: Path):
    question = (inline(clips / "1.mp4"), text("Does the camera pan? Please answer Yes or No."))
    more: dict[str, Any] = {"logprobs": True, "top_logprobs": 20}
    cold, warm = (first_token(asked(sdk, *question, **more, temperature=heat)) for heat in (0, 1))
    both = cold.keys() & warm.keys()
    assert len(both) >= 10
    assert {token: cold[token] for token in both} == pytest.approx({token: warm[token] for token in both}, abs=1e-4)
    assert 0 < sum(map(math.exp, cold.values())) < 1, "of 403 tokens, not of two"
    forced = first_token(asked(sdk, *question, **more, extra_body={"structured_outputs": {"choice": ["Yes", "No"]}}))
    likely = {token: math.exp(value) for token, value in forced.items() if value > -20}
    assert {"Yes", "No"} <= likely.keys() <= {"Yes", "Ye", "Y", "No", "N"}, "only ways to write one of them are left"
    assert sum(likely.values()) == pytest.approx(1, abs=1e-3)


def test_an_answer_keeps_to_its_schema_whatever_the_weights_want(engine: CallingCaptioner):
    schema = {"type": "object", "properties": {"kind": {"enum": ["wrong", "missing"]}}}
    schema |= {"required": ["kind"], "additionalProperties": False}
    room = {"temperature": 0, "max_completion_tokens": 64}
    held = replace(request("form", prompt="Say what it is, as JSON."), schema=schema, sampling=room)
    answer = answers(engine, held)["form"]
    assert json_object(answer.text or "") in ({"kind": "wrong"}, {"kind": "missing"}), answer


def first_token(answer: Any) -> dict[str, float]:
    """Log-probabilities by token; of tokens that look alike (halves of a character) the likeliest."""
    return {top.token: top.logprob for top in reversed(answer.choices[0].logprobs.content[0].top_logprobs)}


def test_a_clip_by_its_path_is_the_clip_inline_and_no_other_file_is_read(sdk: openai.OpenAI, clips: Path):
    parts = inline(clips / "2.mp4"), video((clips / "2.mp4").as_uri())
    whole, path = (asked(sdk, part, text("Why?")) for part in parts)
    assert path.usage.prompt_tokens == whole.usage.prompt_tokens
    with pytest.raises(openai.BadRequestError):
        asked(sdk, video(Path(__file__).as_uri()), text("Why?"))


def test_what_the_server_cannot_take_is_that_rows_error_and_the_others_go_on(engine: CallingCaptioner):
    long, broken = request("long", prompt="so and so " * 2000), request("broken", clip="broken.mp4")
    results = answers(engine, long, broken, request("motion"))
    for name in ("long", "broken"):
        error = results[name].error
        assert error is not None
        assert (error.kind, len(results[name].calls)) == ("permanent", 1), error.message
    assert "2048" in str(results["long"].error)
    assert results["motion"].tokens_in > 0


def test_two_videos_are_one_too_many(sdk: openai.OpenAI, clips: Path):
    with pytest.raises(openai.BadRequestError, match="1 video"):
        asked(sdk, inline(clips / "1.mp4"), inline(clips / "2.mp4"), text("Which?"))


def test_the_engine_vllm_starts_its_server_says_what_it_is_and_takes_it_along(tiny: Path, clips: Path):
    """A process opens the engine, asks, and is killed: what it had started is gone within the minute."""
    root = Path(__file__).resolve().parents[2]
    settings = {"CHAI_MODEL": str(tiny), "CHAI_VLLM_PYTHON": str(PYTHON), "CHAI_VLLM_ARGS": ARGS}
    settings |= {"CHAI_CAPTIONER": "vllm", "CHAI_MEDIA": str(clips), "PYTHONPATH": str(root)}
    argv = [sys.executable, str(Path(__file__).with_name("holder.py"))]
    holder = subprocess.Popen(argv, env=os.environ | settings, stdout=subprocess.PIPE, text=True)
    servers: list[int] = []
    try:
        assert holder.stdout is not None
        said = next((json.loads(line) for line in holder.stdout if line.startswith("{")), {})
        assert said["model"].startswith("tiny@")
        built = r"tiny@\w{12}/vllm-.* \(vllm 0\.32\.0, transformers 5\.19\.0, template \w{12}\)"
        assert re.fullmatch(built, said["served"]), said
        assert said["cached"][0] == 0
        assert said["cached"][1] >= 128
        servers = [pid for pid in descendants(holder.pid) if "vllm" in command(pid).lower()]
        assert len(servers) >= 2, "the server and its engine"
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    deadline = time.monotonic() + 60
    while left := [pid for pid in servers if "vllm" in command(pid).lower()]:
        assert time.monotonic() < deadline, f"{[command(pid) for pid in left]} outlived the process that started it"
        time.sleep(0.5)


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def descendants(pid: int) -> list[int]:
    tasks = list(Path(f"/proc/{pid}/task").iterdir()) if Path(f"/proc/{pid}").exists() else []
    children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return [found for child in children for found in (child, *descendants(child))]
