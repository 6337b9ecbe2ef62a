"""A hospital in a box: RIS and PACS in process, which judge by their own tables and misbehave on demand."""

from modality_sdk.simulator.answers import Answer, Exchange, Status
from modality_sdk.simulator.commitment import Commitment, CommitmentTransaction
from modality_sdk.simulator.hospital import Hospital
from modality_sdk.simulator.misbehaviour import Misbehaviour, Refusal
from modality_sdk.simulator.mpps import RecordedStep, Violation
from modality_sdk.simulator.pacs import Pacs
from modality_sdk.simulator.ris import Ris
from modality_sdk.simulator.samples import sample_worklist
from modality_sdk.simulator.scp import ServiceProvider
from modality_sdk.simulator.storage import StoredObject

__all__ = [
    "Answer",
    "Commitment",
    "CommitmentTransaction",
    "Exchange",
    "Hospital",
    "Misbehaviour",
    "Pacs",
    "RecordedStep",
    "Refusal",
    "Ris",
    "ServiceProvider",
    "Status",
    "StoredObject",
    "Violation",
    "sample_worklist",
]
