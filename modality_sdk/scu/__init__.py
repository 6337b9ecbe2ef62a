"""The services that a modality uses, one file and one Protocol each."""

from modality_sdk.scu.commitment import CommitmentScu
from modality_sdk.scu.mpps import MppsScu
from modality_sdk.scu.protocols import Commitment, Mpps, RetrievedStep, Storage, Verification, Worklist
from modality_sdk.scu.storage import StorageScu
from modality_sdk.scu.verification import VerificationScu
from modality_sdk.scu.worklist import WorklistScu

__all__ = [
    "Commitment",
    "CommitmentScu",
    "Mpps",
    "MppsScu",
    "RetrievedStep",
    "Storage",
    "StorageScu",
    "Verification",
    "VerificationScu",
    "Worklist",
    "WorklistScu",
]
