"""The clock of a peer, as the Date of its web server tells it (RFC 9110 section 6.6.1).

No message of our DIMSE services carries a time, but most archives and information systems have a web server beside.
"""

import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from socket import socket
from urllib.parse import SplitResult, urlsplit

from modality_sdk.errors import ConnectError
from modality_sdk.model import Peer
from modality_sdk.network.transport import connect, cut

__all__ = ["NoDateError", "WebClockError", "WebTime", "read_web_clock"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST_HEADER = 16384
_RESOLUTION = 1.0
"""Seconds: a Date has no fractions."""


class WebClockError(Exception):
    """The web server told no time; the text says why."""


class NoDateError(WebClockError):
    """It answered, without a time."""


@dataclass(frozen=True, kw_only=True)
class WebTime:
    """What is known of a peer's clock.

    Attributes
    ----------
    least, most
        Between these bounds it is ahead of ours, in s; negative when behind.
    travel
        Seconds from the request to the answer.
    """

    least: float
    most: float
    travel: float

    @property
    def deviation(self) -> float:
        """The least that explains what was seen, in s, positive when the peer is ahead; 0 when nothing needs to be."""
        return max(self.least, min(self.most, 0.0))


def read_web_clock(peer: Peer) -> WebTime:
    """Ask the web server of a peer for the time: one HEAD, or one GET where HEAD brings no Date.

    No redirect is followed, no proxy used, and only the header is read; each ends at the peer's `Timeouts`.

    Raises
    ------
    WebClockError
        When no time is told.
    """
    parts = urlsplit(peer.web)
    try:
        return _ask(peer, parts, "HEAD")
    except NoDateError:
        return _ask(peer, parts, "GET")


def _ask(peer: Peer, parts: SplitResult, method: str) -> WebTime:
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    try:
        sock = connect(host, port, peer.timeouts.connect)
    except ConnectError as error:
        raise WebClockError(error.cause) from error
    try:
        sock.settimeout(peer.timeouts.association)
        if parts.scheme == "https":
            sock = _tls(peer).wrap_socket(sock, server_hostname=host)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        begun, started = time.time(), time.monotonic()
        sock.sendall(
            f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode()
        )
        header = _header(sock, started + peer.timeouts.response)
        travel = time.monotonic() - started
    except ssl.SSLCertVerificationError as error:
        raise WebClockError(f"its certificate is not trusted: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise WebClockError(f"TLS failed: {error.reason or type(error).__name__}") from error
    except TimeoutError as error:
        raise WebClockError("it took the request and did not answer in time") from error
    except OSError as error:
        raise WebClockError(f"the connection ended: {error.strerror or type(error).__name__}") from error
    finally:
        cut(sock)
    told = _date(header)
    return WebTime(least=told - (begun + travel), most=told + _RESOLUTION - begun, travel=travel)


def _tls(peer: Peer) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for path in peer.tls.trust if peer.tls else ():
        context.load_verify_locations(path)
    return context


def _header(sock: socket, deadline: float) -> bytes:
    """The status line and the fields, as far as they come in time."""
    header = b""
    while b"\r\n\r\n" not in header and len(header) < _LONGEST_HEADER:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        chunk = sock.recv(4096)
        if not chunk:
            break
        header += chunk
    return header


def _date(header: bytes) -> float:
    status, _, fields = header.partition(b"\r\n")
    if not status.startswith(b"HTTP/"):
        raise WebClockError("what answers there speaks no HTTP")
    date = BytesParser().parsebytes(fields, headersonly=True).get("Date", "")
    with suppress(ValueError, OverflowError):
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()  # it is always of UTC
    raise NoDateError("it sends no Date")
