"""The dose report: its vocabulary, its templates, the object."""

from modality_sdk.iod.dose.deviation import TemplateDeviation
from modality_sdk.iod.dose.event import check_irradiation_event
from modality_sdk.iod.dose.report import RadiationDoseReport

__all__ = ["RadiationDoseReport", "TemplateDeviation", "check_irradiation_event"]
