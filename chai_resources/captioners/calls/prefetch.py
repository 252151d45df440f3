"""Work that threads do a little ahead of the caller who takes its results."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def map_ahead(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[tuple[T, R]]:
    """Each item with what `work` makes of it, in order; at most twice `threads` items are read ahead.

    What `work` raises is raised where its item is due. Ended early, it finishes what is under way and no more.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="map_ahead")
    due: deque[tuple[T, Future[R]]] = deque()
    try:
        for item in items:
            due.append((item, pool.submit(work, item)))
            if len(due) >= 2 * threads:
                first, result = due.popleft()
                yield first, result.result()
        while due:
            first, result = due.popleft()
            yield first, result.result()
    finally:
        pool.shutdown(cancel_futures=True)
