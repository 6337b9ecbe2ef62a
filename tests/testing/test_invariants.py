"""Each invariant holds for a real exam and finds what breaks it."""

import socket
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from pydicom import Dataset

from modality_sdk.model import (
    Acquisition,
    DeliveryReport,
    DeliveryState,
    Detector,
    Patient,
    RejectionReason,
    SopReference,
    StepStatus,
)
from modality_sdk.settings import Listen, Settings
from modality_sdk.simulator import Commitment, Hospital
from modality_sdk.testing import invariants
from modality_sdk.testing.evidence import Evidence, TakenObject, hospital_evidence
from modality_sdk.testing.invariants import INVARIANTS, check
from modality_sdk.workflow import Modality

pytestmark = [pytest.mark.req("X-CASES"), pytest.mark.req("X-IDEMP")]

_PIXELS = np.arange(64, dtype=np.uint16).reshape(8, 8)
_CHEST = Acquisition(body_part="CHEST", view="PA", protocol_name="Chest standing")


@pytest.fixture(scope="module")
def exams(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """A scheduled and an unscheduled exam, archived in a simulated hospital; one image was rejected."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with Hospital(commitment=Commitment.SAME_ASSOCIATION) as hospital:
        peers = {"ris": hospital.ris.peer, "pacs": replace(hospital.pacs.peer, commitment=True)}
        settings = Settings(
            ae_title="XRAY1",
            manufacturer="Example",
            model="DR-1",
            serial_number="1",
            software_versions=("1",),
            data_dir=tmp_path_factory.mktemp("exams") / "data",
            worklist="ris",
            mpps=("ris",),
            storage=("pacs",),
            listen=Listen(host="127.0.0.1", port=port),
            detector=Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=12),
            peers=peers,
        )
        modality = Modality(settings).open(worker=False, listener=False)
        try:
            item = modality.worklist.today()[0]
            steps = [modality.start(item), modality.start(patient=Patient(name="Doe^Jane", patient_id="P2"))]
            images = [step.add_image(_PIXELS, _CHEST) for step in (*steps, steps[0])]
            rejected = steps[0].add_image(_PIXELS, _CHEST)
            steps[0].reject(rejected, RejectionReason.POSITIONING)
            for step in steps:
                step.complete()
            modality.run_due()
            return replace(
                hospital_evidence(hospital),
                worklist=(item,),
                taken=tuple(TakenObject.of(str(number), image) for number, image in enumerate(images)),
                withheld=(rejected.ref.sop_instance_uid,),
                reports=tuple(step.report() for step in steps),
            )
        finally:
            modality.close()


# ---- what breaks them ------------------------------------------------------------------------------------------------
# the scheduled step has objects 0 and 1, the unscheduled one object 2; each step an N-CREATE and a final N-SET


def _object(evidence: Evidence, number: int) -> Dataset:
    uid = evidence.taken[{0: 0, 1: 2, 2: 1}[number]].sop_instance_uid
    return next(each.attributes for each in evidence.objects if each.sop.sop_instance_uid == uid)


def _message(evidence: Evidence, number: int, service: str) -> Dataset:
    uid = evidence.reports[number].step_uid
    return next(m.attributes for m in evidence.messages if (m.step_uid, m.service) == (uid, service))


def _scheduled_item(evidence: Evidence, number: int = 0) -> Dataset:
    item: Dataset = _message(evidence, number, "N-CREATE").ScheduledStepAttributesSequence[0]
    return item


def _refers_to_another_step(evidence: Evidence) -> None:
    _object(evidence, 0).ReferencedPerformedProcedureStepSequence[0].ReferencedSOPInstanceUID = "1.2.3"


def _has_another_step_id(evidence: Evidence) -> None:
    _object(evidence, 0).PerformedProcedureStepID = "other"


def _started_at_another_time(evidence: Evidence) -> None:
    _object(evidence, 0).PerformedProcedureStepStartTime = "000001"


def _final_message_forgets_an_image(evidence: Evidence) -> None:
    del _message(evidence, 0, "N-SET").PerformedSeriesSequence[0].ReferencedImageSequence[0]


def _archive_lacks_an_image(evidence: Evidence) -> Evidence:
    return replace(evidence, objects=evidence.objects[1:])


def _request_without_id(evidence: Evidence) -> None:
    _object(evidence, 0).RequestAttributesSequence[0].ScheduledProcedureStepID = ""


def _request_missing(evidence: Evidence) -> None:
    del _object(evidence, 0).RequestAttributesSequence


def _request_of_another_protocol(evidence: Evidence) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "X", "99X", "X"
    _object(evidence, 0).RequestAttributesSequence[0].ScheduledProtocolCodeSequence = [code]


def _unscheduled_object_with_request(evidence: Evidence) -> None:
    _object(evidence, 2).RequestAttributesSequence = [Dataset()]


def _unscheduled_step_with_made_up_description(evidence: Evidence) -> None:
    _scheduled_item(evidence, 1).RequestedProcedureDescription = "made up"


def _unscheduled_step_without_its_item(evidence: Evidence) -> None:
    _message(evidence, 1, "N-CREATE").ScheduledStepAttributesSequence = []


def _performs_what_nobody_scheduled(evidence: Evidence) -> Evidence:
    return replace(evidence, worklist=())


def _another_patient(evidence: Evidence) -> None:
    _message(evidence, 0, "N-CREATE").PatientID = "other"


def _another_order(evidence: Evidence) -> None:
    _scheduled_item(evidence).AccessionNumber = "other"


def _another_study(evidence: Evidence) -> None:
    _scheduled_item(evidence).StudyInstanceUID = "1.2.3"


def _two_patients_in_one_study(evidence: Evidence) -> None:
    _object(evidence, 0).PatientID = "other"


def _two_orders_in_one_study(evidence: Evidence) -> None:
    _object(evidence, 0).AccessionNumber = "other"


def _series_of_two_steps(evidence: Evidence) -> None:
    _object(evidence, 2).SeriesInstanceUID = _object(evidence, 0).SeriesInstanceUID


def _series_of_two_intents(evidence: Evidence) -> None:
    _object(evidence, 0).PresentationIntentType = "FOR PROCESSING"


def _stored_twice(evidence: Evidence) -> Evidence:
    return replace(evidence, objects=(*evidence.objects, evidence.objects[0]))


def _an_image_under_two_uids(evidence: Evidence) -> Evidence:
    first, second, *_ = evidence.taken
    return replace(evidence, taken=(first, replace(second, name=first.name), *evidence.taken[2:]))


def _never_taken_over(evidence: Evidence) -> Evidence:
    return replace(evidence, taken=evidence.taken[1:])


def _rejected_and_stored(evidence: Evidence) -> Evidence:
    return replace(
        evidence, taken=evidence.taken[1:], withheld=(*evidence.withheld, evidence.taken[0].sop_instance_uid)
    )


def _other_bytes(evidence: Evidence) -> Evidence:
    return replace(evidence, taken=(replace(evidence.taken[0], digest="0" * 64), *evidence.taken[1:]))


def _ended_twice(evidence: Evidence) -> Evidence:
    return replace(evidence, messages=(*evidence.messages, evidence.messages[-1]))


def _never_ended(evidence: Evidence) -> Evidence:
    return replace(evidence, messages=evidence.messages[:-1])


def _created_twice(evidence: Evidence) -> Evidence:
    return replace(evidence, messages=(evidence.messages[0], *evidence.messages))


def _never_told(evidence: Evidence) -> Evidence:
    return replace(evidence, messages=())


def _changed_after_its_end(evidence: Evidence) -> Evidence:
    late = replace(evidence.messages[-1], attributes=Dataset())
    return replace(evidence, messages=(*evidence.messages, late))


def _ended_otherwise(evidence: Evidence) -> None:
    _message(evidence, 0, "N-SET").PerformedProcedureStepStatus = "DISCONTINUED"


def _commitment_of_what_is_not_stored(evidence: Evidence) -> Evidence:
    strange = SopReference(sop_class_uid="1.2", sop_instance_uid="1.2.3")
    return replace(evidence, commitments=(replace(evidence.commitments[0], references=(strange,)),))


def _transaction_used_twice(evidence: Evidence) -> Evidence:
    return replace(evidence, commitments=evidence.commitments * 2)


def _not_committed(evidence: Evidence) -> Evidence:
    return replace(evidence, commitments=(replace(evidence.commitments[0], committed=frozenset()),))


def _report(evidence: Evidence, **values: object) -> Evidence:
    reports: list[DeliveryReport] = [replace(evidence.reports[0], **values), *evidence.reports[1:]]  # type: ignore[arg-type]
    return replace(evidence, reports=tuple(reports))


def _a_job_failed(evidence: Evidence) -> Evidence:
    return _report(evidence, failed_jobs=1)


def _a_delivery_failed(evidence: Evidence) -> Evidence:
    (delivery, *_) = evidence.reports[0].deliveries
    return _report(evidence, deliveries=(replace(delivery, state=DeliveryState.FAILED),))


def _left_open(evidence: Evidence) -> Evidence:
    return _report(evidence, status=StepStatus.IN_PROGRESS, archived=False)


def _not_archived(evidence: Evidence) -> Evidence:
    return _report(evidence, archived=False, open_jobs=1)


BREAKS: dict[Callable[[Evidence], Evidence | None], invariants.Invariant] = {
    _refers_to_another_step: invariants.objects_name_their_step,
    _has_another_step_id: invariants.objects_name_their_step,
    _started_at_another_time: invariants.objects_name_their_step,
    _final_message_forgets_an_image: invariants.final_messages_list_what_is_stored,
    _archive_lacks_an_image: invariants.final_messages_list_what_is_stored,
    _request_without_id: invariants.scheduled_objects_carry_their_requests,
    _request_missing: invariants.scheduled_objects_carry_their_requests,
    _request_of_another_protocol: invariants.scheduled_objects_carry_their_requests,
    _unscheduled_object_with_request: invariants.unscheduled_objects_carry_no_request,
    _unscheduled_step_with_made_up_description: invariants.unscheduled_objects_carry_no_request,
    _unscheduled_step_without_its_item: invariants.unscheduled_objects_carry_no_request,
    _performs_what_nobody_scheduled: invariants.worklist_values_are_copied,
    _another_patient: invariants.worklist_values_are_copied,
    _another_order: invariants.worklist_values_are_copied,
    _another_study: invariants.worklist_values_are_copied,
    _two_patients_in_one_study: invariants.studies_have_one_patient_and_order,
    _two_orders_in_one_study: invariants.studies_have_one_patient_and_order,
    _series_of_two_steps: invariants.series_are_not_shared,
    _series_of_two_intents: invariants.series_are_not_shared,
    _stored_twice: invariants.everything_taken_arrived_once,
    _an_image_under_two_uids: invariants.everything_taken_arrived_once,
    _never_taken_over: invariants.everything_taken_arrived_once,
    _rejected_and_stored: invariants.everything_taken_arrived_once,
    _other_bytes: invariants.what_arrived_is_what_was_written,
    _ended_twice: invariants.steps_are_told_to_their_end_once,
    _never_ended: invariants.steps_are_told_to_their_end_once,
    _created_twice: invariants.steps_are_told_to_their_end_once,
    _never_told: invariants.steps_are_told_to_their_end_once,
    _changed_after_its_end: invariants.steps_are_told_to_their_end_once,
    _ended_otherwise: invariants.steps_are_told_to_their_end_once,
    _commitment_of_what_is_not_stored: invariants.commitment_asks_for_what_is_stored,
    _transaction_used_twice: invariants.commitment_asks_for_what_is_stored,
    _not_committed: invariants.everything_stored_is_committed,
    _a_job_failed: invariants.nothing_is_given_up,
    _a_delivery_failed: invariants.nothing_is_given_up,
    _left_open: invariants.nothing_is_given_up,
    _not_archived: invariants.nothing_is_given_up,
}


def test_a_real_exam_breaks_no_invariant(exams: Evidence) -> None:
    assert len(exams.objects) == 3
    assert len(exams.messages) == 4
    assert check(exams) == []


@pytest.mark.parametrize("breaks", BREAKS, ids=lambda each: each.__name__.strip("_"))
def test_an_invariant_finds_what_breaks_it(exams: Evidence, breaks: Callable[[Evidence], Evidence | None]) -> None:
    broken = deepcopy(exams)
    broken = breaks(broken) or broken
    found = BREAKS[breaks](broken)
    assert found
    assert {finding.rule for finding in found} == {BREAKS[breaks].__name__}
    assert set(found) <= set(check(broken))


def test_every_invariant_is_seen_to_break() -> None:
    assert set(BREAKS.values()) == set(INVARIANTS)


def test_a_repeated_message_that_the_peer_refuses_counts_for_nothing(exams: Evidence) -> None:
    repeated = replace(exams.messages[-1], accepted=False)
    assert check(replace(exams, messages=(*exams.messages, repeated))) == []


def test_a_finding_names_no_patient(exams: Evidence) -> None:
    for breaks in BREAKS:
        broken = deepcopy(exams)
        text = " ".join(map(str, check(breaks(broken) or broken)))
        for each in exams.objects:
            assert str(each.attributes.PatientID) not in text.split()
            assert str(each.attributes.PatientName) not in text
