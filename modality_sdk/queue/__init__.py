"""The durable transmission queue: claims, leases, back-off, held destinations, and the worker."""

from modality_sdk.queue.jobs import DestinationStatus, Job, JobRequest, Outcome, OutcomeKind
from modality_sdk.queue.operations import QueueOperations
from modality_sdk.queue.queue import TransmissionQueue
from modality_sdk.queue.selection import JobFilter
from modality_sdk.queue.table import PREDECESSOR_FAILED
from modality_sdk.queue.worker import Worker

__all__ = [
    "PREDECESSOR_FAILED",
    "DestinationStatus",
    "Job",
    "JobFilter",
    "JobRequest",
    "Outcome",
    "OutcomeKind",
    "QueueOperations",
    "TransmissionQueue",
    "Worker",
]
