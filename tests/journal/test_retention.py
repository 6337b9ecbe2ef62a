"""The mark that a file goes, what is found by SQL, and the order that is made at the next opening."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from modality_sdk.errors import StateError
from modality_sdk.journal import (
    InstanceRecord,
    Journal,
    find_deliveries,
    find_instances,
    history_of,
    knows_step,
    mark_purged,
    marked,
    purgeable,
)
from modality_sdk.model import DeliveryState, InstanceState, StepStatus

pytestmark = pytest.mark.req("NFR-REL-01")

COMMITTED, STORED = DeliveryState.COMMITTED, DeliveryState.STORED


@pytest.fixture
def keep(journal: Journal, values) -> Callable[..., InstanceRecord]:
    """Keeps one object of a step of its own, with a file, and its deliveries by destination."""

    def one(archived: bool = True, state: InstanceState = InstanceState.ACQUIRED, **deliveries: DeliveryState):
        step, series, dataset = values.step(StepStatus.COMPLETED), values.series(), values.dataset()
        file = journal.spool.write(dataset)
        record = values.instance(step, series, file=file, sop_instance_uid=str(dataset.SOPInstanceUID))
        with journal.transaction() as tx:
            tx.add_step(step)
            tx.add_series(step.sop_instance_uid, series)
            tx.add_instance(record)
            if state is not InstanceState.ACQUIRED:
                tx.set_instance_state(record.sop.sop_instance_uid, state)
            for destination, delivered in deliveries.items():
                tx.set_delivery(record.sop, destination, delivered)
            if archived:
                tx.set_archived(step.sop_instance_uid)
            return tx.get_instance(record.sop.sop_instance_uid)

    return one


def test_only_what_every_destination_committed_of_an_archived_step_may_go(journal: Journal, keep, clock) -> None:
    yes = keep(pacs=COMMITTED, backup=COMMITTED)
    keep(pacs=COMMITTED, backup=STORED)
    keep(pacs=COMMITTED, backup=DeliveryState.FAILED)
    keep(pacs=COMMITTED, backup=DeliveryState.WAITING)
    keep(archived=False, pacs=COMMITTED)
    keep()  # nobody was ever owed it
    rejected = keep(state=InstanceState.REJECTED, pacs=DeliveryState.REJECTED)
    keep(state=InstanceState.REJECTED, pacs=COMMITTED)
    now, before = clock.now(), clock.now() - timedelta(microseconds=1)
    with journal.read() as tx:
        assert purgeable(tx, committed=now, rejected=None) == [yes]
        assert purgeable(tx, committed=None, rejected=now) == [rejected]
        assert purgeable(tx, committed=now, rejected=now) == [yes, rejected]
        assert purgeable(tx, committed=now, rejected=now, limit=1) == [yes]
        assert purgeable(tx, committed=now, rejected=now, step_uid=rejected.step_uid) == [rejected]
        assert purgeable(tx, committed=before, rejected=before) == []
        assert purgeable(tx, committed=None, rejected=None) == []


def test_a_mark_is_set_once_and_has_a_history(journal: Journal, keep, clock) -> None:
    record = keep(pacs=COMMITTED)
    with journal.transaction() as tx:
        mark_purged(tx, record)
        with pytest.raises(StateError, match="deleted before"):
            mark_purged(tx, record)
    uid = record.sop.sop_instance_uid
    with journal.read() as tx:
        assert tx.get_instance(uid).purged == clock.now()
        assert marked(tx) == marked(tx, record.step_uid) == [record.file]
        assert marked(tx, "1.2") == []
        assert purgeable(tx, committed=clock.now(), rejected=None) == []
        (entry,) = history_of(tx, {"instance_purged": {uid}})
    assert (entry.before, entry.after, entry.detail) == ("ACQUIRED", "PURGED", record.step_uid)


def test_a_file_left_after_its_mark_goes_at_the_next_opening_and_is_no_orphan(
    journal: Journal, keep, reopen: Callable[[], Journal]
) -> None:
    gone, stays = keep(pacs=COMMITTED), keep(pacs=COMMITTED)
    with journal.transaction() as tx:
        mark_purged(tx, gone)
    assert journal.spool.absolute(gone.file).exists()
    again = reopen()
    assert not again.spool.absolute(gone.file).exists()
    assert again.spool.absolute(stays.file).exists()
    assert again.spool.orphans() == []


def test_objects_and_deliveries_are_found_across_steps(journal: Journal, keep) -> None:
    first, second = keep(pacs=COMMITTED, backup=STORED), keep(pacs=STORED)
    uid = second.sop.sop_instance_uid
    with journal.read() as tx:
        assert find_instances(tx) == [first, second]
        assert find_instances(tx, uids={uid}) == [second]
        assert find_instances(tx, steps={first.step_uid}, uids={uid}) == []
        assert find_instances(tx, states={COMMITTED}) == [first]
        assert find_instances(tx, states=set()) == find_instances(tx, uids=set()) == []
        found = [(d.sop, d.destination, d.state) for d in find_deliveries(tx, steps={first.step_uid, second.step_uid})]
        assert found == [(first.sop, "backup", STORED), (first.sop, "pacs", COMMITTED), (second.sop, "pacs", STORED)]
        assert [d.destination for d in find_deliveries(tx, uids={uid}, destination="pacs")] == ["pacs"]
        assert find_deliveries(tx, uids={uid}, destination="backup") == []
        assert history_of(tx, {}) == []
        assert knows_step(tx, first.step_uid)
        assert not knows_step(tx, uid)


def test_a_file_opens_as_plain_part_10(journal: Journal, keep) -> None:
    record = keep(pacs=COMMITTED)
    with journal.spool.open_file(record.sop, record.file) as file:
        assert file.read(132)[128:] == b"DICM"
    assert journal.spool.discard(record.file)
    assert not journal.spool.discard(record.file)
