"""What a test must not leave behind: threads, daemon threads too, and sockets of this process."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def nothing_left_behind() -> Iterator[None]:
    """Fails the test unless the threads and sockets that the block adds are gone soon after it."""
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    if not until(lambda: set(threading.enumerate()) <= threads and open_sockets() <= sockets):
        left = [*(t.name for t in set(threading.enumerate()) - threads), *(open_sockets() - sockets)]
        pytest.fail(f"left behind: {left}")


def open_sockets() -> set[str]:
    """Sockets of this process by inode; empty where the system has no such list."""
    found = set()
    with contextlib.suppress(FileNotFoundError):
        for entry in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                if (name := str(entry.readlink())).startswith("socket:"):
                    found.add(name)
    return found


def until(condition: Callable[[], bool], seconds: float = 3.0) -> bool:
    """Whether the condition comes true in time."""
    end = time.monotonic() + seconds
    while not (true := condition()) and time.monotonic() < end:
        time.sleep(0.005)
    return true
