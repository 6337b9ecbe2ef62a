"""What every provider of the simulator shares: one AE at one port, its bad manners, its log, its cable."""

import contextlib
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from socketserver import BaseServer
from types import TracebackType
from typing import Any, Self

from pydicom.dataset import Dataset
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import ThreadedAssociationServer

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import Peer
from modality_sdk.model.network import check_ae_title
from modality_sdk.simulator.answers import Answer, Exchange, Status
from modality_sdk.simulator.manners import ScriptedDimse, cut, has_ended
from modality_sdk.simulator.misbehaviour import Misbehaviour
from modality_sdk.simulator.script import Abort, Delay, LostResponse, Phase, Reject, Reply, Script, Serve, Silence, Step

__all__ = ["ServiceProvider", "calling_ae_title", "quick_socket"]

_log = logging.getLogger("modality_sdk.simulator")

_IDLE_S = 60.0
_ANSWER_S = 10.0
_POLL_S = 0.02
_JOIN_S = 5.0
_REOPEN_S = 2.0


class _Server(ThreadedAssociationServer):
    def stop(self) -> None:
        """End the accept loop; the socket stays open until `server_close`."""
        BaseServer.shutdown(self)

    def service_actions(self) -> None:
        """Do nothing: pynetdicom forces a garbage collection here, far too often at our short poll."""


