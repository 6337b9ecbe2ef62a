"""Cancelling a blocking call from another thread."""

import threading
from collections.abc import Callable

__all__ = ["CancelToken"]


class CancelToken:
    """Given to a blocking call, ends it early when another thread calls `cancel`.

    A token stays cancelled; make a new one for the next call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._next = 0

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Cancel every call that holds this token, now and later. Safe to repeat, from any thread."""
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = list(self._callbacks.values()), {}
        for callback in callbacks:
            callback()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until cancelled, at most ``timeout`` seconds; returns `cancelled`."""
        return self._event.wait(timeout)

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` once on cancellation (at once if it has happened already).

        Returns
        -------
        Callable
            Removes the callback; harmless when it has run.
        """
        with self._lock:
            if not self._event.is_set():
                key, self._next = self._next, self._next + 1
                self._callbacks[key] = callback

                def remove() -> None:
                    with self._lock:
                        self._callbacks.pop(key, None)

                return remove
        callback()
        return lambda: None
