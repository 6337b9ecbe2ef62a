"""Values as callers give them: members of an enumeration or their plain values, and those of the wrong type."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TypeVar

from modality_sdk.errors import InvalidValue, IodError

__all__ = ["of_right_type", "term"]

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


@contextmanager
def of_right_type(attribute: str) -> Iterator[None]:
    """Name ``attribute`` in place of an error of Python's own, where values were nested and one is of another type.

    Raises
    ------
    InvalidValue
        In place of that error.
    """
    try:
        yield
    except IodError:
        raise
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError):
        raise InvalidValue(attribute, "holds a value of the wrong type (PS3.5 6.2)") from None
