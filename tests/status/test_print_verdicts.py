"""Verdicts on what a printer answers, row by row (PS3.4 Annex H)."""

import pytest

from modality_sdk.status import Action, Category, verdict

pytestmark = pytest.mark.req("FR-DICOM-07")


@pytest.mark.parametrize(
    ("services", "status", "words", "degraded"),
    [
        (("N-CREATE", "N-SET"), 0xB600, "memory allocation", False),
        (("N-ACTION",), 0xB601, "collation", False),
        (("N-ACTION",), 0xB602, "empty page", True),
        (("N-ACTION",), 0xB603, "empty page", True),
        (("N-ACTION", "N-SET"), 0xB604, "made smaller", True),
        (("N-CREATE", "N-SET"), 0xB605, "density", False),
        (("N-ACTION", "N-SET"), 0xB609, "cropped", True),
        (("N-ACTION", "N-SET"), 0xB60A, "lost pixels", True),
    ],
)
def test_a_printers_warning_is_accepted_and_tells_whether_the_film_is_still_fit_for_diagnosis(
    services: tuple[str, ...], status: int, words: str, degraded: bool
) -> None:
    for service in services:
        found = verdict(service, status, printing=True)
        assert (found.category, found.action, found.degraded) == (Category.WARNING, Action.ACCEPT, degraded)
        assert words in found.meaning


@pytest.mark.parametrize(
    ("services", "status", "action", "retries", "words"),
    [
        (("N-ACTION",), 0xC600, Action.PARK, None, "no film box"),
        (("N-ACTION",), 0xC601, Action.RETRY, None, "queue is full"),
        (("N-ACTION",), 0xC602, Action.RETRY, None, "queue is full"),
        (("N-ACTION", "N-SET"), 0xC603, Action.PARK, None, "larger than its box"),
        (("N-SET",), 0xC605, Action.RETRY, 2, "memory"),
        (("N-ACTION", "N-SET"), 0xC613, Action.PARK, None, "combined image"),
        (("N-CREATE",), 0xC616, Action.PARK, None, "not printed yet"),
        (("N-CREATE",), 0x0106, Action.PARK, None, "never allocate"),
        (("N-CREATE",), 0x0213, Action.RETRY, None, "cannot allocate the memory now"),
        (("N-CREATE",), 0x0111, Action.PARK, None, "duplicate SOP instance"),
        (("N-SET", "N-ACTION"), 0x0112, Action.PARK, None, "no such SOP instance"),
        (("N-SET",), 0x0110, Action.RETRY, None, "processing failure"),
        (("N-ACTION",), 0xC699, Action.PARK, None, "unknown failure"),
    ],
)
def test_a_printers_failure_is_judged_as_in_its_table(
    services: tuple[str, ...], status: int, action: Action, retries: int | None, words: str
) -> None:
    for service in services:
        found = verdict(service, status, printing=True)
        assert (found.category, found.action, found.retries) == (Category.FAILURE, action, retries)
        assert words in found.meaning
        assert found.advice


def test_a_printer_knows_nothing_of_steps_and_their_error_ids() -> None:
    assert verdict("N-SET", 0x0110, 0xA710, printing=True).action is Action.RETRY
