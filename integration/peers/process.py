"""Starting a peer's own program, waiting until it serves, ending it by its process id."""

import contextlib
import functools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

__all__ = ["accepts", "find_program", "free_port", "missing", "running"]


def free_port() -> int:
    """A TCP port on the loopback interface that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether somebody takes connections on the port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def missing(program: str, package: str) -> NoReturn:
    """The peer is not on this machine: a failure where CI must have it, else a skip that says what to install."""
    message = f"{program} is not installed (Debian package {package})"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(message)
    pytest.skip(message)


@functools.cache
def find_program(name: str, *folders: str, version_says: str = "") -> str:
    """Path of a program, or an empty string.

    Parameters
    ----------
    folders
        Searched besides PATH.
    version_says
        Text that its ``--version`` must show; DCMTK shares program names with Python packages.
    """
    for folder in (*os.get_exec_path(), *folders):
        found = shutil.which(name, path=folder)
        if found is None:
            continue
        if not version_says:
            return found
        said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=10, check=False)
        if version_says in said.stdout:
            return found
    return ""


@contextlib.contextmanager
def running(
    arguments: Sequence[str], log: Path, ready: Callable[[], bool], *, timeout: float = 15.0
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; enters the block once ``ready`` says so.

    The peers' own Nagle delay is switched off, it costs 40 ms for each round trip.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "TCP_NODELAY": "1"}
        )
    try:
        end = time.monotonic() + timeout
        while not ready():
            if process.poll() is not None or time.monotonic() > end:
                said = log.read_text(errors="replace")[-2000:]
                pytest.fail(f"{Path(arguments[0]).name} does not serve:\n{said}")
            time.sleep(0.02)
        yield process
    finally:
        process.kill()  # what a peer holds is thrown away, and Orthanc takes seconds to end by itself
        process.wait(timeout=10)
