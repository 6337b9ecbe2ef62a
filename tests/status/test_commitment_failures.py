"""Failure reasons of storage commitment, row by row (PS3.3 section C.14.1.1)."""

import pytest

from modality_sdk.status import Action, Category, commitment_failure

pytestmark = pytest.mark.req("FR-DICOM-05")


@pytest.mark.parametrize(
    ("reason", "action", "meaning", "advice"),
    [
        (0x0110, Action.RETRY, "processing failure", "asked again later"),
        (0x0112, Action.RECREATE, "no such object instance", "sent again"),
        (0x0213, Action.RETRY, "resource limitation", "asked again later"),
        (0x0122, Action.PARK, "SOP class not supported", "another archive"),
        (0x0119, Action.PARK, "class and instance conflict", "tell both vendors"),
        (0x0131, Action.RETRY, "duplicate transaction UID", "new transaction"),
        (0x0000, Action.PARK, "unknown", "Keep the object"),
        (0xA700, Action.PARK, "unknown", "Keep the object"),
        (0xFFFF, Action.PARK, "unknown", "Keep the object"),
    ],
)
def test_a_failure_reason_says_what_follows(reason: int, action: Action, meaning: str, advice: str) -> None:
    found = commitment_failure(reason)
    assert (found.category, found.action) == (Category.FAILURE, action)
    assert meaning in found.meaning
    assert advice in found.advice


def test_no_failure_reason_is_ever_taken_for_a_commitment() -> None:
    for reason in range(0x10000):
        found = commitment_failure(reason)
        assert found.category is Category.FAILURE
        assert found.action in (Action.RETRY, Action.RECREATE, Action.PARK)
        assert found.meaning
        assert found.advice
