"""A TCP proxy that breaks connections on purpose: slow, dripping, cut, stalled, deaf.

Put it between a program and any peer, in-process or real, to see what the program does when the network fails in the
middle of a message. It knows nothing of DICOM; bytes are counted per connection and direction. For orientation: an
A-ASSOCIATE-AC for one presentation context has about 190 bytes, a C-STORE response about 170.
"""

import contextlib
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Self

__all__ = ["FaultProxy", "Faults"]

_POLL = 0.02
_BUFFER = 65536
_LINGER_ZERO = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What happens to the bytes of one direction; by default nothing.

    The thresholds count bytes that the connection has let through in this direction, so 0 means at once.

    Attributes
    ----------
    delay
        Seconds before each chunk.
    rate
        Bytes per second.
    chunk
        Largest number of bytes passed on at once; with ``delay`` it makes a drip.
    cut_after
        End the connection in both directions after so many bytes.
    cut
        How: ``fin`` closes it in order, and throws away what still comes; ``rst`` resets it.
    stall_after
        Read and pass on nothing more after so many bytes, and keep the connection. Goes on when the faults are
        changed.
    swallow_after
        Read and throw away everything after so many bytes.
    """

    delay: float = 0.0
    rate: float | None = None
    chunk: int = 65536
    cut_after: int | None = None
    cut: Literal["fin", "rst"] = "fin"
    stall_after: int | None = None
    swallow_after: int | None = None

    def __post_init__(self) -> None:
        if self.delay < 0:
            raise ValueError("delay must not be negative")
        if self.rate is not None and self.rate <= 0:
            raise ValueError("rate must be greater than 0 bytes/s")
        if self.chunk < 1:
            raise ValueError("chunk must be at least 1 byte")
        for name in ("cut_after", "stall_after", "swallow_after"):
            if (threshold := getattr(self, name)) is not None and threshold < 0:
                raise ValueError(f"{name} must not be negative")

    def readable(self, passed: int) -> int:
        """How many bytes may be read next, after ``passed``, so that no threshold is stepped over; 0 in a stall."""
        if self.stall_after is not None and passed >= self.stall_after:
            return 0
        ahead = (t - passed for t in (self.cut_after, self.stall_after, self.swallow_after) if t is not None)
        return min([self.chunk, *(distance for distance in ahead if distance > 0)])


class FaultProxy:
    """Accepts connections on a free loopback port and carries them to a target; use it as a context manager.

    Leaving the block ends every connection, thread and socket of the proxy.

    Parameters
    ----------
    host, port
        The target.
    up, down
        Faults towards the target, and back from it.

    Attributes
    ----------
    host, port
        Where to connect instead.
    up, down
        May be replaced at any time; this applies to the connections that stand, too.
    connections
        Connections accepted.
    """

    host = "127.0.0.1"

    def __init__(self, host: str, port: int, *, up: Faults | None = None, down: Faults | None = None) -> None:
        self.up, self.down = up or Faults(), down or Faults()
        self.connections = 0
        self._passed = {"up": 0, "down": 0}
        self._target = (host, port)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._carriers: list[threading.Thread] = []
        self._server = socket.create_server((self.host, 0))
        # what lies in the system's buffers has passed no threshold yet, though its sender thinks it gone
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._server.settimeout(_POLL)
        self.port: int = self._server.getsockname()[1]
        self._acceptor = self._run(self._accept)

    @property
    def bytes_up(self) -> int:
        """Bytes passed on towards the target, over all connections."""
        with self._lock:
            return self._passed["up"]

    @property
    def bytes_down(self) -> int:
        """Bytes passed on from the target, over all connections."""
        with self._lock:
            return self._passed["down"]

    def close(self) -> None:
        """End every thread and socket that the proxy holds; safe to repeat."""
        self._stopped.set()
        for thread in (self._acceptor, *self._carriers):
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name="fault-proxy", daemon=True)
        thread.start()
        return thread

    def _accept(self) -> None:
        with self._server:
            while not self._stopped.is_set():
                with contextlib.suppress(TimeoutError):
                    client, _ = self._server.accept()
                    self.connections += 1
                    self._carriers.append(self._run(partial(self._carry, client)))

    def _carry(self, client: socket.socket) -> None:
        """One connection, from its beginning to its end."""
        with client:
            try:
                target = socket.create_connection(self._target, timeout=5.0)
            except OSError:
                return  # the client sees its connection closed
            with target:
                for end in (client, target):
                    end.setblocking(False)
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                up, down = _Flow(client, target), _Flow(target, client)
                try:
                    while not self._stopped.is_set() and self._turn(up, down):
                        pass
                except OSError:  # one end is gone: the other shall not see an orderly close
                    _reset_when_closed(client, target)

    def _turn(self, up: "_Flow", down: "_Flow") -> bool:
        """Move what can be moved now; False when the connection is at its end."""
        flows = ((up, self.up), (down, self.down))
        for flow, faults in flows:
            if faults.cut_after is not None and flow.passed >= faults.cut_after and not flow.deaf:
                if faults.cut == "rst":
                    _reset_when_closed(flow.source, flow.sink)
                    return False
                up.finish()
                down.finish()
        if up.ended and down.ended:
            return False

        now = time.monotonic()
        reading = [flow.source for flow, faults in flows if flow.takes(faults)]
        writing = [flow.sink for flow, _ in flows if flow.waiting and flow.due <= now]
        patience = min([_POLL, *(flow.due - now for flow, _ in flows if flow.waiting and flow.due > now)])
        if not reading and not writing:  # Windows refuses to select on nothing
            self._stopped.wait(patience)
            return True
        readable, writable, _ = select.select(reading, writing, [], patience)
        # the faults may have been changed during the wait, and what came since is already subject to the new ones
        for flow, faults in ((up, self.up), (down, self.down)):
            with contextlib.suppress(BlockingIOError):
                if flow.source in readable and flow.takes(faults):
                    flow.read(faults)
                if flow.sink in writable:
                    with self._lock:  # who has received a byte also finds it counted
                        self._passed["up" if flow is up else "down"] += flow.write()
        return True


class _Flow:
    """One direction of one connection, with at most one chunk on its way."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.waiting = b""
        self.due = 0.0
        self.passed = 0
        self.deaf = False
        self.ended = False

    def takes(self, faults: Faults) -> bool:
        return not self.ended and not self.waiting and faults.readable(self.passed) > 0

    def finish(self) -> None:
        """Close in order towards the sink; what still comes is thrown away, or its sender would be reset."""
        self.deaf, self.waiting = True, b""
        self.sink.shutdown(socket.SHUT_WR)

    def read(self, faults: Faults) -> None:
        data = self.source.recv(faults.readable(self.passed))
        if not data:
            self.ended = True
            if not self.deaf:
                self.sink.shutdown(socket.SHUT_WR)
        elif not self.deaf and (faults.swallow_after is None or self.passed < faults.swallow_after):
            self.waiting = data
            self.due = time.monotonic() + faults.delay + (len(data) / faults.rate if faults.rate else 0.0)

    def write(self) -> int:
        sent = self.sink.send(self.waiting)
        self.waiting = self.waiting[sent:]
        self.passed += sent
        return sent


def _reset_when_closed(*ends: socket.socket) -> None:
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
