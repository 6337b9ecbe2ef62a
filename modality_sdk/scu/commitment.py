"""Storage Commitment Push Model, the request (PS3.4 Annex J). Reports come to the listener's handler."""

import logging
from collections.abc import Callable, Sequence

from modality_sdk.dataset import commitment_request
from modality_sdk.dataset.sop_classes import STORAGE_COMMITMENT_PUSH_MODEL, STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE
from modality_sdk.model import CancelToken, Peer, SopReference
from modality_sdk.network import Network
from modality_sdk.scu.call import Deadline, proposal
from modality_sdk.status import Category

__all__ = ["CommitmentScu"]

_log = logging.getLogger("modality_sdk.scu")

_REQUEST_STORAGE_COMMITMENT = 1  # Action Type ID, PS3.4 Table J.3.2-1


class CommitmentScu:
    """Sends the N-ACTION that asks for storage commitment.

    Parameters
    ----------
    network
        Opens the associations. Its handler table gets a report that comes on the same association.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

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
        """Ask ``peer`` to commit; record the transaction before, the report may come before this returns.

        Parameters
        ----------
        peer
            Who commits.
        transaction_uid
            New for every request, also for a repeated one.
        references
            The objects; one that is named twice is asked for once (PS3.4 Table J.3.2-1).
        linger
            Seconds to keep the association open after the request was accepted, for archives that report on it.
        reported
            Ends the lingering early; whether the report came, on whichever association. Never, when None.
        timeout
            Seconds for the whole call without the lingering; the peer's `Timeouts` when None.
        cancel
            Ends the call early.

        Raises
        ------
        MissingAttribute, InvalidValue
            When there is nothing to ask for, the transaction UID is no UID, or one object is named
            with two classes; nothing was sent.
        DimseFailure
            When the peer will not process the request; the transaction UID is spent.
        TransportError, NegotiationError, Cancelled
            When no answer can be had.
        """
        information = commitment_request(transaction_uid, references)
        instance = SopReference(
            sop_class_uid=str(STORAGE_COMMITMENT_PUSH_MODEL),
            sop_instance_uid=str(STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE),
        )
        linger = max(linger, peer.quirks.commitment_linger)
        deadline = Deadline(timeout, cancel)
        with self._network.lease(
            peer, [proposal(STORAGE_COMMITMENT_PUSH_MODEL)], timeout=deadline.remaining(), cancel=cancel
        ) as association:
            response = association.n_action(
                instance, _REQUEST_STORAGE_COMMITMENT, information, timeout=deadline.remaining(), cancel=cancel
            )
            if linger > 0 and response.category is not Category.FAILURE:
                association.linger(linger, reported or _never, cancel=cancel)
        response.raise_for_failure()
        _log.info("%s took commitment request %s of %d objects", peer.ae_title, transaction_uid, len(references))


def _never() -> bool:
    return False
