"""What a process can tell by its monotonic clock alone: who renews no lease, and that the wall clock was set back."""

from collections.abc import Collection
from datetime import datetime, timedelta

__all__ = ["LEASE", "LeaseWatch", "StepWatch"]

LEASE = 60.0
"""Seconds without a heartbeat after which a job comes back."""

_CLOCK_STEP = 5.0
"""Seconds by which wall clock and monotonic clock may drift apart between two looks before it counts as set."""

Lease = tuple[str, str]


class LeaseWatch:
    """Tells leases that nobody renews.

    Each process measures with its own monotonic clock how long it has seen a lease unchanged, so that no setting of
    the wall clock takes a job from its owner.
    """

    def __init__(self) -> None:
        self._unchanged: dict[Lease, float] = {}
        self._looked = 0.0

    def lapsed(self, leases: Collection[Lease], monotonic: float) -> set[Lease]:
        """Look at all leases of now; returns those that were not renewed for `LEASE` seconds.

        Parameters
        ----------
        leases
            Owner and end of each; an empty end is that of an owner who is known to be gone.
        """
        # who did not look for long may have slept with the machine, and the owners too: let them renew first
        passed = min(monotonic - self._looked, LEASE / 2)
        self._looked = monotonic
        self._unchanged = {
            lease: self._unchanged[lease] + passed if lease in self._unchanged else 0.0 for lease in leases
        }
        return {lease for lease, seconds in self._unchanged.items() if seconds >= LEASE or not lease[1]}


class StepWatch:
    """Notices that the wall clock was set back, so that what was timed before waits no longer than it should.

    A clock that was set forward, and one that went on while the machine slept, look the same and need nothing: what
    is due is due.
    """

    def __init__(self) -> None:
        self._offset: float | None = None
        self._looked = 0.0

    def set_back(self, now: datetime, monotonic: float) -> datetime | None:
        """Look at both clocks; None unless the wall clock was set back since the last look.

        Returns
        -------
        datetime or None
            Of two times on the new wall clock that are both not in the future, the one before this belongs to
            something that was timed before the step; what other processes have timed since is later.
        """
        offset, since = now.timestamp() - monotonic, monotonic - self._looked
        back = self._offset is not None and offset < self._offset - _CLOCK_STEP
        self._offset, self._looked = offset, monotonic
        return now - timedelta(seconds=since) if back else None
