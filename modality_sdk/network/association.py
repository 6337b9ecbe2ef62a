"""An association with a peer, as one caller leases it."""

import queue
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom.dimse_primitives import (
    C_CANCEL,
    C_ECHO,
    C_FIND,
    C_STORE,
    N_ACTION,
    N_CREATE,
    N_GET,
    N_SET,
)

from modality_sdk.crashpoints import reached
from modality_sdk.dataset.sop_classes import VERIFICATION
from modality_sdk.errors import AssociationAborted, Cancelled, NegotiationError, ResponseTimeout
from modality_sdk.model import CancelToken, Peer, Rendition, SopReference
from modality_sdk.network.contexts import AcceptedContext
from modality_sdk.network.messages import Received, Response, encode_dataset
from modality_sdk.network.requestor import Requestor
from modality_sdk.status import Category, abort_meaning, category_of

__all__ = ["Association"]

_PRIORITY_MEDIUM = 0x0000
_SLICE = 0.25
_LINGER_SLICE = 0.05
_LARGEST_MESSAGE_ID = 0xFFFF


class Association:
    """One established association; it belongs to one caller and is not shared.

    Every request ends at its deadline: ``timeout`` seconds for the whole of it, or the peer's `Timeouts` when
    None. After a request that raised, the association is of no further use.

    Raises, all requests: `AssociationAborted`, `ResponseTimeout`, `Cancelled`; `NegotiationError` when the peer did
    not accept the context that is needed.

    Attributes
    ----------
    peer
        With whom.
    accepted
        The presentation contexts that the peer took.
    association_seconds
        Time that connecting and negotiating took, in s.
    """

    def __init__(self, peer: Peer, requestor: Requestor, seconds: float) -> None:
        self.peer = peer
        self.association_seconds = seconds
        self._requestor = requestor
        self.accepted = tuple(
            AcceptedContext(
                context_id=context.context_id or 0,
                abstract_syntax=str(context.abstract_syntax),
                transfer_syntax=str(context.transfer_syntax[0]),
            )
            for context in requestor.accepted_contexts
        )
        self._message_id = 0
        self._broken = False

    def __repr__(self) -> str:
        state = "established" if self.is_usable else "ended"
        return f"Association({self.peer.ae_title!r}, {state}, {len(self.accepted)} contexts)"

    @property
    def is_usable(self) -> bool:
        """Whether another request can be made."""
        return not self._broken and self._requestor.is_established and self._requestor.dul.is_alive()

    def transfer_syntaxes(self, abstract_syntax: str) -> tuple[str, ...]:
        """The transfer syntaxes accepted for a SOP class, in the order of proposal."""
        return tuple(c.transfer_syntax for c in self.accepted if c.abstract_syntax == abstract_syntax)

    @property
    def implementation_class_uid(self) -> str:
        """Implementation Class UID of the peer (PS3.7 D.3.3.2); empty when it gave none."""
        return str(self._requestor.acceptor.implementation_class_uid or "")

    def extended_negotiation(self, abstract_syntax: str) -> bytes:
        """What the peer granted of the extended negotiation of a SOP class; empty when nothing (PS3.7 D.3.3.5)."""
        granted: bytes = self._requestor.acceptor.sop_class_extended.get(UID(abstract_syntax), b"")
        return granted

    # ---- services --------------------------------------------------------------------------------

    def c_echo(self, *, timeout: float | None = None, cancel: CancelToken | None = None) -> Response:
        """C-ECHO (PS3.7 section 9.1.5)."""
        request = C_ECHO()
        request.AffectedSOPClassUID = VERIFICATION
        return self._ask("C-ECHO", request, self._context(VERIFICATION), self.peer.timeouts.response, timeout, cancel)

    def c_store(
        self, rendition: Rendition, *, timeout: float | None = None, cancel: CancelToken | None = None
    ) -> Response:
        """C-STORE the bytes of ``rendition`` as they are, in a context of its own transfer syntax."""
        context = self._context(rendition.sop.sop_class_uid, rendition.transfer_syntax_uid)
        request = C_STORE()
        request.AffectedSOPClassUID = rendition.sop.sop_class_uid
        request.AffectedSOPInstanceUID = rendition.sop.sop_instance_uid
        request.Priority = _PRIORITY_MEDIUM
        with rendition.open() as stream:
            request.DataSet = BytesIO(stream.read())
        return self._ask("C-STORE", request, context, self.peer.timeouts.store_response, timeout, cancel)

    def c_find(
        self,
        abstract_syntax: str,
        identifier: Dataset,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        limit: int | None = None,
    ) -> Iterator[Response]:
        """C-FIND: yields each pending response, then the final one (PS3.7 section 9.1.2).

        After ``limit`` matches a C-CANCEL is sent and what still comes is read and dropped. A caller that stops reading
        early makes the association unusable.
        """
        context = self._context(abstract_syntax)
        request = C_FIND()
        request.AffectedSOPClassUID = abstract_syntax
        request.Priority = _PRIORITY_MEDIUM
        request.Identifier = BytesIO(encode_dataset(identifier, context.transfer_syntax))
        deadline = time.monotonic() + (self.peer.timeouts.find if timeout is None else timeout)
        message_id = self._send(request, context)
        self._broken = True  # until the last response has been read
        count = 0
        while True:
            received = self._wait("C-FIND", message_id, deadline, cancel)
            response = Response.from_received("C-FIND", received, context.transfer_syntax)
            if category_of(response.status) is not Category.PENDING:
                self._broken = False
                yield response
                return
            if limit is None or count < limit:
                yield response
            count += 1
            if count == limit:
                self._cancel(message_id, context)

    def n_create(
        self,
        sop: SopReference,
        attributes: Dataset,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> Response:
        """N-CREATE (PS3.7 section 10.1.5)."""
        context = self._context(sop.sop_class_uid)
        request = N_CREATE()
        request.AffectedSOPClassUID = sop.sop_class_uid
        request.AffectedSOPInstanceUID = sop.sop_instance_uid
        request.AttributeList = BytesIO(encode_dataset(attributes, context.transfer_syntax))
        return self._ask("N-CREATE", request, context, self.peer.timeouts.response, timeout, cancel)

    def n_set(
        self,
        sop: SopReference,
        attributes: Dataset,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> Response:
        """N-SET (PS3.7 section 10.1.3)."""
        context = self._context(sop.sop_class_uid)
        request = N_SET()
        request.RequestedSOPClassUID = sop.sop_class_uid
        request.RequestedSOPInstanceUID = sop.sop_instance_uid
        request.ModificationList = BytesIO(encode_dataset(attributes, context.transfer_syntax))
        return self._ask("N-SET", request, context, self.peer.timeouts.response, timeout, cancel)

    def n_get(self, sop: SopReference, *, timeout: float | None = None, cancel: CancelToken | None = None) -> Response:
        """N-GET of all attributes (PS3.7 section 10.1.2)."""
        context = self._context(sop.sop_class_uid)
        request = N_GET()
        request.RequestedSOPClassUID = sop.sop_class_uid
        request.RequestedSOPInstanceUID = sop.sop_instance_uid
        return self._ask("N-GET", request, context, self.peer.timeouts.response, timeout, cancel)

    def n_action(
        self,
        sop: SopReference,
        action_type: int,
        information: Dataset,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> Response:
        """N-ACTION (PS3.7 section 10.1.4)."""
        context = self._context(sop.sop_class_uid)
        request = N_ACTION()
        request.RequestedSOPClassUID = sop.sop_class_uid
        request.RequestedSOPInstanceUID = sop.sop_instance_uid
        request.ActionTypeID = action_type
        request.ActionInformation = BytesIO(encode_dataset(information, context.transfer_syntax))
        return self._ask("N-ACTION", request, context, self.peer.timeouts.response, timeout, cancel)

    def linger(self, seconds: float, until: Callable[[], bool], *, cancel: CancelToken | None = None) -> bool:
        """Stay open for the peer's reports, which the handlers answer, after a request that was answered.

        Parameters
        ----------
        seconds
            At most so long.
        until
            Looked at several times a second; ends the wait.
        cancel
            Ends the wait too, without an error: the request itself is done.

        Returns
        -------
        bool
            What ``until`` says at the end. False also when the peer ended the association before.
        """
        deadline = time.monotonic() + seconds
        while not (done := until()) and self.is_usable and not self._is_cancelled(cancel):
            if self._requestor.acse.is_release_requested():
                self._requestor.acse.send_release(is_response=True)
                self._requestor.is_released = True
                self._broken = True
                return until()
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                if self._requestor.next_message(min(left, _LINGER_SLICE)) is None:
                    self._broken = True  # the peer aborted, or the connection is lost
            except queue.Empty:
                continue
        return done or until()

    # ---- end -------------------------------------------------------------------------------------

    def close(self) -> None:
        """Release when usable, else end the connection."""
        if self.is_usable:
            self._requestor.finish(self.peer.timeouts.release)
        else:
            self.abort()

    def abort(self) -> None:
        """End the association now, whatever is under way."""
        self._broken = True
        self._requestor.abort()
        self._requestor.kill()

    # ---- requests --------------------------------------------------------------------------------

    def _context(self, abstract_syntax: str, transfer_syntax: str | None = None) -> AcceptedContext:
        for context in self.accepted:
            if context.abstract_syntax == abstract_syntax and transfer_syntax in (None, context.transfer_syntax):
                return context
        where = f" in transfer syntax {transfer_syntax}" if transfer_syntax else ""
        raise NegotiationError(
            f"{self.peer.ae_title} did not accept {abstract_syntax}{where}", rejected=[abstract_syntax]
        )

    def _ask(
        self,
        service: str,
        request: Any,
        context: AcceptedContext,
        response_timeout: float,
        timeout: float | None,
        cancel: CancelToken | None,
    ) -> Response:
        overall = None if timeout is None else time.monotonic() + timeout
        reached(f"before {service} request")
        message_id = self._send(request, context)
        self._broken = True  # until the response is here
        # the response's own time begins when the request is on its way; until then every write has its own deadline
        while self._requestor.is_sending() and (overall is None or time.monotonic() < overall):
            if self._is_cancelled(cancel) or not self._requestor.is_established:
                break
            if not self._requestor.dimse.msg_queue.empty():
                break
            time.sleep(0.002)
        reached(f"after {service} request")
        deadline = time.monotonic() + response_timeout if overall is None else overall
        received = self._wait(service, message_id, deadline, cancel)
        reached(f"after {service} response")
        self._broken = False
        return Response.from_received(service, received, context.transfer_syntax)

    def _send(self, request: Any, context: AcceptedContext) -> int:
        if not self.is_usable:
            raise AssociationAborted(f"the association with {self.peer.ae_title} has ended", ambiguous=False)
        self._message_id = self._message_id % _LARGEST_MESSAGE_ID + 1
        request.MessageID = self._message_id
        self._requestor.send(request, context.context_id)
        return self._message_id

    def _cancel(self, message_id: int, context: AcceptedContext) -> None:
        request = C_CANCEL()
        request.MessageIDBeingRespondedTo = message_id
        self._requestor.send(request, context.context_id)

    @staticmethod
    def _is_cancelled(cancel: CancelToken | None) -> bool:
        return cancel is not None and cancel.cancelled

    def _wait(self, service: str, message_id: int, deadline: float, cancel: CancelToken | None) -> Received:
        """The next response to this very request."""
        remove = cancel.on_cancel(self._requestor.hang_up) if cancel is not None else (lambda: None)
        try:
            while True:
                if self._is_cancelled(cancel):
                    raise Cancelled(f"{service} to {self.peer.ae_title} was cancelled")
                left = deadline - time.monotonic()
                try:
                    received = self._requestor.next_message(min(left, _SLICE))
                except queue.Empty:
                    if left <= 0:
                        raise ResponseTimeout(f"{self.peer.ae_title} did not answer {service} in time") from None
                    if not self._requestor.dul.is_alive() or self._requestor.acse.is_release_requested():
                        raise self._ended(service) from None
                    continue
                if received is None:
                    if self._is_cancelled(cancel):
                        continue
                    raise self._ended(service)
                if received.command.get("MessageIDBeingRespondedTo") == message_id:
                    return received
        finally:
            remove()

    def _ended(self, service: str) -> AssociationAborted:
        source, reason = self._requestor.abort_received or (None, None)
        return AssociationAborted(
            f"the association with {self.peer.ae_title} ended before {service} was answered: "
            f"{abort_meaning(source, reason)}",
            source=source,
            reason=reason,
        )
