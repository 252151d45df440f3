"""The engine `vllm` around its child process, with a stand-in for vLLM; the real one is asked by `make test-vllm`."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from chai_resources.captioners.calls.model_choice import ModelChoice, ModelRefused
from chai_resources.captioners.engines.vllm_engine import folder_hash
from chai_resources.captioners.protocol import Captioner, ClipMedia, Request, Result
from chai_resources.captioners.registry import ENGINES
from chai_resources.media import Media
from tests.ingestion.films import scene, write

HERE = Path(__file__).parent


@pytest.fixture
def python(tmp_path: Path) -> str:
    """An interpreter whose environment has the stand-in."""
    path = tmp_path / "bin" / "python"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{HERE / "stand_in_vllm"}" exec "{sys.executable}" "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder laid out like a model's."""
    folder = tmp_path / "qwen"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    (folder / "model.safetensors").write_bytes(bytes(1000))
    return folder


def opened(tmp_path: Path, model: Path | str, python: str, args: str = "", **changes: Any) -> Captioner:
    choice = ModelChoice(model=str(model), vllm_python=python, vllm_args=args, parallel=2, **changes)
    return ENGINES["vllm"](choice, Media(root=str(tmp_path / "media")))


def request(name: str, clip: str = "") -> Request:
    shown = ClipMedia(clip, "video/mp4", 1.0, 25.0) if clip else None
    return Request(name, f"req_{name}", "draft", name, {}, shown, {"temperature": 0})


def run(captioner: Captioner, *requests: Request) -> dict[str, Result]:
    return {result.key: result for result in captioner.run(requests)}


def seen(result: Result) -> dict[str, Any]:
    """What the stand-in was asked and told."""
    assert result.error is None, result.error
    return json.loads((result.text or "").removeprefix("The camera pans left. "))


def test_one_server_serves_all_runs_of_an_engine_and_says_with_what(tmp_path, model, python):
    captioner = opened(tmp_path, model, python)
    first = run(captioner, request("a"), request("b"))
    # The threads of the first run are gone by now; the server must not have gone with them.
    second = run(captioner, request("c"))
    assert {seen(result)["pid"] for result in (*first.values(), *second.values())} == {seen(first["a"])["pid"]}
    assert first["a"].model == captioner.model == f"qwen@{folder_hash(model)}"
    assert "(vllm 9.9, transformers " in first["a"].served_revision
    assert ", template " in first["a"].served_revision


def test_a_clip_in_a_folder_goes_by_its_path_and_a_missing_one_is_its_rows_error(tmp_path, model, python):
    (tmp_path / "media").mkdir()
    clip = write(tmp_path / "media" / "a b.mp4", scene(1, 10), rate=25)
    results = run(opened(tmp_path, model, python), request("a", "a b.mp4"), request("b", "none.mp4"))
    told = seen(results["a"])
    assert told["asked"]["messages"][0]["content"][0]["video_url"]["url"] == clip.as_uri()
    assert told["args"][told["args"].index("--allowed-local-media-path") + 1] == str(tmp_path / "media")
    error = results["b"].error
    assert error is not None
    assert (error.kind, error.code) == ("retryable", "media")


