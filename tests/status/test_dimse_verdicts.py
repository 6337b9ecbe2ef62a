"""Verdicts on DIMSE statuses, row by row; what is expected was copied by hand from the standard and the plan."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modality_sdk.status import Action, Category, category_of, verdict

pytestmark = pytest.mark.req("FR-DICOM-01")

SERVICES = (
    "C-ECHO",
    "C-STORE",
    "C-FIND",
    "C-MOVE",
    "N-CREATE",
    "N-SET",
    "N-GET",
    "N-ACTION",
    "N-DELETE",
    "N-EVENT-REPORT",
)
STATUSES = st.integers(0, 0xFFFF)

SUCCESS, WARNING, PENDING, CANCEL, FAILURE = Category
ACCEPT, RETRY, PARK, HOLD, VERIFY, RECREATE = Action

# service, status, class, action, words of the meaning
Row = tuple[str, int, Category, Action, str]

STORAGE: list[Row] = [
    ("C-STORE", 0x0000, SUCCESS, ACCEPT, "success"),
    ("C-STORE", 0xB000, WARNING, ACCEPT, "coerced"),
    ("C-STORE", 0xB006, WARNING, ACCEPT, "discarded"),
    ("C-STORE", 0xB007, WARNING, ACCEPT, "stored, the data set does not match"),
    ("C-STORE", 0xB001, WARNING, ACCEPT, "stored, with a warning"),
    ("C-STORE", 0xBFFF, WARNING, ACCEPT, "stored, with a warning"),
    ("C-STORE", 0x0001, WARNING, ACCEPT, "stored"),
    ("C-STORE", 0x0107, WARNING, ACCEPT, "stored"),
    ("C-STORE", 0x0116, WARNING, ACCEPT, "stored"),
    ("C-STORE", 0xA700, FAILURE, RETRY, "out of resources"),
    ("C-STORE", 0xA7FF, FAILURE, RETRY, "out of resources"),
    ("C-STORE", 0xA900, FAILURE, PARK, "does not match the SOP class"),
    ("C-STORE", 0xA9FF, FAILURE, PARK, "does not match the SOP class"),
    ("C-STORE", 0xC000, FAILURE, RETRY, "could not understand"),
    ("C-STORE", 0xCFFF, FAILURE, RETRY, "could not understand"),
    ("C-STORE", 0x0110, FAILURE, RETRY, "processing failure"),
    ("C-STORE", 0x0111, FAILURE, VERIFY, "duplicate SOP instance"),
    ("C-STORE", 0x0117, FAILURE, PARK, "invalid SOP instance"),
    ("C-STORE", 0x0118, FAILURE, PARK, "no such SOP class"),
    ("C-STORE", 0x0122, FAILURE, PARK, "SOP class not supported"),
    ("C-STORE", 0x0124, FAILURE, HOLD, "not authorized"),
    ("C-STORE", 0x0210, FAILURE, PARK, "duplicate invocation"),
    ("C-STORE", 0x0211, FAILURE, PARK, "unrecognized operation"),
    ("C-STORE", 0x0212, FAILURE, PARK, "mistyped argument"),
    ("C-STORE", 0x0213, FAILURE, RETRY, "resource limitation"),
]

WORKLIST: list[Row] = [
    ("C-FIND", 0xFF00, PENDING, ACCEPT, "a match"),
    ("C-FIND", 0xFF01, PENDING, ACCEPT, "optional keys are not supported"),
    ("C-FIND", 0x0000, SUCCESS, ACCEPT, "success"),
    ("C-FIND", 0xFE00, CANCEL, ACCEPT, "ended before all answers"),
    ("C-FIND", 0xA700, FAILURE, RETRY, "out of resources"),
    ("C-FIND", 0xA900, FAILURE, PARK, "identifier does not match"),
    ("C-FIND", 0xC000, FAILURE, PARK, "unable to process"),
    ("C-FIND", 0xCFFF, FAILURE, PARK, "unable to process"),
    ("C-FIND", 0x0122, FAILURE, HOLD, "SOP class not supported"),
    ("C-FIND", 0x0124, FAILURE, HOLD, "not authorized"),
    ("C-FIND", 0x0210, FAILURE, PARK, "duplicate invocation"),
    ("C-FIND", 0x0211, FAILURE, PARK, "unrecognized operation"),
    ("C-FIND", 0x0212, FAILURE, PARK, "mistyped argument"),
    ("C-FIND", 0x0213, FAILURE, RETRY, "resource limitation"),
]

MPPS: list[Row] = [
    row
    for service in ("N-CREATE", "N-SET")
    for row in (
        (service, 0x0000, SUCCESS, ACCEPT, "success"),
        (service, 0x0107, WARNING, ACCEPT, "attributes were ignored"),
        (service, 0x0116, WARNING, ACCEPT, "out of range"),
        (service, 0x0001, WARNING, ACCEPT, "remark"),
        (service, 0xB000, WARNING, ACCEPT, "warning"),
        (service, 0x0110, FAILURE, RETRY, "processing failure"),
        (service, 0x0105, FAILURE, PARK, "no such attribute"),
        (service, 0x0106, FAILURE, PARK, "invalid attribute value"),
        (service, 0x0120, FAILURE, PARK, "missing attribute"),
        (service, 0x0121, FAILURE, PARK, "missing attribute value"),
        (service, 0x0122, FAILURE, HOLD, "SOP class not supported"),
        (service, 0x0118, FAILURE, HOLD, "no such SOP class"),
        (service, 0x0124, FAILURE, HOLD, "not authorized"),
        (service, 0x0213, FAILURE, RETRY, "resource limitation"),
        (service, 0xA700, FAILURE, RETRY, "out of resources"),
    )
] + [
    ("N-CREATE", 0x0111, FAILURE, VERIFY, "duplicate SOP instance"),
    ("N-CREATE", 0x0112, FAILURE, PARK, "no such SOP instance"),
    ("N-SET", 0x0111, FAILURE, PARK, "duplicate SOP instance"),
    ("N-SET", 0x0112, FAILURE, RECREATE, "does not know the step"),
]

COMMITMENT: list[Row] = [
    ("N-ACTION", 0x0000, SUCCESS, ACCEPT, "success"),
    ("N-ACTION", 0x0112, FAILURE, HOLD, "no such SOP instance"),
    ("N-ACTION", 0x0123, FAILURE, PARK, "no such action type"),
    ("N-ACTION", 0x0122, FAILURE, HOLD, "SOP class not supported"),
    ("N-ACTION", 0x0213, FAILURE, RETRY, "resource limitation"),
]

GENERAL: list[Row] = [
    ("N-GET", 0x0105, FAILURE, PARK, "no such attribute"),
    ("N-GET", 0x0106, FAILURE, PARK, "invalid attribute value"),
    ("N-GET", 0x0107, WARNING, ACCEPT, "attribute list error"),
    ("N-GET", 0x0110, FAILURE, RETRY, "processing failure"),
    ("N-GET", 0x0111, FAILURE, PARK, "duplicate SOP instance"),
    ("N-GET", 0x0112, FAILURE, PARK, "no such SOP instance"),
    ("N-GET", 0x0113, FAILURE, PARK, "no such event type"),
    ("N-GET", 0x0114, FAILURE, PARK, "no such argument"),
    ("N-GET", 0x0115, FAILURE, PARK, "invalid argument value"),
    ("N-GET", 0x0116, WARNING, ACCEPT, "attribute value out of range"),
    ("N-GET", 0x0117, FAILURE, PARK, "invalid SOP instance"),
    ("N-GET", 0x0118, FAILURE, HOLD, "no such SOP class"),
    ("N-GET", 0x0119, FAILURE, PARK, "class and instance conflict"),
    ("N-GET", 0x0120, FAILURE, PARK, "missing attribute"),
    ("N-GET", 0x0121, FAILURE, PARK, "missing attribute value"),
    ("N-GET", 0x0122, FAILURE, HOLD, "SOP class not supported"),
    ("N-GET", 0x0123, FAILURE, PARK, "no such action type"),
    ("N-GET", 0x0124, FAILURE, HOLD, "not authorized"),
    ("N-GET", 0x0210, FAILURE, PARK, "duplicate invocation"),
    ("N-GET", 0x0211, FAILURE, PARK, "unrecognized operation"),
    ("N-GET", 0x0212, FAILURE, PARK, "mistyped argument"),
    ("N-GET", 0x0213, FAILURE, RETRY, "resource limitation"),
    ("C-ECHO", 0x0122, FAILURE, HOLD, "SOP class not supported"),
]

UNKNOWN: list[Row] = [
    ("C-STORE", 0x7777, FAILURE, PARK, "unknown failure"),
    ("C-STORE", 0xA800, FAILURE, PARK, "unknown failure"),
    ("N-SET", 0xC123, FAILURE, PARK, "unknown failure"),
    ("N-CREATE", 0x0199, FAILURE, PARK, "unknown failure"),
    ("N-CREATE", 0x0214, FAILURE, PARK, "unknown failure"),
    ("N-GET", 0xB123, WARNING, ACCEPT, "unlisted warning"),
    ("N-GET", 0xFE00, CANCEL, ACCEPT, "unlisted cancel"),
    ("N-GET", 0xFF00, PENDING, ACCEPT, "unlisted pending"),
    ("C-FIND", 0xFF02, FAILURE, PARK, "unknown failure"),
    ("C-FIND", 0xFFFF, FAILURE, PARK, "unknown failure"),
]


@pytest.mark.parametrize(
    ("service", "status", "category", "action", "words"),
    [
        pytest.param(*row, id=f"{row[0]}-{row[1]:04X}")
        for row in (*STORAGE, *WORKLIST, *MPPS, *COMMITMENT, *GENERAL, *UNKNOWN)
    ],
)
def test_a_status_of_a_service_is_judged_as_in_its_table(
    service: str, status: int, category: Category, action: Action, words: str
) -> None:
    found = verdict(service, status)
    assert (found.category, found.action) == (category, action)
    assert words in found.meaning
    assert not found.degraded


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.parametrize(
    ("service", "status", "error_id", "action"),
    [
        ("N-SET", 0x0110, 0xA710, VERIFY),
        ("N-SET", 0x0110, 0xA711, RETRY),
        ("N-SET", 0x0110, 0x0000, RETRY),
        ("N-CREATE", 0x0110, 0xA710, RETRY),
        ("N-SET", 0x0112, 0xA710, RECREATE),
    ],
)
def test_a_step_that_is_final_elsewhere_is_known_by_its_error_id(
    service: str, status: int, error_id: int, action: Action
) -> None:
    assert verdict(service, status, error_id).action is action


def test_a_missing_attribute_is_told_from_a_missing_value() -> None:
    assert verdict("N-CREATE", 0x0120).meaning == "missing attribute"
    assert verdict("N-CREATE", 0x0121).meaning == "missing attribute value"


@given(status=STATUSES)
def test_what_an_archive_cannot_understand_is_tried_twice_more_and_nothing_else_is_limited(status: int) -> None:
    assert verdict("C-STORE", status).retries == (2 if 0xC000 <= status <= 0xCFFF else None)


@given(service=st.sampled_from(SERVICES), status=STATUSES, error_id=st.none() | STATUSES, printing=st.booleans())
def test_every_status_of_every_service_has_a_verdict_that_fits_its_class(
    service: str, status: int, error_id: int | None, printing: bool
) -> None:
    found = verdict(service, status, error_id, printing=printing)
    assert found.category is category_of(status)
    assert found.meaning
    assert (found.action is ACCEPT) == (found.category is not FAILURE)
    assert found.retryable == (found.action is RETRY)
    assert found.retries is None or found.retryable
    assert found.advice or found.category is not FAILURE


@pytest.mark.parametrize(
    ("service", "printing"),
    [*((s, False) for s in ("C-STORE", "C-FIND", "N-CREATE", "N-SET", "N-ACTION", "N-GET")), ("N-SET", True)],
)
def test_no_status_is_left_out_and_every_failure_comes_with_advice(service: str, printing: bool) -> None:
    for status in range(0x10000):
        found = verdict(service, status, printing=printing)
        assert (found.action is ACCEPT) == (found.category is not FAILURE)
        assert found.meaning
        assert found.advice or found.category is not FAILURE


@given(service=st.sampled_from(SERVICES), error_id=st.none() | STATUSES)
def test_success_is_accepted_whatever_comes_with_it(service: str, error_id: int | None) -> None:
    found = verdict(service, 0, error_id)
    assert (found.action, found.advice) == (ACCEPT, "")


@pytest.mark.parametrize(
    ("service", "status", "words"),
    [
        ("C-STORE", 0x0122, "another archive"),
        ("C-STORE", 0x0124, "allow this AE title"),
        ("C-STORE", 0xA700, "disk space"),
        ("C-FIND", 0xC000, "enter the patient by hand"),
        ("N-CREATE", 0x0106, "which attributes"),
        ("N-ACTION", 0x0112, "enable storage commitment"),
        ("N-GET", 0x0211, "vendors"),
    ],
)
def test_the_advice_says_who_is_to_do_what(service: str, status: int, words: str) -> None:
    assert words in verdict(service, status).advice


@pytest.mark.parametrize(
    ("status", "category"),
    [
        (0x0000, SUCCESS),
        (0x0001, WARNING),
        (0x0002, FAILURE),
        (0x0107, WARNING),
        (0x0116, WARNING),
        (0xAFFF, FAILURE),
        (0xB000, WARNING),
        (0xBFFF, WARNING),
        (0xC000, FAILURE),
        (0xFF00, PENDING),
        (0xFF01, PENDING),
        (0xFF02, FAILURE),
        (0xFE00, CANCEL),
        (0x0110, FAILURE),
        (0x0122, FAILURE),
        (0x0213, FAILURE),
        (0xA700, FAILURE),
        (0xFFFF, FAILURE),
    ],
)
def test_the_class_of_a_status_follows_annex_c(status: int, category: Category) -> None:
    assert category_of(status) is category
