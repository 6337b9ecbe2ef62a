"""Members of an enumeration, which may be given as their plain values."""

from enum import Enum
from typing import TypeVar

from modality_sdk.errors import InvalidValue

__all__ = ["term"]

_Term = TypeVar("_Term", bound=Enum)


def term(terms: type[_Term], attribute: str, value: object) -> _Term:
    """Return the member of ``terms`` that ``value`` is, or is the plain value of.

    Raises
    ------
    InvalidValue
        There is none; the error names ``attribute``.
    """
    try:
        return terms(value)
    except ValueError:
        raise InvalidValue(attribute, f"must be one of {', '.join(str(term.value) for term in terms)}") from None
