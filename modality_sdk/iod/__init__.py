"""Builders of the objects a modality makes: values in, data sets out, valid once they are built; and their judge."""

from modality_sdk.iod.cr import CrImage
from modality_sdk.iod.dose import RadiationDoseReport, TemplateDeviation, check_irradiation_event
from modality_sdk.iod.dx import DxImage
from modality_sdk.iod.suggestion import suggest_acquisition
from modality_sdk.iod.validation import validate, validate_exam

__all__ = [
    "CrImage",
    "DxImage",
    "RadiationDoseReport",
    "TemplateDeviation",
    "check_irradiation_event",
    "suggest_acquisition",
    "validate",
    "validate_exam",
]
