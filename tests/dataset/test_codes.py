"""Coded concepts, SOP classes and references."""

import pytest
from pydicom import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    EnhancedUSVolumeStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    SegmentationStorage,
    XRayRadiationDoseSRStorage,
)

from modality_sdk.dataset import (
    build,
    class_name,
    code_item,
    code_sequence,
    discontinuation_code,
    is_image,
    read_code,
    reference_sequence,
    rejection_code,
)
from modality_sdk.dataset.sop_classes import MODALITY_PERFORMED_PROCEDURE_STEP
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.model import Code, DiscontinuationReason, RejectionReason, SopReference


@pytest.mark.req("NFR-QUAL-01")
@pytest.mark.parametrize(
    ("code", "keyword"),
    [
        (Code(value="T-D3000", scheme="SRT", version="1.1", meaning="Chest"), "CodeValue"),
        (Code(value="12345678901234567", scheme="99LONG", meaning="Long"), "LongCodeValue"),
        (Code(value="urn:oid:1.2.3", scheme="", meaning="URN"), "URNCodeValue"),
        (Code(value="https://example.org/c", scheme="99WEB", meaning="URL"), "URNCodeValue"),
    ],
)
def test_a_code_is_read_back_from_the_attribute_that_fits_its_value(code, keyword, round_trip):
    item = round_trip(code_item(code))
    assert keyword in item
    read = read_code(item)
    assert read == code
    assert read.meaning == code.meaning


@pytest.mark.req("NFR-QUAL-01")
@pytest.mark.parametrize(
    ("code", "attribute"),
    [
        (Code(value="", scheme="DCM", meaning="x"), "CodeValue"),
        (Code(value="1", scheme="", meaning="x"), "CodingSchemeDesignator"),
        (Code(value="1", scheme="DCM", meaning=""), "CodeMeaning"),
    ],
)
def test_an_incomplete_code_is_refused_in_writing_and_in_reading(code, attribute):
    with pytest.raises(MissingAttribute) as caught:
        code_item(code)
    assert caught.value.attribute == attribute
    item = build(CodeValue=code.value, CodingSchemeDesignator=code.scheme, CodeMeaning=code.meaning)
    with pytest.raises(MissingAttribute):
        read_code(item)


@pytest.mark.req("NFR-QUAL-01")
def test_a_code_of_the_wrong_type_is_refused():
    item = build(CodingSchemeDesignator="DCM", CodeMeaning="x")
    item.add_new("CodeValue", "SQ", [Dataset()])
    with pytest.raises(InvalidValue, match="CodeValue"):
        read_code(item)


@pytest.mark.req("NFR-QUAL-01")
def test_a_code_sequence_keeps_the_order():
    codes = [Code(value=str(i), scheme="99X", meaning=str(i)) for i in range(3)]
    assert [read_code(item) for item in code_sequence(codes)] == codes


@pytest.mark.req("FR-DICOM-04")
def test_every_discontinuation_reason_has_the_meaning_of_the_standard():
    meanings = {reason: discontinuation_code(reason).meaning for reason in DiscontinuationReason}
    assert meanings == {
        DiscontinuationReason.DOCTOR_CANCELED_PROCEDURE: "Doctor canceled procedure",
        DiscontinuationReason.EQUIPMENT_FAILURE: "Equipment failure",
        DiscontinuationReason.INCORRECT_PROCEDURE_ORDERED: "Incorrect procedure ordered",
        DiscontinuationReason.PATIENT_ALLERGIC: "Patient allergic to media/contrast",
        DiscontinuationReason.PATIENT_DIED: "Patient died",
        DiscontinuationReason.PATIENT_REFUSED: "Patient refused to continue procedure",
        DiscontinuationReason.PATIENT_TAKEN_FOR_TREATMENT: "Patient taken for treatment or surgery",
        DiscontinuationReason.PATIENT_DID_NOT_ARRIVE: "Patient did not arrive",
        DiscontinuationReason.PATIENT_PREGNANT: "Patient pregnant",
        DiscontinuationReason.CHANGE_FOR_CORRECT_CHARGING: "Change of procedure for correct charging",
        DiscontinuationReason.DUPLICATE_ORDER: "Duplicate order",
        DiscontinuationReason.NURSING_UNIT_CANCEL: "Nursing unit cancel",
        DiscontinuationReason.INCORRECT_SIDE_ORDERED: "Incorrect side ordered",
        DiscontinuationReason.UNSPECIFIED: "Discontinued for unspecified reason",
        DiscontinuationReason.INCORRECT_WORKLIST_ENTRY: "Incorrect worklist entry selected",
        DiscontinuationReason.PATIENT_CONDITION: "Patient condition prevented continuing",
        DiscontinuationReason.EQUIPMENT_CHANGE: "Equipment change",
    }


@pytest.mark.req("IOD-KOS")
def test_every_rejection_reason_is_a_code_of_the_dicom_scheme():
    codes = [rejection_code(reason) for reason in RejectionReason]
    assert [code.value for code in codes] == [reason.value for reason in RejectionReason]
    assert {code.scheme for code in codes} == {"DCM"}
    assert rejection_code(RejectionReason.MOTION_BLUR).meaning == "Motion blur"
    assert rejection_code(RejectionReason.DOUBLE_EXPOSURE).meaning == "Double exposure"


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.parametrize(
    "uid",
    [
        ComputedRadiographyImageStorage,
        DigitalXRayImageStorageForPresentation,
        EnhancedUSVolumeStorage,
        SegmentationStorage,
    ],
)
def test_image_classes_go_to_the_image_list(uid):
    assert is_image(uid)


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.parametrize(
    "uid",
    [
        GrayscaleSoftcopyPresentationStateStorage,
        KeyObjectSelectionDocumentStorage,
        XRayRadiationDoseSRStorage,
        MODALITY_PERFORMED_PROCEDURE_STEP,
        "1.2.3.4",
        "no uid",
    ],
)
def test_other_classes_go_to_the_non_image_list(uid):
    assert not is_image(uid)


@pytest.mark.req("NFR-QUAL-01")
def test_a_class_is_named_for_people_and_an_unknown_one_by_its_uid():
    assert class_name(ComputedRadiographyImageStorage) == "Computed Radiography Image Storage"
    assert class_name("1.2.3.4") == "1.2.3.4"


@pytest.mark.req("NFR-QUAL-01")
def test_a_reference_names_class_and_instance():
    (item,) = reference_sequence([SopReference(sop_class_uid="1.2", sop_instance_uid="1.3")])
    assert (item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID) == ("1.2", "1.3")
    with pytest.raises(MissingAttribute):
        reference_sequence([SopReference(sop_class_uid="1.2", sop_instance_uid="")])
