"""What is told to the journal is there, whole, after the block and after a restart; or not at all."""

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import GrayscaleSoftcopyPresentationStateStorage, generate_uid

from modality_sdk.errors import InvalidValue, QueueError, StateError
from modality_sdk.journal import CommitmentRecord, Journal
from modality_sdk.journal.content import dump, load
from modality_sdk.model import (
    Acquisition,
    Code,
    CommitmentState,
    DeliveryState,
    Detector,
    Exposure,
    InstanceState,
    IrradiationEvent,
    Patient,
    RejectionReason,
    SopReference,
    StepStatus,
    WorklistItem,
)
from modality_sdk.testing.clock import FakeClock

Reopen = Callable[[], Journal]
pytestmark = pytest.mark.req("NFR-REL-01")


def test_a_step_comes_back_equal_with_its_utc_offset_after_a_restart(reopen: Reopen, values) -> None:
    step = values.step()
    with reopen().transaction() as tx:
        tx.add_step(step)
    with reopen().read() as tx:
        back = tx.get_step(step.sop_instance_uid)
    assert back == step
    assert back.started.utcoffset() == timedelta(hours=1)
    assert isinstance(back.status, StepStatus)


@settings(max_examples=60, deadline=None)
@given(
    patient=st.builds(
        Patient, name=st.text(st.characters(exclude_categories=["Cs"])), birth_date=st.none() | st.dates()
    ),
    codes=st.lists(st.builds(Code, value=st.text("AB1"), scheme=st.text("DCM"), meaning=st.text("xyz"))).map(tuple),
    kvp=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    moment=st.datetimes(min_value=datetime(1975, 1, 1), timezones=st.timezones()),  # noqa: DTZ001 - the strategy's way
    start=st.none() | st.times(),
)
def test_every_value_is_read_back_as_it_was_written(patient, codes, kvp, moment, start) -> None:
    item = WorklistItem(
        patient=patient,
        study_instance_uid="1.2",
        requested_procedure_codes=codes,
        scheduled_procedure_step_start_time=start,
    )
    event = IrradiationEvent(
        uid="1.3", started=moment, acquisition=Acquisition(body_part="HAND", exposure=Exposure(kvp=kvp))
    )
    assert load(WorklistItem, dump(item)) == item
    back = load(IrradiationEvent, dump(event))
    assert back.acquisition == event.acquisition
    assert back.started.astimezone(UTC) == moment.astimezone(UTC)
    assert back.started.utcoffset() == moment.utcoffset()


def test_a_value_that_could_not_be_read_back_is_refused_before_it_is_written() -> None:
    detector = Detector(imager_pixel_spacing=(float("nan"), 0.1))
    with pytest.raises(InvalidValue) as caught:
        dump(detector)
    assert "imager_pixel_spacing" in caught.value.attribute


