"""Delivery of events: order, thread, filters, failing handlers."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from modality_sdk.events import DestinationHeld, DestinationResumed, Dispatcher, Event, SecurityAlert, StepArchived

pytestmark = pytest.mark.req("FR-DICOM-01")

AT = datetime(2024, 5, 17, tzinfo=UTC)


def archived(number: int) -> StepArchived:
    return StepArchived(at=AT, step_uid=f"1.2.{number}", study_instance_uid="1.2")


def test_every_handler_gets_every_event_in_order() -> None:
    dispatcher, first, second = Dispatcher(), [], []
    dispatcher.subscribe(first.append)
    dispatcher.subscribe(second.append)
    published = [archived(number) for number in range(100)]
    for event in published:
        dispatcher.publish(event)
    dispatcher.close()
    assert first == second == published


def test_a_handler_gets_only_the_types_it_asked_for() -> None:
    dispatcher, found = Dispatcher(), []
    dispatcher.subscribe(found.append, DestinationHeld, DestinationResumed)
    held = DestinationHeld(at=AT, destination="pacs", cause="refused", probes=1, next_probe=AT)
    resumed = DestinationResumed(at=AT, destination="pacs")
    for event in (held, archived(1), resumed, SecurityAlert(at=AT, peer="pacs", cause="expired")):
        dispatcher.publish(event)
    dispatcher.close()
    assert found == [held, resumed]


def test_handlers_run_on_one_thread_that_is_not_the_publishers() -> None:
    dispatcher, threads = Dispatcher(), []
    dispatcher.subscribe(lambda _: threads.append(threading.current_thread()))
    dispatcher.publish(archived(1))
    dispatcher.publish(archived(2))
    dispatcher.close()
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()
    assert threads[0].daemon


def test_a_slow_handler_does_not_hold_up_the_publisher() -> None:
    dispatcher, release, found = Dispatcher(), threading.Event(), []

    def slow(event: Event) -> None:
        release.wait(10)
        found.append(event)

    dispatcher.subscribe(slow)
    for number in range(50):
        dispatcher.publish(archived(number))
    assert found == []
    release.set()
    dispatcher.close()
    assert len(found) == 50


def test_an_executor_runs_the_handler_when_one_is_given() -> None:
    dispatcher, names = Dispatcher(), []
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as executor:
        dispatcher.subscribe(lambda _: names.append(threading.current_thread().name), executor=executor)
        dispatcher.publish(archived(1))
        dispatcher.close()
    assert names == ["mine_0"]


@pytest.mark.req("NFR-SEC-01")
def test_a_failing_handler_harms_nobody_and_its_text_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    dispatcher, found = Dispatcher(), []

    def failing(event: Event) -> None:
        raise RuntimeError("Doe^Jane")

    dispatcher.subscribe(failing)
    dispatcher.subscribe(found.append)
    with caplog.at_level(logging.DEBUG, "modality_sdk.events"):
        dispatcher.publish(archived(1))
        dispatcher.publish(archived(2))
        dispatcher.close()
    assert len(found) == 2
    assert "RuntimeError" in caplog.text
    assert "failing" in caplog.text
    assert "Doe" not in caplog.text


def test_a_cancelled_subscription_gets_nothing_more_and_can_be_cancelled_twice() -> None:
    dispatcher, found, all_events = Dispatcher(), [], []
    dispatcher.subscribe(all_events.append)
    with dispatcher.subscribe(found.append) as subscription:
        subscription.cancel()
    dispatcher.publish(archived(1))
    dispatcher.close()
    assert found == []
    assert len(all_events) == 1


def test_a_handler_may_cancel_and_close_from_within() -> None:
    dispatcher, found = Dispatcher(), []

    def once(event: Event) -> None:
        found.append(event)
        subscription.cancel()
        dispatcher.close()

    subscription = dispatcher.subscribe(once)
    dispatcher.publish(archived(1))
    dispatcher.close()
    assert found == [archived(1)]


def test_what_is_published_after_the_end_is_dropped() -> None:
    dispatcher, found = Dispatcher(), []
    dispatcher.subscribe(found.append)
    dispatcher.publish(archived(1))
    dispatcher.close()
    dispatcher.publish(archived(2))
    dispatcher.close()
    assert found == [archived(1)]


def test_threads_that_publish_at_once_lose_nothing() -> None:
    dispatcher, found = Dispatcher(), []
    dispatcher.subscribe(found.append)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: dispatcher.publish(archived(number)), range(500)))
    dispatcher.close()
    assert sorted(event.step_uid for event in found) == sorted(archived(number).step_uid for number in range(500))
