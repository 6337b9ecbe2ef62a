"""Performed procedure steps."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from pydicom import Dataset
from pydicom.uid import generate_uid

from modality_sdk.dataset import begin_step, mpps_create, mpps_set
from modality_sdk.errors import DimseFailure, InvalidValue, MissingAttribute, NegotiationError
from modality_sdk.model import Equipment, Patient, PerformedProcedureStep, PerformedSeries, Quirks, StepStatus
from modality_sdk.network import Network
from modality_sdk.scu import Mpps, MppsScu
from modality_sdk.simulator import Hospital

STARTED = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=1)))


@pytest.fixture
def step() -> PerformedProcedureStep:
    begun = begin_step(
        items=(),
        patient=Patient(name="SECRET^NAME", patient_id="SECRET-ID", birth_date=date(1970, 1, 1), sex="F"),
        sop_instance_uid=generate_uid(),
        study_instance_uid=generate_uid(),
        performed_procedure_step_id="PPS1",
        modality="DX",
        performed_station_ae_title="XRAY1",
        started=STARTED,
        equipment=Equipment(manufacturer="Example"),
    )
    return replace(begun, status=StepStatus.IN_PROGRESS)


@pytest.fixture
def service(network: Network) -> Mpps:
    return MppsScu(network)


def completed(step: PerformedProcedureStep) -> Dataset:
    series = PerformedSeries(
        series_instance_uid=generate_uid(), series_number=1, modality="DX", protocol_name="CHEST PA"
    )
    return mpps_set(replace(step, status=StepStatus.COMPLETED, ended=STARTED + timedelta(minutes=5)), [series])


@pytest.mark.req("FR-DICOM-04")
def test_a_step_is_created_and_completed(hospital: Hospital, service: Mpps, step: PerformedProcedureStep) -> None:
    uid = step.sop_instance_uid
    created = service.create(uid, mpps_create(step), peer=hospital.ris.peer)
    assert (created.sop_instance_uid, created.status, created.attributes) == (uid, 0, ())
    assert hospital.ris.steps[uid].status is StepStatus.IN_PROGRESS
    assert service.set(uid, completed(step), peer=hospital.ris.peer).status == 0
    assert hospital.ris.steps[uid].status is StepStatus.COMPLETED
    assert hospital.ris.violations == []


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.illegal_mpps
def test_a_refusal_names_the_offending_attributes_and_no_value(
    hospital: Hospital, service: Mpps, step: PerformedProcedureStep
) -> None:
    attributes = mpps_create(step)
    del attributes.StudyID
    with pytest.raises(DimseFailure) as caught:
        service.create(step.sop_instance_uid, attributes, peer=hospital.ris.peer)
    assert caught.value.status == 0x0120
    assert "StudyID" in caught.value.offending_elements
    assert "SECRET" not in str(caught.value)
    assert step.sop_instance_uid not in hospital.ris.steps


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.illegal_mpps
def test_a_warning_is_accepted_and_its_attributes_are_told(
    hospital: Hospital, service: Mpps, step: PerformedProcedureStep
) -> None:
    attributes = mpps_create(step)
    attributes.HangingProtocolName = "STRANGE"  # no attribute of the step's definition
    result = service.create(step.sop_instance_uid, attributes, peer=hospital.ris.peer)
    assert result.status == 0x0107
    assert result.attributes == ("HangingProtocolName",)


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.illegal_mpps
def test_a_final_step_s_refusal_carries_status_and_error_id(
    hospital: Hospital, service: Mpps, step: PerformedProcedureStep
) -> None:
    service.create(step.sop_instance_uid, mpps_create(step), peer=hospital.ris.peer)
    service.set(step.sop_instance_uid, completed(step), peer=hospital.ris.peer)
    with pytest.raises(DimseFailure) as caught:
        service.set(step.sop_instance_uid, completed(step), peer=hospital.ris.peer)
    assert (caught.value.service, caught.value.status, caught.value.error_id) == ("N-SET", 0x0110, 0xA710)


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.parametrize("status", ["COMPLETED", "DISCONTINUED", "NONSENSE"])
@pytest.mark.illegal_mpps
def test_a_step_is_created_in_progress_or_not_at_all(
    hospital: Hospital, service: Mpps, step: PerformedProcedureStep, status: str
) -> None:
    attributes = mpps_create(step)
    attributes.PerformedProcedureStepStatus = status
    with pytest.raises(InvalidValue, match="PerformedProcedureStepStatus"):
        service.create(step.sop_instance_uid, attributes, peer=hospital.ris.peer)
    assert hospital.ris.exchanges == []


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.parametrize(
    "keyword", ["Modality", "ScheduledStepAttributesSequence", "PerformedProcedureStepID", "PerformedStationAETitle"]
)
@pytest.mark.illegal_mpps
def test_an_n_create_without_a_required_attribute_is_not_sent(
    hospital: Hospital, service: Mpps, step: PerformedProcedureStep, keyword: str
) -> None:
    attributes = mpps_create(step)
    setattr(attributes, keyword, [] if keyword.endswith("Sequence") else "")
    with pytest.raises(MissingAttribute, match=keyword):
        service.create(step.sop_instance_uid, attributes, peer=hospital.ris.peer)
    assert hospital.ris.exchanges == []


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.parametrize("keyword", ["PatientName", "Modality", "SOPInstanceUID", "PerformedProcedureStepID"])
@pytest.mark.illegal_mpps
def test_an_n_set_with_what_may_never_be_set_is_not_sent(
    hospital: Hospital, service: Mpps, step: PerformedProcedureStep, keyword: str
) -> None:
    attributes = completed(step)
    setattr(attributes, keyword, "1")
    with pytest.raises(InvalidValue, match=keyword):
        service.set(step.sop_instance_uid, attributes, peer=hospital.ris.peer)
    assert hospital.ris.exchanges == []


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.parametrize("keyword", ["PerformedSeriesSequence", "PerformedProcedureStepEndDate"])
@pytest.mark.illegal_mpps
def test_a_final_n_set_without_its_end_or_its_series_is_not_sent(
    hospital: Hospital, service: Mpps, step: PerformedProcedureStep, keyword: str
) -> None:
    attributes = completed(step)
    delattr(attributes, keyword)
    with pytest.raises(MissingAttribute, match=keyword):
        service.set(step.sop_instance_uid, attributes, peer=hospital.ris.peer)
    assert hospital.ris.exchanges == []


@pytest.mark.req("FR-DICOM-04")
def test_a_step_without_a_legal_uid_is_not_sent(
    hospital: Hospital, service: Mpps, step: PerformedProcedureStep
) -> None:
    with pytest.raises(InvalidValue, match="SOPInstanceUID"):
        service.create("1.02.3", mpps_create(step), peer=hospital.ris.peer)


@pytest.mark.req("FR-DICOM-04")
def test_a_step_is_read_back_as_the_peer_holds_it(
    hospital: Hospital, service: Mpps, step: PerformedProcedureStep
) -> None:
    uid = step.sop_instance_uid
    service.create(uid, mpps_create(step), peer=hospital.ris.peer)
    begun = service.get(uid, peer=hospital.ris.peer)
    assert (begun.sop_instance_uid, begun.status) == (uid, StepStatus.IN_PROGRESS)
    assert begun.attributes.PatientName == "SECRET^NAME"
    assert "SECRET" not in repr(begun)
    service.set(uid, completed(step), peer=hospital.ris.peer)
    assert service.get(uid, peer=hospital.ris.peer).status is StepStatus.COMPLETED


@pytest.mark.req("FR-DICOM-04")
def test_a_step_that_cannot_be_read_back_is_an_error_that_says_why(
    hospital: Hospital, service: Mpps, step: PerformedProcedureStep
) -> None:
    with pytest.raises(DimseFailure) as caught:
        service.get(generate_uid(), peer=hospital.ris.peer)
    assert (caught.value.service, caught.value.status) == ("N-GET", 0x0112)
    with pytest.raises(NegotiationError):
        service.get(generate_uid(), peer=hospital.pacs.peer)
    with pytest.raises(InvalidValue, match="SOPInstanceUID"):
        service.get("no uid", peer=hospital.ris.peer)


@pytest.mark.req("FR-DICOM-09")
@pytest.mark.parametrize(
    ("status", "error"), [("", MissingAttribute), ("DRAFT", InvalidValue), ("NONSENSE", InvalidValue)]
)
def test_a_step_read_back_without_a_legal_status_is_no_step(
    hospital: Hospital,
    service: Mpps,
    step: PerformedProcedureStep,
    status: str,
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service.create(step.sop_instance_uid, mpps_create(step), peer=hospital.ris.peer)
    held = Dataset()
    held.PerformedProcedureStepStatus = status
    monkeypatch.setattr(type(hospital.ris.steps[step.sop_instance_uid]), "current", property(lambda _: held))
    with pytest.raises(error, match="PerformedProcedureStepStatus") as caught:
        service.get(step.sop_instance_uid, peer=hospital.ris.peer)
    assert "NONSENSE" not in str(caught.value)


@pytest.mark.req("FR-DICOM-04")
def test_a_peer_may_want_its_retrieve_ae_title_in_every_series(
    hospital: Hospital, service: Mpps, step: PerformedProcedureStep
) -> None:
    peer = replace(hospital.ris.peer, quirks=Quirks(retrieve_ae_title="ARCHIVE"))
    service.create(step.sop_instance_uid, mpps_create(step), peer=peer)
    final = completed(step)
    service.set(step.sop_instance_uid, final, peer=peer)
    (told,) = hospital.ris.steps[step.sop_instance_uid].current.PerformedSeriesSequence
    assert told.RetrieveAETitle == "ARCHIVE"
    assert not final.PerformedSeriesSequence[0].RetrieveAETitle  # the caller's message stays as it is


@pytest.mark.req("FR-DICOM-04")
def test_a_peer_that_takes_no_step_without_accession_number_gets_none(
    hospital: Hospital, service: Mpps, step: PerformedProcedureStep
) -> None:
    peer = replace(hospital.ris.peer, quirks=Quirks(accession_required=True))
    attributes = mpps_create(step)
    for item in attributes.ScheduledStepAttributesSequence:
        item.AccessionNumber = ""
    with pytest.raises(MissingAttribute, match="AccessionNumber"):
        service.create(step.sop_instance_uid, attributes, peer=peer)
    assert hospital.ris.steps == {}
