"""Jobs, what became of them, and where they go."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from modality_sdk.errors import ConfigurationError
from modality_sdk.journal import Transaction
from modality_sdk.model import DestinationState, JobState

__all__ = ["DestinationStatus", "Job", "JobRequest", "Outcome", "OutcomeKind"]


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """One transmission to be made.

    Attributes
    ----------
    kind
        Names the handler.
    destination
        Name of the peer; empty for local work, which is never held.
    unique_key
        What makes it the same job; submitting it again changes nothing.
    ordering_key
        Jobs of one key run one after the other by ``sequence``; empty for none.
    priority
        The lower, the earlier.
    payload
        For the handler; never in a log.
    delay
        Seconds until it is due.
    attempted
        It may have been done before, unknown to this queue: an answer that says so is then our own success.
    """

    kind: str
    destination: str
    step_uid: str = ""
    sop_instance_uid: str = ""
    transaction_uid: str = ""
    ordering_key: str = ""
    sequence: int = 0
    priority: int = 3
    payload: bytes = b""
    delay: float = 0.0
    attempted: bool = False
    unique_key: str

    def __post_init__(self) -> None:
        if not self.kind:
            raise ConfigurationError("kind", "must name a handler")
        if not self.unique_key:
            raise ConfigurationError("unique_key", "must not be empty")
        if not 0 <= self.delay < float("inf"):
            raise ConfigurationError("delay", "must be a number of seconds from 0", self.delay)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One queued transmission as it stood when it was read.

    Attributes
    ----------
    read_payload
        Gives the `payload`.
    attempts
        Those that count: answered with a failure, succeeded, or ended by a crash.
    due_at, delay_s
        When it may run, and how long before that this was decided, in s.
    last_error
        In words, free of patient data.
    reason
        Machine code of why it waits or failed: ``PREDECESSOR_FAILED``, ``UNREACHABLE``, or what the handler gave.
    lease
        Names the claim that this value stems from; empty unless it is in flight.
    """

    id: int
    kind: str
    destination: str
    step_uid: str
    sop_instance_uid: str
    transaction_uid: str
    ordering_key: str
    sequence: int
    priority: int
    read_payload: Callable[[], bytes] = field(repr=False, compare=False)
    state: JobState
    attempts: int
    due_at: datetime
    delay_s: float
    last_attempt: datetime | None
    last_error: str
    reason: str
    created: datetime
    unique_key: str
    lease: str = ""

    @property
    def payload(self) -> bytes:
        """What the handler is to send; `QueueCorrupt` when it was damaged, which harms no other job."""
        return self.read_payload()


class OutcomeKind(StrEnum):
    """What a handler says of its job."""

    DONE = "DONE"
    RETRY = "RETRY"
    """The peer said no and may say yes later; the attempt counts."""
    PARK = "PARK"
    """The same request will fail again: FAILED at once."""
    HOLD = "HOLD"
    """The destination cannot be reached or used: it is held, the job waits, no attempt is used up."""
    RELEASE = "RELEASE"
    """Nothing was tried: back to waiting for a short while, no attempt is used up."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one run of a job.

    Attributes
    ----------
    reason
        Machine code, e.g. ``POOL_EXHAUSTED``.
    message
        In words, free of patient data.
    limit
        With ``RETRY``: how many attempts may follow the first one, if that is fewer than the policy allows; whatever
        counted before, counts. None leaves it to the policy.
    defer
        With ``HOLD``: let the job wait longer than the destination, so that the others go first when it opens.
    apply
        Run inside the transaction that completes the job; for ``DONE`` only.
    """

    kind: OutcomeKind
    reason: str = ""
    message: str = ""
    limit: int | None = None
    defer: bool = False
    apply: Callable[[Transaction], None] | None = None


@dataclass(frozen=True, kw_only=True)
class DestinationStatus:
    """A peer as the queue sees it.

    Attributes
    ----------
    cause
        Why it is held, in words, free of patient data.
    since
        Since when it is in its state; None when it never was in another.
    next_probe
        When it is asked again; None unless it is held.
    probes
        Probes that failed since it was held.
    """

    name: str
    state: DestinationState
    cause: str = ""
    since: datetime | None = None
    next_probe: datetime | None = None
    probes: int = 0
