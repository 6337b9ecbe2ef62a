"""Storage (PS3.4 Annex B)."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from modality_sdk.dataset import class_name
from modality_sdk.errors import (
    Cancelled,
    IodError,
    ModalityError,
    NegotiationError,
    QueueError,
    StateError,
    TransportError,
)
from modality_sdk.model import CancelToken, Peer, Rendition, StoreResult
from modality_sdk.network import MAXIMUM_CONTEXTS, Association, ContextProposal, Network, bearable_syntaxes
from modality_sdk.scu.call import Deadline
from modality_sdk.status import Action, Category, verdict
from modality_sdk.transcoding import reencode, sendable_syntaxes

__all__ = ["StorageScu"]

_log = logging.getLogger("modality_sdk.scu")

_RESOURCE_LIMITATION, _NOT_AUTHORIZED = 0x0213, 0x0124


class StorageScu:
    """Sends objects by C-STORE.

    Parameters
    ----------
    network
        Opens the associations.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def store(
        self,
        peer: Peer,
        renditions: Iterable[Rendition],
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[StoreResult], None] | None = None,
    ) -> Sequence[StoreResult]:
        """Send objects over one association, or over more where 128 contexts do not suffice.

        Proposed are the classes and syntaxes of these objects alone. An object that is refused for its
        data does not keep the others; when the peer is out of resources or does not authorize us, the rest is
        not sent.

        Parameters
        ----------
        peer
            Where to.
        renditions
            What, in the order of sending.
        timeout
            Seconds for the whole call; the peer's `Timeouts` for each part when None.
        cancel
            Ends the call early.
        progress
            Called after each object, on this thread; an exception in it is logged and harms nothing.

        Returns
        -------
        sequence of StoreResult
            One for each object, in order. ``action`` says what is to be done: RETRY also for what was not
            attempted, HOLD for what the peer does not negotiate.

        Raises
        ------
        TransportError, NegotiationError, Cancelled
            When not one object could be attempted.
        """
        return _Batch(self._network, peer, renditions, Deadline(timeout, cancel), cancel, progress).run()


