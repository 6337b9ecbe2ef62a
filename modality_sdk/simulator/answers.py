"""What a provider says to one request, and the statuses it says it with (PS3.7 Annex C, PS3.4)."""

from dataclasses import dataclass
from enum import IntEnum

from pydicom.tag import BaseTag

__all__ = ["Answer", "Exchange", "Status"]


class Status(IntEnum):
    """Statuses that the simulator gives of its own accord."""

    SUCCESS = 0x0000
    NO_SUCH_ATTRIBUTE = 0x0105
    INVALID_ATTRIBUTE_VALUE = 0x0106
    ATTRIBUTE_LIST_ERROR = 0x0107
    PROCESSING_FAILURE = 0x0110
    DUPLICATE_SOP_INSTANCE = 0x0111
    NO_SUCH_SOP_INSTANCE = 0x0112
    INVALID_ARGUMENT_VALUE = 0x0115
    INVALID_SOP_INSTANCE = 0x0117
    CLASS_INSTANCE_CONFLICT = 0x0119
    MISSING_ATTRIBUTE = 0x0120
    MISSING_ATTRIBUTE_VALUE = 0x0121
    NO_SUCH_ACTION_TYPE = 0x0123
    DUPLICATE_TRANSACTION_UID = 0x0131
    MAY_NO_LONGER_BE_UPDATED = 0xA710
    """An Error ID, not a status (PS3.4 Table F.7.2-2)."""
    DATA_SET_DOES_NOT_MATCH = 0xA900
    CANNOT_UNDERSTAND = 0xC000
    CANCEL = 0xFE00
    PENDING = 0xFF00
    PENDING_WITH_WARNING = 0xFF01


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One response: status and what explains it.

    Attributes
    ----------
    status
        Status, (0000,0900).
    comment
        Error Comment, (0000,0902); cut to its 64 characters.
    error_id
        Error ID, (0000,0903).
    elements
        Offending Element of a composite, Attribute Identifier List of a normalized service.
    """

    status: int = Status.SUCCESS
    comment: str = ""
    error_id: int | None = None
    elements: tuple[BaseTag, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One answered request, as the provider's log keeps it.

    Attributes
    ----------
    service
        As the standard writes it: ``"N-CREATE"``.
    status
        Of the response; a query has one exchange per response.
    calling_ae_title
        Of the requestor.
    """

    service: str
    status: int
    calling_ae_title: str
