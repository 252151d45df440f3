"""A tiny model, clips, and one real vLLM that serves the model to the tests here."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chai_resources.captioners.engines.vllm_server import VllmServer
from tests.ingestion.films import scene, write

PYTHON = Path(__file__).resolve().parents[2] / ".chai/vllm-venv/bin/python"
ARGS = "--dtype float32 --enforce-eager --max-model-len 2048 --max-num-seqs 8"
"""What makes it small enough for two cores."""
NAME = "tiny@0123456"


@pytest.fixture(scope="session")
def small() -> Iterator[None]:
    """Variables of vLLM on a CPU. Nothing is fetched, and nothing is compiled for a speed that no test needs."""
    wanted = {
        "HF_HUB_OFFLINE": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "TORCH_COMPILE_DISABLE": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in wanted.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def tiny(small: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Qwen3-VL of a million random weights."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    script = Path(__file__).with_name("tiny_model.py")
    made = subprocess.run([str(PYTHON), str(script), str(folder)], capture_output=True, text=True, env=dict(os.environ))
    assert made.returncode == 0, made.stderr[-2000:]
    return folder


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A media store's folder with three clips, one of them no video."""
    folder = tmp_path_factory.mktemp("media")
    for seed in (1, 2):
        write(folder / f"{seed}.mp4", scene(seed, 50), rate=25)
    (folder / "broken.mp4").write_bytes(b"no video" * 500)
    return folder


@pytest.fixture(scope="session")
def vllm(tiny: Path, clips: Path) -> Iterator[VllmServer]:
    """A vLLM that serves the tiny model."""
    told = ["--model", str(tiny), "--served-model-name", NAME, "--limit-mm-per-prompt", '{"image": 0, "video": 1}']
    told += ["--allowed-local-media-path", str(clips), "--enable-prompt-tokens-details"]
    # Between two words of JSON any white space is allowed, and random weights would write nothing else.
    told += ["--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}']
    server = VllmServer(str(PYTHON), [*told, *ARGS.split()], NAME)
    server.start(print, timeout=500)
    yield server
    server.stop()
