"""Delivers events to subscribers, in order, on one thread of its own."""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from modality_sdk.events.records import Event

__all__ = ["Dispatcher", "Subscription"]

_log = logging.getLogger("modality_sdk.events")

_STOP = object()


class Subscription:
    """One handler's registration; `cancel` ends it. Usable as a context manager."""

    def __init__(
        self,
        dispatcher: "Dispatcher",
        handler: Callable[[Any], object],
        types: tuple[type[Event], ...],
        executor: Executor | None,
    ) -> None:
        self._dispatcher, self._handler, self._types, self._executor = dispatcher, handler, types, executor

    def cancel(self) -> None:
        """Deliver nothing more; safe to repeat."""
        self._dispatcher._remove(self)

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def _offer(self, event: Event) -> None:
        if not isinstance(event, self._types):
            return
        self._guarded(self._call if self._executor is None else self._hand_over, event)

    def _hand_over(self, event: Event) -> None:
        if self._executor is not None:
            self._executor.submit(self._guarded, self._call, event)

    def _call(self, event: Event) -> None:
        self._handler(event)

    def _guarded(self, action: Callable[[Event], object], event: Event) -> None:
        try:
            action(event)
        except Exception as error:
            # a handler's failure harms nobody; its text may hold patient data, so only its type is logged
            _log.error(
                "handler %s failed on %s: %s",
                getattr(self._handler, "__qualname__", "?"),
                type(event).__name__,
                type(error).__name__,
            )


class Dispatcher:
    """Hands every published event to every subscriber that asked for its type.

    Handlers run on the dispatcher's thread (or on the executor given), one after the other, in the order
    of publication. Publishing never blocks and never runs a handler on the publisher's thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._subscriptions: tuple[Subscription, ...] = ()
        self._thread: threading.Thread | None = None
        self._closed = False

    def subscribe(
        self, handler: Callable[[Any], object], *types: type[Event], executor: Executor | None = None
    ) -> Subscription:
        """Call ``handler`` for events of the given types (all when none is given)."""
        subscription = Subscription(self, handler, types or (Event,), executor)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def publish(self, event: Event) -> None:
        """Queue an event for delivery; after `close` it is dropped, the journal has it."""
        with self._lock:
            if self._closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="modality-events", daemon=True)
                self._thread.start()
            self._queue.put(event)

    def close(self, timeout: float = 5.0) -> None:
        """Deliver what was published so far and stop; waits at most ``timeout`` seconds for handlers."""
        with self._lock:
            self._closed = True
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._queue.put(_STOP)
            thread.join(timeout)

    def _remove(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)

    def _run(self) -> None:
        while (event := self._queue.get()) is not _STOP:
            if isinstance(event, Event):
                for subscription in self._subscriptions:
                    subscription._offer(event)
