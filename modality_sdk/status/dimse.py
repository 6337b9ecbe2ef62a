"""DIMSE statuses: category, meaning and what a modality does about them.

Sources: PS3.7 Annex C (classes and general statuses), PS3.4 Tables B.2-1 (storage), K.4-2 (worklist),
F.7.2-2 (MPPS), section J.3 (storage commitment).
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Action", "Category", "Verdict", "category_of", "verdict"]


class Category(StrEnum):
    """Class of a status (PS3.7 Annex C)."""

    SUCCESS = "success"
    WARNING = "warning"
    PENDING = "pending"
    CANCEL = "cancel"
    FAILURE = "failure"


class Action(StrEnum):
    """What the sender does about an answer."""

    ACCEPT = "accept"
    """The peer has done it, perhaps with a remark."""
    RETRY = "retry"
    """The same request may succeed later; attempts are counted and bounded."""
    PARK = "park"
    """The same request will fail again: keep it, fail it, tell the operator."""
    HOLD = "hold"
    """Nothing will succeed at this destination until somebody changes its configuration."""
    VERIFY = "verify"
    """The peer says that it already has this: true if it is our own retry, else a conflict."""
    RECREATE = "recreate"
    """The peer does not know what was created before: create it again, then repeat."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Judgement on one status of one service."""

    category: Category
    action: Action
    meaning: str

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later by itself."""
        return self.action is Action.RETRY


@dataclass(frozen=True)
class _Row:
    first: int
    last: int
    action: Action
    meaning: str
    error_id: int | None = None


_A = Action
_WARNINGS = (0x0001, 0x0107, 0x0116)

_GENERAL = (
    _Row(0x0105, 0x0105, _A.PARK, "no such attribute"),
    _Row(0x0106, 0x0106, _A.PARK, "invalid attribute value"),
    _Row(0x0107, 0x0107, _A.ACCEPT, "attribute list error, some attributes were ignored"),
    _Row(0x0110, 0x0110, _A.RETRY, "processing failure"),
    _Row(0x0111, 0x0111, _A.VERIFY, "duplicate SOP instance"),
    _Row(0x0112, 0x0112, _A.PARK, "no such SOP instance"),
    _Row(0x0113, 0x0113, _A.PARK, "no such event type"),
    _Row(0x0114, 0x0114, _A.PARK, "no such argument"),
    _Row(0x0115, 0x0115, _A.PARK, "invalid argument value"),
    _Row(0x0116, 0x0116, _A.ACCEPT, "attribute value out of range, the peer used another"),
    _Row(0x0117, 0x0117, _A.PARK, "invalid SOP instance UID"),
    _Row(0x0118, 0x0118, _A.HOLD, "no such SOP class"),
    _Row(0x0119, 0x0119, _A.PARK, "class and instance conflict"),
    _Row(0x0120, 0x0120, _A.PARK, "missing attribute"),
    _Row(0x0121, 0x0121, _A.PARK, "missing attribute value"),
    _Row(0x0122, 0x0122, _A.PARK, "SOP class not supported"),
    _Row(0x0123, 0x0123, _A.PARK, "no such action type"),
    _Row(0x0124, 0x0124, _A.HOLD, "not authorized"),
    _Row(0x0210, 0x0210, _A.PARK, "duplicate invocation"),
    _Row(0x0211, 0x0211, _A.PARK, "unrecognized operation"),
    _Row(0x0212, 0x0212, _A.PARK, "mistyped argument"),
    _Row(0x0213, 0x0213, _A.RETRY, "resource limitation"),
    _Row(0xA700, 0xA7FF, _A.RETRY, "out of resources"),
)

_BY_SERVICE: dict[str, tuple[_Row, ...]] = {
    "C-STORE": (
        _Row(0xB000, 0xB000, _A.ACCEPT, "stored, data elements were coerced"),
        _Row(0xB006, 0xB006, _A.ACCEPT, "stored, elements were discarded"),
        _Row(0xB007, 0xB007, _A.ACCEPT, "stored, the data set does not match the SOP class"),
        _Row(0xA900, 0xA9FF, _A.PARK, "the data set does not match the SOP class"),
        _Row(0xC000, 0xCFFF, _A.RETRY, "the peer could not understand the object"),
    ),
    "C-FIND": (
        _Row(0xFF00, 0xFF00, _A.ACCEPT, "a match"),
        _Row(0xFF01, 0xFF01, _A.ACCEPT, "a match, some optional keys are not supported"),
        _Row(0xFE00, 0xFE00, _A.ACCEPT, "matching was ended before all answers were given"),
        _Row(0xA900, 0xA900, _A.PARK, "the identifier does not match the SOP class"),
        _Row(0xC000, 0xCFFF, _A.PARK, "unable to process the query"),
    ),
    "N-SET": (
        _Row(0x0110, 0x0110, _A.VERIFY, "the step may no longer be updated", error_id=0xA710),
        _Row(0x0112, 0x0112, _A.RECREATE, "the peer does not know the step"),
    ),
    "N-ACTION": (
        _Row(0x0112, 0x0112, _A.HOLD, "no such SOP instance"),
        _Row(0x0119, 0x0119, _A.PARK, "class and instance conflict"),
    ),
}


def category_of(status: int) -> Category:
    """Class of a status by its value alone (PS3.7 Annex C).

    Parameters
    ----------
    status
        0x0000 to 0xFFFF.

    Returns
    -------
    Category
    """
    if status == 0:
        return Category.SUCCESS
    if status in _WARNINGS or status >> 12 == 0xB:
        return Category.WARNING
    if status in (0xFF00, 0xFF01):
        return Category.PENDING
    if status == 0xFE00:
        return Category.CANCEL
    return Category.FAILURE


def verdict(service: str, status: int, error_id: int | None = None) -> Verdict:
    """Judge the status of a response.

    Parameters
    ----------
    service
        DIMSE service as the standard writes it: ``"C-STORE"``, ``"N-SET"``.
    status
        Status, (0000,0900).
    error_id
        Error ID, (0000,0903); distinguishes "may no longer be updated" (A710) from other failures.

    Returns
    -------
    Verdict
        Unknown statuses are judged by their class: warnings are accepted, failures are parked except
        those of the resource and processing classes.
    """
    category = category_of(status)
    if category is Category.SUCCESS:
        return Verdict(category=category, action=Action.ACCEPT, meaning="success")
    for row in (*_BY_SERVICE.get(service, ()), *_GENERAL):
        if row.first <= status <= row.last and row.error_id in (None, error_id):
            return Verdict(category=category, action=row.action, meaning=row.meaning)
    if category is Category.FAILURE:
        return Verdict(category=category, action=Action.PARK, meaning="unknown failure status")
    return Verdict(category=category, action=Action.ACCEPT, meaning=f"unlisted {category} status")
