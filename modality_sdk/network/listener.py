"""Where peers reach us: Verification, and the reports of storage commitment.

An application entity that accepts associations accepts Verification (PS3.4 Annex A); an archive sends its report on an
association of its own, in the role of SCP (PS3.4 section J.3.3, PS3.7 D.3.3.4).
"""

import contextlib
import errno
import logging
import threading
from functools import partial
from types import TracebackType
from typing import Any, Self, cast

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.association import Association as _Association
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.pdu import P_DATA_TF

from modality_sdk.crashpoints import reached
from modality_sdk.dataset.sop_classes import VERIFICATION
from modality_sdk.errors import ConfigurationError
from modality_sdk.model import ListenerOptions, SopReference
from modality_sdk.network.handlers import EventReport, HandlerTable
from modality_sdk.network.quiet import silence_pynetdicom
from modality_sdk.network.transport import cut, set_socket_options

__all__ = ["Listener"]

_log = logging.getLogger("modality_sdk.network")

_SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
# connections that have said nothing yet do not count as associations, but they are not unbounded either
_MAXIMUM_CONNECTIONS = 512
_BACKLOG = 128
_ASSOCIATION_TIMEOUT = 10.0
_IDLE_TIMEOUT = 60.0
_STOP_TIMEOUT = 2.0

_SUCCESS, _PROCESSING_FAILURE = 0x0000, 0x0110
_REJECTED_TRANSIENT, _BY_PRESENTATION, _LOCAL_LIMIT_EXCEEDED = 0x02, 0x03, 0x02


class Listener:
    """Accepts associations on one port.

    A peer that connects and says nothing is dropped after a while and keeps nobody else waiting.

    Parameters
    ----------
    options
        Address, port, our AE title and the limit of associations.
    handlers
        Who answers N-EVENT-REPORTs; SOP classes registered before `start` are accepted.
    implementation_class_uid, implementation_version_name
        Told to every peer; pynetdicom's when None.
    """

    def __init__(
        self,
        options: ListenerOptions,
        handlers: HandlerTable,
        *,
        implementation_class_uid: str | None = None,
        implementation_version_name: str | None = None,
    ) -> None:
        if options.tls is not None:
            raise ConfigurationError("listen.tls", "is not available in this version")
        silence_pynetdicom()
        self._options, self._handlers = options, handlers
        self._implementation = (implementation_class_uid, implementation_version_name)
        self._lock = threading.Lock()
        self._ae: AE | None = None
        self._server: Any = None
        self._port = options.port

    @property
    def port(self) -> int:
        """The port; the one that the operating system chose when 0 was asked for and the listener runs."""
        return self._port

    def start(self) -> None:
        """Begin to accept associations; harmless when it runs already.

        Raises
        ------
        ConfigurationError
            When the port is in use, or the address is not ours.
        """
        with self._lock:
            if self._server is not None:
                return
            options = self._options
            ae = self._make_ae()
            try:
                self._server = ae.start_server(
                    (options.host, options.port),
                    block=False,
                    evt_handlers=[
                        (evt.EVT_CONN_OPEN, self._on_connection),
                        (evt.EVT_REQUESTED, self._on_request),
                        (evt.EVT_N_EVENT_REPORT, self._on_event_report),
                        (evt.EVT_PDU_SENT, self._on_sent),
                    ],
                )
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise ConfigurationError("listen.port", "is in use by another program", options.port) from None
                raise ConfigurationError("listen.host", f"cannot be bound ({error.strerror})", options.host) from None
            self._server.socket.listen(_BACKLOG)  # pynetdicom's is 5; the sixth caller at once would wait a second
            self._ae = ae
            self._port = self._server.socket.getsockname()[1]
        _log.info("listening on %s:%d as %s", options.host, self._port, options.ae_title)

    def stop(self) -> None:
        """Accept nothing more and end what is connected; harmless to repeat."""
        with self._lock:
            server, ae = self._server, self._ae
            self._server = self._ae = None
        if server is None or ae is None:
            return
        # the accept loop is stopped first, so that nothing new begins while the rest is ended
        server.shutdown()
        server.server_close()
        associations = list(ae.active_associations)
        for association in associations:
            association.dul.kill_dul()
            association._kill = True
            association.dul.to_user_queue.put(cast(Any, None))  # wakes one that waits for its request
            client = association.dul.socket
            cut(client.socket if client is not None else None)
        for association in associations:
            association.join(_STOP_TIMEOUT)
            if association.dul.is_alive():  # else it has ended, or not begun
                association.dul.join(_STOP_TIMEOUT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _make_ae(self) -> AE:
        ae = AE(ae_title=self._options.ae_title)
        class_uid, version_name = self._implementation
        if class_uid is not None:
            ae.implementation_class_uid = class_uid
        if version_name is not None:
            ae.implementation_version_name = version_name
        ae.require_called_aet = True
        ae.maximum_associations = _MAXIMUM_CONNECTIONS
        ae.acse_timeout = _ASSOCIATION_TIMEOUT
        ae.network_timeout = _IDLE_TIMEOUT
        ae.add_supported_context(VERIFICATION, _SYNTAXES)
        for abstract_syntax in self._handlers.abstract_syntaxes:
            # both roles, so that reports are taken with and without a role selection item
            ae.add_supported_context(abstract_syntax, _SYNTAXES, scu_role=True, scp_role=True)
        return ae

    def _on_connection(self, event: evt.Event) -> None:
        client = event.assoc.dul.socket
        if client is not None and client.socket is not None:
            # pynetdicom's own leaves a socket open that the peer has reset
            client._shutdown_socket = partial(cut, client.socket)  # type: ignore[method-assign]
            with contextlib.suppress(OSError):
                set_socket_options(client.socket, _ASSOCIATION_TIMEOUT)

    def _on_request(self, event: evt.Event) -> None:
        association: _Association = event.assoc
        established = [a for a in association.ae.active_associations if a.is_established]
        if len(established) >= self._options.maximum_associations:
            association.acse.send_reject(_REJECTED_TRANSIENT, _BY_PRESENTATION, _LOCAL_LIMIT_EXCEEDED)
            association.is_rejected = True
            association.kill()  # returns when the rejection is out and the peer has closed

    @staticmethod
    def _on_sent(event: evt.Event) -> None:
        if isinstance(event.pdu, P_DATA_TF):
            reached("after listener response")

    def _on_event_report(self, event: evt.Event) -> tuple[int, Dataset | None]:
        request = cast(N_EVENT_REPORT, event.request)
        try:
            information = event.event_information
        except Exception:
            # the peer's bytes can break a reader in any way
            return _PROCESSING_FAILURE, None
        requestor = event.assoc.requestor
        status = self._handlers.answer(
            EventReport(
                sop=SopReference(
                    sop_class_uid=str(request.AffectedSOPClassUID or ""),
                    sop_instance_uid=str(request.AffectedSOPInstanceUID or ""),
                ),
                event_type=int(request.EventTypeID or 0),
                information=information,
                calling_ae_title=str(requestor.ae_title).strip(),
                called_ae_title=self._options.ae_title,
                address=str(requestor.address),
            )
        )
        return status, None
