"""What stands around the tree of a dose report, and how it is written."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from io import BytesIO

import pytest
from dose_reader import read_report
from pydicom import Dataset, dcmread

import modality_sdk
from modality_sdk.dataset import assign
from modality_sdk.iod import RadiationDoseReport
from modality_sdk.model import (
    Code,
    IrradiationEvent,
    Patient,
    PerformedProcedureStep,
    SopReference,
    Synchronization,
    WorklistItem,
)

pytestmark = pytest.mark.req("IOD-RDSR")

Report = Callable[..., RadiationDoseReport]
Event = Callable[..., IrradiationEvent]
Step = Callable[..., PerformedProcedureStep]

DX = "1.2.840.10008.5.1.4.1.1.1.1"


def image(number: int) -> SopReference:
    return SopReference(sop_class_uid=DX, sop_instance_uid=f"2.25.40{number}")


def scheduled(number: int, **changes: str) -> WorklistItem:
    return WorklistItem(
        patient=Patient(name="Generated^Patient", patient_id="G-1"),
        study_instance_uid="2.25.2",
        requested_procedure_id=f"RP{number}",
        requested_procedure_codes=(Code(value="RPC", scheme="99LOCAL", meaning="Chest"),),
        accession_number=f"A{number}",
        placer_order_number="P1",
        scheduled_procedure_step_id=f"SPS{number}",
        **changes,
    )


def written(report: RadiationDoseReport) -> bytes:
    buffer = BytesIO()
    report.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_the_header_is_that_of_a_finished_document(report: Report) -> None:
    built = report()
    assert built.SOPClassUID.keyword == "XRayRadiationDoseSRStorage"
    assert (built.Modality, built.SeriesNumber, built.InstanceNumber) == ("SR", 9, 1)
    assert (built.CompletionFlag, built.VerificationFlag) == ("COMPLETE", "UNVERIFIED")
    assert (built.ContentDate, built.ContentTime) == ("20240507", "003015")
    assert built.TimezoneOffsetFromUTC == "+0200"
    assert built.ReferencedPerformedProcedureStepSequence[0].ReferencedSOPInstanceUID == "2.25.1"
    assert built.PerformedProcedureCodeSequence == []
    assert built.deviations == ()


def test_an_unscheduled_step_refers_to_no_request(report: Report) -> None:
    assert "ReferencedRequestSequence" not in report()


def test_each_scheduled_step_is_an_item_of_the_requests(report: Report, dose_step: Step) -> None:
    items = (scheduled(1), scheduled(2, reason_for_requested_procedure="Cough"))
    built = report(step=dose_step(items=items, patient=None))
    assert "RequestAttributesSequence" not in built
    first, second = built.ReferencedRequestSequence
    assert (first.AccessionNumber, first.RequestedProcedureID, first.StudyInstanceUID) == ("A1", "RP1", "2.25.2")
    assert first.PlacerOrderNumberImagingServiceRequest == "P1"
    assert first.FillerOrderNumberImagingServiceRequest == ""
    assert first.RequestedProcedureCodeSequence[0].CodeValue == "RPC"
    assert "ScheduledProcedureStepID" not in first
    assert second.ReasonForTheRequestedProcedure == "Cough"
    assert built.PerformedProcedureCodeSequence[0].CodeValue == "RPC"


def test_evidence_groups_the_images_by_series(report: Report, event: Event) -> None:
    series = {image(1).sop_instance_uid: "2.25.31", image(2).sop_instance_uid: "2.25.32"}
    series[image(3).sop_instance_uid] = "2.25.31"
    built = report(*(event(n, image=image(n)) for n in (1, 2, 3)), event(4), image_series=series)
    [study] = built.CurrentRequestedProcedureEvidenceSequence
    assert study.StudyInstanceUID == built.StudyInstanceUID
    listed = {
        s.SeriesInstanceUID: [sop.ReferencedSOPInstanceUID for sop in s.ReferencedSOPSequence]
        for s in study.ReferencedSeriesSequence
    }
    assert listed == {
        "2.25.31": [image(1).sop_instance_uid, image(3).sop_instance_uid],
        "2.25.32": [image(2).sop_instance_uid],
    }


def test_a_report_without_images_has_no_evidence(report: Report) -> None:
    assert "CurrentRequestedProcedureEvidenceSequence" not in report()


def test_the_clock_is_told_where_it_is_synchronized(report: Report) -> None:
    assert "SynchronizationTrigger" not in report()
    clock = Synchronization(frame_of_reference_uid="2.25.8", time_source="time.example", ntp_source_address="10.0.0.1")
    built = report(reporting={"synchronization": clock})
    assert built.SynchronizationFrameOfReferenceUID == "2.25.8"
    assert (built.SynchronizationTrigger, built.AcquisitionTimeSynchronized) == ("NO TRIGGER", "Y")
    assert (built.TimeSource, built.NTPSourceAddress) == ("time.example", "10.0.0.1")
    free = report(reporting={"synchronization": replace(clock, acquisition_time_synchronized=False)})
    assert free.AcquisitionTimeSynchronized == "N"


@pytest.mark.parametrize(
    ("name", "character_set", "expected"),
    [
        ("Müller^Jörg", ("ISO_IR 100",), "ISO_IR 100"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", ("", "ISO 2022 IR 87"), ["", "ISO 2022 IR 87"]),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", ("ISO_IR 100",), "ISO_IR 192"),
    ],
)
def test_names_of_the_world_survive(
    report: Report, dose_step: Step, name: str, character_set: tuple[str, ...], expected: object
) -> None:
    patient = Patient(name=name, patient_id="G-1", birth_date=date(1970, 1, 2))
    item = replace(scheduled(1), patient=patient, specific_character_set=character_set)
    built = report(step=dose_step(items=(item,), patient=None))
    assert built.SpecificCharacterSet == expected
    read = dcmread(BytesIO(written(built)))
    assert str(read.PatientName) == name


def test_text_of_the_tree_counts_for_the_character_set(report: Report, event: Event, dose_step: Step) -> None:
    step = replace(dose_step(), specific_character_set=("ISO_IR 100",))
    built = report(event(comment="撮り直し"), step=step)
    assert built.SpecificCharacterSet == "ISO_IR 192"
    [found] = read_report(dcmread(BytesIO(written(built)))).all("Irradiation Event X-Ray Data")
    assert found["Comment"] == "撮り直し"


def test_writing_and_reading_changes_nothing(report: Report, event: Event) -> None:
    built = report(event(image=image(1)), event(2), image_series={image(1).sop_instance_uid: "2.25.31"})
    first = written(built)
    read = dcmread(BytesIO(first))
    again = BytesIO()
    read.save_as(again, enforce_file_format=True)
    assert again.getvalue() == first
    plain = Dataset()
    plain.update(built)
    assert read == plain


def test_the_same_values_make_the_same_report(report: Report) -> None:
    assert written(report()) == written(report())


def test_a_report_is_a_data_set_like_any_other(report: Report) -> None:
    built = report()
    assign(built, "SeriesDescription", "Dose")
    assert built.SeriesDescription == "Dose"


def test_the_names_are_public() -> None:
    assert modality_sdk.RadiationDoseReport is RadiationDoseReport
    assert modality_sdk.DoseReporting.__name__ in modality_sdk.__all__
