"""A TCP relay that waits for a server which is not always listening."""

import contextlib
import socket
import threading
import time
from typing import Self

__all__ = ["Relay"]


class Relay:
    """Listens always; hands each connection on once the target takes it.

    Parameters
    ----------
    target
        Host and port.
    patience
        Seconds to try to reach it.
    """

    def __init__(self, target: tuple[str, int], *, patience: float = 5.0) -> None:
        self._target, self._patience = target, patience
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes the accept
        self._server.close()
        for connection in list(self._sockets):
            _end(connection)
        for thread in list(self._threads):
            thread.join(self._patience)
        for connection in self._sockets:
            connection.close()

    def _start(self, target, *arguments) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._sockets.append(client)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        end = time.monotonic() + self._patience
        while True:
            try:
                server = socket.create_connection(self._target, timeout=1)
                break
            except OSError:
                if time.monotonic() > end:
                    _end(client)
                    return
                time.sleep(0.01)
        server.settimeout(None)
        self._sockets.append(server)
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._start(_pump, server, client)
        _pump(client, server)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
    _end(sink)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
