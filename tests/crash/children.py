"""Forking, from a process that has everything imported and no thread."""

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from modality_sdk.testing.fake_site import FakeSite, scheduled_item

__all__ = ["begin", "in_child", "warm_up"]

_FAILED = 98
_TIMEOUT_S = 90


def begin(life: Callable[[], None]) -> int:
    """Start a process that lives as told, at most for a minute and a half; returns its number."""
    assert threading.active_count() == 1, "a process with threads must not fork"
    child = os.fork()
    if child == 0:
        _live(life)
    return child


def in_child(life: Callable[[], None]) -> int:
    """Run a life to its end in a process of its own; returns the exit status."""
    _, status = os.waitpid(begin(life), 0)
    return os.waitstatus_to_exitcode(status)


def warm_up(scratch: Path) -> None:
    """Do here, once, what the first exam of a process does once: load, compile, look up."""
    with FakeSite(data_dir=scratch / "warm") as site:
        with site.modality.start(scheduled_item()) as step:
            site.expose(step)
        site.run_until_idle()
    gc.collect()
    gc.freeze()


def _live(life: Callable[[], None]) -> None:
    signal.alarm(_TIMEOUT_S)
    try:
        life()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(_FAILED)
    os._exit(0)
