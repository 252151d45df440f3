"""What is made of a clip to show it to a model, made once for all its requests: they come back to back."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class OncePerClip(Generic[T]):
    """Values by key, each made by the first who asks while the others wait; the `keep` last asked for are kept."""

    def __init__(self, keep: int) -> None:
        self._keep, self._lock = keep, threading.Lock()
        self._made: OrderedDict[str, Future[T]] = OrderedDict()

    def get(self, key: str, make: Callable[[], T]) -> T:
        """The value. Raises what `make` raises, to all who wait for it; who asks then has it made anew."""
        with self._lock:
            value = self._made.get(key)
            mine = value is None
            if value is None:
                value = self._made[key] = Future()
            self._made.move_to_end(key)
            if len(self._made) > self._keep:
                self._made.popitem(last=False)
        if mine:
            try:
                value.set_result(make())
            except BaseException as error:
                with self._lock:
                    if self._made.get(key) is value:
                        del self._made[key]
                value.set_exception(error)
        return value.result()

    def drop(self, key: str, when: Callable[[T], bool]) -> None:
        """Forgets a value of which this holds; one that is being made stays."""
        with self._lock:
            known = self._made.get(key)
            if known is not None and known.done() and not known.exception() and when(known.result()):
                del self._made[key]
