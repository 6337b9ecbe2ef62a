"""What the answers of a peer mean, and what follows from them: tables, no behaviour."""

from modality_sdk.status.association import Abort, Rejection, abort, abort_meaning, context_meaning, rejection
from modality_sdk.status.commitment import commitment_failure
from modality_sdk.status.dimse import verdict
from modality_sdk.status.verdict import Action, Category, Verdict, category_of

__all__ = [
    "Abort",
    "Action",
    "Category",
    "Rejection",
    "Verdict",
    "abort",
    "abort_meaning",
    "category_of",
    "commitment_failure",
    "context_meaning",
    "rejection",
    "verdict",
]