class ServiceProvider:
    """An application entity that accepts associations.

    Parameters
    ----------
    ae_title
        Its AE title; associations that call another one are rejected.
    host
        Address to bind.
    port
        0 lets the operating system choose; `port` tells the choice once it is open, and keeps it from then on.

    Notes
    -----
    Use it as a context manager, or call `open` and `close`. All methods may be called from any thread.
    """

    def __init__(self, *, ae_title: str, host: str = "127.0.0.1", port: int = 0) -> None:
        check_ae_title("ae_title", ae_title)
        self.ae_title, self.host, self.port = ae_title, host, port
        self.misbehaviour = Misbehaviour()
        self._lock = threading.RLock()
        self._log_lock = threading.Lock()
        self._exchanges: deque[Exchange] = deque(maxlen=10_000)
        self._server: _Server | None = None
        self._acceptor: threading.Thread | None = None
        self._unplugged = threading.Event()
        self._pending = threading.local()
        self._links: dict[Association, socket.socket] = {}
        self._ae = AE(ae_title)

    # what a provider is made of ---------------------------------------------------------------------------

    def _supports(self, ae: AE) -> None:
        """Add the presentation contexts that the provider accepts."""
        ae.add_supported_context(Verification)

    def _handlers(self) -> list[Any]:
        """Name the handlers of the provider's services."""
        return [(evt.EVT_C_ECHO, self._echo)]

    # life -------------------------------------------------------------------------------------------------

    def open(self) -> Self:
        """Start to listen.

        Raises
        ------
        ConfigurationError
            When the port is in use.
        """
        with self._lock:
            if self._server is None:
                # pynetdicom logs the identifiers of queries, which name patients, unless told not to
                _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
                ae = self._ae = self._entity()
                try:
                    server = _Server(
                        ae,
                        (self.host, self.port),
                        self.ae_title,
                        ae.supported_contexts,
                        evt_handlers=self._all_handlers(),
                    )
                except OSError as error:
                    reason = f"cannot be opened ({error.strerror or type(error).__name__})"
                    raise ConfigurationError(f"{self.ae_title}.port", reason, self.port) from None
                self._server = server
                self.port = server.server_address[1]
                self._unplugged.clear()
                self._acceptor = threading.Thread(
                    target=server.serve_forever, args=(_POLL_S,), name=f"simulator-{self.ae_title}", daemon=True
                )
                self._acceptor.start()
        return self

    def close(self) -> None:
        """Stop to listen and end every association without ceremony; all threads and sockets are gone afterwards."""
        with self._lock:
            server, self._server = self._server, None
            acceptor, self._acceptor = self._acceptor, None
        if server is None:
            return
        self._unplugged.set()
        server.stop()
        server.server_close()
        if acceptor is not None:
            acceptor.join(_JOIN_S)
        for association in server.active_associations:
            cut(association)
            if association.requestor.primitive is None:
                # its thread still waits for the association request, for as long as the time-out: wake it
                association.dul.to_user_queue.put(None)
        for association in server.active_associations:
            association.join(_JOIN_S)
            association.dul.join(_JOIN_S)
        with self._log_lock:
            links, self._links = self._links, {}
        for link in links.values():
            link.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def offline(self) -> None:
        """Pull the cable: the port refuses connections, associations break in the middle. Nothing is forgotten."""
        ServiceProvider.close(self)

    def online(self) -> None:
        """Put the cable back: the same port listens again.

        Raises
        ------
        ConfigurationError
            When something else has taken the port in the meantime.
        """
        deadline = time.monotonic() + _REOPEN_S
        while True:
            try:
                self.open()
            except ConfigurationError:
                # a connection of another program may sit on the port for a moment
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_S)
            else:
                return

    # manners ----------------------------------------------------------------------------------------------

    def script(self, service: str, *steps: Step) -> None:
        """Say what happens to the next requests of a service, one step after the other; then all is normal again.

        Parameters
        ----------
        service
            One of `SERVICES`.
        steps
            Added to those that the service still has before it, see `Script`.

        Raises
        ------
        ConfigurationError
            When the service is unknown or cannot do one of the steps.
        """
        self.misbehaviour.play(Script(service=service, steps=steps))

    def refuse(
        self,
        service: str,
        status: int,
        *,
        times: int | None = None,
        comment: str = "",
        error_id: int | None = None,
        elements: Iterable[str] = (),
    ) -> None:
        """Answer the next requests of a service with a status, see `Misbehaviour.refuse`."""
        self.misbehaviour.refuse(service, status, times=times, comment=comment, error_id=error_id, elements=elements)

    def delay(self, service: str, seconds: float) -> None:
        """Wait before every response of a service, see `Misbehaviour.delay`."""
        self.misbehaviour.delay(service, seconds)

    def behave(self) -> None:
        """Forget every script, refusal and delay."""
        self.misbehaviour.behave()

    @property
    def refusals(self) -> tuple[Reply, ...]:
        """The refusals that are still to be given."""
        return self.misbehaviour.refusals

    @property
    def exchanges(self) -> list[Exchange]:
        """The responses given so far, oldest first."""
        with self._log_lock:
            return list(self._exchanges)

    @property
    def peer(self) -> Peer:
        """The provider as the SDK's values name it."""
        return Peer(name=self.ae_title.lower(), ae_title=self.ae_title, host=self.host, port=self.port)

    # service ----------------------------------------------------------------------------------------------

    def _serve(
        self, service: str, event: evt.Event, serve: Callable[[evt.Event], Answer]
    ) -> tuple[int, Dataset | None]:
        """Answer one request of a service with a single response."""
        step = self._begin(service, event)
        answer = Answer()
        if step.acts:
            try:
                answer = serve(event)
            except Exception as error:
                _log.warning("%s: a %s could not be processed (%s)", self.ae_title, service, type(error).__name__)
                answer = Answer(status=Status.PROCESSING_FAILURE, comment="the request could not be processed")
        return self._explain(step.answer if isinstance(step, Reply) else answer), None

    def _begin(self, service: str, event: evt.Event) -> Step:
        """Take the next step of the service's script and do what it wants before the request is served."""
        self._pause(service, event.assoc)
        step = self.misbehaviour.next_step(service)
        self._pending.step = step
        if isinstance(step, Delay):
            self._wait(step.seconds, event.assoc)
        elif isinstance(step, Abort) and step.phase is Phase.AT_REQUEST:
            event.assoc.abort()
        return step

    def _pause(self, service: str, association: Association) -> None:
        self._wait(self.misbehaviour.delay_of(service), association)

    def _wait(self, seconds: float, association: Association) -> None:
        """Wait, though no longer than the association and the provider live."""
        deadline = time.monotonic() + seconds
        while (rest := deadline - time.monotonic()) > 0 and not has_ended(association):
            if self._unplugged.wait(min(rest, _POLL_S)):
                return

    def _requested(self, event: evt.Event) -> None:
        """Do to an association request what the script of A-ASSOCIATE wants."""
        association = event.assoc
        self._pause("A-ASSOCIATE", association)
        step = self._pending.association = self.misbehaviour.next_step("A-ASSOCIATE")
        match step:
            case Delay():
                self._wait(step.seconds, association)
            case Silence():
                self._wait(_IDLE_S, association)
                cut(association)
                association.kill()
            case LostResponse():
                if not step.connection:
                    self._wait(_IDLE_S, association)
                cut(association)
                association.kill()
            case Reject():
                association.acse.send_reject(step.result, step.source, step.diagnostic)
                association.kill()
            case Abort(phase=Phase.AT_REQUEST):
                association.acse.send_abort(0x00)
                association.kill()

    def _established(self, event: evt.Event) -> None:
        if isinstance(getattr(self._pending, "association", None), Abort):
            event.assoc.abort()

    def _taken_identifier(self) -> bytes | None:
        identifier: bytes | None = getattr(self._pending, "identifier", None)
        self._pending.identifier = None
        return identifier

    def _explain(self, answer: Answer) -> int:
        # the response is built on this very thread, see _complete
        self._pending.answer = answer
        return int(answer.status)

    def _echo(self, event: evt.Event) -> int:
        return self._serve("C-ECHO", event, lambda _: Answer())[0]

    def _entity(self) -> AE:
        ae = AE(self.ae_title)
        ae.require_called_aet = True
        ae.maximum_associations = 100
        ae.maximum_pdu_size = 131_072
        ae.network_timeout = _IDLE_S
        ae.acse_timeout = ae.dimse_timeout = _ANSWER_S
        self._supports(ae)
        return ae

    def _all_handlers(self) -> list[Any]:
        return [
            (evt.EVT_CONN_OPEN, self._connected),
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_ESTABLISHED, self._established),
            (evt.EVT_DIMSE_SENT, self._complete),
            *self._handlers(),
        ]

    def _connected(self, event: evt.Event) -> None:
        quick_socket(event)
        event.assoc.dimse = ScriptedDimse(
            event.assoc, lambda: getattr(self._pending, "step", Serve()), self._taken_identifier
        )
        self._hold(event)

    def _hold(self, event: evt.Event) -> None:
        """Remember the socket of an association: pynetdicom leaves it open when the peer was the first to go."""
        link = event.assoc.dul.socket
        with self._log_lock:
            ended = [known for known in self._links if known.ident is not None and not known.is_alive()]
            for association in ended:
                self._links.pop(association).close()
            if link is not None and link.socket is not None:
                self._links[event.assoc] = link.socket

    def _complete(self, event: evt.Event) -> None:
        """Add to a response what explains it, and log it.

        pynetdicom has no Attribute Identifier List in N-CREATE responses although PS3.7 section 10.3.5 has,
        so the command set is completed here, just before it is encoded.
        """
        command = event.message.command_set
        name = type(event.message).__name__
        if not name.endswith("_RSP"):
            return
        service = name.removesuffix("_RSP").replace("_", "-")
        answer: Answer | None = getattr(self._pending, "answer", None)
        self._pending.answer = None
        if answer is not None and command.get("Status") == answer.status:
            _annotate(command, answer, composite=service.startswith("C-"))
        exchange = Exchange(
            service=service, status=int(command.get("Status", 0)), calling_ae_title=calling_ae_title(event)
        )
        with self._log_lock:
            self._exchanges.append(exchange)


def _annotate(command: Dataset, answer: Answer, *, composite: bool) -> None:
    if answer.comment:
        command.ErrorComment = answer.comment[:64]
    if answer.error_id is not None and not composite:
        command.ErrorID = answer.error_id
    if answer.elements:
        keyword = "OffendingElement" if composite else "AttributeIdentifierList"
        setattr(command, keyword, list(answer.elements))
    rest = Dataset()
    rest.update({tag: command[tag] for tag in command.keys() if tag.element != 0})  # noqa: SIM118 - a Dataset yields elements
    command.CommandGroupLength = len(encode(rest, True, True) or b"")


def quick_socket(event: evt.Event) -> None:
    """Switch off Nagle's algorithm: with it, every message waits some 40 ms for a delayed acknowledgement."""
    link = event.assoc.dul.socket
    if link is not None and link.socket is not None:
        with contextlib.suppress(OSError):
            link.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def calling_ae_title(event: evt.Event) -> str:
    """AE title of the requestor of an event's association."""
    return str(event.assoc.requestor.ae_title).strip()
