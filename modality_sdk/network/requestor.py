"""pynetdicom's association as requestor, without the parts of it that lose answers or never return.

pynetdicom runs a second thread per association that takes messages off the queue on which a caller waits for its
answer; now and then it takes the answer itself. A requestor does not need that thread: it does not run here, requests
of the peer are served as they come, and answers are matched by message ID. Every wait has a deadline, and ending an
association in the middle of a message means closing its connection: an A-ABORT would queue up behind the data that it
is meant to stop.
"""

import contextlib
import logging
import queue
import threading
import time
from io import BytesIO
from typing import Any, cast

from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.association import Association as _Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.pdu import A_ABORT_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, P_DATA

from modality_sdk.crashpoints import reached
from modality_sdk.model import SopReference
from modality_sdk.network.handlers import EventReport, HandlerTable
from modality_sdk.network.messages import Received, decode_dataset
from modality_sdk.network.transport import ClientSocket, cut

__all__ = ["Requestor"]

_log = logging.getLogger("modality_sdk.network")

_RESPONSE_BIT = 0x8000
_N_EVENT_REPORT_RQ = 0x0100
_MAXIMUM_COMMAND = 1 << 20
_MAXIMUM_DATA = 256 << 20
_POLITE = 0.2


class _Messages(DIMSEServiceProvider):
    """Puts answers on the queue as they came, and serves the peer's event reports."""

    assoc: "Requestor"

    @property
    def maximum_pdu_size(self) -> int:
        """What the peer announced, or less where it cannot take so much."""
        announced, limit = super().maximum_pdu_size, self.assoc.maximum_pdu_sent
        return min(announced or limit, limit) if limit else announced

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take in fragments; runs on the association's reader thread."""
        if self.message is None:
            self.message = DIMSEMessage()
        message = self.message
        complete = message.decode_msg(primitive, self.assoc)
        data = message.data_set or BytesIO()
        if message.encoded_command_set.tell() > _MAXIMUM_COMMAND or data.tell() > _MAXIMUM_DATA:
            _log.error("a message of %s is larger than any answer; the association ends", self.assoc.peer_ae_title)
            self.assoc.hang_up()
            return
        if not complete:
            return
        self.message = None
        received = Received(context_id=message.context_id or 0, command=message.command_set, data=data.getvalue())
        field = received.command.get("CommandField", 0)
        if field & _RESPONSE_BIT:
            cast("queue.Queue[object]", self.msg_queue).put((received.context_id, received))
        elif field == _N_EVENT_REPORT_RQ:
            self.assoc.serve(received)
        else:
            _log.error("%s sent a request that a requestor does not serve", self.assoc.peer_ae_title)
            self.assoc.hang_up()


