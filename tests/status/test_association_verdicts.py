"""Rejections, aborts and refused presentation contexts, row by row (PS3.8 section 9.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modality_sdk.status import Action, abort, abort_meaning, context_meaning, rejection

pytestmark = pytest.mark.req("FR-DICOM-09")

PERMANENT, TRANSIENT = 1, 2
KNOWN = {(1, 1), (1, 2), (1, 3), (1, 7), (2, 1), (2, 2), (3, 1), (3, 2)}


@pytest.mark.parametrize("result", [PERMANENT, TRANSIENT])
@pytest.mark.parametrize(
    ("source", "reason", "passes", "meaning", "advice"),
    [
        (1, 1, None, "no reason given", "log"),
        (1, 2, False, "application context name", "vendors"),
        (1, 3, False, "calling AE title not recognized", "register the AE title"),
        (1, 7, False, "called AE title not recognized", "Correct the AE title"),
        (2, 1, None, "no reason given", "log"),
        (2, 2, False, "protocol version", "vendors"),
        (3, 1, True, "temporary congestion", "fewer associations"),
        (3, 2, True, "local limit exceeded", "fewer associations"),
    ],
)
def test_a_rejection_passes_by_its_reason_or_else_by_its_result(
    result: int, source: int, reason: int, passes: bool | None, meaning: str, advice: str
) -> None:
    found = rejection(result, source, reason)
    assert found.transient is ((result == TRANSIENT) if passes is None else passes)
    assert meaning in found.meaning
    assert advice in found.advice


@given(result=st.integers(0, 255), source=st.integers(0, 255), reason=st.integers(0, 255))
def test_every_rejection_is_judged_and_an_unknown_one_by_the_peers_own_word(
    result: int, source: int, reason: int
) -> None:
    found = rejection(result, source, reason)
    assert (found.result, found.source, found.reason) == (result, source, reason)
    assert found.meaning
    assert found.advice
    assert found.action is (Action.RETRY if found.transient else Action.HOLD)
    if (source, reason) not in KNOWN:
        assert found.transient == (result == TRANSIENT)
        assert f"unknown source {source} and reason {reason}" in found.meaning


@pytest.mark.parametrize(
    ("source", "reason", "meaning", "advice"),
    [
        (0, 0, "the peer's application aborted", "sent again"),
        (0, 6, "the peer's application aborted", "sent again"),
        (2, 0, "association layer aborted: reason not specified", "sent again"),
        (2, 1, "association layer aborted: unrecognized PDU", "vendors"),
        (2, 2, "association layer aborted: unexpected PDU", "vendors"),
        (2, 4, "association layer aborted: unrecognized PDU parameter", "vendors"),
        (2, 5, "association layer aborted: unexpected PDU parameter", "vendors"),
        (2, 6, "association layer aborted: invalid PDU parameter value", "vendors"),
        (2, 3, "association layer aborted: reason 3", "vendors"),
        (2, 99, "association layer aborted: reason 99", "vendors"),
        (1, 0, "unknown source 1 and reason 0", "log"),
        (None, None, "closed without an abort", "network and firewalls"),
    ],
)
def test_an_abort_tells_who_aborted_and_why(source: int | None, reason: int | None, meaning: str, advice: str) -> None:
    found = abort(source, reason)
    assert (found.source, found.reason, found.action) == (source, reason, Action.RETRY)
    assert found.meaning.endswith(meaning)
    assert advice in found.advice
    assert abort_meaning(source, reason) == found.meaning


@given(source=st.none() | st.integers(0, 255), reason=st.none() | st.integers(0, 255))
def test_every_abort_has_words_and_advice(source: int | None, reason: int | None) -> None:
    found = abort(source, reason)
    assert found.meaning
    assert found.advice


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (0, "accepted"),
        (1, "rejected by the peer's application"),
        (2, "without a reason"),
        (3, "abstract syntax not supported"),
        (4, "transfer syntaxes not supported"),
        (5, "unknown result 5"),
    ],
)
def test_the_result_of_a_presentation_context_is_put_into_words(result: int, words: str) -> None:
    assert words in context_meaning(result)
