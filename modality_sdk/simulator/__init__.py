"""A hospital in a box: RIS and PACS in process, which judge by their own tables and misbehave on demand."""

from modality_sdk.simulator.answers import Answer, Exchange, Status
from modality_sdk.simulator.commitment import Commitment, CommitmentTransaction
from modality_sdk.simulator.hospital import Hospital
from modality_sdk.simulator.misbehaviour import Misbehaviour
from modality_sdk.simulator.mpps import RecordedStep, Violation
from modality_sdk.simulator.pacs import Pacs
from modality_sdk.simulator.ris import Ris
from modality_sdk.simulator.samples import sample_worklist
from modality_sdk.simulator.scenario import Scenario
from modality_sdk.simulator.scp import ServiceProvider
from modality_sdk.simulator.script import (
    SERVICES,
    Abort,
    Delay,
    LostResponse,
    Malformed,
    Phase,
    Reject,
    Reply,
    Report,
    Role,
    Script,
    Serve,
    Silence,
    Step,
    Truncate,
    WrongCharacterSet,
)
from modality_sdk.simulator.storage import StoredObject

__all__ = [
    "SERVICES",
    "Abort",
    "Answer",
    "Commitment",
    "CommitmentTransaction",
    "Delay",
    "Exchange",
    "Hospital",
    "LostResponse",
    "Malformed",
    "Misbehaviour",
    "Pacs",
    "Phase",
    "RecordedStep",
    "Reject",
    "Reply",
    "Report",
    "Ris",
    "Role",
    "Scenario",
    "Script",
    "Serve",
    "ServiceProvider",
    "Silence",
    "Status",
    "Step",
    "StoredObject",
    "Truncate",
    "Violation",
    "WrongCharacterSet",
    "sample_worklist",
]
