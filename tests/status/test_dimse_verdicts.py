"""Verdicts on DIMSE statuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modality_sdk.status import Action, Category, category_of, verdict

pytestmark = pytest.mark.req("FR-DICOM-01")

SERVICES = ("C-ECHO", "C-STORE", "C-FIND", "N-CREATE", "N-SET", "N-ACTION", "N-GET")
STATUSES = st.integers(0, 0xFFFF)


@pytest.mark.parametrize(
    ("status", "category"),
    [
        (0x0000, Category.SUCCESS),
        (0x0001, Category.WARNING),
        (0x0107, Category.WARNING),
        (0x0116, Category.WARNING),
        (0xB000, Category.WARNING),
        (0xBFFF, Category.WARNING),
        (0xFF00, Category.PENDING),
        (0xFF01, Category.PENDING),
        (0xFE00, Category.CANCEL),
        (0x0110, Category.FAILURE),
        (0x0122, Category.FAILURE),
        (0xA700, Category.FAILURE),
        (0xC000, Category.FAILURE),
        (0xFFFF, Category.FAILURE),
    ],
)
def test_the_class_of_a_status_follows_annex_c(status: int, category: Category) -> None:
    assert category_of(status) is category


@pytest.mark.parametrize(
    ("service", "status", "error_id", "action"),
    [
        ("C-STORE", 0xB000, None, Action.ACCEPT),
        ("C-STORE", 0xB006, None, Action.ACCEPT),
        ("C-STORE", 0xB007, None, Action.ACCEPT),
        ("C-STORE", 0xA700, None, Action.RETRY),
        ("C-STORE", 0xA7FF, None, Action.RETRY),
        ("C-STORE", 0xA900, None, Action.PARK),
        ("C-STORE", 0xA9FF, None, Action.PARK),
        ("C-STORE", 0xC000, None, Action.RETRY),
        ("C-STORE", 0x0111, None, Action.VERIFY),
        ("C-STORE", 0x0122, None, Action.PARK),
        ("C-STORE", 0x0124, None, Action.HOLD),
        ("C-FIND", 0xC000, None, Action.PARK),
        ("C-FIND", 0xFF01, None, Action.ACCEPT),
        ("N-CREATE", 0x0111, None, Action.VERIFY),
        ("N-CREATE", 0x0106, None, Action.PARK),
        ("N-CREATE", 0x0110, None, Action.RETRY),
        ("N-SET", 0x0110, None, Action.RETRY),
        ("N-SET", 0x0110, 0xA710, Action.VERIFY),
        ("N-SET", 0x0112, None, Action.RECREATE),
        ("N-CREATE", 0x0112, None, Action.PARK),
        ("N-ACTION", 0x0112, None, Action.HOLD),
        ("N-ACTION", 0x0213, None, Action.RETRY),
    ],
)
def test_an_answer_is_judged_by_its_service(service: str, status: int, error_id: int | None, action: Action) -> None:
    assert verdict(service, status, error_id).action is action


@given(service=st.sampled_from(SERVICES), status=STATUSES, error_id=st.none() | STATUSES)
def test_every_status_of_every_service_has_a_verdict_that_fits_its_class(
    service: str, status: int, error_id: int | None
) -> None:
    found = verdict(service, status, error_id)
    assert found.category is category_of(status)
    assert found.meaning
    assert (found.action is Action.ACCEPT) == (found.category is not Category.FAILURE)
    assert found.retryable == (found.action is Action.RETRY)


@given(service=st.sampled_from(SERVICES), error_id=st.none() | STATUSES)
def test_success_is_accepted_whatever_comes_with_it(service: str, error_id: int | None) -> None:
    assert verdict(service, 0, error_id).action is Action.ACCEPT


def test_an_unknown_failure_is_parked_and_an_unknown_warning_accepted() -> None:
    assert verdict("C-STORE", 0x7777).action is Action.PARK
    assert verdict("C-STORE", 0xB123).action is Action.ACCEPT
