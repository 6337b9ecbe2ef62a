"""Turns any program with pixels and a generator into a complete DICOM acquisition modality.

Values, errors and events are here at once; whatever needs the network, a database or pixels is loaded when its name is
first used, so that importing the package is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from modality_sdk.clock import Clock, SystemClock
from modality_sdk.errors import (
    AssociationAborted,
    AssociationRejected,
    Cancelled,
    ConfigurationError,
    ConnectError,
    DimseFailure,
    InvalidValue,
    IodError,
    LossyNotAllowed,
    MissingAttribute,
    ModalityError,
    NegotiationError,
    PoolTimeout,
    QueueCorrupt,
    QueueError,
    QueueFull,
    ResponseTimeout,
    StateError,
    TlsError,
    TransportError,
)
from modality_sdk.events import (
    CommitmentFailed,
    CommitmentTimedOut,
    DestinationHeld,
    DestinationResumed,
    DoseAdvisory,
    Event,
    ImageStored,
    MppsRefused,
    QueueNearlyFull,
    SecurityAlert,
    StepArchived,
    StorageFailed,
    Subscription,
)
from modality_sdk.model import (
    Acquisition,
    CancelToken,
    Code,
    CommitmentState,
    Delivery,
    DeliveryReport,
    DeliveryState,
    DestinationState,
    Detector,
    DiscontinuationReason,
    Equipment,
    Exposure,
    InstanceState,
    IrradiationEvent,
    JobState,
    Patient,
    PatientState,
    Peer,
    PhotometricInterpretation,
    PixelIntensityRelationship,
    PresentationIntent,
    ProtocolChoice,
    RejectionReason,
    Rendition,
    SopReference,
    StepStatus,
    WorklistItem,
    WorklistQuery,
    WorklistResult,
)
from modality_sdk.uid import UidGenerator, UidSource

if TYPE_CHECKING:
    from modality_sdk.iod import DxImage, GrayscalePresentationState, KeyObjectNote, RejectionNote
    from modality_sdk.queue import TransmissionQueue
    from modality_sdk.scu import Commitment, Mpps, Storage, Verification, Worklist
    from modality_sdk.settings import Listen, Settings
    from modality_sdk.workflow import Instance, Modality, PerformedStep, Series, Services

    __version__: str

__all__ = [
    "Acquisition",
    "AssociationAborted",
    "AssociationRejected",
    "CancelToken",
    "Cancelled",
    "Clock",
    "Code",
    "Commitment",
    "CommitmentFailed",
    "CommitmentState",
    "CommitmentTimedOut",
    "ConfigurationError",
    "ConnectError",
    "Delivery",
    "DeliveryReport",
    "DeliveryState",
    "DestinationHeld",
    "DestinationResumed",
    "DestinationState",
    "Detector",
    "DimseFailure",
    "DiscontinuationReason",
    "DoseAdvisory",
    "DxImage",
    "Equipment",
    "Event",
    "Exposure",
    "GrayscalePresentationState",
    "ImageStored",
    "Instance",
    "InstanceState",
    "InvalidValue",
    "IodError",
    "IrradiationEvent",
    "JobState",
    "KeyObjectNote",
    "Listen",
    "LossyNotAllowed",
    "MissingAttribute",
    "Modality",
    "ModalityError",
    "Mpps",
    "MppsRefused",
    "NegotiationError",
    "Patient",
    "PatientState",
    "Peer",
    "PerformedStep",
    "PhotometricInterpretation",
    "PixelIntensityRelationship",
    "PoolTimeout",
    "PresentationIntent",
    "ProtocolChoice",
    "QueueCorrupt",
    "QueueError",
    "QueueFull",
    "QueueNearlyFull",
    "RejectionNote",
    "RejectionReason",
    "Rendition",
    "ResponseTimeout",
    "SecurityAlert",
    "Series",
    "Services",
    "Settings",
    "SopReference",
    "StateError",
    "StepArchived",
    "StepStatus",
    "Storage",
    "StorageFailed",
    "Subscription",
    "SystemClock",
    "TlsError",
    "TransmissionQueue",
    "TransportError",
    "UidGenerator",
    "UidSource",
    "Verification",
    "Worklist",
    "WorklistItem",
    "WorklistQuery",
    "WorklistResult",
    "__version__",
]

_LAZY = {
    "DxImage": "modality_sdk.iod",
    "GrayscalePresentationState": "modality_sdk.iod",
    "KeyObjectNote": "modality_sdk.iod",
    "RejectionNote": "modality_sdk.iod",
    "TransmissionQueue": "modality_sdk.queue",
    "Commitment": "modality_sdk.scu",
    "Mpps": "modality_sdk.scu",
    "Storage": "modality_sdk.scu",
    "Verification": "modality_sdk.scu",
    "Worklist": "modality_sdk.scu",
    "Listen": "modality_sdk.settings",
    "Settings": "modality_sdk.settings",
    "Instance": "modality_sdk.workflow",
    "Modality": "modality_sdk.workflow",
    "PerformedStep": "modality_sdk.workflow",
    "Series": "modality_sdk.workflow",
    "Services": "modality_sdk.workflow",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("modality-sdk")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
