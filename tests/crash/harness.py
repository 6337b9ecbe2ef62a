"""Runs the driver and reads what it answers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from crash.plan import Death, Plan, Result

__all__ = ["Outcome", "command", "run", "survives"]

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The points of one exam, and what became of those that the plan chose."""

    points: list[str]
    results: list[Result]
    log: str

    @property
    def problems(self) -> dict[str, list[str]]:
        """What was wrong, by point."""
        return {result.point: result.problems for result in self.results if result.problems}


def run(plan: Plan, *, timeout: float) -> Outcome:
    """Run a plan to its end, at most ``timeout`` seconds."""
    done = subprocess.run(
        **command("crash.driver", plan.to_json()), capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stderr
    points, *results = map(json.loads, done.stdout.splitlines())
    return Outcome(points=points, results=[Result(**each) for each in results], log=done.stderr)


def command(module: str, *arguments: str) -> dict[str, Any]:
    """What `subprocess.run` needs to run a module of this package in a process that is fit to fork."""
    paths = os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
    # a numeric library would have a pool of threads
    environment = os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return {"args": [sys.executable, "-m", module, *arguments], "env": environment}


def survives(plan: Plan, record_property: Callable[[str, object], None], *, timeout: float = 570) -> None:
    """Fail the test unless nothing is lost at any of the plan's points; tell their number."""
    outcome = run(plan, timeout=timeout)
    assert outcome.results
    figure = f"crash points of one exam: {len(outcome.points)}, died at {len(outcome.results)} ({_words(plan)})"
    print(figure)
    record_property("figure", figure)
    if outcome.problems:
        lines = [f"{point}: {problem}" for point, found in outcome.problems.items() for problem in found]
        again = replace(plan, only=list(outcome.problems), part=0, parts=1).to_json()
        pytest.fail("\n".join([*lines, f"again: PYTHONPATH=.:tests python -m crash.driver '{again}'", outcome.log]))


def _words(plan: Plan) -> str:
    death = "the power fails" if plan.death is Death.POWER else "the process dies"
    return f"{death}, reports to the listener" if plan.listener else death
