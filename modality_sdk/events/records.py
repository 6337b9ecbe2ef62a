"""What the SDK tells an acquisition program. Events are notifications; the journal is the truth.

No event carries patient data: UIDs, peer names and statuses only.
"""

from dataclasses import dataclass
from datetime import datetime

from modality_sdk.model import SopReference, StepStatus

__all__ = [
    "CommitmentFailed",
    "CommitmentTimedOut",
    "DestinationHeld",
    "DestinationResumed",
    "DoseAdvisory",
    "Event",
    "ImageStored",
    "MppsRefused",
    "QueueNearlyFull",
    "SecurityAlert",
    "StepArchived",
    "StorageFailed",
]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something happened at this (aware) time."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class ImageStored(Event):
    """A destination answered a C-STORE with success or a warning."""

    step_uid: str
    sop: SopReference
    destination: str
    warning: str = ""


@dataclass(frozen=True, kw_only=True)
class StorageFailed(Event):
    """An object will not be sent again by itself; it is kept, and the operator has to act."""

    step_uid: str
    sop: SopReference
    destination: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class MppsRefused(Event):
    """A destination refused an N-CREATE or N-SET; acquisition and storage go on."""

    step_uid: str
    destination: str
    requested: StepStatus
    reason: str


@dataclass(frozen=True, kw_only=True)
class CommitmentFailed(Event):
    """Objects were not committed; ``failed`` names them."""

    step_uid: str
    destination: str
    failed: tuple[SopReference, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class CommitmentTimedOut(Event):
    """No report came in time; a late one is still applied."""

    step_uid: str
    destination: str
    transaction_uid: str


@dataclass(frozen=True, kw_only=True)
class DestinationHeld(Event):
    """A destination cannot be reached or refuses us; its jobs wait and it is probed.

    Attributes
    ----------
    probes
        Failed probes so far; the fifth is the time to be loud.
    """

    destination: str
    cause: str
    probes: int
    next_probe: datetime


@dataclass(frozen=True, kw_only=True)
class DestinationResumed(Event):
    """A held or paused destination takes jobs again."""

    destination: str


@dataclass(frozen=True, kw_only=True)
class QueueNearlyFull(Event):
    """A limit of the durable store is near: told once, and again only after there was room in between.

    Attributes
    ----------
    limit
        Setting of the table ``[journal]``.
    used, maximum
        Objects or bytes; for ``minimum_free_bytes`` what is free, and what has to stay so.
    """

    limit: str
    used: int
    maximum: int


@dataclass(frozen=True, kw_only=True)
class StepArchived(Event):
    """A final step whose every required delivery is committed (or stored, where the peer does not commit)."""

    step_uid: str
    study_instance_uid: str


@dataclass(frozen=True, kw_only=True)
class SecurityAlert(Event):
    """A certificate, a peer or a caller was not accepted."""

    peer: str
    cause: str


@dataclass(frozen=True, kw_only=True)
class DoseAdvisory(Event):
    """A dose total is worth a look; never a reason to stop by itself."""

    step_uid: str
    message: str
