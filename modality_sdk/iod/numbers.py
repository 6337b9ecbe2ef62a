"""Values as callers give them: numbers of Python, NumPy and decimal ones, never texts; sequences; values of ours."""

from collections.abc import Sequence
from decimal import Decimal
from math import isfinite
from numbers import Real
from typing import Any, TypeVar

from modality_sdk.errors import InvalidValue

__all__ = ["finite", "instance", "instances", "pair"]

_T = TypeVar("_T")


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


def instance(attribute: str, kind: type[_T], value: object) -> _T:
    """Return a value that is of the type it should be.

    Raises
    ------
    InvalidValue
        It is not; the error names ``attribute``.
    """
    if not isinstance(value, kind):
        raise InvalidValue(attribute, f"must be given as {kind.__name__}")
    return value


def instances(attribute: str, kind: type[_T], values: object) -> list[_T]:
    """Return the values of a sequence, all of one type.

    Raises
    ------
    InvalidValue
        They are not; the error names ``attribute``.
    """
    if not isinstance(values, Sequence) or isinstance(values, (str, bytes)):
        raise InvalidValue(attribute, f"must be a sequence of {kind.__name__}")
    return [instance(attribute, kind, value) for value in values]
