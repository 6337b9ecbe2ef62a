"""The proxy breaks what it carries as it was told, and holds nothing when it is closed."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modality_sdk.testing.fault_proxy import FaultProxy, Faults

pytestmark = pytest.mark.req("X-SIM")


class Target:
    """Accepts connections, keeps what comes and echoes it."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.resets = 0
        self._stopped = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.02)
        self.port: int = self._server.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._spawn(self._accept)

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _accept(self) -> None:
        with self._server:
            while not self._stopped.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = self._server.accept()
                    self._spawn(lambda connection=connection: self._echo(connection))

    def _echo(self, connection: socket.socket) -> None:
        connection.settimeout(0.02)
        with connection:
            while not self._stopped.is_set():
                try:
                    if not (data := connection.recv(65536)):
                        return
                    self.received += data
                    connection.sendall(data)
                except TimeoutError:
                    continue
                except ConnectionError:
                    self.resets += 1
                    return

    def close(self) -> None:
        self._stopped.set()
        while self._threads:
            self._threads.pop().join()


@pytest.fixture(scope="module")
def echo() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


@contextlib.contextmanager
def through(proxy: FaultProxy, timeout: float = 2.0) -> Iterator[socket.socket]:
    with socket.create_connection((proxy.host, proxy.port), timeout) as client:
        yield client


def receive(client: socket.socket, size: int) -> bytes:
    """Up to ``size`` bytes; fewer when the connection ends or nothing comes for 0.2 s."""
    client.settimeout(0.2)
    data = b""
    with contextlib.suppress(TimeoutError):
        while len(data) < size and (more := client.recv(size - len(data))):
            data += more
    return data


def until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 2.0
    while not (true := condition()) and time.monotonic() < end:
        time.sleep(0.005)
    return true


@settings(max_examples=20, deadline=None)
@given(payload=st.binary(min_size=1, max_size=3000), chunk=st.integers(1, 4000))
def test_whatever_the_chunks_the_bytes_arrive_unchanged(echo: Target, payload: bytes, chunk: int) -> None:
    with FaultProxy("127.0.0.1", echo.port, up=Faults(chunk=chunk), down=Faults(chunk=chunk)) as proxy:
        with through(proxy) as client:
            client.sendall(payload)
            assert receive(client, len(payload)) == payload
        assert proxy.bytes_up == proxy.bytes_down == len(payload)
        assert proxy.connections == 1


def test_a_large_object_passes_in_both_directions_at_once(target: Target) -> None:
    payload = bytes(range(256)) * 16384
    with FaultProxy("127.0.0.1", target.port) as proxy, through(proxy) as client:
        sender = threading.Thread(target=client.sendall, args=(payload,))
        sender.start()
        received = b""
        while len(received) < len(payload) and (more := client.recv(1 << 20)):
            received += more
        sender.join()
    assert received == payload


@settings(max_examples=10, deadline=None)
@given(limit=st.integers(0, 500), how=st.sampled_from(["fin", "rst"]))
def test_a_cut_lets_exactly_so_many_bytes_through(limit: int, how: str) -> None:
    target = Target()
    try:
        with FaultProxy("127.0.0.1", target.port, up=Faults(cut_after=limit, cut=how, chunk=64)) as proxy:
            with through(proxy) as client:
                with contextlib.suppress(OSError):
                    client.sendall(bytes(1000))
                with contextlib.suppress(ConnectionResetError):
                    while client.recv(4096):
                        pass
            assert proxy.bytes_up == limit
    finally:
        target.close()
    assert len(target.received) <= limit  # a reset may overtake what was on its way


def test_a_cut_by_fin_ends_the_stream_in_order(target: Target) -> None:
    with FaultProxy("127.0.0.1", target.port, down=Faults(cut_after=3)) as proxy, through(proxy) as client:
        client.sendall(b"abcdef")
        assert receive(client, 6) == b"abc"
        assert client.recv(1) == b""
        client.sendall(bytes(1 << 20))  # nobody resets the one who did not see it yet
    assert target.resets == 0


def test_a_cut_by_rst_resets_both_ends(target: Target) -> None:
    with FaultProxy("127.0.0.1", target.port, up=Faults(cut_after=3, cut="rst")) as proxy, through(proxy) as client:
        client.sendall(b"abc")
        with pytest.raises(ConnectionResetError):
            receive(client, 1000)
        assert until(lambda: target.resets == 1)


