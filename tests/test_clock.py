"""Time: aware, local, with its offset."""

import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modality_sdk.clock import SystemClock, is_synchronized, timezone_offset

pytestmark = pytest.mark.req("X-TIME")

OFFSETS = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timedelta(minutes=minutes))


def test_now_is_aware_and_the_present() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert now.utcoffset() is not None
    assert before <= now <= datetime.now(UTC)


def test_now_stands_in_the_zone_that_was_asked_for() -> None:
    zone = timezone(timedelta(hours=5, minutes=45))
    assert SystemClock(zone).now().utcoffset() == timedelta(hours=5, minutes=45)


def test_monotonic_time_never_goes_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)


@given(OFFSETS)
def test_the_offset_is_sign_hours_and_minutes(offset: timedelta) -> None:
    text = timezone_offset(datetime(2024, 5, 17, 12, 0, tzinfo=timezone(offset)))
    assert len(text) == 5
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    assert timedelta(minutes=-minutes if text[0] == "-" else minutes) == offset


def test_universal_time_has_a_positive_zero_offset() -> None:
    # PS3.3 C.12.1.1.7 forbids -0000
    assert timezone_offset(datetime(2024, 5, 17, tzinfo=UTC)) == "+0000"


def test_a_time_without_a_zone_has_no_offset() -> None:
    with pytest.raises(ValueError, match="no zone"):
        timezone_offset(datetime(2024, 5, 17))  # noqa: DTZ001


@pytest.mark.req("X-TIME")
def test_the_kernel_is_asked_whether_a_time_service_keeps_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_synchronized() in (True, False, None)
    monkeypatch.setattr(sys, "platform", "win32")
    assert is_synchronized() is None
