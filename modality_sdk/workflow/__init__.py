"""A whole exam: the facade, the performed step, delivery and storage commitment."""

from modality_sdk.workflow.instance import Instance
from modality_sdk.workflow.modality import Modality
from modality_sdk.workflow.procedure_step import OnError, PerformedStep, Series
from modality_sdk.workflow.recovery import RecoveryReport, UnreadableFile
from modality_sdk.workflow.services import Services

__all__ = ["Instance", "Modality", "OnError", "PerformedStep", "RecoveryReport", "Series", "Services", "UnreadableFile"]
