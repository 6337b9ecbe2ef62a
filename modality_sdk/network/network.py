"""Associations with peers: `Network.lease` is the one way to get one."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence

from pynetdicom import AE
from pynetdicom.transport import AddressInformation

from modality_sdk.errors import (
    AssociationAborted,
    AssociationRejected,
    Cancelled,
    ConfigurationError,
    ModalityError,
    NegotiationError,
    ResponseTimeout,
    StateError,
)
from modality_sdk.model import CancelToken, Peer
from modality_sdk.network.association import Association
from modality_sdk.network.contexts import ContextProposal, bearable, extended_items, presentation_contexts, role_items
from modality_sdk.network.handlers import HandlerTable
from modality_sdk.network.quiet import silence_pynetdicom
from modality_sdk.network.requestor import Requestor
from modality_sdk.network.transport import ClientSocket, connect, cut, set_socket_options
from modality_sdk.status import abort_meaning, rejection

__all__ = ["Network"]

_log = logging.getLogger("modality_sdk.network")


class Network:
    """Requests associations in the name of one application entity.

    Parameters
    ----------
    ae_title
        Our AE title.
    handlers
        Answer requests that peers make on associations that we opened.
    implementation_class_uid, implementation_version_name
        Told to every peer; pynetdicom's when None.
    """

    def __init__(
        self,
        *,
        ae_title: str,
        handlers: HandlerTable | None = None,
        implementation_class_uid: str | None = None,
        implementation_version_name: str | None = None,
    ) -> None:
        silence_pynetdicom()
        self._ae = AE(ae_title=ae_title)
        if implementation_class_uid is not None:
            self._ae.implementation_class_uid = implementation_class_uid
        if implementation_version_name is not None:
            self._ae.implementation_version_name = implementation_version_name
        self._handlers = handlers or HandlerTable()
        self._lock = threading.Lock()
        self._leased: set[Association] = set()
        self._closed = False

    @contextlib.contextmanager
    def lease(
        self,
        peer: Peer,
        contexts: Sequence[ContextProposal],
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Association]:
        """An association with ``peer`` for the block, for its holder alone.

        At the end of the block it is released; after an exception it is closed and never used again.

        Parameters
        ----------
        peer
            Whom to call.
        contexts
            What the job needs, and no more.
        timeout
            Seconds for connecting and negotiating; the peer's `Timeouts` when None.
        cancel
            Ends connecting and negotiating early.

        Raises
        ------
        ConnectError, AssociationRejected, AssociationAborted, ResponseTimeout, Cancelled
            The association did not come to be.
        NegotiationError
            The peer accepted none of ``contexts``, or they do not fit into one association.
        ConfigurationError
            The peer asks for TLS, which this version does not speak; nothing is sent in the clear instead.
        """
        association = self._associate(peer, contexts, timeout, cancel)
        try:
            yield association
        except BaseException:
            association.abort()
            raise
        else:
            association.close()
        finally:
            with self._lock:
                self._leased.discard(association)
            _log.info("association with %s ended", peer.ae_title)

    def close(self) -> None:
        """Lease nothing more and end what is leased."""
        with self._lock:
            self._closed = True
            leased = list(self._leased)
        for association in leased:
            association.abort()

    def _associate(
        self,
        peer: Peer,
        contexts: Sequence[ContextProposal],
        timeout: float | None,
        cancel: CancelToken | None,
    ) -> Association:
        if peer.tls is not None:
            raise ConfigurationError(f"peers.{peer.name}.tls", "is not available in this version")
        begun = time.monotonic()
        contexts = bearable(contexts, peer)
        proposed = presentation_contexts(contexts)
        sock = connect(peer.host, peer.port, peer.timeouts.connect if timeout is None else timeout, cancel)
        left = peer.timeouts.association if timeout is None else max(timeout - (time.monotonic() - begun), 0.01)
        try:
            set_socket_options(sock, peer.timeouts.idle)
            remote, local = sock.getpeername(), sock.getsockname()
        except OSError:  # reset since it was opened
            cut(sock)
            raise AssociationAborted(
                f"{peer.ae_title} closed the connection before the association was requested", ambiguous=False
            ) from None
        try:
            requestor = Requestor(self._ae, self._handlers, peer.ae_title)
            requestor.acceptor.ae_title = peer.ae_title
            requestor.acceptor.address_info = AddressInformation.from_tuple(remote)
            requestor.requestor.ae_title = self._ae.ae_title
            requestor.requestor.address_info = AddressInformation.from_tuple(local)
            requestor.requestor.maximum_length = peer.maximum_pdu
            requestor.maximum_pdu_sent = peer.quirks.maximum_pdu_sent
            requestor.requestor.implementation_class_uid = self._ae.implementation_class_uid
            requestor.requestor.implementation_version_name = self._ae.implementation_version_name
            requestor.requestor.requested_contexts = proposed
            for role in role_items(contexts):
                requestor.requestor.add_negotiation_item(role)
            for extended in extended_items(contexts):
                requestor.requestor.add_negotiation_item(extended)
            association = self._negotiate(peer, requestor, ClientSocket(requestor, sock), left, begun, cancel)
        except BaseException:
            cut(sock)
            raise
        with self._lock:
            if self._closed:
                association.abort()
                raise StateError("the network is closed")
            self._leased.add(association)
        _log.info("association with %s at %s:%d", peer.ae_title, peer.host, peer.port)
        return association

    @staticmethod
    def _negotiate(
        peer: Peer,
        requestor: Requestor,
        client: ClientSocket,
        timeout: float,
        begun: float,
        cancel: CancelToken | None,
    ) -> Association:
        remove = cancel.on_cancel(requestor.hang_up) if cancel is not None else (lambda: None)
        try:
            requestor.negotiate(client, timeout)
        finally:
            remove()
        if requestor.is_established and not (cancel is not None and cancel.cancelled):
            return Association(peer, requestor, time.monotonic() - begun)
        requestor.kill()
        if cancel is not None and cancel.cancelled:
            cancelled = Cancelled(f"the association with {peer.ae_title} was cancelled")
            cancelled.ambiguous = False  # no request was made yet
            raise cancelled
        raise _why_not(peer, requestor, timeout)


def _why_not(peer: Peer, requestor: Requestor, timeout: float) -> ModalityError:
    answer = requestor.acceptor.primitive
    if requestor.is_rejected and answer is not None:
        found = rejection(answer.result or 0, answer.result_source or 0, answer.diagnostic or 0)
        return AssociationRejected(found, peer.ae_title)
    if requestor.rejected_contexts:
        rejected = sorted({str(c.abstract_syntax) for c in requestor.rejected_contexts})
        return NegotiationError(f"{peer.ae_title} accepted none of what was proposed: {', '.join(rejected)}", rejected)
    if not requestor.is_answered:
        timed_out = ResponseTimeout(f"{peer.ae_title} did not answer the association request within {timeout:g} s")
        timed_out.ambiguous = False
        return timed_out
    source, reason = requestor.abort_received or (None, None)
    return AssociationAborted(
        f"{peer.ae_title} ended the association while it was negotiated: {abort_meaning(source, reason)}",
        source=source,
        reason=reason,
        ambiguous=False,
    )
