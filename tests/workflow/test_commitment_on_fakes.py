"""Storage commitment when the archive is late, silent, brief or unwilling; time is turned by hand."""

import logging
from collections import deque
from collections.abc import Callable
from datetime import timedelta

import pytest
from pydicom import Dataset
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from modality_sdk.dataset import commitment_request
from modality_sdk.errors import DimseFailure, ResponseTimeout, StateError
from modality_sdk.events import CommitmentFailed, CommitmentTimedOut, MppsRefused, StorageFailed
from modality_sdk.model import (
    CommitmentPolicy,
    CommitmentReport,
    CommitmentState,
    DeliveryState,
    FailedReference,
    JobState,
    SopReference,
    StepStatus,
)
from modality_sdk.network import EventReport
from modality_sdk.testing.fake_site import FakeSite, scheduled_item
from modality_sdk.workflow import PerformedStep

pytestmark = pytest.mark.req("FR-DICOM-05")

MakeSite = Callable[..., FakeSite]
PROCESSING_FAILURE, NO_SUCH_INSTANCE, CONFLICT, RESOURCES = 0x0110, 0x0112, 0x0119, 0x0213


def perform(site: FakeSite, shots: int = 1) -> PerformedStep:
    with site.modality.start(scheduled_item()) as step:
        for _ in range(shots):
            site.expose(step)
    return step


def pass_time(site: FakeSite, seconds: float) -> None:
    site.clock.advance(seconds)
    site.run_until_idle()


def states(step: PerformedStep) -> list[DeliveryState]:
    return [d.state for d in step.report().deliveries]


def transactions(site: FakeSite, step: PerformedStep) -> list[tuple[str, CommitmentState, str]]:
    with site.modality._opened().durable.journal.read() as tx:
        return [(r.transaction_uid, r.state, r.predecessor) for r in tx.commitments_of(step.uid)]


@pytest.fixture
def silent(site: FakeSite) -> FakeSite:
    """A site whose archive never reports."""
    site.commitment.report_to = None
    return site


def report(site: FakeSite, index: int, *failed: FailedReference) -> bool:
    """The archive's word on the request of that index."""
    _, uid, references = site.commitment.requests[index]
    bad = {f.sop for f in failed}
    return site.modality.apply_commitment_report(
        CommitmentReport(
            transaction_uid=uid, committed=tuple(r for r in references if r not in bad), failed=tuple(failed)
        )
    )


def test_the_first_request_waits_for_the_initial_delay(make_site: MakeSite) -> None:
    site = make_site(overrides={"commitment": CommitmentPolicy(initial_delay=20)})
    step = perform(site)
    site.run_until_idle()
    pass_time(site, 19)
    assert site.commitment.requests == []
    pass_time(site, 1)
    assert len(site.commitment.requests) == 1
    assert step.report().archived


def test_an_archive_that_never_reports_is_asked_again_after_5_min_30_min_and_4_h_and_then_no_more(
    silent: FakeSite,
) -> None:
    step = perform(silent)
    silent.run_until_idle()
    for number, wait in enumerate((300, 1800, 14400), start=1):
        pass_time(silent, 300)
        assert transactions(silent, step)[-1][1] is CommitmentState.TIMED_OUT
        pass_time(silent, wait - 1)
        assert len(silent.commitment.requests) == number
        pass_time(silent, 1)
        assert len(silent.commitment.requests) == number + 1
    for _ in range(10):
        pass_time(silent, 86400)
    found = transactions(silent, step)
    assert [state for _, state, _ in found] == [CommitmentState.TIMED_OUT] * 4
    assert [predecessor for _, _, predecessor in found] == ["", *(uid for uid, _, _ in found[:-1])]
    assert [uid for _, uid, _ in silent.commitment.requests] == [uid for uid, _, _ in found]
    assert states(step) == [DeliveryState.STORED]
    silent.close()
    assert sum(isinstance(e, CommitmentTimedOut) for e in silent.events) == 4


