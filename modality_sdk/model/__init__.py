"""Frozen values, named by the standard. They know nothing of files, clocks, networks or data sets."""

from modality_sdk.model.acquisition import (
    Acquisition,
    Detector,
    Exposure,
    IrradiationEvent,
    PhotometricInterpretation,
    PixelIntensityRelationship,
    PresentationIntent,
)
from modality_sdk.model.cancel import CancelToken
from modality_sdk.model.code import Code
from modality_sdk.model.delivery import (
    CommitmentReport,
    Delivery,
    DeliveryReport,
    EchoResult,
    FailedReference,
    MppsResult,
    StoreResult,
)
from modality_sdk.model.dose import (
    AcquisitionDeviceType,
    DoseReporting,
    DoseSource,
    ReferencePoint,
    Synchronization,
)
from modality_sdk.model.identifiers import Issuer, OtherPatientId, PatientIdQualifiers, PersonIdentification
from modality_sdk.model.network import (
    CommitmentPolicy,
    ListenerOptions,
    Peer,
    PoolLimits,
    Quirks,
    RetryPolicy,
    SendPolicy,
    Timeouts,
    TlsOptions,
)
from modality_sdk.model.patient import Patient, PatientState
from modality_sdk.model.reference import SopReference
from modality_sdk.model.rendition import Rendition
from modality_sdk.model.states import (
    CommitmentState,
    DeliveryState,
    DestinationState,
    InstanceState,
    JobState,
    StepStatus,
)
from modality_sdk.model.step import (
    DiscontinuationReason,
    Equipment,
    PerformedProcedureStep,
    PerformedSeries,
    ProtocolChoice,
    RejectionReason,
)
from modality_sdk.model.worklist import WorklistChange, WorklistItem, WorklistProblem, WorklistQuery, WorklistResult

__all__ = [
    "Acquisition",
    "AcquisitionDeviceType",
    "CancelToken",
    "Code",
    "CommitmentPolicy",
    "CommitmentReport",
    "CommitmentState",
    "Delivery",
    "DeliveryReport",
    "DeliveryState",
    "DestinationState",
    "Detector",
    "DiscontinuationReason",
    "DoseReporting",
    "DoseSource",
    "EchoResult",
    "Equipment",
    "Exposure",
    "FailedReference",
    "InstanceState",
    "IrradiationEvent",
    "Issuer",
    "JobState",
    "ListenerOptions",
    "MppsResult",
    "OtherPatientId",
    "Patient",
    "PatientIdQualifiers",
    "PatientState",
    "Peer",
    "PerformedProcedureStep",
    "PerformedSeries",
    "PersonIdentification",
    "PhotometricInterpretation",
    "PixelIntensityRelationship",
    "PoolLimits",
    "PresentationIntent",
    "ProtocolChoice",
    "Quirks",
    "ReferencePoint",
    "RejectionReason",
    "Rendition",
    "RetryPolicy",
    "SendPolicy",
    "SopReference",
    "StepStatus",
    "StoreResult",
    "Synchronization",
    "Timeouts",
    "TlsOptions",
    "WorklistChange",
    "WorklistItem",
    "WorklistProblem",
    "WorklistQuery",
    "WorklistResult",
]
