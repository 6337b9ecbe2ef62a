"""Builders of the objects a modality makes: values in, data sets out, valid once they are built; and their judge."""

from modality_sdk.iod.annotations import side_marker
from modality_sdk.iod.cr import CrImage
from modality_sdk.iod.dose import RadiationDoseReport, TemplateDeviation, check_irradiation_event
from modality_sdk.iod.dx import DxImage
from modality_sdk.iod.key_objects import KeyObjectNote, RejectionNote
from modality_sdk.iod.presentation_state import GrayscalePresentationState
from modality_sdk.iod.references import referenced_image, referenced_instance
from modality_sdk.iod.suggestion import suggest_acquisition
from modality_sdk.iod.validation import validate, validate_exam

__all__ = [
    "CrImage",
    "DxImage",
    "GrayscalePresentationState",
    "KeyObjectNote",
    "RadiationDoseReport",
    "RejectionNote",
    "TemplateDeviation",
    "check_irradiation_event",
    "referenced_image",
    "referenced_instance",
    "side_marker",
    "suggest_acquisition",
    "validate",
    "validate_exam",
]
