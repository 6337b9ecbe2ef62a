"""Notifications for the acquisition program: typed records, subscriptions, one dispatcher thread."""

from modality_sdk.events.dispatcher import Dispatcher, Subscription
from modality_sdk.events.records import (
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
)

__all__ = [
    "CommitmentFailed",
    "CommitmentTimedOut",
    "DestinationHeld",
    "DestinationResumed",
    "Dispatcher",
    "DoseAdvisory",
    "Event",
    "ImageStored",
    "MppsRefused",
    "QueueNearlyFull",
    "SecurityAlert",
    "StepArchived",
    "StorageFailed",
    "Subscription",
]
