"""Cancelling from another thread."""

import threading

import pytest

from modality_sdk.model import CancelToken

pytestmark = pytest.mark.req("FR-DICOM-09")


def test_a_token_is_cancelled_once_and_stays_so() -> None:
    token = CancelToken()
    assert not token.cancelled
    assert token.wait(0) is False
    token.cancel()
    token.cancel()
    assert token.cancelled
    assert token.wait(0) is True


def test_a_callback_is_called_once_at_cancellation() -> None:
    token, calls = CancelToken(), []
    token.on_cancel(lambda: calls.append("called"))
    token.cancel()
    token.cancel()
    assert calls == ["called"]


def test_a_callback_of_a_cancelled_token_is_called_at_once() -> None:
    token, calls = CancelToken(), []
    token.cancel()
    remove = token.on_cancel(lambda: calls.append("called"))
    remove()
    assert calls == ["called"]


def test_a_removed_callback_is_not_called() -> None:
    token, calls = CancelToken(), []
    remove = token.on_cancel(lambda: calls.append("removed"))
    token.on_cancel(lambda: calls.append("kept"))
    remove()
    remove()
    token.cancel()
    remove()
    assert calls == ["kept"]


def test_a_callback_may_use_the_token() -> None:
    token, seen = CancelToken(), []
    token.on_cancel(lambda: token.on_cancel(lambda: seen.append(token.cancelled)))
    token.cancel()
    assert seen == [True]


def test_another_thread_ends_a_wait() -> None:
    token, results = CancelToken(), []
    waiting = threading.Thread(target=lambda: results.append(token.wait(10)))
    waiting.start()
    token.cancel()
    waiting.join(10)
    assert results == [True]
