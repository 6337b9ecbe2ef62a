"""What the journal keeps beside the values of the model."""

from dataclasses import dataclass
from datetime import UTC, datetime

from modality_sdk.model import CommitmentState, InstanceState, RejectionReason, SopReference

__all__ = ["CommitmentRecord", "HistoryEntry", "InstanceRecord", "SpoolFile", "from_text", "to_text"]


@dataclass(frozen=True, kw_only=True)
class SpoolFile:
    """One object in the spool.

    Attributes
    ----------
    path
        Relative to the spool, with forward slashes.
    size
        Of the data set in bytes.
    offset
        Of the data set in the file: length of preamble and file meta information in bytes.
    sha256
        Of the whole file, hexadecimal.
    """

    path: str
    size: int
    offset: int
    transfer_syntax_uid: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class InstanceRecord:
    """One object of a step and where its file lies.

    Attributes
    ----------
    purged
        When its file was deleted here because it was no longer needed; None while it is there.
    """

    sop: SopReference
    step_uid: str
    series_instance_uid: str
    instance_number: int
    file: SpoolFile
    state: InstanceState
    irradiation_event_uid: str
    created: datetime
    rejection: RejectionReason | None = None
    purged: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CommitmentRecord:
    """One storage commitment transaction (PS3.4 Annex J).

    Attributes
    ----------
    destination
        Where the objects were stored.
    peer
        Who is asked to commit; another one where the destination lets it be done.
    predecessor
        The transaction that this one repeats; empty for a first request.
    """

    transaction_uid: str
    step_uid: str
    destination: str
    peer: str
    state: CommitmentState
    references: tuple[SopReference, ...]
    requested: datetime
    finished: datetime | None = None
    predecessor: str = ""


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One transition, in the order in which they happened; free of patient data."""

    id: int
    at: datetime
    kind: str
    entity: str
    before: str
    after: str
    detail: str


def to_text(moment: datetime) -> str:
    """An aware time as UTC text that sorts like the time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def from_text(text: str) -> datetime:
    """The time that `to_text` wrote, in UTC."""
    return datetime.fromisoformat(text)
