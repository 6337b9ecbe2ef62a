"""Verification: is the peer there, and does it know us? (PS3.4 Annex A)."""

import time

from modality_sdk.dataset.sop_classes import VERIFICATION
from modality_sdk.model import CancelToken, EchoResult, Peer
from modality_sdk.network import Network
from modality_sdk.scu.call import Deadline, proposal

__all__ = ["VerificationScu"]


class VerificationScu:
    """Sends C-ECHO.

    Parameters
    ----------
    network
        Opens the associations.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def echo(self, peer: Peer, *, timeout: float | None = None, cancel: CancelToken | None = None) -> EchoResult:
        """Ask whether ``peer`` is there and knows us.

        Parameters
        ----------
        peer
            Whom to ask.
        timeout
            Seconds for the whole call; the peer's `Timeouts` when None.
        cancel
            Ends the call early.

        Returns
        -------
        EchoResult
            With the seconds that association and echo took.

        Raises
        ------
        DimseFailure
            When the peer answers with a failure.
        TransportError, NegotiationError, Cancelled
            When no answer can be had.
        """
        deadline = Deadline(timeout, cancel)
        with self._network.lease(
            peer, [proposal(VERIFICATION)], timeout=deadline.remaining(), cancel=cancel
        ) as association:
            begun = time.monotonic()
            response = association.c_echo(timeout=deadline.remaining(), cancel=cancel)
            taken = time.monotonic() - begun
            association_seconds = association.association_seconds
        response.raise_for_failure()
        return EchoResult(
            ae_title=peer.ae_title,
            status=response.status,
            association_seconds=association_seconds,
            echo_seconds=taken,
        )
