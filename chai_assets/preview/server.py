"""The server that Label Studio asks for previews: its four routes, and the one place where a preview asks a model.

It keeps nothing of its own. Answers are stored and metered as those of the pipeline are, by the hash of the request.
Label Studio sends a token to /setup: it is not read, and no request is ever logged.
"""

import logging
import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillOut
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request as Asked
from starlette.responses import JSONResponse
from starlette.routing import Route

from chai_assets.core.rows import ClipRow, DraftRow, read_rows
from chai_assets.critique.page import preview as page_parts
from chai_assets.inference.budget import open_budget
from chai_assets.inference.metered import MeteredCaptioner
from chai_assets.preview.protocol import (
    PREVIEW_USER,
    NothingToAsk,
    PreviewRequest,
    ResultParts,
    critique_so_far,
    read_preview_request,
    saved_at,
    shown,
)
from chai_assets.revision.prompt import RevisableCritique, revise_request
from chai_assets.spec.resource import release_of
from chai_assets.spec.versioning.adoption import adopted_version
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.model_choice import ModelRefused
from chai_resources.captioners.protocol import Request, Result
from chai_resources.label_studio import LabelStudio
from chai_resources.media import Media
from chai_resources.services.same_origin import SameOrigin, own_hosts
from chai_resources.settings import Settings
from chai_resources.tables import Tables

STAGE = "preview"
SETTLE_S = 7.0
"""The page saves its draft within 5 s of a change; one that has not by then has nothing new."""
ANSWER_S = 45.0
"""Together with the above half of the 100 s after which Label Studio gives up."""
_LOOK_S = 0.5
_AT_ONCE = 4
"""Previews that ask a model at a time: by so many requests can they miss a budget."""

_PRESSES_AT_ONCE = 6
"""Each holds a thread of Label Studio's (16), which pages need as well, and the server itself to read a draft."""

log = logging.getLogger("chai.preview")


class Previews:
    """Previews for one deployment. Raises ModelRefused and NoPrice where its model cannot give any."""

    def __init__(self, settings: Settings, label_studio: LabelStudio) -> None:
        refuse(settings)
        self._settings, self._label_studio = settings, label_studio
        self._choice = CaptionerChoice.of(settings)
        self._engine = self._choice.open(Media(root=settings.media))
        open_budget(self._choice, self._engine, Tables(root=settings.tables), STAGE, run="")
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="preview")
        self._room = threading.BoundedSemaphore(_PRESSES_AT_ONCE)
        self._lock = threading.Lock()
        self._newest: dict[int, PreviewRequest] = {}
        self._out: dict[str, Future[Result | None]] = {}

    def predict(self, body: object) -> ResultParts:
        """What to put into the page; nothing where a task was only opened, or where a later request counts instead.

        Raises ValueError for a body that Label Studio does not send.
        """
        preview = read_preview_request(body)
        if preview is None:
            return []
        if not self._room.acquire(blocking=False):
            return page_parts(
                ["No preview just now: too many are asked for. In a moment, change a finding to see one."]
            )
        try:
            return self._answer(preview)
        finally:
            self._room.release()

    def _answer(self, preview: PreviewRequest) -> ResultParts:
        with self._lock:
            self._newest[preview.task_id] = preview
        try:
            texts = self._texts(preview)
        except NothingToAsk as reason:
            texts = [str(reason)]
        except Exception:
            # Whatever it is, a person is waiting, and the page shows nothing at all for an error.
            log.exception("a preview failed")
            texts = ["No preview: something failed, see preview.log. Submit as usual."]
        with self._lock:
            if not self._is_newest(preview):
                return []
            del self._newest[preview.task_id]
        return page_parts(texts)

    def _texts(self, preview: PreviewRequest) -> list[str]:
        result = self._whole_page(preview)
        if result is None:
            return []
        critique = critique_so_far(preview.data, result)
        draft, request = self._request(preview, critique)
        answer = self._asked(request, draft)
        until = time.monotonic() + ANSWER_S
        while self._is_newest(preview) and time.monotonic() < until:
            try:
                return shown(draft["text"], critique, answer.result(timeout=_LOOK_S))
            except StillOut:
                continue
        return ["The model is slow. Its answer is kept: in a while change a finding and change it back to see it."]

    def _whole_page(self, preview: PreviewRequest) -> ResultParts | None:
        """The page as saved after the request, or as saved last; None where a later request counts instead."""
        until = time.monotonic() + SETTLE_S
        while self._is_newest(preview):
            drafts = sorted(self._label_studio.drafts(preview.task_id), key=saved_at)
            late = time.monotonic() > until
            if drafts and (late or preview.settled(saved_at(drafts[-1]), drafts[-1]["result"])):
                return drafts[-1]["result"]
            if late:
                raise NothingToAsk("Nothing was saved yet: change a finding, or press Enter in it.")
            time.sleep(_LOOK_S)
        return None

    def _request(self, preview: PreviewRequest, critique: RevisableCritique) -> tuple[DraftRow, Request]:
        """The draft, and the request that the asset `revisions` would make. Raises NothingToAsk."""
        tables = Tables(root=self._settings.tables)  # of its own: one is not for several threads
        batch = str(preview.data.get("chai_batch"))
        drafts = {row["draft_id"]: row for row in read_rows(tables, DraftRow, batch)}
        clips = {row["clip_id"]: row for row in read_rows(tables, ClipRow, batch)}
        draft = drafts.get(preview.data["draft_id"])
        if draft is None or draft["text"] != preview.data["draft"]:
            raise NothingToAsk("No preview: this task shows a text that is no draft of its batch.")
        release = release_of(self._settings)
        spec = release.lineage(adopted_version(tables, batch, release.in_force)).spec
        return draft, revise_request(spec, clips[draft["clip_id"]], draft, critique, self._engine)

    def _asked(self, request: Request, draft: DraftRow) -> Future[Result | None]:
        """The answer to come; a request that is out already is not made a second time."""
        with self._lock:
            if request.hash not in self._out:
                self._out[request.hash] = self._pool.submit(self._ask, request, draft)
            return self._out[request.hash]

    def _ask(self, request: Request, draft: DraftRow) -> Result | None:
        tables = Tables(root=self._settings.tables)
        try:
            metered = MeteredCaptioner(self._engine, self._choice, tables, draft["batch"], STAGE, draft["aspect"])
            return next(iter(list(metered.run([request]))), None)
        finally:
            with self._lock:
                self._out.pop(request.hash, None)

    def _is_newest(self, preview: PreviewRequest) -> bool:
        """Whether no later request came from the task."""
        return self._newest.get(preview.task_id) is preview


