"""Values of the standard: equality, states, tables, what a repr shows."""

from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time

import pytest
from pydantic import TypeAdapter
from pydicom.sr.codedict import codes

from modality_sdk import model
from modality_sdk.model import (
    Acquisition,
    Code,
    DeliveryState,
    DiscontinuationReason,
    InstanceState,
    IrradiationEvent,
    Issuer,
    JobState,
    OtherPatientId,
    Patient,
    PatientIdQualifiers,
    PatientState,
    PerformedProcedureStep,
    PerformedSeries,
    PersonIdentification,
    RejectionReason,
    SopReference,
    StepStatus,
    StoreResult,
    WorklistItem,
    WorklistQuery,
    WorklistResult,
)
from modality_sdk.status import Action, Category

VALUES = [value for value in (getattr(model, name) for name in model.__all__) if is_dataclass(value)]
PATIENT = Patient(name="Doe^Jane", patient_id="P-4711", birth_date=date(1970, 1, 2))
ITEM = WorklistItem(
    patient=PATIENT,
    study_instance_uid="1.2.3",
    accession_number="A-4711",
    placer_order_number="O-4711",
    requested_procedure_comments="4711 in words",
)
STEP = PerformedProcedureStep(
    sop_instance_uid="1.2.4",
    performed_procedure_step_id="1",
    patient=PATIENT,
    items=(ITEM,),
    study_instance_uid="1.2.3",
    study_date=date(2024, 5, 17),
    study_time=time(12),
    accession_number="A-4711",
    modality="DX",
    performed_station_ae_title="XRAY1",
    started=datetime(2024, 5, 17, tzinfo=UTC),
)
SOP = SopReference(sop_class_uid="1.2", sop_instance_uid="1.2.5")


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_frozen(value: type) -> None:
    assert value.__dataclass_params__.frozen


@pytest.mark.req("NFR-SEC-01")
@pytest.mark.parametrize(
    "value",
    [
        PATIENT,
        ITEM,
        STEP,
        WorklistResult(items=(ITEM,)),
        WorklistQuery(patient_name="Doe", patient_id="4711", accession_number="4711", requested_procedure_id="4711"),
        PatientState(comments="Doe", additional_history="4711"),
        Code(value="1", scheme="99X", meaning="Doe"),
        OtherPatientId(patient_id="4711"),
        PersonIdentification(codes=(Code(value="4711", scheme="99X", meaning="Doe"),), address="Doe"),
        PerformedSeries(
            series_instance_uid="1.2",
            series_number=1,
            modality="DX",
            protocol_name="P",
            description="Doe",
            operators=("Doe",),
        ),
        IrradiationEvent(
            uid="1.2",
            started=datetime(2024, 5, 17, tzinfo=UTC),
            acquisition=Acquisition(body_part="CHEST", derivation_description="Doe"),
            comment="Doe",
        ),
    ],
)
def test_the_repr_of_a_value_shows_no_patient(value: object) -> None:
    shown = f"{value!r} {value}"
    assert not any(secret in shown for secret in ("Doe", "4711", "1970"))


@pytest.mark.req("NFR-SEC-01")
def test_every_value_that_holds_a_patient_has_a_repr_of_its_own() -> None:
    for value in VALUES:
        holds = any(field.type in (Patient, WorklistItem, tuple[WorklistItem, ...]) for field in fields(value))
        # WorklistResult shows its items, whose own repr hides everything
        assert not holds or not value.__dataclass_params__.repr or value is WorklistResult


@pytest.mark.req("FR-DICOM-03")
def test_codes_are_equal_whatever_their_meaning_says() -> None:
    one = Code(value="113014", scheme="DCM", meaning="Study")
    assert one == Code(value="113014", scheme="DCM", meaning="Untersuchung")
    assert len({one, Code(value="113014", scheme="DCM", meaning="x")}) == 1
    assert one != Code(value="113014", scheme="DCM", meaning="Study", version="2")
    assert one != Code(value="113014", scheme="99X", meaning="Study")
    assert one != "113014"


@pytest.mark.req("FR-DICOM-03")
def test_a_worklist_result_is_a_sequence_of_its_items() -> None:
    other = WorklistItem(study_instance_uid="1.2.9")
    result = WorklistResult(items=(ITEM, other), truncated=True)
    assert len(result) == 2
    assert result[0] is ITEM
    assert result[1:] == (other,)
    assert list(result) == [ITEM, other]
    assert other in result
    assert not WorklistResult()


@pytest.mark.req("FR-DICOM-04")
def test_final_states_are_completed_and_discontinued() -> None:
    assert [status for status in StepStatus if status.is_final] == [StepStatus.COMPLETED, StepStatus.DISCONTINUED]


@pytest.mark.req("FR-DICOM-04")
def test_step_states_are_spelled_as_the_standard_spells_them() -> None:
    assert {status.value for status in StepStatus} == {"DRAFT", "IN PROGRESS", "COMPLETED", "DISCONTINUED"}


