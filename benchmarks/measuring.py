"""What all benchmarks share: alternating runs, medians, and a table that says where it was made."""

import os
import platform
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median

__all__ = ["RUNS", "alternate", "report"]

RUNS = 9


def alternate(calls: Mapping[str, Callable[[], object]], runs: int = RUNS) -> dict[str, list[float]]:
    """Seconds of each call, in rounds of all calls after one round that does not count.

    What else the machine does, and how its disk is minded, meets all of them alike.
    """
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for run in range(runs + 1):
        for name, call in calls.items():
            begun = time.perf_counter()
            call()
            if run:
                taken[name].append(time.perf_counter() - begun)
    return taken


def spread(seconds: Sequence[float]) -> str:
    """Median, least and most, in ms."""
    return f"{median(seconds) * 1e3:.1f} ({min(seconds) * 1e3:.1f} to {max(seconds) * 1e3:.1f})"


def report(title: str, taken: Mapping[str, Sequence[float]], base: str, goal: str, found: str = "") -> None:
    """Print a markdown table with each median, and its ratio to that of ``base`` within the same run."""
    print(f"## {title}\n")
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, load ", end=""
    )
    print(f"{os.getloadavg()[0]:.1f}, " if hasattr(os, "getloadavg") else "unknown, ", end="")
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, ", end="")
    print(", ".join(f"{name} {version(name)}" for name in ("pydicom", "numpy", "modality-sdk")), end=".\n\n")
    print(f"| | ms, median of {len(taken[base])} (least to most) | ratio |\n|---|---|---|")
    for name, seconds in taken.items():
        print(f"| {name} | {spread(seconds)} | {median(seconds) / median(taken[base]):.2f} |")
    print(f"\nGoal: {goal}. {found}\n", flush=True)