@pytest.mark.req("X-TIME")
@pytest.mark.parametrize("hours", [-87600, -1, 1, 87600])
def test_a_clock_that_is_set_in_every_wait_neither_stalls_nor_multiplies_the_requests(
    silent: FakeSite, hours: int
) -> None:
    step = perform(silent)
    silent.run_until_idle()
    shift = timedelta(hours=hours)
    for minute in range((4 * 300 + 300 + 1800 + 14400) // 60 + 8):  # each of seven waits may be noticed a minute late
        pass_time(silent, 60)
        if minute in (1, 6, 11, 30, 41, 60, 200):  # within a deadline, a wait, a deadline …
            silent.clock.set(silent.clock.now() + shift)
            shift = -shift  # put right the next time
            silent.run_until_idle()
    assert [state for _, state, _ in transactions(silent, step)] == [CommitmentState.TIMED_OUT] * 4
    assert len(silent.commitment.requests) == 4
    pass_time(silent, 86400)
    assert len(silent.commitment.requests) == 4
    assert states(step) == [DeliveryState.STORED]


def test_the_schedule_goes_on_over_a_restart(silent: FakeSite) -> None:
    perform(silent)
    silent.run_until_idle()
    pass_time(silent, 300)
    silent.restart()
    silent.commitment.report_to = None
    pass_time(silent, 300)
    assert len(silent.commitment.requests) == 2


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_late_report_to_any_request_of_a_chain_settles_all_of_it(silent: FakeSite, index: int) -> None:
    step = perform(silent)
    silent.run_until_idle()
    for wait in (300, 300, 300, 1800):
        pass_time(silent, wait)
    assert len(silent.commitment.requests) == 3
    assert report(silent, index)
    assert step.report().archived
    for _ in range(10):
        pass_time(silent, 86400)
    assert len(silent.commitment.requests) == 3
    assert {state for _, state, _ in transactions(silent, step)} == {CommitmentState.COMMITTED}
    silent.close()
    assert sum(isinstance(e, CommitmentTimedOut) for e in silent.events) == 2


def test_a_report_while_the_next_request_waits_makes_it_needless(silent: FakeSite) -> None:
    step = perform(silent)
    silent.run_until_idle()
    pass_time(silent, 300)
    assert report(silent, 0)
    pass_time(silent, 86400)
    assert len(silent.commitment.requests) == 1
    assert step.report().archived


def test_the_operator_can_ask_again_at_once_and_when_the_schedule_is_used_up(make_site: MakeSite) -> None:
    site = make_site(overrides={"commitment": CommitmentPolicy(re_requests=(1000,), request_timeout=10)})
    reports, site.commitment.report_to = site.commitment.report_to, None
    step = perform(site)
    site.run_until_idle()
    assert site.modality.request_commitment(step.uid) == 0  # it is under way
    pass_time(site, 10)
    assert site.modality.request_commitment(step.uid) == 1
    site.run_until_idle()
    assert len(site.commitment.requests) == 2
    pass_time(site, 2000)
    pass_time(site, 2000)
    asked = len(site.commitment.requests)
    pass_time(site, 86400)
    assert len(site.commitment.requests) == asked
    site.commitment.report_to = reports
    assert site.modality.request_commitment(step.uid) == 1
    site.run_until_idle()
    assert step.report().archived
    assert site.modality.request_commitment(step.uid) == 0
    assert len({uid for _, uid, _ in site.commitment.requests}) == asked + 1


def test_the_operator_can_have_a_refused_request_made_again(site: FakeSite) -> None:
    site.commitment.answers.append(0x0119)
    step = perform(site)
    site.run_until_idle()
    assert [state for _, state, _ in transactions(site, step)] == [CommitmentState.REFUSED]
    assert site.modality.request_commitment(step.uid) == 1
    site.run_until_idle()
    assert step.report().archived
    assert step.report().failed_jobs == 0


def test_only_a_known_and_final_step_can_be_asked_for(site: FakeSite) -> None:
    open_step = site.modality.start(scheduled_item())
    for uid in (open_step.uid, "1.2.3"):
        with pytest.raises(StateError):
            site.modality.request_commitment(uid)


def test_large_steps_are_asked_for_in_several_transactions_and_archived_with_the_last(make_site: MakeSite) -> None:
    site = make_site(overrides={"commitment": CommitmentPolicy(maximum_references=2)})
    site.commitment.report_to = None
    step = perform(site, shots=5)
    site.run_until_idle()
    asked = [references for _, _, references in site.commitment.requests]
    assert [len(references) for references in asked] == [2, 2, 1]
    assert {sop for references in asked for sop in references} == {i.ref for i in step.instances}
    for index in (2, 0):
        assert report(site, index)
        assert not step.report().archived
    assert report(site, 1)
    assert step.report().archived


def test_one_batch_that_fails_does_not_count_against_another(make_site: MakeSite) -> None:
    site = make_site(overrides={"commitment": CommitmentPolicy(maximum_references=1)})
    step = site.modality.start(scheduled_item())
    for _ in range(4):
        site.commitment.missing.add(site.expose(step).ref)
    step.complete()
    site.run_until_idle()
    assert step.report().archived
    assert len(site.storage.received) == 8


@pytest.mark.parametrize("reason", [PROCESSING_FAILURE, RESOURCES])
def test_a_passing_failure_is_asked_for_again_later_and_not_sent_again(site: FakeSite, reason: int) -> None:
    step = site.modality.start(scheduled_item())
    unlucky, other = site.expose(step).ref, site.expose(step).ref
    step.complete()
    site.commitment.failing[unlucky] = deque([reason, reason])
    site.run_until_idle()
    assert states(step) == [DeliveryState.STORED, DeliveryState.COMMITTED]
    pass_time(site, 299)
    assert len(site.commitment.requests) == 1
    pass_time(site, 1)
    pass_time(site, 1799)
    assert len(site.commitment.requests) == 2
    pass_time(site, 1)
    assert [references for _, _, references in site.commitment.requests] == [(unlucky, other), (unlucky,), (unlucky,)]
    assert len(site.storage.received) == 2
    assert step.report().archived


def test_a_failure_that_does_not_pass_is_given_up_and_the_operator_can_have_the_object_sent_anew(
    site: FakeSite,
) -> None:
    step = site.modality.start(scheduled_item())
    unlucky = site.expose(step).ref
    step.complete()
    site.commitment.failing[unlucky] = deque([RESOURCES] * 4)
    site.run_until_idle()
    for _ in range(10):
        pass_time(site, 14400)
    assert len(site.commitment.requests) == 4
    (delivery,) = step.report().deliveries
    assert delivery.state is DeliveryState.FAILED
    assert "resource limitation" in delivery.reason
    (job,) = site.modality.queue.jobs(states={JobState.FAILED})
    assert (job.kind, job.reason, job.last_error) == ("C-STORE", "NOT_COMMITTED", delivery.reason)
    site.modality.queue.retry(job.id)
    site.run_until_idle()
    assert step.report().archived
    assert step.report().failed_jobs == 0
    assert [sop for _, sop in site.storage.received] == [unlucky] * 2
    site.close()
    assert not any(isinstance(e, StorageFailed) for e in site.events)
    assert sum(isinstance(e, CommitmentFailed) for e in site.events) == 4


def test_a_permanent_failure_is_given_up_at_once(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    site.commitment.failing[site.expose(step).ref] = deque([CONFLICT])
    step.complete()
    site.run_until_idle()
    pass_time(site, 86400)
    assert states(step) == [DeliveryState.FAILED]
    assert len(site.commitment.requests) == 1


def test_the_operator_need_not_wait_for_what_was_put_off(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    site.commitment.failing[site.expose(step).ref] = deque([RESOURCES])
    step.complete()
    site.run_until_idle()
    assert site.modality.request_commitment(step.uid) == 1
    site.run_until_idle()
    assert step.report().archived


def test_an_object_that_a_late_report_misses_is_sent_and_asked_for_without_further_delay(silent: FakeSite) -> None:
    step = perform(silent)
    silent.run_until_idle()
    pass_time(silent, 300)
    (lost,) = silent.commitment.requests[0][2]
    assert report(silent, 0, FailedReference(sop=lost, failure_reason=NO_SUCH_INSTANCE))
    silent.run_until_idle()
    assert len(silent.storage.received) == len(silent.commitment.requests) == 2
    assert report(silent, 1)
    assert step.report().archived


def test_what_a_report_does_not_name_is_not_committed_and_what_was_not_asked_for_changes_nothing(
    silent: FakeSite,
) -> None:
    step = perform(silent, shots=2)
    silent.run_until_idle()
    ((_, uid, (named, forgotten)),) = silent.commitment.requests
    strange = SopReference(sop_class_uid=named.sop_class_uid, sop_instance_uid="1.2.3")
    assert silent.modality.apply_commitment_report(
        CommitmentReport(
            transaction_uid=uid,
            committed=(named, strange),
            failed=(FailedReference(sop=strange, failure_reason=NO_SUCH_INSTANCE),),
        )
    )
    by_sop = {d.sop: d for d in step.report().deliveries}
    assert by_sop.keys() == {named, forgotten}
    assert by_sop[named].state is DeliveryState.COMMITTED
    assert by_sop[forgotten].state is DeliveryState.FAILED
    assert "not named" in by_sop[forgotten].reason
    assert not step.report().archived


def test_an_object_reported_with_another_class_is_not_committed(silent: FakeSite) -> None:
    step = perform(silent)
    silent.run_until_idle()
    ((_, uid, (asked,)),) = silent.commitment.requests
    other = SopReference(sop_class_uid=StorageCommitmentPushModel, sop_instance_uid=asked.sop_instance_uid)
    silent.modality.apply_commitment_report(CommitmentReport(transaction_uid=uid, committed=(other,)))
    assert states(step) == [DeliveryState.FAILED]


def test_a_report_from_another_ae_title_and_address_counts_and_is_noted(
    silent: FakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    step = perform(silent)
    silent.run_until_idle()
    ((_, uid, references),) = silent.commitment.requests
    information: Dataset = commitment_request(uid, references)  # a report of success has the same content
    event = EventReport(
        sop=SopReference(sop_class_uid=StorageCommitmentPushModel, sop_instance_uid=StorageCommitmentPushModelInstance),
        event_type=1,
        information=information,
        calling_ae_title="ELSEWHERE",
        called_ae_title="XRAY1",
        address="192.0.2.7",
    )
    with caplog.at_level(logging.INFO, "modality_sdk.workflow"):
        assert silent.modality._opened().reports.receive(event) == 0x0000
    assert step.report().archived
    (line,) = [r.getMessage() for r in caplog.records if "ELSEWHERE" in r.getMessage()]
    assert "PACS" in line
    assert "192.0.2.7" not in line


def test_a_late_report_is_not_undone_by_the_refusal_of_a_later_request(silent: FakeSite) -> None:
    step = perform(silent)
    silent.run_until_idle()
    pass_time(silent, 300)

    def told_meanwhile(*_: object, **__: object) -> None:
        report(silent, 0)
        raise DimseFailure("N-ACTION", 0x0119)

    silent.commitment.request = told_meanwhile  # type: ignore[method-assign]
    pass_time(silent, 300)
    assert step.report().archived
    assert {state for _, state, _ in transactions(silent, step)} == {CommitmentState.COMMITTED}
    silent.close()
    assert not any(isinstance(e, CommitmentFailed) for e in silent.events)


# ---- performed procedure steps, read back ----------------------------------------------------------


def retried_final(site: FakeSite, held: str) -> PerformedStep:
    """The answer to the final N-SET is lost; the peer holds the step as ``held`` and takes no further N-SET."""
    step = site.modality.start(scheduled_item())
    site.expose(step)
    site.run_until_idle()
    step.complete()
    site.mpps.answers.append(ResponseTimeout("no answer"))
    site.run_until_idle()
    final = Dataset()
    final.PerformedProcedureStepStatus = held
    site.mpps.messages[step.uid].append(final)
    site.mpps.answers.append(DimseFailure("N-SET", 0x0110, error_id=0xA710))
    pass_time(site, 30)
    return step


@pytest.mark.req("X-IDEMP")
@pytest.mark.parametrize("retrievable", [True, False])
def test_a_lost_answer_to_the_final_n_set_is_success_when_the_step_is_final_as_we_meant(
    site: FakeSite, retrievable: bool
) -> None:
    site.mpps.retrievable = retrievable
    assert retried_final(site, "COMPLETED").report().mpps == (("ris", StepStatus.COMPLETED),)


@pytest.mark.req("X-IDEMP")
def test_a_step_that_the_peer_ended_otherwise_is_told_and_not_taken_for_ours(site: FakeSite) -> None:
    site.mpps.retrievable = True
    step = retried_final(site, "DISCONTINUED")
    assert step.report().mpps == (("ris", StepStatus.IN_PROGRESS),)
    site.close()
    (refused,) = [e for e in site.events if isinstance(e, MppsRefused)]
    assert "DISCONTINUED" in refused.reason


@pytest.mark.req("FR-DICOM-04")
def test_a_refusal_of_mpps_names_the_attributes_in_its_event(site: FakeSite) -> None:
    site.mpps.answers.append(DimseFailure("N-CREATE", 0x0106, offending_elements=["PerformedStationName"]))
    perform(site)
    site.run_until_idle()
    site.close()
    (refused,) = [e for e in site.events if isinstance(e, MppsRefused)]
    assert "PerformedStationName" in refused.reason


def test_a_refused_request_that_holds_its_peer_is_repeated_under_a_new_uid(silent: FakeSite) -> None:
    silent.commitment.answers.extend([DimseFailure("N-ACTION", 0x0124)] * 2)
    perform(silent)
    silent.run_until_idle()
    for _ in range(6):
        pass_time(silent, 120)
    uids = [uid for _, uid, _ in silent.commitment.requests]
    assert len(uids) == 3
    assert len(set(uids)) == 3


def test_a_cancelled_deadline_ends_the_wait_and_can_be_asked_again(silent: FakeSite) -> None:
    step = perform(silent)
    silent.run_until_idle()
    (deadline,) = silent.modality.queue.jobs(kind="COMMITMENT-DEADLINE")
    silent.modality.queue.cancel(deadline.id)
    assert transactions(silent, step)[0][1] is CommitmentState.TIMED_OUT
    assert silent.modality.request_commitment(step.uid) == 1


def test_a_second_report_may_add_what_is_kept_and_takes_nothing_back(silent: FakeSite) -> None:
    step = perform(silent, shots=2)
    silent.run_until_idle()
    _, uid, (first, second) = silent.commitment.requests[0]
    tell = silent.modality.apply_commitment_report
    assert tell(CommitmentReport(transaction_uid=uid, committed=(first,)))
    assert states(step) == [DeliveryState.COMMITTED, DeliveryState.FAILED]
    failed = (FailedReference(sop=first, failure_reason=NO_SUCH_INSTANCE),)
    assert tell(CommitmentReport(transaction_uid=uid, committed=(second,), failed=failed))
    assert states(step) == [DeliveryState.COMMITTED, DeliveryState.COMMITTED]
    assert step.report().archived
    assert silent.modality.queue.jobs(states={JobState.FAILED}) == []
