"""The engine `vllm`: a vLLM server of this process's own, for a machine with a GPU.

The server starts with the first request, so that a machine without a GPU can open the engine to plan with. It is
asked through the engine `openai`, with whole clips, and ends with this process, however that ends.
"""

import hashlib
import json
import re
import shlex
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg

from chai_resources.captioners.calls.model_choice import ModelChoice, ModelRefused
from chai_resources.captioners.calls.network_captioner import CallFailed, CallingCaptioner
from chai_resources.captioners.engines.openai_engine import Chat, client_of
from chai_resources.captioners.engines.vllm_server import ServerFailed, VllmServer
from chai_resources.captioners.protocol import Capabilities, CaptionError, Request, Result
from chai_resources.errors import read_utf8
from chai_resources.media_store import MediaStore

_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_OF_A_MODEL = {".json", ".jinja", ".txt", ".model", ".safetensors", ".bin", ".py"}
_READ_WHOLE = 32 << 20
"""Bytes; larger files, the weights, are sampled: training again or merging an adapter changes them all over."""
_DYING_S = 5.0
_SAMPLES, _SAMPLE = 64, 64 << 10
_CHANGE_ANSWERS = {
    "--chat-template",
    "--chat-template-content-format",
    "--dtype",
    "--generation-config",
    "--hf-overrides",
    "--logprobs-mode",
    "--lora-modules",
    "--media-io-kwargs",
    "--mm-processor-kwargs",
    "--override-generation-config",
    "--quantization",
    "--speculative-config",
    "--tokenizer",
}
"""Arguments of the server after which the same request gets another answer; the others are about speed and place."""


@dataclass(frozen=True)
class ServedModel:
    """The model as the server is told of it: a folder or a hub name, its revision there, the name it answers to."""

    place: str
    revision: str
    name: str


def vllm_captioner(choice: ModelChoice, media: MediaStore) -> CallingCaptioner:
    """The engine for this model. Raises ModelRefused for one that is not pinned, or for arguments that are none."""
    if choice.batches:
        raise ModelRefused("a vLLM of one's own has no batches at a lower price: set CHAI_MODEL_MODE=live")
    served, extra = served_model(choice), _arguments(choice)
    seen = f"video at {choice.fps:g} fps, at most {choice.frames} frames, {choice.max_tokens} tokens"
    return CallingCaptioner(
        _OwnServer(choice, served, extra, media),
        model=served.name,
        revision=f"vllm-1 ({', '.join([seen, *_answer_changing(extra)])})",
        capabilities=Capabilities(network=True, logprobs=True),
        pace=choice.pace,
    )


class _OwnServer:
    """Calls to a server that the first of them starts."""

    def __init__(self, choice: ModelChoice, served: ServedModel, extra: list[str], media: MediaStore) -> None:
        self._choice, self._served, self._media = choice, served, media
        self._arguments = [*_server_arguments(choice, served, media), *extra]
        self._template = template_hash(Path(served.place), extra)
        self._lock = threading.Lock()
        self._running: tuple[VllmServer, Chat, str] | None = None

    def __call__(self, request: Request) -> Result:
        server, chat, built = self._up()
        try:
            result = chat(request)
        except CallFailed as failed:
            # A connection breaks a moment before the server that broke it is seen to have ended.
            if (end := server.end(patience=_DYING_S if failed.error.code == "connection" else 0.0)) is None:
                raise
            error = CaptionError("retryable", "vllm", f"{end}\nfree memory or set CHAI_VLLM_ARGS, then run again")
            raise CallFailed(error, stops=True, charged=failed.charged) from failed
        return replace(result, served_revision=f"{result.served_revision} ({built})")

    def _up(self) -> tuple[VllmServer, Chat, str]:
        """The server, started if none is up. Raises CallFailed where it does not come up: no request can do better."""
        with self._lock:
            if self._running is None or self._running[0].end() is not None:
                self._running = None
                server = VllmServer(self._choice.vllm_python, self._arguments, self._served.name)
                try:
                    server.start(dg.get_dagster_logger("vllm").info)
                except ServerFailed as failed:
                    error = CaptionError("retryable", "vllm", str(failed))
                    raise CallFailed(error, stops=True, called=False) from failed
                asked = self._choice.model_copy(
                    update={"model": self._served.name, "url": server.address, "whole_video": True}
                )
                chat = Chat(client_of(asked, server.key), asked, self._media, by_path=not self._media.is_s3)
                self._running = (server, chat, f"{server.versions}, template {self._template}")
            return self._running