def test_no_key_of_a_provider_reaches_the_server_and_what_the_gpu_needs_does(tmp_path, model, python, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    told = seen(run(opened(tmp_path, model, python), request("a"))["a"])
    assert "sk-secret" not in json.dumps(told)
    assert told["env"]["CUDA_VISIBLE_DEVICES"] == "3"
    assert told["env"]["VLLM_NO_USAGE_STATS"] == told["env"]["DO_NOT_TRACK"] == "1"


@pytest.mark.parametrize(
    ("interpreter", "args", "words"),
    [
        ("", "--fail", "the model does not fit into the memory\ncheck CHAI_MODEL and CHAI_VLLM_ARGS"),
        ("/no/such/python", "", "set CHAI_VLLM_PYTHON to the interpreter"),
        (sys.executable, "", "has no vLLM: set CHAI_VLLM_PYTHON"),
    ],
)
def test_a_server_that_does_not_come_up_is_said_once_and_held_against_no_row(
    interpreter: str, args: str, words: str, tmp_path, model, python
):
    results = run(opened(tmp_path, model, interpreter or python, args), *[request(f"r{n}") for n in range(10)])
    assert {result.error and result.error.kind for result in results.values()} == {"retryable"}
    assert any(words in result.error.message for result in results.values() if result.error)
    assert not any(result.calls for result in results.values()), "nothing was asked, nothing is in the ledger"


def test_a_server_that_dies_is_named_with_its_last_words_and_the_next_run_has_another(tmp_path, model, python):
    captioner = opened(tmp_path, model, python)
    pid = seen(run(captioner, request("a"))["a"])["pid"]
    error = run(captioner, request("die now"))["die now"].error
    assert error is not None
    assert "ended with code 9" in error.message
    assert "CUDA out of memory" in error.message
    assert seen(run(captioner, request("b"))["b"])["pid"] != pid


@pytest.mark.parametrize("args", ["", "--deaf"])
def test_a_killed_parent_takes_its_server_along(args: str, tmp_path, model, python):
    settings = {"CHAI_CAPTIONER": "vllm", "CHAI_MODEL": str(model), "CHAI_VLLM_PYTHON": python, "CHAI_VLLM_ARGS": args}
    settings |= {"CHAI_MEDIA": str(tmp_path), "PYTHONPATH": str(HERE.parents[1])}
    code = (
        "import time; from tests.captioners.test_vllm_engine import *; from chai_resources.settings import Settings\n"
        "s = Settings.from_env(); engine = ENGINES['vllm'](s.model, Media(root=s.media))\n"
        "told = seen(run(engine, request('a'))['a']); print(told['pid'], told['engine'], flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | settings, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pids = next([int(pid) for pid in line.split()] for line in parent.stdout if line.replace(" ", "").strip().isdigit())
    assert all(map(alive, pids))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    gone(pids)


def test_no_engine_of_a_dead_server_keeps_the_gpu(tmp_path, model, python):
    captioner = opened(tmp_path, model, python)
    told = seen(run(captioner, request("a"))["a"])
    os.kill(told["pid"], signal.SIGKILL)
    gone([told["engine"]])


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 60
    while left := [pid for pid in pids if alive(pid)]:
        assert time.monotonic() < deadline, f"{left} outlived the process that started them"
        time.sleep(0.05)


def test_another_content_is_another_model_and_another_place_is_not(tmp_path, model, monkeypatch):
    monkeypatch.setattr("chai_resources.captioners.engines.vllm_engine._READ_WHOLE", 500)
    monkeypatch.setattr("chai_resources.captioners.engines.vllm_engine._SAMPLE", 10)
    before = opened(tmp_path, model, "")
    assert opened(tmp_path, shutil.copytree(model, tmp_path / "moved" / "qwen"), "").model == before.model
    (model / "model.safetensors").write_bytes(bytes([1]) * 1000)
    trained = opened(tmp_path, model, "")
    assert trained.model != before.model
    (model / "chat_template.jinja").write_text("{{ messages }}\n")
    assert opened(tmp_path, model, "").model not in (before.model, trained.model)


def test_a_hub_name_carries_its_commit_and_a_folder_is_a_models(tmp_path):
    pinned = "Qwen/Qwen3-VL-8B-Instruct@0c351dd01ed87e9c1b53cbc748cba10e6187ff3b"
    assert opened(tmp_path, pinned, "").model == pinned
    for name in ("Qwen/Qwen3-VL-8B-Instruct", "Qwen/Qwen3-VL-8B-Instruct@main", "", "@0c351dd"):
        with pytest.raises(ModelRefused, match="owner/name@commit"):
            opened(tmp_path, name, "")
    assert opened(tmp_path, "Qwen/Qwen3-VL-8B-Instruct", "", unpinned=True).model == "Qwen/Qwen3-VL-8B-Instruct"
    with pytest.raises(ModelRefused, match=r"config\.json"):
        opened(tmp_path, tmp_path, "")


def test_only_arguments_that_change_answers_make_another_revision(tmp_path, model):
    plain = opened(tmp_path, model, "").revision
    assert opened(tmp_path, model, "", "--gpu-memory-utilization 0.8").revision == plain
    written = {opened(tmp_path, model, "", args).revision for args in ("--dtype half", "--dtype=half")}
    assert len(written) == 1
    assert plain not in written
    with pytest.raises(ModelRefused, match="close its quotes"):
        opened(tmp_path, model, "", "--dtype 'half")
