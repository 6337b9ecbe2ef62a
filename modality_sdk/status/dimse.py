"""The verdict on the status of a DIMSE response."""

from modality_sdk.status.general import GENERAL
from modality_sdk.status.printing import PRINT
from modality_sdk.status.services import BY_SERVICE
from modality_sdk.status.verdict import Action, Category, Verdict, category_of, row_of

__all__ = ["verdict"]

_UNLISTED = {
    Category.WARNING: Verdict(
        category=Category.WARNING,
        action=Action.ACCEPT,
        meaning="unlisted warning status",
        advice="Nothing to do now; if it keeps coming, ask the peer's administrator what it means.",
    ),
    Category.PENDING: Verdict(category=Category.PENDING, action=Action.ACCEPT, meaning="unlisted pending status"),
    Category.CANCEL: Verdict(category=Category.CANCEL, action=Action.ACCEPT, meaning="unlisted cancel status"),
    Category.FAILURE: Verdict(
        category=Category.FAILURE,
        action=Action.PARK,
        meaning="unknown failure status",
        advice="Ask the peer's administrator what this status means, and to look into its log.",
    ),
}


def verdict(service: str, status: int, error_id: int | None = None, *, printing: bool = False) -> Verdict:
    """Judge the status of a response.

    Parameters
    ----------
    service
        DIMSE service as the standard writes it: ``"C-STORE"``, ``"N-SET"``.
    status
        Status, (0000,0900).
    error_id
        Error ID, (0000,0903); distinguishes "may no longer be updated" (A710) from other failures.
    printing
        The answer is a printer's (PS3.4 Annex H); otherwise N-services are those of MPPS and storage commitment.

    Returns
    -------
    Verdict
        Unknown statuses are judged by their class (PS3.7 Annex C): warnings are accepted, failures are parked.
    """
    category = category_of(status)
    if category is Category.SUCCESS:
        return Verdict(category=category, action=Action.ACCEPT, meaning="success")
    particular = PRINT if printing else BY_SERVICE.get(service, ())
    row = row_of((*particular, *GENERAL), status, error_id)
    return _UNLISTED[category] if row is None else row.verdict(category)