def test_nothing_of_a_transaction_that_raises_is_kept(journal: Journal, values) -> None:
    step = values.step()
    called: list[str] = []

    def fail() -> None:
        with journal.transaction() as tx:
            tx.add_step(step)
            tx.after_commit(lambda: called.append("committed"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with journal.read() as tx:
        assert tx.open_steps() == []
        assert tx.history(tx.now - timedelta(days=1)) == []
    assert called == []


def test_what_waits_for_the_commit_runs_after_it_and_harms_nobody(journal: Journal, values) -> None:
    step, seen = values.step(), []

    def look() -> None:
        with journal.read() as tx:
            seen.append(tx.get_step(step.sop_instance_uid))
        raise RuntimeError

    with journal.transaction() as tx:
        tx.add_step(step)
        tx.after_commit(look)
    assert seen == [step]


def test_a_final_step_keeps_its_status_and_may_be_archived(journal: Journal, values) -> None:
    step = values.step()
    done = replace(step, status=StepStatus.COMPLETED)
    with journal.transaction() as tx:
        tx.add_step(step)
        tx.update_step(done)
        assert tx.open_steps() == []
        assert tx.unarchived_steps() == [step.sop_instance_uid]
        tx.set_archived(step.sop_instance_uid)
        tx.set_archived(step.sop_instance_uid)
        assert tx.is_archived(step.sop_instance_uid)
        assert tx.unarchived_steps() == []
    with pytest.raises(StateError, match="stays so"), journal.transaction() as tx:
        tx.update_step(step)


@pytest.mark.parametrize("ask", ["get_step", "is_archived", "get_instance"])
def test_what_is_unknown_is_a_state_error(journal: Journal, ask: str) -> None:
    with journal.read() as tx, pytest.raises(StateError, match=r"1\.2\.3 is unknown"):
        getattr(tx, ask)("1.2.3")


def test_a_series_lists_the_objects_that_are_not_rejected_images_apart(journal: Journal, values) -> None:
    step, series = values.step(), values.series()
    first, second = values.instance(step, series), values.instance(step, series, number=2)
    state = values.instance(step, series, number=3, sop_class_uid=GrayscaleSoftcopyPresentationStateStorage)
    with journal.transaction() as tx:
        tx.add_step(step)
        tx.add_series(step.sop_instance_uid, series)
        for record in (first, second, state):
            tx.add_instance(record)
        tx.set_instance_state(first.sop.sop_instance_uid, InstanceState.REJECTED, RejectionReason.POSITIONING)
    with journal.read() as tx:
        (found,) = tx.series_of(step.sop_instance_uid)
        assert found == replace(series, images=(second.sop,), non_images=(state.sop,))
        assert tx.get_instance(second.sop.sop_instance_uid) == second
        rejected = tx.instances_of(step.sop_instance_uid)[0]
        assert (rejected.state, rejected.rejection) == (InstanceState.REJECTED, RejectionReason.POSITIONING)


def test_exposures_deliveries_and_mpps_statuses_are_kept(journal: Journal, values) -> None:
    step, series = values.step(), values.series()
    record = values.instance(step, series)
    event = IrradiationEvent(
        uid="1.5", started=step.started, acquisition=Acquisition(body_part="HAND"), image=record.sop
    )
    uid = step.sop_instance_uid
    with journal.transaction() as tx:
        tx.add_step(step)
        tx.add_series(uid, series)
        tx.add_instance(record)
        tx.add_irradiation_event(uid, event)
        tx.set_delivery(record.sop, "pacs", DeliveryState.WAITING)
        tx.set_delivery(record.sop, "pacs", DeliveryState.FAILED, "refused")
        tx.set_mpps_status(uid, "ris", None)
    with journal.read() as tx:
        assert tx.irradiation_events_of(uid) == [event]
        (delivery,) = tx.deliveries_of(uid)
        assert (delivery.sop, delivery.state, delivery.reason) == (record.sop, DeliveryState.FAILED, "refused")
        assert tx.delivery(record.sop.sop_instance_uid, "pacs") == delivery
        assert tx.delivery(record.sop.sop_instance_uid, "other") is None
        assert tx.mpps_status_of(uid) == {"ris": None}
    with journal.transaction() as tx:
        tx.set_mpps_status(uid, "ris", StepStatus.IN_PROGRESS)
        assert tx.mpps_status_of(uid) == {"ris": StepStatus.IN_PROGRESS}


@pytest.mark.req("FR-DICOM-05")
def test_a_commitment_transaction_survives_a_restart_and_takes_a_late_report(reopen: Reopen, values) -> None:
    step = values.step()
    references = tuple(SopReference(sop_class_uid="1.2", sop_instance_uid=f"1.2.{n}") for n in (3, 1, 2))
    record = CommitmentRecord(
        transaction_uid="1.9",
        step_uid=step.sop_instance_uid,
        destination="pacs",
        peer="archive",
        state=CommitmentState.REQUESTED,
        references=references,
        requested=step.started,
    )
    with reopen().transaction() as tx:
        tx.add_step(step)
        tx.add_commitment(record)
    journal = reopen()
    with journal.transaction() as tx:
        assert tx.get_commitment("1.9") == record
        assert tx.get_commitment("1.8") is None
        tx.set_commitment_state("1.9", CommitmentState.TIMED_OUT)
        tx.set_commitment_state("1.9", CommitmentState.COMMITTED)
        (back,) = tx.commitments_of(step.sop_instance_uid)
        assert (back.state, back.finished, back.references) == (CommitmentState.COMMITTED, tx.now, references)
        with pytest.raises(StateError):
            tx.set_commitment_state("1.8", CommitmentState.COMMITTED)


def test_history_tells_every_transition_in_order_and_nothing_of_the_patient(
    journal: Journal, clock: FakeClock, values
) -> None:
    step, series = values.step(), values.series()
    with journal.transaction() as tx:
        tx.add_step(step)
        tx.add_series(step.sop_instance_uid, series)
    clock.advance(10)
    since = clock.now()
    with journal.transaction() as tx:
        tx.update_step(replace(step, status=StepStatus.COMPLETED))
        tx.record("note", "x", "a", "b", "c")
    with journal.read() as tx:
        everything, late = tx.history(step.started), tx.history(since)
    assert [(e.kind, e.before, e.after) for e in everything] == [
        ("step", "", "IN PROGRESS"),
        ("series", "", "OPENED"),
        ("step", "IN PROGRESS", "COMPLETED"),
        ("note", "a", "b"),
    ]
    assert late == everything[2:]
    assert "4711" not in repr(everything)


def test_only_content_columns_hold_what_names_the_patient(journal: Journal, data_dir: Path, values) -> None:
    step, series = values.step(), values.series()
    with journal.transaction() as tx:
        tx.add_step(step)
        tx.add_series(step.sop_instance_uid, series)
        tx.add_instance(values.instance(step, series))
    connection = sqlite3.connect(data_dir / "journal.db")
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        cursor = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        for row in cursor:
            rest = {name: value for name, value in zip(names, row, strict=True) if name != "content"}
            assert not any(secret in repr(rest) for secret in ("4711", "Jane", "ACC1"))
    connection.close()


def test_numbers_go_on_after_a_restart_and_are_not_used_by_what_is_undone(reopen: Reopen) -> None:
    journal = reopen()
    with journal.transaction() as tx:
        assert [tx.next_number("pps"), tx.next_number("pps"), tx.next_number("other")] == [1, 2, 1]
    with reopen().transaction() as tx:
        assert tx.next_number("pps") == 3


def test_a_reader_sees_one_state_while_others_write(journal: Journal, values) -> None:
    with journal.read() as view:
        assert view.open_steps() == []

        def write() -> None:
            with journal.transaction() as tx:
                tx.add_step(values.step())

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
        assert view.open_steps() == []
    with journal.read() as view:
        assert len(view.open_steps()) == 1


def test_reading_writes_nothing_and_reading_within_a_transaction_sees_it(journal: Journal, values) -> None:
    step = values.step()
    with journal.transaction() as tx:
        tx.add_step(step)
        with journal.read() as view:
            assert view.get_step(step.sop_instance_uid) == step
        with pytest.raises(StateError, match="transaction open"), journal.transaction():
            pass
    with pytest.raises(QueueError), journal.read() as view:
        view.add_step(values.step())


def test_many_threads_write_without_losing_anything(journal: Journal) -> None:
    def count() -> None:
        for _ in range(10):
            with journal.transaction() as tx:
                tx.next_number("shared")

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with journal.transaction() as tx:
        assert tx.next_number("shared") == 81


def test_closing_closes_the_connections_of_all_threads(journal: Journal) -> None:
    ready, go, outcome = threading.Event(), threading.Event(), []

    def use() -> None:
        with journal.read():
            pass
        ready.set()
        go.wait()
        try:
            with journal.transaction():
                outcome.append("went on")
        except QueueError as error:
            outcome.append(str(error))

    thread = threading.Thread(target=use)
    thread.start()
    ready.wait()
    journal.close()
    journal.close()
    go.set()
    thread.join()
    assert outcome == ["the journal is closed"]


# rules of the schema


BROKEN = {
    "an unknown status of a step": "UPDATE step SET status = 'PAUSED'",
    "a final step reopened": "UPDATE step SET status = 'IN PROGRESS' WHERE status = 'COMPLETED'",
    "an open step archived": "UPDATE step SET archived = 'x' WHERE status = 'IN PROGRESS'",
    "an unknown state of an instance": "UPDATE instance SET state = 'LOST'",
    "a rejection of what is not rejected": "UPDATE instance SET rejection = '111209'",
    "an instance without a series": "UPDATE instance SET series_uid = '1.2'",
    "a step with objects deleted": "DELETE FROM step",
    "an unknown state of a delivery": "INSERT INTO delivery SELECT uid, 'pacs', 'GONE', '', '' FROM instance",
    "a delivery of nothing": "INSERT INTO delivery VALUES ('1.2', 'pacs', 'WAITING', '', '')",
    "an unknown MPPS status": "INSERT INTO mpps_delivery SELECT uid, 'ris', 'DRAFT', '' FROM step",
    "an unknown state of a destination": "INSERT INTO destination (name, state) VALUES ('pacs', 'GONE')",
    "a held destination without a next probe": "INSERT INTO destination (name, state) VALUES ('pacs', 'HELD')",
    "local work held": "INSERT INTO destination (name, state, next_probe, scheduled_at) VALUES ('', 'HELD', 'x', 'x')",
    "a commitment without a step": (
        "INSERT INTO commitment (transaction_uid, step_uid, destination, peer, state, requested) "
        "VALUES ('1.9', '1.2', 'pacs', 'pacs', 'REQUESTED', '')"
    ),
    "a counter at 0": "INSERT INTO counter VALUES ('x', 0)",
}


@pytest.mark.parametrize("statement", BROKEN.values(), ids=BROKEN.keys())
def test_the_schema_refuses(journal: Journal, values, statement: str) -> None:
    step, series = values.step(), values.series()
    with journal.transaction() as tx:
        tx.add_step(step)
        tx.add_step(replace(values.step(), status=StepStatus.COMPLETED))
        tx.add_series(step.sop_instance_uid, series)
        tx.add_instance(values.instance(step, series))
    with pytest.raises(StateError), journal.transaction() as tx:
        tx.execute(statement)


def test_a_uid_is_used_once(journal: Journal, values) -> None:
    step, series = values.step(), values.series()
    record = values.instance(step, series)
    with journal.transaction() as tx:
        tx.add_step(step)
        tx.add_series(step.sop_instance_uid, series)
        tx.add_instance(record)
    for again in (
        lambda tx: tx.add_step(step),
        lambda tx: tx.add_series(step.sop_instance_uid, series),
        lambda tx: tx.add_instance(record),
    ):
        with pytest.raises(StateError, match="UNIQUE"), journal.transaction() as tx:
            again(tx)


@pytest.mark.parametrize(
    ("table", "column", "members"),
    [
        ("step", "status", StepStatus),
        ("instance", "state", InstanceState),
        ("delivery", "state", DeliveryState),
        ("commitment", "state", CommitmentState),
    ],
)
def test_the_schema_knows_every_value_of_the_enumerations(journal: Journal, table, column, members) -> None:
    with journal.read() as tx:
        schema = tx.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()["sql"]
    listed = schema.split(f"{column} IN (")[1].split(")")[0]
    assert {text.strip(" '") for text in listed.split(",")} == {member.value for member in members}


def test_an_object_belongs_to_a_series_of_its_own_step(journal: Journal, values) -> None:
    step, other, series = values.step(), values.step(), values.series()
    with journal.transaction() as tx:
        tx.add_step(step)
        tx.add_step(other)
        tx.add_series(other.sop_instance_uid, series)
    record = values.instance(step, series, sop_instance_uid=str(generate_uid()))
    with pytest.raises(StateError, match="FOREIGN KEY"), journal.transaction() as tx:
        tx.add_instance(record)
