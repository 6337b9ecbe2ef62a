"""The power fails at every durable point of an exam; what was not flushed or synced is gone."""

from collections.abc import Callable

import pytest

from crash.harness import survives
from crash.plan import Death, Plan

pytestmark = [pytest.mark.req("NFR-REL-01"), pytest.mark.req("X-IDEMP"), pytest.mark.timeout(600)]

_PARTS = 4


@pytest.mark.parametrize("part", range(_PARTS))
def test_an_exam_survives_a_power_failure_at_every_point(
    record_property: Callable[[str, object], None], part: int
) -> None:
    survives(Plan(death=Death.POWER, part=part, parts=_PARTS), record_property)
