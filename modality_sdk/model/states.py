"""The states that steps, objects, jobs, destinations and commitments go through."""

from enum import StrEnum

__all__ = [
    "CommitmentState",
    "DeliveryState",
    "DestinationState",
    "InstanceState",
    "JobState",
    "StepStatus",
]


class StepStatus(StrEnum):
    """Performed Procedure Step Status, (0040,0252), and the time before it exists (PS3.4 F.7.2)."""

    DRAFT = "DRAFT"
    """Opened at the console; nothing was exposed, no message was queued."""
    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    DISCONTINUED = "DISCONTINUED"

    @property
    def is_final(self) -> bool:
        """Whether the step takes no further object and no further N-SET."""
        return self in (StepStatus.COMPLETED, StepStatus.DISCONTINUED)


class InstanceState(StrEnum):
    """What the operator says of an object."""

    ACQUIRED = "ACQUIRED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"


class JobState(StrEnum):
    """State of one queued transmission."""

    PENDING = "PENDING"
    IN_FLIGHT = "IN_FLIGHT"
    RETRYING = "RETRYING"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    """Kept for the operator; never retried and never deleted by itself."""
    CANCELLED = "CANCELLED"

    @property
    def is_open(self) -> bool:
        """Whether work is left."""
        return self in (JobState.PENDING, JobState.IN_FLIGHT, JobState.RETRYING)


class DestinationState(StrEnum):
    """State of a peer as the queue sees it."""

    OPEN = "OPEN"
    HELD = "HELD"
    """Out of reach or misconfigured: probed from time to time, its jobs wait and use up no attempt."""
    PAUSED = "PAUSED"
    """Stopped by the operator."""


class CommitmentState(StrEnum):
    """State of one storage commitment transaction."""

    REQUESTED = "REQUESTED"
    COMMITTED = "COMMITTED"
    PARTIAL = "PARTIAL"
    TIMED_OUT = "TIMED_OUT"
    """No report in time; a late one is still applied."""
    REFUSED = "REFUSED"


class DeliveryState(StrEnum):
    """How far one object has come at one destination."""

    WAITING = "WAITING"
    STORED = "STORED"
    STORED_WITH_WARNING = "STORED_WITH_WARNING"
    COMMITTED = "COMMITTED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    """Held back because the operator rejected the object."""

    @property
    def is_stored(self) -> bool:
        """Whether the destination has the object."""
        return self in (DeliveryState.STORED, DeliveryState.STORED_WITH_WARNING, DeliveryState.COMMITTED)
