"""One whole exam without a network, and the ways in which peers spoil it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.filereader import read_dataset

from modality_sdk.errors import (
    AssociationRejected,
    ConnectError,
    DimseFailure,
    InvalidValue,
    IodError,
    NegotiationError,
    ResponseTimeout,
    StateError,
)
from modality_sdk.events import (
    CommitmentFailed,
    CommitmentTimedOut,
    DestinationHeld,
    DestinationResumed,
    ImageStored,
    MppsRefused,
    StepArchived,
    StorageFailed,
)
from modality_sdk.model import (
    Acquisition,
    Code,
    CommitmentReport,
    Delivery,
    DeliveryState,
    DiscontinuationReason,
    Exposure,
    FailedReference,
    IrradiationEvent,
    JobState,
    MppsResult,
    Patient,
    Peer,
    ProtocolChoice,
    RejectionReason,
    SendPolicy,
    StepStatus,
)
from modality_sdk.status import rejection
from modality_sdk.testing.fake_site import FakeSite, scheduled_item
from modality_sdk.workflow import PerformedStep

CODE = Code(value="P5-09024", scheme="99EXAMPLE", meaning="Chest standing")


def perform(site: FakeSite, shots: int = 1) -> PerformedStep:
    item = site.modality.worklist.today()[0]
    with site.modality.start(item, operators=["Doe^Jane"]) as step:
        for _ in range(shots):
            site.expose(step)
    return step


def states(step: PerformedStep) -> set[DeliveryState]:
    return {d.state for d in step.report().deliveries}


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.req("FR-DICOM-04")
@pytest.mark.req("FR-DICOM-05")
def test_a_whole_exam_runs_on_fakes(site: FakeSite) -> None:
    step = perform(site, shots=2)
    site.run_until_idle()

    report = step.wait_until_archived(timeout=5)
    assert report.archived
    assert states(step) == {DeliveryState.COMMITTED}
    create, final = site.mpps.messages[step.uid]
    assert create.PerformedProcedureStepStatus == "IN PROGRESS"
    assert final.PerformedProcedureStepStatus == "COMPLETED"
    listed = {
        ref.ReferencedSOPInstanceUID
        for series in final.PerformedSeriesSequence
        for ref in series.ReferencedImageSequence
    }
    sent = {uid for _, uid in site.storage.stored}
    assert listed == sent == {i.ref.sop_instance_uid for i in step.instances}
    ((peer, _, references),) = site.commitment.requests
    assert peer == "pacs"
    assert {r.sop_instance_uid for r in references} == sent


@pytest.mark.req("FR-DICOM-04")
def test_objects_carry_the_items_and_the_steps_identifiers(site: FakeSite) -> None:
    step = perform(site)
    site.run_until_idle()
    (encoded,) = site.storage.stored.values()
    image = read_dataset(BytesIO(encoded), is_implicit_VR=False, is_little_endian=True)
    create = site.mpps.messages[step.uid][0]
    (scheduled,) = create.ScheduledStepAttributesSequence
    assert image.StudyInstanceUID == scheduled.StudyInstanceUID == "1.2.826.0.1.1"
    assert image.PatientName == create.PatientName == "Müller^Jürgen"
    assert image.AccessionNumber == scheduled.AccessionNumber == "A1"
    assert image.RequestAttributesSequence[0].ScheduledProcedureStepID == scheduled.ScheduledProcedureStepID == "SPS1"
    assert image.ReferencedPerformedProcedureStepSequence[0].ReferencedSOPInstanceUID == step.uid
    assert image.PerformedProcedureStepID == create.PerformedProcedureStepID
    assert image.TimezoneOffsetFromUTC == create.TimezoneOffsetFromUTC


@pytest.mark.req("FR-DICOM-01")
def test_the_file_in_the_spool_holds_the_pixels_unchanged(site: FakeSite) -> None:
    step = perform(site)
    (instance,) = step.instances
    assert (dcmread(instance.path).pixel_array == site.pixels).all()


@pytest.mark.req("FR-DICOM-08")
def test_events_tell_of_storage_and_archive_in_order(site: FakeSite) -> None:
    step = perform(site)
    site.run_until_idle()
    site.close()
    assert [type(e) for e in site.events] == [ImageStored, StepArchived]
    assert site.events[1].step_uid == step.uid


@pytest.mark.req("FR-DICOM-08")
def test_what_was_acquired_before_a_crash_is_delivered_after_it(site: FakeSite) -> None:
    step = perform(site)
    uid = step.instances[0].ref.sop_instance_uid
    site.restart()
    site.run_until_idle()
    assert [u for _, u in site.storage.stored] == [uid]
    assert site.mpps.messages[step.uid][-1].PerformedProcedureStepStatus == "COMPLETED"


@pytest.mark.req("FR-DICOM-04")
def test_an_open_step_is_found_and_finished_after_a_restart(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    site.expose(step)
    modality = site.restart()
    (found,) = modality.open_steps()
    assert found.uid == step.uid
    site.expose(found)
    found.complete()
    site.run_until_idle()
    assert found.report().archived
    assert len(found.instances) == 2
    assert modality.open_steps() == []


@pytest.mark.req("FR-DICOM-01")
def test_an_unreachable_archive_uses_up_no_attempt_and_gets_everything_later(site: FakeSite) -> None:
    site.storage.answers.append(ConnectError("127.0.0.1", 104, "refused"))
    site.verification.answers.extend(ConnectError("127.0.0.1", 104, "refused") for _ in range(6))
    step = perform(site, shots=2)
    for _ in range(30):
        site.run_until_idle()
        site.clock.advance(3600)
    assert step.report().archived
    site.close()
    held = [e for e in site.events if isinstance(e, DestinationHeld)]
    assert held
    assert held[-1].probes >= 5
    assert any(isinstance(e, DestinationResumed) for e in site.events)
    assert not any(isinstance(e, StorageFailed) for e in site.events)


@pytest.mark.req("FR-DICOM-09")
def test_a_permanent_rejection_holds_the_destination_and_is_not_repeated(site: FakeSite) -> None:
    site.storage.answers.append(AssociationRejected(rejection(1, 1, 7), "PACS"))
    perform(site, shots=3)
    site.run_until_idle()
    assert site.storage.received == []
    (pacs,) = [d for d in site.modality.queue.destinations() if d.name == "pacs"]
    assert pacs.state.value == "HELD"
    assert "called AE title not recognized" in pacs.cause
    jobs = site.modality.queue.jobs(kind="C-STORE")
    assert {(j.state, j.attempts) for j in jobs} == {(JobState.PENDING, 0)}


@pytest.mark.req("FR-DICOM-08")
def test_answered_failures_are_retried_at_30_60_120_240_480_seconds_and_then_kept_as_failed(site: FakeSite) -> None:
    site.storage.answers.extend([0xA700] * 6)
    step = perform(site)
    site.run_until_idle()
    waits = []
    while (job := site.modality.queue.jobs(kind="C-STORE")[0]).state is JobState.RETRYING:
        waits.append(round((job.due_at - site.clock.now()).total_seconds()))
        site.clock.advance(waits[-1])
        site.run_until_idle()
    assert waits == [30, 60, 120, 240, 480]
    assert job.state is JobState.FAILED
    assert states(step) == {DeliveryState.FAILED}
    assert not step.report().archived
    assert step.instances[0].path.exists()
    site.close()
    assert any(isinstance(e, StorageFailed) for e in site.events)


@pytest.mark.req("FR-DICOM-08")
def test_a_failed_object_that_the_operator_retries_is_archived(site: FakeSite) -> None:
    site.storage.answers.append(0xA900)
    step = perform(site)
    site.run_until_idle()
    (job,) = site.modality.queue.jobs(kind="C-STORE", states={JobState.FAILED})
    site.modality.queue.retry(job.id)
    site.run_until_idle()
    assert step.report().archived


@pytest.mark.req("FR-DICOM-01")
def test_a_warning_counts_as_stored_and_is_told(site: FakeSite) -> None:
    site.storage.answers.append(0xB000)
    site.commitment.answers.append(DimseFailure("N-ACTION", 0x0124))
    step = perform(site)
    site.run_until_idle()
    assert states(step) == {DeliveryState.STORED_WITH_WARNING}


@pytest.mark.req("FR-DICOM-01")
def test_every_destination_gets_every_object_and_one_that_is_down_holds_up_no_other(
    make_site: Callable[..., FakeSite],
) -> None:
    site = make_site(
        storage_destinations=("pacs", "backup"), commitment_of={"pacs": True, "backup": "vna", "vna": True}
    )
    step = perform(site, shots=2)
    site.modality.queue.pause("backup")
    site.run_until_idle()
    by_destination = {d.destination: d.state for d in step.report().deliveries}
    assert by_destination == {"pacs": DeliveryState.COMMITTED, "backup": DeliveryState.WAITING}
    site.modality.queue.resume("backup")
    site.run_until_idle()
    assert step.report().archived
    assert [peer for peer, _, _ in site.commitment.requests] == ["pacs", "vna"]


@pytest.mark.req("FR-DICOM-04")
def test_a_refused_mpps_is_told_and_stops_neither_images_nor_archive(site: FakeSite) -> None:
    site.mpps.answers.append(0x0106)
    step = perform(site)
    site.run_until_idle()
    assert step.report().archived
    waiting = site.modality.queue.jobs(kind="N-SET")
    assert [j.state for j in waiting] == [JobState.PENDING]
    site.close()
    (refused,) = [e for e in site.events if isinstance(e, MppsRefused)]
    assert refused.requested is StepStatus.IN_PROGRESS


@pytest.mark.req("X-IDEMP")
def test_a_lost_answer_to_the_n_create_is_success_when_the_retry_finds_a_duplicate(site: FakeSite) -> None:
    step = perform(site)
    site.mpps.answers.append(ResponseTimeout("no answer"))
    site.modality.run_due()
    site.mpps.messages.setdefault(step.uid, [])  # the peer had acted
    site.clock.advance(30)
    site.run_until_idle()
    assert step.report().mpps == (("ris", StepStatus.COMPLETED),)


@pytest.mark.req("X-IDEMP")
def test_a_peer_that_lost_the_step_is_told_it_again_from_the_beginning(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    site.expose(step)
    site.run_until_idle()
    del site.mpps.messages[step.uid]
    step.complete()
    site.run_until_idle()
    assert [m.PerformedProcedureStepStatus for m in site.mpps.messages[step.uid]] == ["IN PROGRESS", "COMPLETED"]


@pytest.mark.req("FR-DICOM-05")
def test_an_object_that_the_archive_does_not_know_is_sent_and_committed_again(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    lost = site.expose(step).ref
    site.expose(step)
    step.complete()
    site.commitment.missing = {lost}
    site.run_until_idle()
    assert step.report().archived
    assert [sop for _, sop in site.storage.received].count(lost) == 2
    first, second = site.commitment.requests
    assert second[2] == (lost,)
    assert first[1] != second[1]
    site.close()
    (failed,) = [e for e in site.events if isinstance(e, CommitmentFailed)]
    assert failed.failed == (lost,)


@pytest.mark.req("FR-DICOM-05")
def test_no_report_times_out_and_a_late_one_is_still_applied(site: FakeSite) -> None:
    late = site.commitment.report_to
    site.commitment.report_to = None
    step = perform(site)
    site.run_until_idle()
    site.clock.advance(301)
    site.run_until_idle()
    assert states(step) == {DeliveryState.STORED}
    ((_, transaction_uid, references),) = site.commitment.requests
    assert late is not None
    assert late(CommitmentReport(transaction_uid=transaction_uid, committed=references))
    assert step.report().archived
    site.close()
    assert any(isinstance(e, CommitmentTimedOut) for e in site.events)


@pytest.mark.req("FR-DICOM-05")
def test_a_commitment_request_is_repeated_with_a_new_transaction_uid(site: FakeSite) -> None:
    site.commitment.answers.append(ResponseTimeout("no answer"))
    step = perform(site)
    site.run_until_idle()
    site.clock.advance(30)
    site.run_until_idle()
    first, second = (uid for _, uid, _ in site.commitment.requests)
    assert first != second
    assert step.report().archived


@pytest.mark.req("FR-DICOM-05")
def test_a_report_for_a_strange_transaction_changes_nothing(site: FakeSite) -> None:
    step = perform(site)
    assert not site.modality.apply_commitment_report(CommitmentReport(transaction_uid="1.2.3"))
    assert states(step) == {DeliveryState.WAITING}


@pytest.mark.req("FR-DICOM-05")
def test_without_commitment_a_stored_step_is_archived(make_site: Callable[..., FakeSite]) -> None:
    site = make_site(commitment_of={"pacs": False})
    step = perform(site)
    site.run_until_idle()
    assert step.report().archived
    assert site.commitment.requests == []


@pytest.mark.req("X-CASES")
def test_an_unscheduled_step_has_a_study_of_its_own_and_no_request_attributes(site: FakeSite) -> None:
    with site.modality.start(patient=Patient(name="Unknown^Male", patient_id="TRAUMA-7")) as step:
        instance = site.expose(step)
    site.run_until_idle()
    image = dcmread(instance.path)
    assert "RequestAttributesSequence" not in image
    (scheduled,) = site.mpps.messages[step.uid][0].ScheduledStepAttributesSequence
    assert scheduled.StudyInstanceUID == image.StudyInstanceUID != "1.2.826.0.1.1"
    assert step.report().archived


@pytest.mark.req("X-CASES")
def test_an_abandoned_step_is_discontinued_with_its_reason_and_one_empty_series(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    step.discontinue(DiscontinuationReason.PATIENT_REFUSED)
    site.run_until_idle()
    final = site.mpps.messages[step.uid][-1]
    assert final.PerformedProcedureStepStatus == "DISCONTINUED"
    assert final.PerformedProcedureStepDiscontinuationReasonCodeSequence[0].CodeValue == "110505"
    assert len(final.PerformedSeriesSequence) == 1
    assert step.report().archived


@pytest.mark.req("FR-DICOM-04")
def test_an_exception_in_the_block_leaves_the_step_open_and_goes_on(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    site.expose(step)
    with pytest.raises(ZeroDivisionError), step:
        1 / 0  # noqa: B018
    assert step.status is StepStatus.IN_PROGRESS
    assert [s.uid for s in site.modality.open_steps()] == [step.uid]


@pytest.mark.req("FR-DICOM-04")
def test_an_exception_discontinues_the_step_when_asked_but_an_interrupt_never_does(site: FakeSite) -> None:
    with pytest.raises(ZeroDivisionError), site.modality.start(scheduled_item(), on_error="discontinue") as step:
        1 / 0  # noqa: B018
    assert step.status is StepStatus.DISCONTINUED
    with (
        pytest.raises(KeyboardInterrupt),
        site.modality.start(scheduled_item(), on_error="discontinue") as interrupted,
    ):
        raise KeyboardInterrupt
    assert interrupted.status is StepStatus.DRAFT


@pytest.mark.req("X-CASES")
def test_a_rejected_image_that_has_not_left_is_never_sent_and_not_listed(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    bad = site.expose(step)
    good = site.expose(step)
    step.reject(bad, RejectionReason.MOTION_BLUR)
    step.complete()
    site.run_until_idle()
    assert [sop for _, sop in site.storage.received] == [good.ref]
    (series,) = site.mpps.messages[step.uid][-1].PerformedSeriesSequence
    assert [r.ReferencedSOPInstanceUID for r in series.ReferencedImageSequence] == [good.ref.sop_instance_uid]
    assert {d.state for d in bad.deliveries} == {DeliveryState.REJECTED}
    assert step.report().archived


@pytest.mark.req("X-CASES")
def test_illegal_operations_raise_at_once(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    with pytest.raises(StateError, match="no object"):
        step.complete()
    sent = site.expose(step)
    site.run_until_idle()
    with pytest.raises(StateError, match="has left"):
        step.reject(sent, RejectionReason.POSITIONING)
    other = site.modality.start(scheduled_item())
    with pytest.raises(StateError, match="another step"):
        other.accept(sent)
    step.complete()
    for illegal in (
        step.complete,
        lambda: site.expose(step),
        lambda: step.discontinue(DiscontinuationReason.UNSPECIFIED),
        lambda: step.accept(sent),
    ):
        with pytest.raises(StateError):
            illegal()
    with pytest.raises(StateError):
        site.modality.start()
    with pytest.raises(StateError):
        site.modality.start(scheduled_item(), patient=Patient(name="A"))


@pytest.mark.req("FR-DICOM-01")
def test_objects_can_wait_for_acceptance(make_site: Callable[..., FakeSite]) -> None:
    site = make_site(overrides={"send": SendPolicy(objects="on_accept")})
    step = site.modality.start(scheduled_item())
    instance = site.expose(step)
    site.run_until_idle()
    assert site.storage.received == []
    step.accept(instance)
    site.run_until_idle()
    assert [sop for _, sop in site.storage.received] == [instance.ref]


@pytest.mark.req("FR-DICOM-04")
def test_the_step_can_be_told_on_opening(make_site: Callable[..., FakeSite]) -> None:
    site = make_site(overrides={"send": SendPolicy(n_create="on_open")})
    step = site.modality.start(scheduled_item())
    site.run_until_idle()
    assert step.status is StepStatus.IN_PROGRESS
    assert len(site.mpps.messages[step.uid]) == 1


@pytest.mark.req("FR-DICOM-01")
def test_bad_pixels_leave_nothing_behind(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    site.pixels = site.pixels.astype(float)  # type: ignore[assignment]
    with pytest.raises(IodError):
        site.expose(step)
    assert step.instances == ()
    assert step.status is StepStatus.DRAFT
    assert site.modality.queue.jobs() == []
    assert [p for p in (site.data_dir / "spool").rglob("*") if p.is_file()] == []


@pytest.mark.req("FR-DICOM-08")
def test_the_history_names_every_change_since_a_time(site: FakeSite) -> None:
    before = site.clock.now()
    step = perform(site)
    site.run_until_idle()
    entries = site.modality.history(before)
    assert any(e.entity == step.uid and e.after == "COMPLETED" for e in entries)


@pytest.mark.req("FR-DICOM-01")
def test_waiting_for_an_instance_gives_its_deliveries(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    instance = site.expose(step)
    with pytest.raises(TimeoutError):
        instance.wait(timeout=0.01)
    site.run_until_idle()
    (delivery,) = instance.wait(timeout=1)
    assert isinstance(delivery, Delivery)
    assert delivery.state is DeliveryState.STORED


@pytest.mark.req("FR-DICOM-04")
def test_a_text_that_no_object_could_carry_is_refused_before_it_can_block_the_step(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    for description, name in (("x" * 100, "Chest"), ("", "a\\b")):
        with pytest.raises(InvalidValue):
            step.series(description=description, protocol=ProtocolChoice(name=name))
    series = step.series(description="standing", protocol=ProtocolChoice(name="Chest", codes=(CODE,)))
    step.add_image(site.pixels, Acquisition(body_part="CHEST", view="PA"), series=series)
    step.complete()
    site.run_until_idle()
    final = site.mpps.messages[step.uid][-1]
    assert [s.SeriesDescription for s in final.PerformedSeriesSequence] == ["standing"]
    assert final.PerformedProtocolCodeSequence[0].CodeValue == CODE.value


@pytest.mark.req("FR-DICOM-01")
def test_many_threads_may_expose_into_one_step(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    (same,) = site.modality.open_steps()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: site.expose(step if n % 2 else same), range(12)))
    numbers = [int(dcmread(i.path, stop_before_pixels=True).InstanceNumber) for i in step.instances]
    assert sorted(numbers) == list(range(1, 13))


@pytest.mark.req("NFR-REL-01")
def test_an_archive_that_accepts_connections_and_says_nothing_fails_no_exam(site: FakeSite) -> None:
    silent = ResponseTimeout("no answer to the association request")
    silent.ambiguous = False
    site.storage.answers.append(silent)
    site.verification.answers.extend([silent] * 30)
    step = perform(site)
    for _ in range(40):
        site.run_until_idle()
        site.clock.advance(3600)
    assert step.report().archived


@pytest.mark.req("FR-DICOM-09")
def test_a_class_that_a_peer_does_not_speak_keeps_the_rest_from_going_only_for_a_while(site: FakeSite) -> None:
    site.mpps.answers.extend([NegotiationError("no MPPS here")] * 200)
    step = perform(site, shots=3)
    site.run_until_idle()
    for _ in range(20):
        site.clock.advance(60)
        site.run_until_idle()
    assert step.report().archived
    site.close()
    assert sum(isinstance(e, DestinationHeld) for e in site.events) < 8


@pytest.mark.req("FR-DICOM-05")
def test_a_report_to_an_earlier_request_is_not_undone_by_a_later_one(site: FakeSite) -> None:
    reports = site.commitment.report_to
    site.commitment.report_to = None
    site.commitment.answers.append(ResponseTimeout("no answer"))
    step = perform(site)
    site.run_until_idle()
    site.clock.advance(30)
    site.run_until_idle()
    (_, first, references), (_, second, _) = site.commitment.requests
    assert reports is not None
    reports(CommitmentReport(transaction_uid=first, committed=references))
    assert step.report().archived
    failed = tuple(FailedReference(sop=sop, failure_reason=0x0112) for sop in references)
    reports(CommitmentReport(transaction_uid=second, failed=failed))
    site.run_until_idle()
    assert states(step) == {DeliveryState.COMMITTED}
    assert len(site.storage.received) == 1


@pytest.mark.req("FR-DICOM-08")
def test_a_peer_that_the_configuration_no_longer_names_does_not_keep_a_step_open(
    make_site: Callable[..., FakeSite],
) -> None:
    site = make_site(storage_destinations=("pacs", "old"), commitment_of={"pacs": True, "old": True})
    step = site.modality.start(scheduled_item())
    site.expose(step)
    site.run_until_idle()
    site.storage_destinations, site.commitment_of = ("pacs",), {"pacs": True}
    (again,) = site.restart().open_steps()
    again.complete()
    site.run_until_idle()
    assert again.report().archived


@pytest.mark.req("FR-DICOM-08")
def test_a_cancelled_object_can_be_taken_up_again_and_waiting_is_told(site: FakeSite) -> None:
    step = perform(site)
    (job,) = site.modality.queue.jobs(kind="C-STORE")
    site.modality.queue.cancel(job.id)
    assert states(step) == {DeliveryState.FAILED}
    site.modality.queue.retry(job.id)
    assert states(step) == {DeliveryState.WAITING}
    site.run_until_idle()
    assert step.report().archived


@pytest.mark.req("FR-DICOM-01")
def test_a_duplicate_that_nothing_proves_is_no_success(make_site: Callable[..., FakeSite]) -> None:
    site = make_site(commitment_of={"pacs": False})
    site.storage.answers.append(0x0111)
    step = perform(site)
    site.run_until_idle()
    assert states(step) == {DeliveryState.FAILED}


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.illegal_mpps
def test_an_interrupted_attempt_counts_so_that_its_repetition_is_understood(site: FakeSite) -> None:
    step = perform(site)
    create = site.mpps.create

    def interrupted(uid: str, attributes: Dataset, *, peer: Peer, **options: object) -> MppsResult:
        create(uid, attributes, peer=peer)
        raise KeyboardInterrupt

    site.modality._context.mpps = type("Interrupting", (), {"create": staticmethod(interrupted)})()
    with pytest.raises(KeyboardInterrupt):
        site.modality.run_due()
    site.modality._context.mpps = site.mpps
    site.clock.advance(30)
    site.run_until_idle()
    assert step.report().mpps == (("ris", StepStatus.COMPLETED),)


@pytest.mark.req("X-CASES")
def test_an_exposure_without_an_image_is_kept_if_it_could_stand_in_a_dose_report(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    good = IrradiationEvent(
        uid="2.25.1", started=site.clock.now(), acquisition=Acquisition(body_part="CHEST", view="PA")
    )
    for bad in (
        replace(good, uid="no uid"),
        replace(good, started=good.started.replace(tzinfo=None)),
        replace(good, acquisition=Acquisition(body_part="x" * 50)),
        replace(good, acquisition=Acquisition(body_part="CHEST", exposure=Exposure(dose_area_product=-1))),
    ):
        with pytest.raises(InvalidValue):
            step.record_exposure(bad)
    step.record_exposure(good)
    assert step.status is StepStatus.IN_PROGRESS


@pytest.mark.req("X-CASES")
def test_what_was_really_done_and_typed_stands_in_object_and_mpps(site: FakeSite) -> None:
    patient = Patient(name="Unknown^Male", patient_id="TRAUMA-7")
    step = site.modality.start(
        patient=patient, procedure_codes=[CODE], accession_number="TYPED-1", comments="standing was not possible"
    )
    instance = site.expose(step)
    step.complete()
    site.run_until_idle()
    image, create = dcmread(instance.path), site.mpps.messages[step.uid][0]
    for message in (image, create):
        assert message.ProcedureCodeSequence[0].CodeValue == CODE.value
        assert message.CommentsOnThePerformedProcedureStep == "standing was not possible"
    assert image.AccessionNumber == create.ScheduledStepAttributesSequence[0].AccessionNumber == "TYPED-1"


@pytest.mark.req("FR-DICOM-04")
def test_one_name_is_not_a_list_of_names(site: FakeSite) -> None:
    with pytest.raises(InvalidValue, match="OperatorsName"):
        site.modality.start(scheduled_item(), operators="Doe^Jane")
    with pytest.raises(InvalidValue):
        site.modality.start(patient=Patient(name="A^B", sex="X"))
    assert site.modality.open_steps() == []


@pytest.mark.req("X-CASES")
def test_no_retry_sends_what_the_operator_rejected(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    bad = site.expose(step)
    step.reject(bad, RejectionReason.MOTION_BLUR)
    (job,) = site.modality.queue.jobs(kind="C-STORE")
    with pytest.raises(StateError, match="rejected"):
        site.modality.queue.retry(job.id)
    site.run_until_idle()
    assert site.storage.received == []


@pytest.mark.req("X-IDEMP")
def test_an_operators_retry_remembers_that_the_step_was_sent_before(site: FakeSite) -> None:
    step = perform(site)
    site.mpps.answers.extend(ResponseTimeout("no answer") for _ in range(6))
    site.run_until_idle()
    for _ in range(6):
        site.clock.advance(480)
        site.run_until_idle()
    (failed,) = site.modality.queue.jobs(kind="N-CREATE", states={JobState.FAILED})
    site.mpps.messages[step.uid] = []  # the peer had acted all the time
    site.modality.queue.retry(failed.id)
    site.run_until_idle()
    assert step.report().mpps == (("ris", StepStatus.COMPLETED),)


@pytest.mark.req("X-CASES")
def test_an_object_that_may_have_left_cannot_be_rejected_after_a_retry_either(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    instance = site.expose(step)
    site.storage.answers.append(0xA900)
    site.run_until_idle()
    (job,) = site.modality.queue.jobs(kind="C-STORE", states={JobState.FAILED})
    site.modality.queue.retry(job.id)
    with pytest.raises(StateError, match="has left"):
        step.reject(instance, RejectionReason.POSITIONING)