class Requestor(_Association):
    """An association that we request; one caller at a time uses it.

    Parameters
    ----------
    ae
        Our application entity.
    handlers
        Answer the peer's N-EVENT-REPORTs.

    Attributes
    ----------
    abort_received
        Source and reason of the peer's A-ABORT; None while there is none.
    is_answered
        Whether anything came of the association request, be it the end of the connection.
    maximum_pdu_sent
        Largest PDU to send in bytes, whatever the peer announces; 0 for what it announces.
    """

    def __init__(self, ae: AE, handlers: HandlerTable, peer_ae_title: str) -> None:
        super().__init__(ae, "requestor")
        self.dimse = _Messages(self)
        self.dul.daemon = True
        self.dul.name = f"modality-reader-{peer_ae_title}"
        # nobody else reads, so the pause that pynetdicom's own methods wait for always holds
        self._is_paused = True
        self.peer_ae_title = peer_ae_title
        self._handlers_of_peer = handlers
        self._sending = threading.Lock()
        self._closing = False
        self._serving: list[threading.Thread] = []
        self.abort_received: tuple[int, int] | None = None
        self.is_answered = False
        self.maximum_pdu_sent = 0
        # read off the PDU: pynetdicom's primitives do not tell an A-ABORT of the peer from a lost connection
        self.bind(evt.EVT_PDU_RECV, self._note_abort)
        self.bind(evt.EVT_ACSE_RECV, self._note_answer)

    # ---- beginning and end -----------------------------------------------------------------------

    def negotiate(self, client: ClientSocket, timeout: float) -> None:
        """Ask for the association and wait for the answer at most ``timeout`` seconds."""
        self.acse_timeout = timeout
        self.set_socket(client)
        deadline = time.monotonic() + timeout
        self.request()
        # after the deadline there are only the traces of our own hanging up
        if not (self.is_established or self.is_rejected) and time.monotonic() < deadline:
            self._take_left_answer()

    def _take_left_answer(self) -> None:
        """Take the answer that pynetdicom leaves in its queue when the peer gives it and closes at once."""
        with contextlib.suppress(queue.Empty):
            while True:
                primitive: object = self.dul.to_user_queue.get_nowait()
                self.is_answered = True
                if isinstance(primitive, A_ASSOCIATE) and primitive.result:
                    self.acceptor.primitive = primitive
                    self.is_rejected = True

    def run_reactor(self) -> None:
        """Does nothing: see the module's text."""

    def hang_up(self) -> None:
        """Close the connection now; whoever waits on this association wakes up."""
        self.is_established = False
        client = self.dul.socket
        cut(client.socket if client is not None else None)

    def kill(self) -> None:
        """End the association; bounded, where pynetdicom's own waits for a thread that may be stuck."""
        self._kill = True
        self.is_established = False
        deadline = time.monotonic() + _POLITE
        while self._is_leaving() and time.monotonic() < deadline:
            time.sleep(0.001)
        self.hang_up()
        self.dul.kill_dul()
        if self.dul.is_alive() and threading.current_thread() is not self.dul:
            self.dul.join(1.0)

    def _is_leaving(self) -> bool:
        """Whether a last PDU may still be on its way out."""
        state = self.dul.state_machine.current_state
        return self.dul.is_alive() and state != "Sta1" and not (state == "Sta13" and not self.is_sending())

    def abort(self, block: bool = True) -> None:
        """Abort: by A-ABORT when nothing is under way, else by closing the connection."""
        del block
        if self._sent_abort or self.is_released:
            return
        with self._sending:
            self._closing = True
        self._sent_abort = True
        self.is_aborted = True
        if self.dul.is_alive() and not self.is_sending():
            self.acse.send_abort(0x00)
        else:
            self.hang_up()
        self.kill()

    def finish(self, timeout: float) -> None:
        """Release within ``timeout`` seconds, after the event reports that came have been answered."""
        deadline = time.monotonic() + timeout
        for thread in list(self._serving):
            thread.join(max(deadline - time.monotonic(), 0))
        with self._sending:
            self._closing = True
        self.acse_timeout = max(deadline - time.monotonic(), 0.1)
        self.release()
        self.kill()

    # ---- messages --------------------------------------------------------------------------------

    def send(self, primitive: Any, context_id: int) -> None:
        """Queue one whole message; fragments of two messages are never mixed (PS3.8 Annex E.1)."""
        with self._sending:
            self.dimse.send_msg(primitive, context_id)

    def is_sending(self) -> bool:
        """Whether something queued is not yet on its way."""
        return not self.dul.to_provider_queue.empty()

    def next_message(self, timeout: float) -> Received | None:
        """The next answer; None when the association ended.

        Raises
        ------
        queue.Empty
            When there is none within ``timeout`` seconds.
        """
        messages = cast("queue.Queue[tuple[object, object]]", self.dimse.msg_queue)
        _, message = messages.get(timeout=timeout) if timeout > 0 else messages.get_nowait()
        return message if isinstance(message, Received) else None

    def _note_answer(self, _: evt.Event) -> None:
        self.is_answered = True

    def _note_abort(self, event: evt.Event) -> None:
        if isinstance(event.pdu, A_ABORT_RQ):
            self.abort_received = (event.pdu.source or 0, event.pdu.reason_diagnostic or 0)

    def serve(self, received: Received) -> None:
        """Answer an N-EVENT-REPORT on a thread of its own, so that the reader goes on."""
        thread = threading.Thread(target=self._answer, args=(received,), name="modality-event-report", daemon=True)
        thread.start()  # before it is listed, because only a thread that has begun can be waited for
        self._serving = [t for t in self._serving if t.is_alive()] + [thread]

    def _answer(self, received: Received) -> None:
        context = self._accepted_cx.get(received.context_id)
        if context is None:
            self.hang_up()
            return
        command = received.command
        syntax = str(context.transfer_syntax[0])
        information = decode_dataset(received.data, syntax) if received.data else Dataset()
        report = EventReport(
            sop=SopReference(
                sop_class_uid=str(command.get("AffectedSOPClassUID", "")),
                sop_instance_uid=str(command.get("AffectedSOPInstanceUID", "")),
            ),
            event_type=int(command.get("EventTypeID", 0) or 0),
            information=Dataset() if information is None else information,
            calling_ae_title=self.peer_ae_title,
            called_ae_title=self.ae.ae_title,
            address=self.acceptor.address_info.address if self.acceptor.address_info else "",
        )
        response = N_EVENT_REPORT()
        try:
            response.MessageIDBeingRespondedTo = command.get("MessageID", 0)
            response.AffectedSOPClassUID = report.sop.sop_class_uid
            response.AffectedSOPInstanceUID = report.sop.sop_instance_uid
            response.EventTypeID = report.event_type
        except (TypeError, ValueError):
            _log.error("a report of %s has no legal identifiers; the association ends", self.peer_ae_title)
            self.hang_up()
            return
        response.Status = self._handlers_of_peer.answer(report)
        with self._sending:
            if self._closing:
                _log.warning(
                    "a report of %s came while the association was closed and stays unanswered", self.peer_ae_title
                )
            else:
                self.dimse.send_msg(response, received.context_id)
                reached("after N-EVENT-REPORT response")
