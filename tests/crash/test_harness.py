"""The harness notices what it is there for, and reports on associations of their own survive too."""

from collections.abc import Callable

import pytest

from crash.harness import run, survives
from crash.plan import Death, Plan, Sabotage

pytestmark = [pytest.mark.req("NFR-REL-01"), pytest.mark.timeout(330)]

# the first image was taken over, and nothing has been sent
_TAKEN = "before N-CREATE request #1"


@pytest.mark.parametrize("sabotage", [Sabotage.FLUSH, Sabotage.SYNC_DIRECTORY])
def test_the_harness_finds_the_image_that_is_lost_without(sabotage: Sabotage) -> None:
    outcome = run(Plan(death=Death.POWER, sabotage=sabotage, only=[_TAKEN]), timeout=300)
    (found,) = outcome.problems.values()
    assert any("everything_taken_arrived_once" in problem and "is not in PACS" in problem for problem in found), found


def test_nothing_is_lost_at_the_same_point_without_sabotage() -> None:
    outcome = run(Plan(death=Death.POWER, only=[_TAKEN]), timeout=300)
    assert [result.point for result in outcome.results] == [_TAKEN]
    assert not outcome.problems


def test_commitment_reports_to_the_listener_survive_the_death_of_the_process(
    record_property: Callable[[str, object], None],
) -> None:
    survives(Plan(listener=True, since="before N-ACTION request #1"), record_property, timeout=300)
