"""Asking in batches: a provider answers within a day at half the price, and runs look in until it has.

`run` hands in what is in no batch yet and fetches what is ready. A request of a batch that is still under way gets
the error `waiting`, which is no failure. What is noted so that nothing is paid for twice stands in
`pending_batches.py`; how a provider is spoken to, in `openai_batches.py` and `gemini_batches.py`.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from chai_resources.captioners.batch_api.answer_file import AnswerLine
from chai_resources.captioners.batch_api.pending_batches import PendingBatch, PendingBatches
from chai_resources.captioners.calls.acceptance import settled
from chai_resources.captioners.calls.answer_body import harmless
from chai_resources.captioners.calls.model_choice import garbled
from chai_resources.captioners.calls.network_captioner import LONGEST_WAIT_S, TRIES, CallFailed, pause_before
from chai_resources.captioners.calls.prefetch import map_ahead
from chai_resources.captioners.protocol import Call, Capabilities, Captioner, CaptionError, Request, Result

SETTLED = timedelta(minutes=10)
"""A batch whose creation was never confirmed is believed to exist for this long; then it is made again."""
LOOKED_FOR = timedelta(hours=48)
"""For this long runs are asked for, to fetch a batch: it takes a day at most, and then nobody may want its answers."""
FORGOTTEN = timedelta(days=30)
"""No provider keeps answers for longer."""
_FAULTS_TOLD = 5
"""Lines of an answer file that nobody can read, told one by one."""
MOST_REQUESTS = 10_000
"""Of a batch. Providers take 50,000, but they are all in memory until they are handed in."""

T = TypeVar("T")
BatchAnswer: TypeAlias = Result | CallFailed


@dataclass(frozen=True)
class ProviderBatch:
    """A batch as its provider sees it: `state` in the provider's word, and files of answers once it has ended."""

    id: str
    state: str
    under_way: bool
    why: str = ""
    files: tuple[str, ...] = ()


class BatchProvider(Protocol):
    """One provider's batches. Every method raises CallFailed."""

    most_bytes: int
    """Of a file of requests."""

    def line(self, request: Request) -> bytes:
        """A request as a line of the file, keyed by its hash."""
        ...

    def upload(self, path: Path) -> str:
        """Hands a file of requests over; gives its name. Costs nothing."""
        ...

    def create(self, file: str, name: str) -> str:
        """Asks for a batch under our `name`; gives the provider's. Charged `unknown` where it may have come about."""
        ...

    def find(self, name: str) -> str | None:
        """The provider's name for the batch that has ours, if there is one."""
        ...

    def look(self, job: str) -> ProviderBatch:
        """How far a batch is."""
        ...

    def answers(self, job: ProviderBatch, asked: Collection[str]) -> Iterator[AnswerLine]:
        """The lines of an ended batch's files of answers; `asked` are the hashes of all its requests."""
        ...

    def read(self, request: Request, line: Any) -> BatchAnswer:
        """What a line says to its request. Raises CallFailed."""
        ...


