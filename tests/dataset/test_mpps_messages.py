"""The data sets of MPPS N-CREATE and N-SET (PS3.4 Table F.7.2-1)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydicom.uid import XRayRadiationDoseSRStorage

from modality_sdk.dataset import object_attributes, read_code
from modality_sdk.errors import InvalidValue, MissingAttribute, StateError
from modality_sdk.model import Code, DiscontinuationReason, Patient, SopReference, StepStatus

pytestmark = pytest.mark.req("FR-DICOM-04")

TYPE_1 = [
    "ScheduledStepAttributesSequence",
    "PerformedProcedureStepID",
    "PerformedStationAETitle",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "PerformedProcedureStepStatus",
    "Modality",
]
TYPE_2 = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "ReferencedPatientSequence",
    "PerformedStationName",
    "PerformedLocation",
    "PerformedProcedureStepDescription",
    "PerformedProcedureTypeDescription",
    "ProcedureCodeSequence",
    "PerformedProcedureStepEndDate",
    "PerformedProcedureStepEndTime",
    "StudyID",
    "PerformedProtocolCodeSequence",
    "PerformedSeriesSequence",
]
SETTABLE_TYPE_3 = [
    "ReasonForPerformedProcedureCodeSequence",
    "CommentsOnThePerformedProcedureStep",
    "PerformedProcedureStepDiscontinuationReasonCodeSequence",
]
SCHEDULED_TYPE_2 = [
    "ReferencedStudySequence",
    "AccessionNumber",
    "RequestedProcedureID",
    "RequestedProcedureDescription",
    "ScheduledProcedureStepID",
    "ScheduledProcedureStepDescription",
    "ScheduledProtocolCodeSequence",
]
SERIES_ATTRIBUTES = [
    "PerformingPhysicianName",
    "ProtocolName",
    "OperatorsName",
    "SeriesInstanceUID",
    "SeriesDescription",
    "RetrieveAETitle",
    "ReferencedImageSequence",
    "ReferencedNonImageCompositeSOPInstanceSequence",
]
MAY_BE_SET = {
    "SpecificCharacterSet",
    "TimezoneOffsetFromUTC",
    "PerformedProcedureStepStatus",
    "PerformedProcedureStepDescription",
    "PerformedProcedureTypeDescription",
    "ProcedureCodeSequence",
    "PerformedProcedureStepEndDate",
    "PerformedProcedureStepEndTime",
    "CommentsOnThePerformedProcedureStep",
    "PerformedProcedureStepDiscontinuationReasonCodeSequence",
    "PerformedProtocolCodeSequence",
    "PerformedSeriesSequence",
}


@pytest.fixture
def completed(item, begin, ended):
    return replace(begin(item), status=StepStatus.COMPLETED, ended=ended)


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("scheduled", [True, False])
def test_the_n_create_is_complete(item, begin, round_trip, implicit, scheduled, mpps_create):
    created = round_trip(mpps_create(begin(item) if scheduled else begin()), implicit=implicit)
    assert [keyword for keyword in TYPE_1 if keyword not in created or created[keyword].VM == 0] == []
    assert [keyword for keyword in TYPE_2 + SETTABLE_TYPE_3 if keyword not in created] == []
    (first,) = created.ScheduledStepAttributesSequence
    assert first.StudyInstanceUID
    assert [keyword for keyword in SCHEDULED_TYPE_2 if keyword not in first] == []


def test_the_n_create_carries_the_order_and_the_patient(item, begin, mpps_create):
    created = mpps_create(begin(item, performed_location="ER"))
    (scheduled,) = created.ScheduledStepAttributesSequence
    assert (scheduled.AccessionNumber, scheduled.RequestedProcedureID) == ("ACC1", "RP1")
    assert scheduled.IssuerOfAccessionNumberSequence[0].LocalNamespaceEntityID == "RIS"
    assert scheduled.PlacerOrderNumberImagingServiceRequest == "PL1"
    assert scheduled.FillerOrderNumberImagingServiceRequest == "FI1"
    assert read_code(scheduled.RequestedProcedureCodeSequence[0]).value == "71020"
    assert scheduled.ReferencedStudySequence[0].ReferencedSOPClassUID == item.referenced_studies[0].sop_class_uid
    assert (created.PatientID, created.IssuerOfPatientID) == ("P-1", "HOSPITAL")
    assert created.OtherPatientIDsSequence[0].PatientID == "OLD-1"
    assert (created.AdmissionID, created.PerformedLocation) == ("ADM1", "ER")
    assert (created.PerformedStationAETitle, created.PerformedStationName) == ("XRAY1", "ROOM 1")


def test_the_n_create_has_no_identity_of_its_own_and_nothing_that_comes_later(item, begin, mpps_create):
    created = mpps_create(begin(item))
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        assert keyword not in created
    later = ["PerformedProcedureStepEndDate", "PerformedProcedureStepEndTime", "PerformedSeriesSequence"]
    assert [keyword for keyword in later + SETTABLE_TYPE_3 if created[keyword].value] == []


@pytest.mark.parametrize("status", list(StepStatus))
def test_a_step_is_always_created_in_progress(item, begin, ended, status, mpps_create):
    created = mpps_create(replace(begin(item), status=status, ended=ended))
    assert created.PerformedProcedureStepStatus == "IN PROGRESS"


def test_a_group_has_one_scheduled_item_for_each_step_all_in_the_study_of_the_objects(item, begin, mpps_create):
    other = replace(
        item, study_instance_uid="1.2.3.4.6", requested_procedure_id="RP2", accession_number="ACC2", admission_id="X"
    )
    created = mpps_create(begin(item, other))
    scheduled = created.ScheduledStepAttributesSequence
    assert [s.AccessionNumber for s in scheduled] == ["ACC1", "ACC2"]
    assert {s.StudyInstanceUID for s in scheduled} == {"1.2.3.77"}
    assert "AdmissionID" not in created


def test_the_procedure_of_a_step_is_a_single_code_or_none(item, begin, series, ended, mpps_create, mpps_set):
    second = Code(value="73120", scheme="C4", meaning="Hand")
    other = replace(item, scheduled_procedure_step_id="SPS2", requested_procedure_codes=(second,))
    several = replace(item, requested_procedure_codes=(*item.requested_procedure_codes, second))
    same = replace(item, scheduled_procedure_step_id="SPS2")
    for items, count in (((item, other), 0), ((several,), 0), ((item, same), 1), ((item,), 1)):
        step = replace(begin(*items), status=StepStatus.COMPLETED, ended=ended)
        created = mpps_create(step)
        assert len(created.ProcedureCodeSequence) == len(mpps_set(step, [series]).ProcedureCodeSequence) == count
        requests = object_attributes(step, series).RequestAttributesSequence
        for requested in (*created.ScheduledStepAttributesSequence, *requests):
            assert len(requested.RequestedProcedureCodeSequence) == 1
        assert len(object_attributes(step, series).ProcedureCodeSequence) == 2 - count


def test_text_that_the_character_set_lacks_is_replaced_and_its_attributes_are_logged(
    completed, series, mpps_set, caplog
):
    mpps_set(completed, [series])
    assert caplog.records == []
    mpps_set(replace(completed, comments="SECRETΩ"), [replace(series, operators=("SECRET^山",))])
    assert {(record.name, record.levelname) for record in caplog.records} == {("modality_sdk.dataset", "WARNING")}
    assert "ISO_IR 100" in caplog.text
    assert "CommentsOnThePerformedProcedureStep, OperatorsName" in caplog.text
    assert "SECRET" not in caplog.text


def test_an_accession_number_typed_for_an_unscheduled_step_is_reported(begin, mpps_create):
    step = replace(begin(patient=Patient(patient_id="E")), accession_number="TYPED")
    assert mpps_create(step).ScheduledStepAttributesSequence[0].AccessionNumber == "TYPED"


@pytest.mark.parametrize("implicit", [True, False])
def test_the_final_n_set_sets_only_what_may_be_set_and_was_created(
    completed, series, round_trip, implicit, mpps_create, mpps_set
):
    step = replace(completed, comments="Difficult", status=StepStatus.DISCONTINUED)
    final = round_trip(mpps_set(step, [series]), implicit=implicit)
    keywords = {element.keyword for element in final}
    assert keywords == MAY_BE_SET
    assert keywords <= {element.keyword for element in mpps_create(step)}
    assert (final.PerformedProcedureStepEndDate, final.PerformedProcedureStepEndTime) == ("20260301", "094000")


def test_the_performed_series_are_complete(completed, series, round_trip, mpps_set):
    report = SopReference(sop_class_uid=XRayRadiationDoseSRStorage, sop_instance_uid="1.2.3.6.9")
    dose = replace(series, series_instance_uid="1.2.3.5.2", modality="SR", images=(), non_images=(report,))
    final = round_trip(mpps_set(completed, [series, dose]))
    items = final.PerformedSeriesSequence
    assert all(keyword in item for item in items for keyword in SERIES_ATTRIBUTES)
    assert items[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.6.1"
    assert items[1].ReferencedImageSequence == []
    (other,) = items[1].ReferencedNonImageCompositeSOPInstanceSequence
    assert other.ReferencedSOPInstanceUID == "1.2.3.6.9"
    assert items[0].OperatorsName == "Tech^One"


def test_a_discontinued_step_says_why_and_may_have_an_empty_series(completed, series, mpps_set):
    step = replace(
        completed,
        status=StepStatus.DISCONTINUED,
        discontinuation_reason=DiscontinuationReason.INCORRECT_WORKLIST_ENTRY,
    )
    final = mpps_set(step, [replace(series, images=())])
    assert final.PerformedProcedureStepStatus == "DISCONTINUED"
    (reason,) = final.PerformedProcedureStepDiscontinuationReasonCodeSequence
    assert (reason.CodeValue, reason.CodingSchemeDesignator) == ("110514", "DCM")
    assert reason.CodeMeaning == "Incorrect worklist entry selected"
    assert final.PerformedSeriesSequence[0].ReferencedImageSequence == []


def test_a_step_discontinued_without_a_reason_says_so(completed, series, mpps_set):
    final = mpps_set(replace(completed, status=StepStatus.DISCONTINUED), [series])
    (reason,) = final.PerformedProcedureStepDiscontinuationReasonCodeSequence
    assert read_code(reason) == Code(value="110513", scheme="DCM", meaning="")


def test_a_completed_step_gives_no_discontinuation_reason(completed, series, mpps_set):
    final = mpps_set(completed, [series])
    assert final.PerformedProcedureStepStatus == "COMPLETED"
    assert "PerformedProcedureStepDiscontinuationReasonCodeSequence" not in final


def test_an_interim_n_set_leaves_the_end_open(item, begin, series, mpps_set):
    step = replace(begin(item), status=StepStatus.IN_PROGRESS)
    interim = mpps_set(step, [series])
    assert interim.PerformedProcedureStepStatus == "IN PROGRESS"
    assert "PerformedProcedureStepEndDate" not in interim
    assert len(interim.PerformedSeriesSequence) == 1
    assert "PerformedSeriesSequence" not in mpps_set(step, [])


def test_a_final_step_needs_an_end_and_a_series(completed, series, mpps_set):
    with pytest.raises(MissingAttribute, match="PerformedSeriesSequence"):
        mpps_set(completed, [])
    with pytest.raises(MissingAttribute, match="PerformedProcedureStepEndDate"):
        mpps_set(replace(completed, ended=None), [series])
    with pytest.raises(MissingAttribute, match="ProtocolName"):
        mpps_set(completed, [replace(series, protocol_name="")])
    with pytest.raises(InvalidValue):
        mpps_set(completed, [replace(series, series_instance_uid="no uid")])
    with pytest.raises(StateError):
        mpps_set(replace(completed, status=StepStatus.DRAFT), [series])


@pytest.mark.req("X-TIME")
def test_a_step_over_the_change_of_clocks_ends_after_it_began(item, begin, series, ended, mpps_create, mpps_set):
    step = begin(item)
    final = mpps_set(replace(step, status=StepStatus.COMPLETED, ended=step.started + timedelta(hours=20)), [series])
    assert final.TimezoneOffsetFromUTC == mpps_create(step).TimezoneOffsetFromUTC
    assert (final.PerformedProcedureStepEndDate, final.PerformedProcedureStepEndTime) == ("20260302", "051530")


def test_the_character_set_of_the_n_create_is_kept(item, completed, series, round_trip, mpps_create, mpps_set):
    step = replace(completed, comments="Ω")
    assert step.specific_character_set == ("ISO_IR 100",)
    final = round_trip(mpps_set(step, [replace(series, operators=("Müller^A", "山田"))]))
    assert final.SpecificCharacterSet == mpps_create(step).SpecificCharacterSet == "ISO_IR 100"
    operators = [str(name) for name in final.PerformedSeriesSequence[0].OperatorsName]
    assert operators == ["Müller^A", "??"]
    assert final.CommentsOnThePerformedProcedureStep == "?"


@pytest.mark.parametrize("keyword", ["performed_procedure_step_id", "performed_station_ae_title", "modality"])
def test_the_n_create_refuses_a_step_without_its_type_1_values(item, begin, keyword, mpps_create):
    with pytest.raises(MissingAttribute):
        mpps_create(replace(begin(item), **{keyword: ""}))
