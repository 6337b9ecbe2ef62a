"""Rejections and aborts in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modality_sdk.status import abort_meaning, rejection

pytestmark = pytest.mark.req("FR-DICOM-09")


@pytest.mark.parametrize(
    ("source", "reason", "words"),
    [
        (1, 3, "calling AE title not recognized"),
        (1, 7, "called AE title not recognized"),
        (2, 2, "protocol version"),
        (3, 1, "congestion"),
        (3, 2, "local limit exceeded"),
    ],
)
def test_a_rejection_is_put_into_words(source: int, reason: int, words: str) -> None:
    assert words in rejection(1, source, reason).meaning


@given(result=st.sampled_from([1, 2]), source=st.integers(0, 255), reason=st.integers(0, 255))
def test_the_peers_own_word_decides_whether_a_rejection_passes(result: int, source: int, reason: int) -> None:
    found = rejection(result, source, reason)
    assert found.transient == (result == 2)
    assert (found.result, found.source, found.reason) == (result, source, reason)
    assert found.meaning


def test_an_abort_tells_who_aborted() -> None:
    assert "without an abort" in abort_meaning(None, None)
    assert "application" in abort_meaning(0, 0)
    assert "unexpected PDU" in abort_meaning(2, 2)
    assert "reason 99" in abort_meaning(2, 99)
