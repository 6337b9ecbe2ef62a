"""How often an answer is tried again."""

import pytest

from modality_sdk.errors import DimseFailure
from modality_sdk.model import DeliveryState, JobState
from modality_sdk.queue import OutcomeKind
from modality_sdk.testing.fake_site import FakeSite, scheduled_item
from modality_sdk.workflow.outcomes import outcome_of_error

pytestmark = pytest.mark.req("FR-DICOM-08")


@pytest.mark.parametrize(
    ("service", "status", "kind", "limit"),
    [
        ("C-STORE", 0xC001, OutcomeKind.RETRY, 2),
        ("C-STORE", 0xA700, OutcomeKind.RETRY, None),
        ("N-SET", 0x0110, OutcomeKind.RETRY, None),
        ("N-CREATE", 0x0106, OutcomeKind.PARK, None),
        ("N-CREATE", 0x0122, OutcomeKind.HOLD, None),
    ],
)
def test_an_answer_brings_its_own_limit_of_retries(
    service: str, status: int, kind: OutcomeKind, limit: int | None
) -> None:
    outcome = outcome_of_error(DimseFailure(service, status))
    assert (outcome.kind, outcome.limit) == (kind, limit)


@pytest.mark.parametrize(("status", "attempts"), [(0xC001, 3), (0x0110, 6), (0xA900, 1)])
def test_an_object_is_sent_as_often_as_the_answer_allows_and_then_parked(
    site: FakeSite, status: int, attempts: int
) -> None:
    site.storage.answers.extend([status] * 9)
    with site.modality.start(scheduled_item()) as step:
        site.expose(step)
    for _ in range(9):
        site.run_until_idle()
        site.clock.advance(3600)
    (job,) = site.modality.queue.jobs(kind="C-STORE")
    assert (job.state, job.attempts, job.reason) == (JobState.FAILED, attempts, f"STATUS_{status:04X}")
    assert [d.state for d in step.report().deliveries] == [DeliveryState.FAILED]
