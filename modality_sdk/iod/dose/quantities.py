"""Numbers of a dose report: exact decimals in its units, and their text (PS3.5 section 6.2, DS)."""

from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Final

from modality_sdk.errors import InvalidValue
from modality_sdk.iod.numbers import finite

__all__ = [
    "decimal_string",
    "gray_square_meters",
    "grays",
    "microampere_seconds",
    "non_negative",
    "positive",
    "quantity",
    "square_meters",
    "total",
    "written",
]

_LENGTH: Final = 16
_EXACT: Final = Context(prec=400)
_LIMIT: Final = Decimal(10) ** 9
"""Beyond every value of an exposure in any unit of the report or of `Exposure`."""


def quantity(attribute: str, value: object) -> Decimal:
    """The decimal that a number is written as: 0.1 is a tenth, not the nearest binary fraction.

    Raises
    ------
    InvalidValue
        It is no finite number, or of a size that no exposure has; the error names ``attribute``.
    """
    number = finite(attribute, value)
    exact = value if isinstance(value, Decimal) else Decimal(repr(number))
    if abs(exact) >= _LIMIT:
        raise InvalidValue(attribute, "must be of a size that exposures have")
    return exact


def positive(attribute: str, value: object) -> Decimal:
    """As `quantity`, above zero."""
    exact = quantity(attribute, value)
    if exact <= 0:
        raise InvalidValue(attribute, "must be above 0")
    return exact


def non_negative(attribute: str, value: object) -> Decimal:
    """As `quantity`, zero or more: a dose below what the meter can tell is zero."""
    exact = quantity(attribute, value)
    if exact < 0:
        raise InvalidValue(attribute, "must not be negative")
    return exact


def gray_square_meters(dose_area_product: Decimal) -> Decimal:
    """dGy·cm² in Gy·m²."""
    return _shifted(dose_area_product, -5)


def grays(dose: Decimal) -> Decimal:
    """mGy in Gy."""
    return _shifted(dose, -3)


def microampere_seconds(tube_current_time_product: Decimal) -> Decimal:
    """mAs in µA·s."""
    return _shifted(tube_current_time_product, 3)


def square_meters(height: Decimal, width: Decimal) -> Decimal:
    """Area in m² of a rectangle in mm."""
    return _shifted(_EXACT.multiply(height, width), -6)


def total(values: list[Decimal]) -> Decimal:
    """The sum, exactly."""
    with localcontext(_EXACT):
        return sum(values, Decimal(0))


def written(value: Decimal) -> Decimal:
    """The value that `decimal_string` writes."""
    return Decimal(decimal_string(value))


def decimal_string(value: Decimal) -> str:
    """A DS of at most 16 characters: exact if there is room, else rounded to what fits.

    Without an exponent where that fits, because some readers know none.
    """
    value = _EXACT.normalize(value)
    for digits in (len(value.as_tuple().digits), *range(_LENGTH, 0, -1)):
        rounded = Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(value)
        for text in (f"{rounded:f}", f"{rounded:E}".replace("E+", "E")):
            if len(text) <= _LENGTH:
                return text
    raise InvalidValue("NumericValue", "cannot be written in 16 characters (PS3.5 6.2)")


def _shifted(value: Decimal, places: int) -> Decimal:
    return _EXACT.scaleb(value, places)