@dataclass
class _Chunk:
    """Requests that are being written to one file."""

    path: Path
    requests: dict[str, Request] = field(default_factory=dict)
    size: int = 0

    def full(self, more: int, most: int) -> bool:
        """Whether so many bytes more are too many."""
        return bool(self.requests) and (self.size + more > most or len(self.requests) >= MOST_REQUESTS)

    def add(self, request: Request, line: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(line)
        self.requests[request.hash] = request
        self.size += len(line)

    def clear(self) -> None:
        self.path.unlink()
        self.requests, self.size = {}, 0


class BatchCaptioner(Captioner):
    """A `Captioner` over one provider's batches. Keys of requests are to be their hashes, as `StoredAnswers` asks."""

    def __init__(
        self,
        provider: BatchProvider,
        pending: PendingBatches,
        *,
        model: str,
        revision: str,
        parallel: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.model, self.revision = model, revision
        self.capabilities = Capabilities(network=True, batch=True)
        self._provider, self._pending, self._parallel, self._sleep = provider, pending, parallel, sleep
        self._known: dict[str, PendingBatch] | None = None

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        """One result for each request: what is ready, what failed, and for all others that they wait."""
        self._known = known = self._under_way()
        mine: dict[str, dict[str, Request]] = defaultdict(dict)

        def fresh() -> Iterator[Request]:
            for request in requests:
                if request.hash in known:
                    mine[known[request.hash].id][request.hash] = request
                else:
                    yield request

        yield from self._hand_in(fresh())
        yield from self._fetch_all(mine)

    def orphaned_results(self, hashes: Iterable[str]) -> Iterator[Result]:
        """What batches have for requests that nobody asks any more, keyed by hash; nothing is handed in.

        No result for one that is in no batch.
        """
        self._known = known = self._under_way()
        mine: dict[str, dict[str, Request]] = defaultdict(dict)
        for each in hashes:
            if each in known:
                # Of a request that was handed in, only its hash is needed to read the answer.
                mine[known[each].id][each] = Request(each, each, "draft", "", {})
        yield from self._fetch_all(mine)

    def _fetch_all(self, asked: dict[str, dict[str, Request]]) -> Iterator[Result]:
        """What batches have for requests, by batch and hash."""
        open_ = {batch.id: batch for batch in (self._known or {}).values()}
        for name, requests in asked.items():
            yield from self._fetch(open_[name], requests)

    def is_pending(self, request_hash: str) -> bool:
        """Whether a request is in a batch that is not closed: it costs nothing more."""
        if self._known is None:
            self._known = self._under_way()
        return request_hash in self._known

    def ended(self) -> list[PendingBatch]:
        """Batches that a run has something to do about: to fetch, or to clear up. Raises CallFailed, NoteUnreadable."""
        young = (batch for batch in self._pending.open() if batch.age < LOOKED_FOR)
        return [batch for batch in young if self._to_do(batch)]

    def _to_do(self, batch: PendingBatch) -> bool:
        if batch.fetched:
            return False  # the run that fetched the rest, or the next one, fetches what nobody wants
        if not batch.job:
            return batch.age > SETTLED
        return not self._provider.look(batch.job).under_way

    def _under_way(self) -> dict[str, PendingBatch]:
        """Batches not closed, by the hashes of their requests; what a killed run left in doubt is cleared up."""
        known: dict[str, PendingBatch] = {}
        for batch in self._pending.open():
            if batch.age > FORGOTTEN:
                self._pending.close(batch, "nobody asked for the answers")
            elif kept := batch if batch.job else self._looked_up(batch):
                known |= dict.fromkeys(kept.requests, kept)
        return known

    def _looked_up(self, batch: PendingBatch) -> PendingBatch | None:
        """A batch whose creation nobody saw end, with the provider's name if it has one; None if there is no such."""
        try:
            job = self._provider.find(batch.id)
        except CallFailed:
            return batch  # in doubt still
        if job:
            return self._pending.note_job(batch, job)
        if batch.age < SETTLED:
            return batch
        self._pending.close(batch, "the provider never had it")
        return None

    def _hand_in(self, requests: Iterable[Request]) -> Iterator[Result]:
        """Writes requests to a file and hands it in whenever it is full; where that is of no use, no more are."""
        stopped: CallFailed | None = None
        with tempfile.TemporaryDirectory(prefix="chai-batch-") as folder:
            chunk = _Chunk(Path(folder, "requests.jsonl"))
            for request, line in map_ahead(self._line, requests, self._parallel):
                if isinstance(line, CallFailed):
                    yield self._failed(request, line)
                    continue
                if not stopped and chunk.full(len(line), self._provider.most_bytes):
                    stopped = yield from self._submit(chunk)
                if stopped:
                    yield self._failed(request, stopped)
                else:
                    chunk.add(request, line)
            if chunk.requests:
                yield from self._submit(chunk)

    def _line(self, request: Request) -> bytes | CallFailed:
        try:
            return self._provider.line(request)
        except CallFailed as failed:
            return failed

    def _submit(self, chunk: _Chunk) -> Generator[Result, None, CallFailed | None]:
        """Hands a file in and empties it; gives back the failure that every other file would have too."""
        batch = None
        asked = list(chunk.requests.values())
        try:
            file = self._tried(lambda: self._provider.upload(chunk.path))
            batch = self._pending.begin(chunk.requests, {request.cache_group for request in asked})
            if batch:
                name = batch.id
                batch = self._pending.note_job(batch, self._tried(lambda: self._provider.create(file, name)))
        except CallFailed as failed:
            if batch is None or failed.charged == "no":
                if batch:
                    self._pending.close(batch, failed.error.message)
                # What is said of the whole file is held against none of its rows.
                refused = replace(failed, error=replace(failed.error, kind="retryable"))
                yield from (self._failed(request, refused) for request in asked)
                chunk.clear()
                return refused if failed.stops else None
        if batch and self._known is not None:
            self._known |= dict.fromkeys(batch.requests, batch)
        yield from (self._waiting(request, batch) for request in asked)
        chunk.clear()
        return None

    def _tried(self, step: Callable[[], T]) -> T:
        """A step, tried again while it certainly did nothing and may yet succeed. Raises CallFailed."""
        for attempt in range(1, TRIES + 1):
            try:
                return step()
            except CallFailed as failed:
                pause = pause_before(attempt) if failed.retry_after_s is None else failed.retry_after_s
                passing = failed.error.kind == "retryable" and failed.charged == "no" and not failed.stops
                if not passing or attempt == TRIES or pause > LONGEST_WAIT_S:
                    raise
                self._sleep(pause)
        raise AssertionError("the loop returns")

    def _fetch(self, batch: PendingBatch, asked: dict[str, Request]) -> Iterator[Result]:
        """What a batch has for these requests. It is closed once all has been handed on."""
        left, failures, faults = dict(asked), dict[str, CallFailed](), list[str]()
        try:
            job = self._tried(lambda: self._provider.look(batch.job)) if batch.job else None
            if job is None or job.under_way:
                yield from (self._waiting(request, batch) for request in asked.values())
                return
            for line in self._provider.answers(job, set(batch.requests)):
                faults += [line.fault] if line.fault else []
                if line.key not in left:
                    continue  # of another run, of nobody, or said before
                answer = self._answer(left[line.key], line)
                if isinstance(answer, CallFailed):
                    failures.setdefault(line.key, answer)  # a line after it may hold the answer
                else:
                    yield self._read(left.pop(line.key), batch, answer)
        except CallFailed as failed:
            # The batch stands: the next run looks again.
            yield from (self._failed(request, failed) for request in left.values())
            return
        why = "; ".join(filter(None, [job.why, *faults[:_FAULTS_TOLD]]))
        for request in left.values():
            message = f"batch {batch.job} ended {job.state}, without an answer to this: run again to ask it again"
            said = f"{message} ({why})" if why else message
            lost = CallFailed(CaptionError("retryable", f"batch_{job.state}", said))
            yield self._read(request, batch, failures.get(request.hash, lost))
        why = f"{job.state}: {len(asked) - len(left)} of {len(asked)} answered{f' ({why})' if why else ''}"
        self._pending.close(batch, why, done=asked)  # what this run does not want, another may

    def _read(self, request: Request, batch: PendingBatch, answer: BatchAnswer) -> Result:
        """An answer as it is handed on, with the one call it was."""
        if isinstance(answer, CallFailed):
            call = Call(batch.at, answer.error.code, answer.charged, batch=True)
            return harmless(replace(self._failed(request, answer), calls=(call,)))
        answer = settled(request, answer)
        tokens = (answer.tokens_in, answer.tokens_cached, answer.tokens_out)
        call = Call(batch.at, answer.error.code if answer.error else "answered", "yes", *tokens, batch=True)
        return replace(answer, calls=(call,))

    def _answer(self, request: Request, line: AnswerLine) -> BatchAnswer:
        if line.fault:
            return garbled(f"{line.fault}: run again to ask it again")
        try:
            return self._provider.read(request, line.value)
        except CallFailed as failed:
            return failed
        except Exception as surprise:  # a line must not hold up the others of its batch
            return garbled(f"line {line.number} is no answer ({surprise!r}): run again to ask it again")

    def _waiting(self, request: Request, batch: PendingBatch | None) -> Result:
        """That a request is in a batch under way; what it will cost is promised from the moment of handing in."""
        where = f"batch {batch.job or batch.id}" if batch else "a batch of another run"
        since = f" since {batch.at[:16].replace('T', ' ')} UTC" if batch else ""
        error = CaptionError("waiting", "batch", f"in {where}{since}: `advance` looks again when it has ended")
        calls = (Call(batch.at, "waiting", "promised", batch=True),) if batch else ()
        return Result(request.key, self.model, self.revision, error=error, calls=calls)

    def _failed(self, request: Request, failed: CallFailed) -> Result:
        return harmless(Result(request.key, self.model, self.revision, error=failed.error))