def refuse(settings: Settings) -> None:
    """Raises ModelRefused where no preview can be given: answers must come within seconds."""
    if settings.model.batches:
        raise ModelRefused(
            "a preview cannot wait for a provider's batch: set CHAI_MODEL_MODE=live, or CHAI_PREVIEW=off"
        )
    if settings.captioner == "vllm":
        raise ModelRefused(
            "CHAI_CAPTIONER=vllm loads its model in each process that asks: serve the model once and ask it with "
            "CHAI_CAPTIONER=openai and CHAI_MODEL_URL, or set CHAI_PREVIEW=off"
        )


def preview_app(previews: Previews, password: str, hosts: Collection[str]) -> Starlette:
    """The four routes, under the names of `hosts`. All but /health want the password, as HTTP basic authentication."""
    wanted = "Basic " + b64encode(f"{PREVIEW_USER}:{password}".encode()).decode()
    version = {"model_version": STAGE}

    def inside(answer: Callable[[Asked], Awaitable[JSONResponse]]) -> Callable[[Asked], Awaitable[JSONResponse]]:
        async def checked(request: Asked) -> JSONResponse:
            if not secrets.compare_digest(request.headers.get("authorization", "").encode(), wanted.encode()):
                return JSONResponse({"detail": "this server answers Label Studio only"}, 401)
            return await answer(request)

        return checked

    async def health(_: Asked) -> JSONResponse:
        return JSONResponse({"status": "UP", **version})

    async def setup(_: Asked) -> JSONResponse:
        return JSONResponse(version)

    async def versions(_: Asked) -> JSONResponse:
        return JSONResponse({"versions": [STAGE]})

    async def predict(request: Asked) -> JSONResponse:
        try:
            body: Any = await request.json()
            parts = await run_in_threadpool(previews.predict, body)
        except ValueError as error:
            return JSONResponse({"detail": str(error)}, 400)
        return JSONResponse({"results": [{"result": parts, "score": 0, **version}]})

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/setup", inside(setup), methods=["POST"]),
            Route("/predict", inside(predict), methods=["POST"]),
            Route("/versions", inside(versions)),
        ],
        middleware=[Middleware(SameOrigin, hosts=hosts, open_paths=["/health"])],
    )


def serve(previews: Previews, url: str, password: str, host: str) -> None:
    """Serves previews on the port of the address by which Label Studio finds them, until it is told to end."""
    port = urlsplit(url).port or 80
    uvicorn.run(preview_app(previews, password, own_hosts(port, url)), host=host, port=port, access_log=False)
