"""A clock that a test turns by hand."""

import threading
from datetime import UTC, datetime, timedelta

__all__ = ["FakeClock"]


class FakeClock:
    """Stands still until told otherwise.

    Parameters
    ----------
    start
        First time, aware; a fixed one when None.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._now = _aware(start or datetime(2024, 3, 1, 8, 0, tzinfo=UTC))
        self._monotonic = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time that was set, in the zone in which it was set."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Seconds that passed by `advance`; `set` does not move it."""
        with self._lock:
            return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass, on both clocks; ``seconds`` must not be negative."""
        if seconds < 0:
            raise ValueError("time passes forward; use set() to set the clock back")
        with self._lock:
            # past UTC, since an hour of the zone may be missing or double
            self._now = (self._now.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(self._now.tzinfo)
            self._monotonic += seconds

    def suspend(self, seconds: float) -> None:
        """Let the machine sleep: the wall clock goes on, the monotonic one stands, as on Linux and macOS."""
        self.advance(seconds)
        with self._lock:
            self._monotonic -= seconds

    def set(self, moment: datetime) -> None:
        """Set the clock, forward or back, as an operator or a time server does; no time passes."""
        with self._lock:
            self._now = _aware(moment)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("the time carries no zone")
    return moment
