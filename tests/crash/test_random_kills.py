"""Modalities with worker and listener are killed at random times, thousands of times: ``make soak``."""

import json
import os
import secrets
import subprocess
from collections.abc import Callable

import pytest

from crash.harness import command

pytestmark = [pytest.mark.soak, pytest.mark.req("NFR-REL-01"), pytest.mark.req("X-IDEMP"), pytest.mark.timeout(0)]

_SECONDS_PER_KILL = 5


def test_exams_survive_kills_at_random_times(record_property: Callable[[str, object], None]) -> None:
    kills = int(os.environ.get("SOAK_KILLS", "10000"))
    seed = int(os.environ.get("SOAK_SEED", secrets.randbelow(1_000_000)))
    print(f"seed {seed}")
    done = subprocess.run(
        **command("crash.soak", str(kills), str(seed)),
        capture_output=True,
        text=True,
        timeout=60 + kills * _SECONDS_PER_KILL,
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    killed, exams = sum(each["kills"] for each in told), sum(each.get("exams", 0) for each in told)
    figure = f"{killed} kills, {exams} exams, seed {seed}"
    print(figure)
    record_property("figure", figure)
    assert done.returncode == 0, done.stderr
    assert killed == kills
    assert [each for each in told if each.get("problems") != []] == [], f"SOAK_SEED={seed}\n{done.stderr}"
