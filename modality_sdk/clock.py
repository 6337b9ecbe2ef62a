"""Time: one source for the whole process, so that a test can turn the clock.

Dates and times in objects and MPPS messages are local, with Timezone Offset From UTC, (0008,0201), beside them
(PS3.3 C.12.1.1.7); nothing mixes local time and UTC. Intervals are measured on the monotonic clock.
"""

import ctypes
import sys
import time
from datetime import datetime, tzinfo
from typing import Protocol

__all__ = ["Clock", "SystemClock", "is_synchronized", "timezone_offset"]

_TIME_ERROR = 5
_LARGER_THAN_TIMEX = 512


class Clock(Protocol):
    """Source of time."""

    def now(self) -> datetime:
        """The present time, aware, in the local zone."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never goes back."""


class SystemClock:
    """The clock of the operating system.

    Parameters
    ----------
    zone
        Zone of all times; that of the operating system when None.
    """

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone

    def now(self) -> datetime:
        """The present time, aware, in the local zone."""
        return datetime.now(self._zone).astimezone(self._zone)

    def monotonic(self) -> float:
        """Seconds on the system's monotonic clock."""
        return time.monotonic()


def timezone_offset(moment: datetime) -> str:
    """Timezone Offset From UTC of an aware time: ``&ZZXX``, e.g. ``+0100`` (PS3.3 C.12.1.1.7).

    Raises
    ------
    ValueError
        When ``moment`` carries no zone.
    """
    offset = moment.strftime("%z")
    if not offset:
        raise ValueError("the time carries no zone")
    return offset[:5]


def is_synchronized() -> bool | None:
    """Whether a time service keeps the clock of this machine, as the kernel was told by it.

    Returns
    -------
    bool or None
        None where the operating system does not say: it is asked on Linux only.
    """
    if not sys.platform.startswith("linux"):
        return None
    request = ctypes.create_string_buffer(_LARGER_THAN_TIMEX)  # all zero: nothing is to be changed
    try:
        state = ctypes.CDLL(None).adjtimex(request)
    except (AttributeError, OSError):  # a C library without it
        return None
    return None if state < 0 else bool(state != _TIME_ERROR)
