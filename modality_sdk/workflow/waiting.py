"""Waiting for the journal to reach a state."""

import time
from collections.abc import Callable
from typing import TypeVar

from modality_sdk.errors import Cancelled
from modality_sdk.model import CancelToken
from modality_sdk.workflow.context import Changes

__all__ = ["wait_until"]

T = TypeVar("T")

# another process may change the journal without waking us
_LOOK_AGAIN = 0.5


def wait_until(
    changes: Changes, look: Callable[[], T | None], timeout: float, cancel: CancelToken | None, overdue: str
) -> T:
    """Call ``look`` after every change until it gives something other than None.

    Parameters
    ----------
    changes
        Announces the changes.
    look
        Reads the journal.
    timeout
        Seconds.
    cancel
        Ends the wait with `Cancelled`.
    overdue
        Message of the `TimeoutError`.

    Raises
    ------
    TimeoutError
        After ``timeout`` seconds.
    Cancelled
        When ``cancel`` was cancelled.
    """
    deadline = time.monotonic() + timeout
    remove = cancel.on_cancel(changes.notify) if cancel is not None else (lambda: None)
    try:
        while True:
            seen = changes.count
            if (found := look()) is not None:
                return found
            if cancel is not None and cancel.cancelled:
                raise Cancelled("the wait was cancelled; nothing else was")
            if (left := deadline - time.monotonic()) <= 0:
                raise TimeoutError(overdue)
            changes.wait(seen, min(left, _LOOK_AGAIN))
    finally:
        remove()
