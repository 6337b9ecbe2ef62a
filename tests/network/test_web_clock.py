"""The clock of a peer, from what its web server answers byte by byte."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from socketserver import StreamRequestHandler, TCPServer

import pytest

from modality_sdk.model import Peer, Timeouts
from modality_sdk.network.web_clock import NoDateError, WebClockError, read_web_clock

pytestmark = pytest.mark.req("X-TIME")

Scripted = Callable[..., AbstractContextManager[Peer]]
HASTY = Timeouts(connect=2, association=2, response=0.3)


def web(peer: Peer, scheme: str = "http") -> Peer:
    return replace(peer, web=f"{scheme}://{peer.host}:{peer.port}", timeouts=HASTY)


@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"])
def test_each_form_of_a_date_is_of_utc(scripted: Scripted, form: str) -> None:
    hour_ahead = datetime.now(UTC) + timedelta(hours=1)
    header = f"HTTP/1.1 200 OK\r\nDate: {hour_ahead.strftime(form)}\r\n\r\n"
    with scripted(header.encode(), then="close") as peer:
        told = read_web_clock(web(peer))
    assert 3590 < told.deviation < 3610
    assert told.least <= told.most


@pytest.mark.parametrize(
    "answer",
    [b"", b"\x02\x00\x00\x00", b"220 ftp.example ready\r\n\r\n"],
    ids=["nothing", "DICOM", "FTP"],
)
def test_what_speaks_no_http_tells_no_time(scripted: Scripted, answer: bytes) -> None:
    with scripted(answer, then="close") as peer, pytest.raises(WebClockError, match=r"speaks no HTTP|ended"):
        read_web_clock(web(peer))


@pytest.mark.parametrize("date", ["", "Date: yesterday\r\n", "Date: Mon, 32 Jan 2026 00:00:00 GMT\r\n"])
def test_an_answer_without_a_date_that_can_be_read_has_none(date: str) -> None:
    asked: list[str] = []

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline().decode().split()[0])
            self.wfile.write(f"HTTP/1.1 200 OK\r\n{date}\r\n".encode())

    with TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        peer = Peer(ae_title="PACS", host="127.0.0.1", port=server.server_address[1])
        with pytest.raises(NoDateError):
            read_web_clock(replace(web(peer), timeouts=Timeouts()))
        server.shutdown()
        thread.join()
    assert asked == ["HEAD", "GET"]


def test_a_header_that_never_ends_ends_at_the_deadline(scripted: Scripted) -> None:
    with scripted(b"HTTP/1.1 200 OK\r\nX: ") as peer, pytest.raises(WebClockError, match="in time"):
        read_web_clock(web(peer))


def test_a_server_without_tls_is_told_as_such(scripted: Scripted) -> None:
    with scripted(b"HTTP/1.1 400 Bad Request\r\n\r\n", then="close") as peer, pytest.raises(WebClockError) as told:
        read_web_clock(web(peer, "https"))
    assert "TLS" in str(told.value) or "ended" in str(told.value)