class _Batch:
    """The objects of one call and what became of them so far."""

    def __init__(
        self,
        network: Network,
        peer: Peer,
        renditions: Iterable[Rendition],
        deadline: Deadline,
        cancel: CancelToken | None,
        progress: Callable[[StoreResult], None] | None,
    ) -> None:
        self._network, self._peer = network, peer
        self._pending = deque(renditions)
        self._deadline, self._cancel, self._progress = deadline, cancel, progress
        self._results: list[StoreResult] = []
        self._attempted = False
        """Whether any object was tried."""
        self._sending = False
        """Whether one is going out at this moment."""

    def run(self) -> list[StoreResult]:
        refused: NegotiationError | None = None
        while self._pending:
            count, proposals = self._next_lease()
            end = len(self._results) + count
            try:
                if proposals:
                    self._send(proposals, end)
            except NegotiationError as error:
                refused = refused or error
            except (TransportError, Cancelled) as error:
                if len(self._results) < end:  # else it was only the release that failed
                    self._lose(error)
            except (IodError, StateError, QueueError, OSError) as error:
                # in the middle of an object: that association is spent, the next one takes the rest
                self._unreadable(error)
                continue
            while len(self._results) < end:
                self._hold()
        if self._results and not self._attempted:
            raise refused or NegotiationError(
                f"{self._peer.ae_title} takes no object of the batch in a transfer syntax that we can send",
                rejected=sorted({result.sop.sop_class_uid for result in self._results}),
            )
        return self._results

    def _next_lease(self) -> tuple[int, list[ContextProposal]]:
        """How many objects go on the next association, and its contexts."""
        contexts: dict[tuple[str, str], None] = {}
        count = 0
        for rendition in self._pending:
            wanted = [(rendition.sop.sop_class_uid, syntax) for syntax in self._syntaxes(rendition)]
            if len(contexts.keys() | wanted) > MAXIMUM_CONTEXTS:
                break
            if self._peer.quirks.one_syntax and not _syntaxes_agree(contexts.keys() | wanted):
                break
            contexts.update(dict.fromkeys(wanted))
            count += 1
        return count, [
            ContextProposal(abstract_syntax=abstract_syntax, transfer_syntaxes=(syntax,))
            for abstract_syntax, syntax in contexts
        ]

    def _send(self, proposals: Sequence[ContextProposal], end: int) -> None:
        """Send up to the ``end``-th object over one association."""
        with self._network.lease(
            self._peer, proposals, timeout=self._deadline.remaining(), cancel=self._cancel
        ) as association:
            while len(self._results) < end:
                self._store(association)

    def _store(self, association: Association) -> None:
        """Send the present object; raises when the association is spent."""
        rendition = self._pending[0]
        accepted = association.transfer_syntaxes(rendition.sop.sop_class_uid)
        syntax = next((syntax for syntax in self._syntaxes(rendition) if syntax in accepted), None)
        if syntax is None:
            self._hold()
            return
        try:
            rendition = reencode(rendition, syntax)
        except (IodError, StateError, QueueError, OSError) as error:
            self._unreadable(error)
            return
        timeout = self._deadline.remaining()
        self._sending = self._attempted = True
        response = association.c_store(rendition, timeout=timeout, cancel=self._cancel)
        self._sending = False
        judged = verdict("C-STORE", response.status, response.error_id)
        stored = judged.category in (Category.SUCCESS, Category.WARNING)
        action = judged.action if stored or judged.action is not Action.ACCEPT else Action.PARK
        self._report(
            status=response.status,
            category=judged.category,
            action=action,
            meaning=judged.meaning,
            transfer_syntax_uid=syntax,
        )
        if _ends_batch(response.status):
            while self._pending:
                self._report(action=action, meaning=f"not attempted: {judged.meaning}")

    def _hold(self) -> None:
        """Nothing was accepted for the present object."""
        rendition = self._pending[0]
        self._report(
            action=Action.HOLD,
            meaning=f"not negotiable at this peer: {class_name(rendition.sop.sop_class_uid)}"
            f" in {class_name(rendition.transfer_syntax_uid)}",
        )

    def _lose(self, error: ModalityError) -> None:
        """The association is gone: the present object is doubtful if it was going out, the rest was not attempted."""
        if not self._attempted:
            raise error
        if self._sending:
            self._sending = False
            self._report(action=Action.RETRY, meaning=str(error), ambiguous=error.ambiguous)
        while self._pending:
            self._report(action=Action.RETRY, meaning=f"not attempted: {error}")

    def _unreadable(self, error: Exception) -> None:
        """The present object cannot be read, or is not what it is said to be."""
        self._sending, self._attempted = False, True
        rule = str(error) if isinstance(error, ModalityError) else type(error).__name__
        self._report(action=Action.PARK, meaning=f"the object could not be read: {rule}")

    def _syntaxes(self, rendition: Rendition) -> tuple[str, ...]:
        sendable = sendable_syntaxes(rendition.transfer_syntax_uid, self._peer.transfer_syntaxes)
        return bearable_syntaxes(sendable, self._peer)

    def _report(
        self,
        *,
        action: Action,
        meaning: str,
        status: int | None = None,
        category: Category | None = None,
        ambiguous: bool = False,
        transfer_syntax_uid: str = "",
    ) -> None:
        """Close the present object."""
        result = StoreResult(
            sop=self._pending.popleft().sop,
            status=status,
            category=category,
            action=action,
            meaning=meaning,
            ambiguous=ambiguous,
            transfer_syntax_uid=transfer_syntax_uid,
        )
        self._results.append(result)
        level = logging.INFO if result.stored else logging.WARNING
        _log.log(level, "%s at %s: %s", result.sop.sop_instance_uid, self._peer.ae_title, meaning)
        if self._progress is not None:
            try:
                self._progress(result)
            except Exception as error:
                _log.error("the progress callback failed: %s", type(error).__name__)


def _syntaxes_agree(contexts: Iterable[tuple[str, str]]) -> bool:
    """Whether each SOP class stands in one transfer syntax only."""
    classes = [abstract_syntax for abstract_syntax, _ in contexts]
    return len(set(classes)) == len(classes)


def _ends_batch(status: int) -> bool:
    """Whether the next object would be refused for the same cause (PS3.4 Table B.2-1, PS3.7 Annex C)."""
    return status >> 8 == 0xA7 or status in (_RESOURCE_LIMITATION, _NOT_AUTHORIZED)
