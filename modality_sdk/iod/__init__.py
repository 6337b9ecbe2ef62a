"""Builders of the objects a modality makes: values in, data sets out, valid once they are built."""

from modality_sdk.iod.dose import RadiationDoseReport, TemplateDeviation
from modality_sdk.iod.dx import DxImage
from modality_sdk.iod.suggestion import suggest_acquisition

__all__ = ["DxImage", "RadiationDoseReport", "TemplateDeviation", "suggest_acquisition"]
