"""SOP classes by keyword (PS3.6 Annex A), and references to SOP instances."""

from collections.abc import Iterable

from pydicom import Sequence, config
from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

from modality_sdk.dataset.dictionary import build
from modality_sdk.errors import MissingAttribute
from modality_sdk.model import SopReference

__all__ = [
    "BASIC_GRAYSCALE_PRINT",
    "MODALITY_PERFORMED_PROCEDURE_STEP",
    "MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE",
    "MODALITY_WORKLIST",
    "STORAGE_COMMITMENT_PUSH_MODEL",
    "STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE",
    "STUDY_ROOT_FIND",
    "VERIFICATION",
    "class_name",
    "is_image",
    "reference_sequence",
]

# images whose names do not say so
_FURTHER_IMAGES = frozenset(
    {
        "CornealTopographyMapStorage",
        "DICOS2DAITStorage",
        "DICOS3DAITStorage",
        "EnhancedUSVolumeStorage",
        "HeightMapSegmentationStorage",
        "LabelMapSegmentationStorage",
        "OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage",
        "OphthalmicThicknessMapStorage",
        "ParametricMapStorage",
        "RTDoseStorage",
        "SegmentationStorage",
    }
)


def _by_keyword(keyword: str) -> UID:
    """The UID of that keyword; pydicom's constants cover storage classes only."""
    return UID(next(uid for uid, entry in UID_dictionary.items() if entry[4] == keyword))


VERIFICATION = _by_keyword("Verification")
MODALITY_PERFORMED_PROCEDURE_STEP = _by_keyword("ModalityPerformedProcedureStep")
"""The class that Referenced Performed Procedure Step Sequence names."""
MODALITY_WORKLIST = _by_keyword("ModalityWorklistInformationModelFind")
MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE = _by_keyword("ModalityPerformedProcedureStepRetrieve")
STORAGE_COMMITMENT_PUSH_MODEL = _by_keyword("StorageCommitmentPushModel")
STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE = _by_keyword("StorageCommitmentPushModelInstance")
"""The well-known instance that requests go to (PS3.4 section J.3.5)."""
STUDY_ROOT_FIND = _by_keyword("StudyRootQueryRetrieveInformationModelFind")
BASIC_GRAYSCALE_PRINT = _by_keyword("BasicGrayscalePrintManagementMeta")


def is_image(sop_class_uid: str) -> bool:
    """Whether objects of the class go to Referenced Image Sequence of an MPPS rather than to the non-image list.

    Presentation states, structured reports, key object selections, waveforms and classes that the dictionary does not
    know are no images. The split has no other meaning (PS3.4 F.7.2.2.2 note 2).
    """
    keyword = UID(sop_class_uid, validation_mode=config.IGNORE).keyword
    return "ImageStorage" in keyword or keyword in _FURTHER_IMAGES


def class_name(uid: str) -> str:
    """Name of a SOP class (or any other UID of PS3.6) for people; the UID itself when the dictionary has none."""
    return UID(uid, validation_mode=config.IGNORE).name


def reference_sequence(references: Iterable[SopReference]) -> Sequence:
    """A sequence of references to SOP instances, one item each (PS3.3 Table 10-11).

    Raises
    ------
    MissingAttribute
        A reference lacks the class or the instance.
    InvalidValue
        A UID is malformed.
    """
    items = []
    for sop in references:
        if not sop.sop_class_uid or not sop.sop_instance_uid:
            raise MissingAttribute("ReferencedSOPInstanceUID", "class and instance are Type 1 (PS3.3 Table 10-11)")
        items.append(build(ReferencedSOPClassUID=sop.sop_class_uid, ReferencedSOPInstanceUID=sop.sop_instance_uid))
    return Sequence(items)
