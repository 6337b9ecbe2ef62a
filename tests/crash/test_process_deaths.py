"""The process dies at every durable point of an exam; the machine goes on."""

from collections.abc import Callable

import pytest

from crash.harness import survives
from crash.plan import Death, Plan

pytestmark = [pytest.mark.req("NFR-REL-01"), pytest.mark.req("X-IDEMP"), pytest.mark.timeout(600)]

_PARTS = 4


@pytest.mark.parametrize("part", range(_PARTS))
def test_an_exam_survives_the_death_of_the_process_at_every_point(
    record_property: Callable[[str, object], None], part: int
) -> None:
    survives(Plan(death=Death.EXIT, part=part, parts=_PARTS), record_property)
