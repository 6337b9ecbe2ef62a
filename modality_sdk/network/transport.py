"""TCP connections that end when they should and do not stall.

Two things cost a DICOM client 44 ms per message: Nagle's algorithm on our side, and on the peer's side Nagle waiting
for our delayed acknowledgement. TCP_NODELAY cures the first everywhere, TCP_QUICKACK the second on Linux, which has it.
"""

import contextlib
import queue
import socket
import threading
import time

from pynetdicom.association import Association
from pynetdicom.transport import T_CONNECT, AddressInformation, AssociationSocket

from modality_sdk.errors import Cancelled, ConnectError
from modality_sdk.model import CancelToken

__all__ = ["ClientSocket", "connect", "cut", "quicken", "set_socket_options"]

_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
_READ_SIZE = 65536


def set_socket_options(sock: socket.socket, idle: float) -> None:
    """Prepare a connected socket: no Nagle delay, and an end to a peer that stalls in the middle of a PDU.

    Parameters
    ----------
    sock
        The socket.
    idle
        Seconds without a byte moving, in either direction, after which a read or write fails.
    """
    sock.settimeout(idle)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    quicken(sock)


def quicken(sock: socket.socket) -> None:
    """Acknowledge at once what comes next; the kernel forgets this, so it is said again after each read."""
    if _QUICKACK is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


def cut(sock: socket.socket | None) -> None:
    """End a connection now; whoever reads or writes on it wakes up."""
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            sock.close()


def connect(host: str, port: int, timeout: float, cancel: CancelToken | None = None) -> socket.socket:
    """Open a TCP connection, name resolution included, within ``timeout`` seconds.

    Resolving and connecting cannot be interrupted everywhere, so they run on a thread of their own, which is left
    behind for as long as the system takes when the deadline passes first.

    Raises
    ------
    ConnectError
        Name not resolved, refused, unreachable, or no answer in time.
    Cancelled
        When ``cancel`` was cancelled.
    """
    results: queue.SimpleQueue[socket.socket | OSError | None] = queue.SimpleQueue()
    abandoned = threading.Event()
    handing_over = threading.Lock()

    def attempt() -> None:
        try:
            sock = socket.create_connection((host, port), timeout)
        except UnicodeError:  # no host name at all: an empty or overlong label
            results.put(socket.gaierror())
            return
        except OSError as error:
            results.put(error)
            return
        with handing_over:
            if abandoned.is_set():
                cut(sock)
            else:
                results.put(sock)

    def abandon() -> None:
        with handing_over:
            abandoned.set()
        with contextlib.suppress(queue.Empty):
            if isinstance(late := results.get_nowait(), socket.socket):
                cut(late)

    remove = cancel.on_cancel(lambda: results.put(None)) if cancel is not None else (lambda: None)
    deadline = time.monotonic() + timeout
    try:
        threading.Thread(target=attempt, name=f"modality-connect-{port}", daemon=True).start()
        result = results.get(timeout=max(deadline - time.monotonic(), 0))
    except queue.Empty:
        abandon()
        raise ConnectError(host, port, f"no answer within {timeout:g} s") from None
    finally:
        remove()
    if result is None:
        abandon()
        cancelled = Cancelled(f"connecting to {host}:{port} was cancelled")
        cancelled.ambiguous = False
        raise cancelled
    if isinstance(result, OSError):
        raise ConnectError(host, port, _in_words(result, timeout)) from result
    return result


def _in_words(error: OSError, timeout: float) -> str:
    match error:
        case socket.gaierror():
            return "the host name cannot be resolved"
        case ConnectionRefusedError():
            return "connection refused, nothing listens there"
        case TimeoutError():
            return f"no answer within {timeout:g} s"
        case _:
            return error.strerror or type(error).__name__


class ClientSocket(AssociationSocket):
    """An association's end of a connection that stands already.

    pynetdicom connects without a deadline for the name, clears the socket's timeout and reads in steps of 4 KB;
    this one is given a connected socket, keeps its timeout and re-arms quick acknowledgement.
    """

    def __init__(self, association: Association, connected: socket.socket) -> None:
        self._connected = connected
        local = connected.getsockname()
        super().__init__(association, address=AddressInformation(local[0], 0))

    def _create_socket(self, address: AddressInformation) -> socket.socket:
        del address
        self._is_connected = False
        return self._connected

    def connect(self, primitive: T_CONNECT) -> None:
        """Tell the state machine that the connection stands."""
        self._is_connected = True
        self.assoc.requestor.address_info = AddressInformation.from_tuple(self._connected.getsockname())
        primitive.result = "Evt2"
        self.provider_queue.put(primitive)
        self._ready.set()

    def _shutdown_socket(self) -> None:
        """Close for good; pynetdicom's leaves a socket open that the peer has reset."""
        cut(self._connected)

    def recv(self, nr_bytes: int) -> bytearray:
        """Read exactly ``nr_bytes``, fewer only when the peer closes; a stall ends with TimeoutError."""
        received = bytearray()
        while len(received) < nr_bytes:
            chunk = self._connected.recv(min(_READ_SIZE, nr_bytes - len(received)))
            if not chunk:
                break
            received += chunk
            quicken(self._connected)
        return received
