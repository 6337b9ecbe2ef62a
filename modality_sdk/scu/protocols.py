"""The services as an acquisition program sees them: replace any of them by your own.

These speak now, on the caller's thread, past the queue. Steps and `Modality.queue` are the durable way.
Every call takes ``timeout`` (seconds, for the whole call; the peer's `Timeouts` when None) and ``cancel``.

Raises, all of them: `ConnectError`, `TlsError`, `AssociationRejected`, `AssociationAborted`, `ResponseTimeout`,
`NegotiationError`, `Cancelled`; single-answer services also `DimseFailure`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydicom import Dataset

from modality_sdk.model import (
    CancelToken,
    EchoResult,
    MppsResult,
    Peer,
    Rendition,
    SopReference,
    StepStatus,
    StoreResult,
    WorklistChange,
    WorklistItem,
    WorklistQuery,
    WorklistResult,
)

__all__ = ["Commitment", "Mpps", "RetrievedStep", "Storage", "Verification", "Worklist"]


class Verification(Protocol):
    """C-ECHO (PS3.4 Annex A)."""

    def echo(self, peer: Peer, *, timeout: float | None = None, cancel: CancelToken | None = None) -> EchoResult:
        """Ask whether ``peer`` is there and knows us."""


class Worklist(Protocol):
    """Modality Worklist C-FIND (PS3.4 Annex K)."""

    def query(
        self,
        query: WorklistQuery | None = None,
        *,
        peer: Peer | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> WorklistResult:
        """Items that match ``query`` at ``peer`` (the configured worklist when None); never a partial list."""

    def today(self, *, timeout: float | None = None, cancel: CancelToken | None = None) -> WorklistResult:
        """Today's items of this station: start date, modality and station AE title."""

    def refresh(
        self,
        item: WorklistItem,
        *,
        peer: Peer | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> tuple[WorklistItem | None, tuple[WorklistChange, ...]]:
        """The item as the worklist has it now (None when it is gone), and what has changed."""


@dataclass(frozen=True, kw_only=True)
class RetrievedStep:
    """A performed procedure step as a peer holds it.

    Attributes
    ----------
    attributes
        All that the peer gave; patient data.
    """

    sop_instance_uid: str
    status: StepStatus
    attributes: Dataset = field(repr=False)


class Mpps(Protocol):
    """Modality Performed Procedure Step N-CREATE and N-SET, and N-GET where it is offered (PS3.4 Annex F)."""

    def create(
        self,
        sop_instance_uid: str,
        attributes: Dataset,
        *,
        peer: Peer,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> MppsResult:
        """Create the step at ``peer``; ``attributes`` after Table F.7.2-1."""

    def set(
        self,
        sop_instance_uid: str,
        attributes: Dataset,
        *,
        peer: Peer,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> MppsResult:
        """Change or finish the step at ``peer``."""

    def get(
        self, sop_instance_uid: str, *, peer: Peer, timeout: float | None = None, cancel: CancelToken | None = None
    ) -> RetrievedStep:
        """Read the step back; `NegotiationError` where ``peer`` does not offer that."""


class Storage(Protocol):
    """C-STORE (PS3.4 Annex B)."""

    def store(
        self,
        peer: Peer,
        renditions: Iterable[Rendition],
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[StoreResult], None] | None = None,
    ) -> Sequence[StoreResult]:
        """Send objects over one association; one result for each, in order.

        Raises only if nothing could be attempted. ``progress`` is called after each object.
        """


class Commitment(Protocol):
    """Storage Commitment Push Model N-ACTION (PS3.4 Annex J). Reports come to the listener's handler."""

    def request(
        self,
        peer: Peer,
        transaction_uid: str,
        references: Sequence[SopReference],
        *,
        linger: float = 0.0,
        reported: Callable[[], bool] | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        """Ask ``peer`` to commit; register the transaction before, the report may come before this returns.

        Once the request is accepted the association may stay open for the report, ``linger`` seconds or until
        ``reported`` says that it came.
        """
