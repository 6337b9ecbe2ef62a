"""Numbers as callers give them: Python's, NumPy's and decimal ones, never texts."""

from collections.abc import Sequence
from decimal import Decimal
from math import isfinite
from numbers import Real
from typing import Any

from modality_sdk.errors import InvalidValue

__all__ = ["finite", "pair"]


def finite(attribute: str, value: object) -> float:
    """Return a finite number as a float.

    Raises
    ------
    InvalidValue
        It is none; the error names ``attribute``.
    """
    if not isinstance(value, bool) and isinstance(value, (Real, Decimal)):
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if isfinite(number):
            return number
    raise InvalidValue(attribute, "must be a finite number (PS3.5 6.2)")


def pair(attribute: str, values: object, rule: str) -> tuple[Any, Any]:
    """Return the two values of a tuple, a list or another sequence that is no text.

    Raises
    ------
    InvalidValue
        There are not two; the error names ``attribute`` and ``rule``.
    """
    if not isinstance(values, Sequence) or isinstance(values, (str, bytes)) or len(values) != 2:
        raise InvalidValue(attribute, rule)
    return values[0], values[1]
