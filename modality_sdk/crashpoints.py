"""The moments at which a crash would matter: right before and right after every effect that outlives the process.

Files, the database and the sockets name them here; nobody looks on in production. A test that does can end the process
at any of them and see that nothing is lost.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["around", "observed", "reached"]

_observer: Callable[[str], None] | None = None


def reached(point: str) -> None:
    """Say that the process is at ``point``, ``before …`` or ``after …`` a durable effect, on whichever thread."""
    if _observer is not None:
        _observer(point)


@contextmanager
def around(effect: str) -> Iterator[None]:
    """Name the points before and after an effect; the latter is not reached when the block raises."""
    reached(f"before {effect}")
    yield
    reached(f"after {effect}")


@contextmanager
def observed(observer: Callable[[str], None]) -> Iterator[None]:
    """Call ``observer`` with every point that is reached within the block, on the thread that reaches it."""
    global _observer
    previous, _observer = _observer, observer
    try:
        yield
    finally:
        _observer = previous