def _server_arguments(choice: ModelChoice, served: ServedModel, media: MediaStore) -> list[str]:
    """Arguments of the server besides CHAI_VLLM_ARGS, which come later and win."""
    frames = {"video": {"fps": choice.fps, "num_frames": choice.frames}}
    arguments = ["--model", served.place, "--served-model-name", served.name]
    arguments += ["--revision", served.revision] if served.revision else []
    # A clip by its path need not be encoded, sent and decoded for each of its requests.
    arguments += [] if media.is_s3 else ["--allowed-local-media-path", str(Path(media.root).absolute())]
    arguments += ["--limit-mm-per-prompt", '{"image": 0, "video": 1}', "--media-io-kwargs", json.dumps(frames)]
    # The requests of a clip come one after another: a larger cache of processed clips only fills the memory.
    return [
        *arguments,
        "--mm-processor-cache-gb",
        "1",
        "--enable-prompt-tokens-details",
        "--uvicorn-log-level",
        "warning",
    ]


def served_model(choice: ModelChoice) -> ServedModel:
    """A folder by the hash of what is in it, a hub name by its commit. Raises ModelRefused for any other."""
    folder = Path(choice.model).expanduser()
    if choice.model and folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelRefused(f"CHAI_MODEL={choice.model} is a folder without config.json: name a model's own folder")
        return ServedModel(str(folder.absolute()), "", f"{folder.absolute().name}@{folder_hash(folder)}")
    name, _, commit = choice.model.rpartition("@")
    if name and _COMMIT.fullmatch(commit):
        return ServedModel(name, commit, choice.model)
    if choice.model and choice.unpinned:
        return ServedModel(choice.model, "", choice.model)
    raise ModelRefused(
        f"CHAI_MODEL={choice.model} is neither a folder of a model (here and on the GPU machines) nor a hub name "
        "with its commit: set it to /models/name, or to owner/name@commit"
    )


def folder_hash(folder: Path) -> str:
    """Twelve hex digits of what a model's folder holds: another one for other weights, words or configuration."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in _OF_A_MODEL and path.is_file()):
        size = path.stat().st_size
        digest.update(f"{path.name}\n{size}\n".encode())
        with path.open("rb") as file:
            if size <= _READ_WHOLE:
                digest.update(file.read())
                continue
            for number in range(_SAMPLES):
                file.seek((size - _SAMPLE) * number // (_SAMPLES - 1))
                digest.update(file.read(_SAMPLE))
    return digest.hexdigest()[:12]


def template_hash(folder: Path, extra: list[str]) -> str:
    """Twelve hex digits of the chat template in force; a hub's model has it pinned by its commit."""
    given = [_value(extra, number) for number, word in enumerate(extra) if word.split("=")[0] == "--chat-template"]
    text = ""
    if given:
        path = Path(given[-1])
        text = read_utf8(path) if path.is_file() else given[-1]
    elif (folder / "chat_template.jinja").is_file():
        text = read_utf8(folder / "chat_template.jinja")
    elif (folder / "tokenizer_config.json").is_file():
        text = str(json.loads(read_utf8(folder / "tokenizer_config.json")).get("chat_template") or "")
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "of the model"


def _arguments(choice: ModelChoice) -> list[str]:
    try:
        return shlex.split(choice.vllm_args)
    except ValueError as error:
        raise ModelRefused(f"CHAI_VLLM_ARGS={choice.vllm_args} cannot be read ({error}): close its quotes") from error


def _answer_changing(extra: list[str]) -> Iterable[str]:
    """Arguments of one's own that change answers, with their values."""
    for number, word in enumerate(extra):
        name = word.split("=")[0]
        if name in _CHANGE_ANSWERS:
            yield f"{name} {_value(extra, number)}"


def _value(words: list[str], number: int) -> str:
    """The value of the argument at this place, `--name value` or `--name=value`."""
    _, equals, value = words[number].partition("=")
    return value if equals else " ".join(words[number + 1 : number + 2])