def test_a_stall_passes_nothing_more_but_keeps_the_connection(target: Target) -> None:
    with FaultProxy("127.0.0.1", target.port, down=Faults(stall_after=2)) as proxy, through(proxy) as client:
        client.sendall(b"abcd")
        assert receive(client, 4) == b"ab"
        client.sendall(b"efgh")
        assert until(lambda: bytes(target.received) == b"abcdefgh")
        assert proxy.bytes_down == 2


def test_a_stall_goes_on_when_the_faults_are_taken_away(target: Target) -> None:
    with FaultProxy("127.0.0.1", target.port, down=Faults(stall_after=2)) as proxy, through(proxy) as client:
        client.sendall(b"abcd")
        assert receive(client, 4) == b"ab"
        proxy.down = Faults()
        assert receive(client, 2) == b"cd"


def test_faults_that_are_set_later_meet_a_standing_connection(target: Target) -> None:
    with FaultProxy("127.0.0.1", target.port) as proxy, through(proxy) as client:
        client.sendall(b"abcd")
        assert receive(client, 4) == b"abcd"
        proxy.up = Faults(cut_after=0)
        assert client.recv(1) == b""


def test_a_sender_into_a_stall_is_blocked(target: Target) -> None:
    with FaultProxy("127.0.0.1", target.port, up=Faults(stall_after=0)) as proxy, through(proxy, 0.2) as client:
        with pytest.raises(TimeoutError):
            client.sendall(bytes(64 << 20))
        assert not target.received


def test_what_is_swallowed_is_taken_and_lost(target: Target) -> None:
    with FaultProxy("127.0.0.1", target.port, up=Faults(swallow_after=3)) as proxy, through(proxy) as client:
        client.sendall(b"abc" + bytes(16 << 20))
        assert receive(client, 10) == b"abc"
        assert proxy.bytes_up == 3


def test_a_delay_comes_before_every_chunk(target: Target) -> None:
    with FaultProxy("127.0.0.1", target.port, up=Faults(chunk=1, delay=0.01)) as proxy, through(proxy) as client:
        begin = time.monotonic()
        client.sendall(b"0123456789")
        assert receive(client, 10) == b"0123456789"
        assert time.monotonic() - begin >= 0.1


def test_a_rate_is_not_exceeded(target: Target) -> None:
    faults = Faults(rate=100_000, chunk=1000)
    with FaultProxy("127.0.0.1", target.port, down=faults) as proxy, through(proxy) as client:
        begin = time.monotonic()
        client.sendall(bytes(10_000))
        assert receive(client, 10_000) == bytes(10_000)
        assert time.monotonic() - begin >= 0.1


def test_the_end_of_one_side_is_told_to_the_other(target: Target) -> None:
    with FaultProxy("127.0.0.1", target.port) as proxy, through(proxy) as client:
        client.sendall(b"abc")
        client.shutdown(socket.SHUT_WR)
        assert receive(client, 10) == b"abc"
        assert client.recv(1) == b""


def test_without_a_target_the_client_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with FaultProxy("127.0.0.1", port) as proxy, through(proxy) as client:
        assert client.recv(1) == b""


@pytest.mark.parametrize(
    "faults",
    [Faults(), Faults(stall_after=0), Faults(swallow_after=0), Faults(delay=60), Faults(cut_after=1)],
    ids=["none", "stall", "swallow", "delay", "cut"],
)
def test_closing_ends_threads_connections_and_port(target: Target, faults: Faults) -> None:
    before = set(threading.enumerate())
    proxy = FaultProxy("127.0.0.1", target.port, up=faults, down=faults)
    with through(proxy) as client, through(proxy) as other:
        client.sendall(b"abc")
        other.sendall(b"abc")
        assert until(lambda: proxy.connections == 2)
        proxy.close()
        for end in (client, other):
            with contextlib.suppress(ConnectionResetError):
                while end.recv(16):
                    pass
    proxy.close()
    assert not [thread for thread in threading.enumerate() if thread not in before and thread.name == "fault-proxy"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((proxy.host, proxy.port), 1.0)


@pytest.mark.parametrize(
    "wrong",
    [{"delay": -1.0}, {"rate": 0.0}, {"chunk": 0}, {"cut_after": -1}, {"stall_after": -1}, {"swallow_after": -1}],
    ids=str,
)
def test_impossible_faults_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Faults(**wrong)
