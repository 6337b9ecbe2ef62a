"""What the answers of a peer mean, and what follows from them: tables, no behaviour."""

from modality_sdk.status.association import Rejection, abort_meaning, rejection
from modality_sdk.status.dimse import Action, Category, Verdict, category_of, verdict

__all__ = ["Action", "Category", "Rejection", "Verdict", "abort_meaning", "category_of", "rejection", "verdict"]
