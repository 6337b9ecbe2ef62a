"""Why an object was not committed: Failure Reason, (0008,1197) (PS3.3 section C.14.1.1)."""

from modality_sdk.status.verdict import Action, Category, Row, Verdict, row_of

__all__ = ["commitment_failure"]

_REASONS = (
    Row(
        0x0110,
        Action.RETRY,
        "processing failure",
        "The archive is asked again later; if it stays so, send the object again.",
    ),
    Row(
        0x0112,
        Action.RECREATE,
        "no such object instance",
        "The object is sent again; if it stays so, ask the archive's administrator what became of it.",
    ),
    Row(
        0x0119,
        Action.PARK,
        "class and instance conflict",
        "Ask the archive's administrator whether the archive changed the kind of the object, and tell both vendors.",
    ),
    Row(
        0x0122,
        Action.PARK,
        "SOP class not supported",
        "This archive commits no objects of this kind: keep them, or have another archive commit them.",
    ),
    Row(0x0131, Action.RETRY, "duplicate transaction UID", "The archive is asked again in a new transaction."),
    Row(
        0x0213,
        Action.RETRY,
        "resource limitation",
        "The archive is asked again later; if it lasts, ask its administrator about its disk space and load.",
    ),
)

_UNKNOWN = Row(
    0x0000,
    Action.PARK,
    "unknown failure reason",
    "Keep the object and ask the archive's administrator to look into its log.",
)


def commitment_failure(reason: int) -> Verdict:
    """Judge why an archive did not commit an object.

    Parameters
    ----------
    reason
        Failure Reason, (0008,1197), of an item of the Failed SOP Sequence.

    Returns
    -------
    Verdict
        Always a failure, as only failed objects have a reason. ``RETRY``: ask again later, in a new transaction;
        ``RECREATE``: send the object again, then ask; ``PARK``: the answer will be the same, a person must see to it.
    """
    return (row_of(_REASONS, reason) or _UNKNOWN).verdict(Category.FAILURE)
