"""What the parts of one running modality share."""

import threading
from dataclasses import dataclass, field

from modality_sdk.clock import Clock
from modality_sdk.events import Dispatcher
from modality_sdk.journal import Journal, Transaction
from modality_sdk.model import CancelToken, Peer
from modality_sdk.queue import TransmissionQueue
from modality_sdk.scu import Commitment, Mpps, Storage, Verification, Worklist
from modality_sdk.settings import Settings
from modality_sdk.uid import UidSource

__all__ = ["Changes", "Context", "Durable"]


class Changes:
    """Wakes those who wait for the journal to change."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0

    def notify(self) -> None:
        """Something was committed to the journal."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    @property
    def count(self) -> int:
        """Grows with every change; read it before looking at the journal."""
        with self._condition:
            return self._count

    def wait(self, seen: int, timeout: float) -> None:
        """Return when there was a change after ``seen``, or after ``timeout`` seconds."""
        with self._condition:
            self._condition.wait_for(lambda: self._count != seen, timeout)


@dataclass(frozen=True, kw_only=True)
class Durable:
    """The parts that exist only while a modality is open.

    Attributes
    ----------
    closing
        Cancelled when the modality begins to close: ends waits that nothing is lost by.
    """

    journal: Journal
    queue: TransmissionQueue
    closing: CancelToken = field(default_factory=CancelToken)


@dataclass(kw_only=True)
class Context:
    """Settings, services and the durable store of one modality."""

    settings: Settings
    clock: Clock
    uids: UidSource
    events: Dispatcher
    verification: Verification
    worklist: Worklist
    mpps: Mpps
    storage: Storage
    commitment: Commitment
    changes: Changes = field(default_factory=Changes)

    def peer(self, name: str) -> Peer:
        """The configured peer of that name."""
        return self.settings.peer(name)

    def committing_peer(self, destination: str) -> Peer | None:
        """Who commits what is stored at ``destination``; None when nobody does."""
        # a peer that the configuration no longer names commits nothing more, and must not stop a step from ending
        peer = self.settings.peers.get(destination)
        if peer is None or not peer.commitment:
            return None
        return self.settings.peers.get(peer.commitment) if isinstance(peer.commitment, str) else peer

    def announce_change(self, tx: Transaction) -> None:
        """Wake waiting callers once ``tx`` is committed."""
        tx.after_commit(self.changes.notify)
