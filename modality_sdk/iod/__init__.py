"""Builders of the objects a modality makes: values in, data sets out, valid once they are built."""

from modality_sdk.iod.dose import RadiationDoseReport, TemplateDeviation, check_irradiation_event
from modality_sdk.iod.dx import DxImage
from modality_sdk.iod.suggestion import suggest_acquisition

__all__ = ["DxImage", "RadiationDoseReport", "TemplateDeviation", "check_irradiation_event", "suggest_acquisition"]
