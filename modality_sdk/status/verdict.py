"""What a verdict is: the class of a status, what to do about it, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Action", "Category", "Row", "Verdict", "category_of", "row_of"]


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
    """The peer does not know what was created or stored before: send that again, then repeat."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Judgement on one answer of a peer.

    Attributes
    ----------
    meaning
        What the peer said, in words.
    advice
        What a person should do about it; free of patient data. Empty when there is nothing to do.
    retries
        With ``RETRY``: how many attempts may follow the first one, if that is fewer than the sender's policy allows;
        None leaves it to the policy.
    degraded
        A warning of a printer that the film is empty, scaled or cropped: accepted by its class, but not fit for
        diagnosis unless the site says otherwise.
    """

    category: Category
    action: Action
    meaning: str
    advice: str = ""
    retries: int | None = None
    degraded: bool = False

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later by itself."""
        return self.action is Action.RETRY


@dataclass(frozen=True)
class Row:
    """One row of a table of statuses: a status or a range of them, and the verdict on it.

    Attributes
    ----------
    last
        End of the range, inclusive; None for the one status ``first``.
    error_id
        The row applies only to answers with this Error ID, (0000,0903); None for any or none.
    """

    first: int
    action: Action
    meaning: str
    advice: str = ""
    last: int | None = None
    error_id: int | None = None
    retries: int | None = None
    degraded: bool = False

    def applies(self, status: int, error_id: int | None) -> bool:
        """Whether an answer is one of this row."""
        last = self.first if self.last is None else self.last
        return self.first <= status <= last and self.error_id in (None, error_id)

    def verdict(self, category: Category) -> Verdict:
        """Give the verdict of the row on an answer of this class."""
        return Verdict(
            category=category,
            action=self.action,
            meaning=self.meaning,
            advice=self.advice,
            retries=self.retries,
            degraded=self.degraded,
        )


def row_of(rows: Iterable[Row], status: int, error_id: int | None = None) -> Row | None:
    """First row that applies."""
    return next((row for row in rows if row.applies(status, error_id)), None)


_WARNINGS = (0x0001, 0x0107, 0x0116)


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
