"""Key object documents and rejection notes, against PS3.3 A.35.4 and PS3.16 TID 2010."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
)

from modality_sdk.errors import InvalidValue, IodError, MissingAttribute
from modality_sdk.iod import KeyObjectNote, RejectionNote, referenced_instance
from modality_sdk.model import (
    Code,
    DeviceObserver,
    Issuer,
    KeyObjectTitle,
    Patient,
    PersonObserver,
    ReferencedInstance,
    RejectionReason,
    SopReference,
    WorklistItem,
)

pytestmark = pytest.mark.req("IOD-KOS")

Make = Callable[..., Any]


def instance(number: int, study: str = "2.25.2", series: str = "2.25.3", **changes: Any) -> ReferencedInstance:
    values = {"sop_class_uid": DigitalXRayImageStorageForPresentation, "sop_instance_uid": f"2.25.{number}"} | changes
    return ReferencedInstance(sop=SopReference(**values), study_instance_uid=study, series_instance_uid=series)


ONE = instance(41)
STATE = instance(42, series="2.25.6", sop_class_uid=GrayscaleSoftcopyPresentationStateStorage)
ELSEWHERE = instance(43, study="2.25.22")
TWIN = instance(98, study="2.25.22", series="2.25.88", sop_class_uid=KeyObjectSelectionDocumentStorage)


@pytest.fixture
def values(step: Make, series: Make) -> dict[str, Any]:
    """What every document of ONE is built of."""
    return {
        "step": step(),
        "series": series(series_instance_uid="2.25.8", modality="KO", presentation_intent=None, series_number=900),
        "instances": [ONE],
        "sop_instance_uid": "2.25.9",
        "instance_number": 1,
        "created_at": step().started,
    }


def tree(document: Any) -> list[tuple[str, str, str, str]]:
    """Relationship, value type, name and value of each item."""
    found = []
    for item in document.ContentSequence:
        name = item.ConceptNameCodeSequence[0].CodeValue if "ConceptNameCodeSequence" in item else ""
        if item.ValueType == "CODE":
            value = item.ConceptCodeSequence[0].CodeValue
        elif "ReferencedSOPSequence" in item:
            value = item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        else:
            value = str(item.get("TextValue") or item.get("PersonName") or item.get("UID"))
        found.append((item.RelationshipType, item.ValueType, name, value))
    return found


def test_an_instance_is_named_with_its_series_and_study(build: Make) -> None:
    assert referenced_instance(build()) == instance(4)
    image = build()
    del image.SOPClassUID
    with pytest.raises(MissingAttribute, match="SOPClassUID"):
        referenced_instance(image)


@pytest.mark.parametrize("reason", RejectionReason)
def test_a_rejection_says_why(values: dict[str, Any], reason: RejectionReason) -> None:
    note = RejectionNote(reason, **values)
    title = note.ConceptNameCodeSequence[0]
    assert (title.CodeValue, title.CodeMeaning) == ("113001", "Rejected for Quality Reasons")
    assert tree(note) == [
        ("HAS CONCEPT MOD", "CODE", "113011", reason.value),
        ("CONTAINS", "IMAGE", "", "2.25.41"),
    ]


@pytest.mark.parametrize(
    ("title", "meaning"),
    [
        (KeyObjectTitle.REJECTED_FOR_PATIENT_SAFETY, "Rejected for Patient Safety Reasons"),
        (KeyObjectTitle.INCORRECT_WORKLIST_ENTRY, "Incorrect Modality Worklist Entry"),
        (KeyObjectTitle.DATA_RETENTION_POLICY_EXPIRED, "Data Retention Policy Expired"),
    ],
)
def test_other_rejections_have_no_reason(values: dict[str, Any], title: KeyObjectTitle, meaning: str) -> None:
    note = RejectionNote(title=title, **values)
    assert note.ConceptNameCodeSequence[0].CodeMeaning == meaning
    assert [row[0] for row in tree(note)] == ["CONTAINS"]
    with pytest.raises(InvalidValue, match="ConceptCodeSequence"):
        RejectionNote(RejectionReason.POSITIONING, title=title, **values)


@pytest.mark.parametrize("title", KeyObjectTitle)
def test_every_title_is_coded(values: dict[str, Any], title: KeyObjectTitle) -> None:
    reason = RejectionReason.MOTION_BLUR if title in ("113001", "113010") else None
    note = KeyObjectNote(title, reason=reason, best_of="113015" if title == "113013" else "", **values)
    item = note.ConceptNameCodeSequence[0]
    assert (item.CodeValue, item.CodingSchemeDesignator) == (title.value, "DCM")
    assert item.CodeMeaning


def test_the_tree_is_in_the_order_of_the_template(values: dict[str, Any]) -> None:
    note = KeyObjectNote(
        KeyObjectTitle.OF_INTEREST,
        description="Compare",
        observer=PersonObserver(name="Doe^Jane", organization="Example"),
        **values | {"instances": [ONE, STATE]},
    )
    assert tree(note) == [
        ("HAS OBS CONTEXT", "CODE", "121005", "121006"),
        ("HAS OBS CONTEXT", "PNAME", "121008", "Doe^Jane"),
        ("HAS OBS CONTEXT", "TEXT", "121009", "Example"),
        ("CONTAINS", "TEXT", "113012", "Compare"),
        ("CONTAINS", "IMAGE", "", "2.25.41"),
        ("CONTAINS", "COMPOSITE", "", "2.25.42"),
    ]
    assert note.ContentTemplateSequence[0].TemplateIdentifier == "2010"


def test_a_device_observes_by_its_uid(values: dict[str, Any]) -> None:
    device = DeviceObserver(uid="2.25.77", name="N", manufacturer="M", model_name="O", serial_number="S", location="L")
    rows = tree(KeyObjectNote(KeyObjectTitle.FOR_PRINTING, observer=device, **values))
    assert [(row[2], row[3]) for row in rows[:-1]] == [
        ("121005", "121007"),
        ("121012", "2.25.77"),
        ("121013", "N"),
        ("121014", "M"),
        ("121015", "O"),
        ("121016", "S"),
        ("121017", "L"),
    ]


def test_evidence_lists_every_object_with_its_class(values: dict[str, Any]) -> None:
    note = KeyObjectNote(KeyObjectTitle.OF_INTEREST, **values | {"instances": [ONE, STATE, instance(44)]})
    (study,) = note.CurrentRequestedProcedureEvidenceSequence
    listed = [
        (item.SeriesInstanceUID, [(r.ReferencedSOPClassUID, r.ReferencedSOPInstanceUID) for r in refs])
        for item in study.ReferencedSeriesSequence
        for refs in [item.ReferencedSOPSequence]
    ]
    dx = DigitalXRayImageStorageForPresentation
    assert listed == [
        ("2.25.3", [(dx, "2.25.41"), (dx, "2.25.44")]),
        ("2.25.6", [(GrayscaleSoftcopyPresentationStateStorage, "2.25.42")]),
    ]


def test_each_scheduled_step_is_a_request(values: dict[str, Any], step: Make) -> None:
    code = Code(value="C1", scheme="99LOCAL", meaning="Chest")
    order = WorklistItem(
        patient=Patient(name="Generated^Patient", patient_id="G-1"),
        study_instance_uid="2.25.2",
        accession_number="A1",
        issuer_of_accession_number=Issuer(local_namespace_entity_id="RIS"),
        requested_procedure_id="RP1",
        requested_procedure_description="Chest",
        requested_procedure_codes=(code,),
        placer_order_number="PL1",
        filler_order_number="FI1",
        scheduled_procedure_step_id="SPS1",
    )
    second = replace(order, accession_number="A2", scheduled_procedure_step_id="SPS2", requested_procedure_codes=())
    note = KeyObjectNote(KeyObjectTitle.OF_INTEREST, **values | {"step": step(items=(order, second), patient=None)})
    first, other = note.ReferencedRequestSequence
    assert (first.StudyInstanceUID, first.AccessionNumber, first.RequestedProcedureID) == ("2.25.2", "A1", "RP1")
    assert first.PlacerOrderNumberImagingServiceRequest == "PL1"
    assert first.FillerOrderNumberImagingServiceRequest == "FI1"
    assert first.RequestedProcedureCodeSequence[0].CodeValue == "C1"
    assert first.IssuerOfAccessionNumberSequence[0].LocalNamespaceEntityID == "RIS"
    assert other.AccessionNumber == "A2"
    assert list(other.RequestedProcedureCodeSequence) == []
    assert list(other.ReferencedStudySequence) == []


def test_a_document_nobody_ordered_names_no_request(values: dict[str, Any]) -> None:
    assert "ReferencedRequestSequence" not in KeyObjectNote(KeyObjectTitle.OF_INTEREST, **values)


def test_objects_of_several_studies_need_a_document_in_each(values: dict[str, Any]) -> None:
    several = values | {"instances": [ONE, ELSEWHERE]}
    note = KeyObjectNote(KeyObjectTitle.OF_INTEREST, identical_documents=[TWIN], **several)
    (study,) = note.IdenticalDocumentsSequence
    assert study.StudyInstanceUID == "2.25.22"
    assert study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.98"
    assert len(note.CurrentRequestedProcedureEvidenceSequence) == 2
    with pytest.raises(MissingAttribute, match="IdenticalDocumentsSequence"):
        KeyObjectNote(KeyObjectTitle.OF_INTEREST, **several)


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"instances": []}, "CurrentRequestedProcedureEvidenceSequence"),
        ({"instances": [ONE, ONE]}, "ReferencedSOPSequence"),
        ({"instances": [ELSEWHERE]}, "StudyInstanceUID"),
        ({"instances": [instance(1, series="")]}, "SeriesInstanceUID"),
        ({"instances": [object()]}, "CurrentRequestedProcedureEvidenceSequence"),
        ({"identical_documents": [TWIN]}, "IdenticalDocumentsSequence"),
        ({"instances": [ONE, ELSEWHERE], "identical_documents": [ELSEWHERE]}, "IdenticalDocumentsSequence"),
        ({"instances": [ONE, ELSEWHERE], "identical_documents": [TWIN, TWIN]}, "IdenticalDocumentsSequence"),
        ({"reason": RejectionReason.NO_IMAGE}, "ConceptCodeSequence"),
        ({"best_of": "113015"}, "ConceptCodeSequence"),
        ({"title": KeyObjectTitle.BEST_IN_SET}, "ConceptCodeSequence"),
        ({"title": KeyObjectTitle.BEST_IN_SET, "best_of": "111207"}, "ConceptCodeSequence"),
        ({"title": KeyObjectTitle.QUALITY_ISSUE}, "ConceptCodeSequence"),
        ({"title": KeyObjectTitle.QUALITY_ISSUE, "reason": "113000"}, "ConceptCodeSequence"),
        ({"title": "111207"}, "ConceptNameCodeSequence"),
        ({"observer": PersonObserver(name="")}, "PersonName"),
        ({"observer": DeviceObserver(uid="")}, "UID"),
        ({"observer": DeviceObserver(uid="x")}, "UID"),
        ({"observer": "Doe^Jane"}, "ContentSequence"),
        ({"sop_instance_uid": "x"}, "SOPInstanceUID"),
    ],
)
def test_what_no_document_is_made_of_is_refused_by_name(
    values: dict[str, Any], changes: dict[str, Any], attribute: str
) -> None:
    with pytest.raises(IodError, match=f"^{attribute}"):
        KeyObjectNote(**{"title": KeyObjectTitle.OF_INTEREST} | values | changes)


def test_a_rejection_has_the_title_of_one(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match="ConceptNameCodeSequence"):
        RejectionNote(title=KeyObjectTitle.OF_INTEREST, **values)
    with pytest.raises(MissingAttribute, match="ConceptCodeSequence"):
        RejectionNote(**values)


def test_a_document_is_in_a_series_of_its_own(values: dict[str, Any], series: Make) -> None:
    with pytest.raises(InvalidValue, match="Modality"):
        RejectionNote(RejectionReason.NO_IMAGE, **values | {"series": series()})


def test_a_document_comes_back_byte_for_byte_in_any_script(values: dict[str, Any]) -> None:
    note = KeyObjectNote(
        KeyObjectTitle.OF_INTEREST,
        description="Größe prüfen, 比較",
        observer=PersonObserver(name="Yamada^Tarou=山田^太郎"),
        **values,
    )
    first, second = io.BytesIO(), io.BytesIO()
    note.save_as(first, enforce_file_format=True)
    first.seek(0)
    back = dcmread(first)
    assert back.SpecificCharacterSet == "ISO_IR 192"
    assert back.ContentSequence[-2].TextValue == "Größe prüfen, 比較"
    back.save_as(second)
    assert first.getvalue() == second.getvalue()