@pytest.mark.req("X-CASES")
def test_a_step_without_items_is_unscheduled() -> None:
    assert STEP.is_scheduled
    unscheduled = {field.name: getattr(STEP, field.name) for field in fields(STEP)} | {"items": ()}
    assert not PerformedProcedureStep(**unscheduled).is_scheduled


@pytest.mark.req("FR-DICOM-08")
def test_open_jobs_are_those_with_work_left() -> None:
    assert {state for state in JobState if state.is_open} == {JobState.PENDING, JobState.IN_FLIGHT, JobState.RETRYING}


@pytest.mark.req("FR-DICOM-01")
def test_a_destination_has_what_it_stored_or_committed() -> None:
    assert {state for state in DeliveryState if state.is_stored} == {
        DeliveryState.STORED,
        DeliveryState.STORED_WITH_WARNING,
        DeliveryState.COMMITTED,
    }
    assert InstanceState.REJECTED.value == "REJECTED"


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.parametrize(
    ("category", "stored"),
    [(Category.SUCCESS, True), (Category.WARNING, True), (Category.FAILURE, False), (None, False)],
)
def test_a_store_result_says_whether_the_peer_has_the_object(category: Category | None, stored: bool) -> None:
    result = StoreResult(sop=SOP, status=None, category=category, action=Action.ACCEPT, meaning="")
    assert result.stored is stored


@pytest.mark.req("FR-DICOM-04")
def test_every_discontinuation_reason_is_in_the_standards_own_group() -> None:
    # CID 9300 "Procedure Discontinuation Reason" holds the general and the operator's reasons, in code order
    values = [reason.value for reason in DiscontinuationReason]
    assert values == [str(number) for number in range(110500, 110517)]


@pytest.mark.req("X-CASES")
def test_every_rejection_reason_is_a_code_of_the_scheme_dcm() -> None:
    known = {getattr(codes.DCM, name).value for name in codes.DCM.dir()}
    assert {reason.value for reason in RejectionReason} <= known
    assert {reason.value for reason in DiscontinuationReason} <= known
    assert len(RejectionReason) == 16


@pytest.mark.req("FR-DICOM-03")
def test_an_item_with_every_identifier_survives_as_json() -> None:
    issuer = Issuer(local_namespace_entity_id="L", universal_entity_id="2.16.1", universal_entity_id_type="ISO")
    code = Code(value="D1", scheme="99X", meaning="One")
    qualifiers = PatientIdQualifiers(
        universal_entity_id="2.16.1",
        universal_entity_id_type="ISO",
        identifier_type_code="MR",
        assigning_facility=issuer,
        assigning_jurisdiction=code,
        assigning_agency_or_department=code,
    )
    other = OtherPatientId(patient_id="O", issuer_of_patient_id="I", issuer_of_patient_id_qualifiers=qualifiers)
    person = PersonIdentification(codes=(code,), telephone_numbers=("1", "2"), institution_code=code)
    patient = Patient(issuer_of_patient_id_qualifiers=qualifiers, other_patient_ids=(other,))
    item = WorklistItem(
        study_instance_uid="1.2.3",
        patient=patient,
        issuer_of_accession_number=issuer,
        order_placer_identifier=issuer,
        order_filler_identifier=issuer,
        issuer_of_admission_id=issuer,
        issuer_of_service_episode_id=issuer,
        referring_physician_identification=person,
        requesting_physician_identification=person,
        institution_address="Street",
        admitting_diagnoses_descriptions=("Cough",),
        admitting_diagnoses_codes=(code,),
        scheduled_protocol_codes=(code,),
        scheduled_protocol_contexts=("[]",),
        timezone_offset_from_utc="+0100",
    )
    adapter = TypeAdapter(WorklistItem)
    assert adapter.validate_json(adapter.dump_json(item)) == item


@pytest.mark.req("FR-DICOM-03")
def test_an_issuer_is_true_when_it_says_anything_and_its_text_is_its_shortest_name() -> None:
    assert not Issuer()
    assert not PatientIdQualifiers()
    assert PatientIdQualifiers(identifier_type_code="MR")
    assert str(Issuer.of("RIS")) == "RIS"
    assert str(Issuer(universal_entity_id="2.16.1", universal_entity_id_type="ISO")) == "2.16.1"
    assert Issuer.of(Issuer.of("RIS")) == Issuer(local_namespace_entity_id="RIS")


@pytest.mark.req("FR-DICOM-03")
def test_a_text_stands_for_an_issuer_or_another_identifier() -> None:
    assert WorklistItem(study_instance_uid="1", issuer_of_admission_id="ADT").issuer_of_admission_id == Issuer.of("ADT")
    assert Patient(other_patient_ids=["A"]).other_patient_ids == (OtherPatientId(patient_id="A"),)
