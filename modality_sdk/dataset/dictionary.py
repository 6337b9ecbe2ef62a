"""Setting attributes by keyword, checked against the data dictionary (PS3.6) and the VR rules (PS3.5 section 6.2).

Writing is strict: `assign` refuses what Table 6.2-1 does not allow. `conform` is the lenient counterpart for text that
others wrote: the nearest value that `assign` takes.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Sequence as ItemsOf
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from numbers import Integral, Real

from pydicom import DataElement, Dataset, Sequence, config
from pydicom.datadict import dictionary_VM, dictionary_VR, tag_for_keyword
from pydicom.dataelem import empty_value_for_VR
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.valuerep import PersonName, format_number_as_ds

from modality_sdk.errors import InvalidValue

__all__ = [
    "MAXIMUM_LENGTH",
    "assign",
    "assign_known",
    "build",
    "check_values",
    "conform",
    "has_control_characters",
    "is_uid",
]

MAXIMUM_LENGTH: Mapping[str, int] = {
    "AE": 16,
    "AS": 4,
    "CS": 16,
    "DA": 8,
    "DS": 16,
    "DT": 26,
    "IS": 12,
    "LO": 64,
    "LT": 10240,
    "PN": 64,
    "SH": 16,
    "ST": 1024,
    "TM": 14,
    "UI": 64,
}
"""Characters of one value; of one component group for PN (PS3.5 Table 6.2-1)."""

_PARAGRAPHS = frozenset({"LT", "ST", "UT"})
"""May hold line breaks and backslashes, and never more than one value."""
_LINE_BREAKS = frozenset("\t\n\f\r")
_DEFAULT_REPERTOIRE = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"})

_FORMS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "AS": (re.compile(r"[0-9]{3}[DWMY]"), "three digits and D, W, M or Y (PS3.5 6.2)"),
    "CS": (re.compile(r"[A-Z0-9 _]*"), "capital letters, digits, spaces and underscores (PS3.5 6.2)"),
    "DA": (re.compile(r"[0-9]{8}"), "a date YYYYMMDD (PS3.5 6.2)"),
    "DS": (re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *"), "a decimal number (PS3.5 6.2)"),
    "DT": (
        re.compile(
            r"[0-9]{4}((0[1-9]|1[0-2])((0[1-9]|[12][0-9]|3[01])"
            r"(([01][0-9]|2[0-3])([0-5][0-9](([0-5][0-9]|60)(\.[0-9]{1,6})?)?)?)?)?)?([+-][01][0-9][0-5][0-9])?"
        ),
        "a date and time YYYYMMDDHHMMSS.FFFFFF&ZZXX (PS3.5 6.2)",
    ),
    "IS": (re.compile(r" *[+-]?[0-9]+ *"), "an integer (PS3.5 6.2)"),
    "TM": (
        re.compile(r"([01][0-9]|2[0-3])([0-5][0-9](([0-5][0-9]|60)(\.[0-9]{1,6})?)?)?"),
        "a time HHMMSS.FFFFFF (PS3.5 6.2)",
    ),
    "UI": (
        re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+"),
        "digits and dots, no component with a leading zero (PS3.5 9.1)",
    ),
}

_INTEGERS: Mapping[str, tuple[int, int]] = {
    "IS": (-(2**31), 2**31 - 1),
    "SS": (-(2**15), 2**15 - 1),
    "US": (0, 2**16 - 1),
    "SL": (-(2**31), 2**31 - 1),
    "UL": (0, 2**32 - 1),
    "SV": (-(2**63), 2**63 - 1),
    "UV": (0, 2**64 - 1),
}


def is_uid(text: str) -> bool:
    """Whether ``text`` is a UID of 1 to 64 characters in its only legal form (PS3.5 section 9.1)."""
    return len(text) <= MAXIMUM_LENGTH["UI"] and _FORMS["UI"][0].fullmatch(text) is not None


def assign(dataset: Dataset, keyword: str, value: object) -> None:
    """Set one attribute by its keyword; nothing is changed when the value is refused.

    Parameters
    ----------
    dataset
        Gets the attribute, in place of an earlier one.
    keyword
        As in PS3.6; never a tag.
    value
        None, an empty string or an empty list for an attribute that is present with zero length (Type 2). A list or
        tuple for several values, never a text with backslashes. `date`, `time` and `datetime` for DA, TM and DT;
        numbers for DS and IS; data sets for SQ; bytes for OB, OW and their like.

    Raises
    ------
    InvalidValue
        No such keyword, too many or too few values, or a value against Table 6.2-1 of PS3.5. The value is not repeated.
    """
    tag = tag_for_keyword(keyword) if keyword else None  # some retired entries have an empty keyword
    if tag is None:
        raise InvalidValue(keyword, "the data dictionary has no such attribute (PS3.6)")
    vr = dictionary_VR(tag)
    if vr == "SQ":
        written: object = _sequence(keyword, value)
    else:
        several = isinstance(value, (list, tuple, MultiValue))
        values = list(value) if isinstance(value, (list, tuple, MultiValue)) else [] if _is_empty(value) else [value]
        _check_multiplicity(keyword, len(values), dictionary_VM(tag))
        checked = [_check(keyword, vr, one, may_be_empty=several) for one in values]
        written = empty_value_for_VR(vr) if not checked else checked if len(checked) > 1 else checked[0]
    # checked above: pydicom's own checks would only warn, and repeat the value in the warning
    dataset.add(DataElement(tag, vr, written, validation_mode=config.IGNORE))


def check_values(keyword: str, vr: str, values: ItemsOf[object]) -> None:
    """Judge values that stand in an object already by the rules of `assign`.

    Parameters
    ----------
    keyword
        As in PS3.6, of an attribute that is no sequence.
    vr
        The VR it is written with.
    values
        All of its values; none for an empty attribute.

    Raises
    ------
    InvalidValue
        As `assign`.
    """
    _check_multiplicity(keyword, len(values), dictionary_VM(keyword))
    for value in values:
        _check(keyword, vr, value, may_be_empty=len(values) > 1)


def build(**values: object) -> Dataset:
    """Make a data set of the attributes named by keyword; see `assign`.

    Returns
    -------
    Dataset

    Raises
    ------
    InvalidValue
        As `assign`.
    """
    dataset = Dataset()
    for keyword, value in values.items():
        assign(dataset, keyword, value)
    return dataset


def assign_known(dataset: Dataset, **values: object) -> None:
    """Assign those values that are not empty: attributes of Type 3."""
    for keyword, value in values.items():
        if value is not None and (isinstance(value, (int, float)) or value):
            assign(dataset, keyword, value)


def has_control_characters(text: str, *, paragraphs: bool = False) -> bool:
    """Whether ``text`` holds what no text value may hold (PS3.5 6.1.3): C0 and C1 control characters.

    A lone surrogate counts as one, because no character set can encode it.

    Parameters
    ----------
    text
        One value.
    paragraphs
        Allow the line breaks and tabs that LT, ST and UT may hold.
    """
    allowed = _LINE_BREAKS if paragraphs else frozenset()
    return any(_is_control(c) and c not in allowed for c in text)


def conform(vr: str, text: str) -> str:
    """Bring text that somebody else wrote into the form that `assign` takes.

    Padding goes, control characters become spaces, what is too long is cut (PS3.2 B.8.1.4), a PN keeps its component
    groups. Only for VRs that hold text; one value.

    Parameters
    ----------
    vr
        AE, CS, LO, LT, PN, SH, ST, UC, UR or UT.
    text
        One decoded value.

    Returns
    -------
    str
        Possibly empty.
    """
    allowed = _LINE_BREAKS if vr in _PARAGRAPHS else frozenset()
    text = text.rstrip(" \0") if vr in _PARAGRAPHS else text.strip(" \0")
    text = "".join(" " if _is_control(c) and c not in allowed else c for c in text)
    if vr not in _PARAGRAPHS:
        text = text.replace("\\", " ").strip(" ")
    if vr == "PN":
        groups = text.split("=")[:3]
        return "=".join(_conform_group(group) for group in groups).rstrip("=")
    if vr == "CS":
        text = "".join(c for c in text.upper() if _FORMS["CS"][0].fullmatch(c))
    elif vr in ("AE", "UR"):
        text = "".join(c for c in text if c.isascii())
    text = text if vr in _PARAGRAPHS else text.lstrip(" ")
    return text[: MAXIMUM_LENGTH.get(vr)].rstrip(" ")


def _conform_group(group: str) -> str:
    components = group.split("^")
    joined = "^".join([*components[:4], " ".join(components[4:])] if len(components) > 5 else components)
    return joined[: MAXIMUM_LENGTH["PN"]].strip(" ")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs")


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, (str, PersonName)) and not str(value))


def _sequence(keyword: str, value: object) -> Sequence:
    items = [value] if isinstance(value, Dataset) else value
    if items is None or items == "":
        return Sequence()
    if not isinstance(items, Iterable):
        raise InvalidValue(keyword, "a sequence holds data sets (PS3.5 7.5)")
    items = list(items)
    if not all(isinstance(item, Dataset) for item in items):
        raise InvalidValue(keyword, "a sequence holds data sets (PS3.5 7.5)")
    return Sequence(items)


def _check_multiplicity(keyword: str, count: int, multiplicity: str) -> None:
    """Compare with a VM such as ``1``, ``1-3``, ``1-n``, ``2-2n`` (PS3.5 section 6.4)."""
    if not count:
        return
    first, _, last = multiplicity.partition("-")
    least = int(first)
    most = count if last.endswith("n") else int(last or first)
    step = int(last.removesuffix("n") or 1) if last.endswith("n") else 1
    if not least <= count <= most or count % step:
        raise InvalidValue(keyword, f"has {count} values where its VM is {multiplicity} (PS3.6)")


def _check(keyword: str, vr: str, value: object, *, may_be_empty: bool) -> object:
    if may_be_empty and _is_empty(value):
        return ""
    if vr in _NUMBERS:
        return _NUMBERS[vr](keyword, vr, value)
    if vr in _MOMENTS and isinstance(value, (date, time)):
        return _MOMENTS[vr](keyword, value)
    if vr == "AT" and isinstance(value, (BaseTag, int)):
        return value
    if vr.startswith("O") or vr == "UN":
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise InvalidValue(keyword, f"{vr} holds bytes (PS3.5 6.2)")
        return bytes(value)
    if not isinstance(value, (str, PersonName)):
        raise InvalidValue(keyword, f"{vr} cannot hold a {type(value).__name__} (PS3.5 6.2)")
    return _text(keyword, vr, str(value))


def _text(keyword: str, vr: str, text: str) -> str:
    if "\\" in text and vr not in _PARAGRAPHS:
        raise InvalidValue(keyword, "one value holds no backslash, several values are given as a list (PS3.5 6.2)")
    if has_control_characters(text, paragraphs=vr in _PARAGRAPHS):
        raise InvalidValue(keyword, f"{vr} holds no control characters (PS3.5 6.2)")
    if vr in _DEFAULT_REPERTOIRE and not text.isascii():
        raise InvalidValue(keyword, f"{vr} holds only the default character repertoire (PS3.5 6.2)")
    groups = text.split("=") if vr == "PN" else [text]
    if len(groups) > 3 or (vr == "PN" and any(group.count("^") > 4 for group in groups)):
        raise InvalidValue(keyword, "a person name has up to 3 groups of up to 5 components (PS3.5 6.2.1)")
    limit = MAXIMUM_LENGTH.get(vr)
    if limit is not None and any(len(group) > limit for group in groups):
        unit = "component group" if vr == "PN" else "value"
        raise InvalidValue(keyword, f"a {unit} of {vr} has at most {limit} characters (PS3.5 6.2)")
    if vr == "AE" and not text.strip(" "):
        raise InvalidValue(keyword, "an AE title is not only spaces (PS3.5 6.2)")
    if vr == "UR" and text.startswith(" "):
        raise InvalidValue(keyword, "UR has no leading spaces (PS3.5 6.2)")
    if vr in _FORMS:
        form, words = _FORMS[vr]
        if not form.fullmatch(text):
            raise InvalidValue(keyword, f"{vr} is {words}")
    if vr == "DA":
        _check_day(keyword, text)
    return text


def _check_day(keyword: str, text: str) -> None:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise InvalidValue(keyword, "no such day (PS3.5 6.2)") from None


def _integer(keyword: str, vr: str, value: object) -> object:
    # pydicom settles "US or SS" by Pixel Representation when it writes
    first, last = (_INTEGERS["SS"][0], _INTEGERS["US"][1]) if vr == "US or SS" else _INTEGERS[vr]
    number: int
    if vr == "IS" and isinstance(value, str):
        number = int(_text(keyword, vr, value))
    elif isinstance(value, bool) or not isinstance(value, Integral):
        raise InvalidValue(keyword, f"{vr} holds an integer, not a {type(value).__name__} (PS3.5 6.2)")
    else:
        number = int(value)
    if not first <= number <= last:
        raise InvalidValue(keyword, f"{vr} lies between {first} and {last} (PS3.5 6.2)")
    return str(number) if vr == "IS" else number


def _decimal(keyword: str, vr: str, value: object) -> object:
    """A DS as text of at most 16 characters; integral numbers without a fraction, since enumerations compare text."""
    if isinstance(value, str):
        return _text(keyword, vr, str(value)).strip(" ")
    number = _number(keyword, vr, value)
    if number == int(number) and len(str(int(number))) <= MAXIMUM_LENGTH["DS"]:
        return str(int(number))
    short = repr(float(number)) if isinstance(number, float) else str(number)
    return short if len(short) <= MAXIMUM_LENGTH["DS"] else format_number_as_ds(number)


def _float(keyword: str, vr: str, value: object) -> object:
    return float(_number(keyword, vr, value))


def _number(keyword: str, vr: str, value: object) -> float | Decimal:
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        raise InvalidValue(keyword, f"{vr} holds a number, not a {type(value).__name__} (PS3.5 6.2)")
    number = value if isinstance(value, Decimal) else float(value)
    if not isfinite(number):
        raise InvalidValue(keyword, f"{vr} holds a finite number (PS3.5 6.2)")
    return number


def _da(keyword: str, value: date | time) -> str:
    if not isinstance(value, date):
        raise InvalidValue(keyword, "DA is a date (PS3.5 6.2)")
    return f"{value.year:04}{value.month:02}{value.day:02}"


def _tm(keyword: str, value: date | time) -> str:
    if not isinstance(value, (datetime, time)):
        raise InvalidValue(keyword, "TM is a time (PS3.5 6.2)")
    fraction = f".{value.microsecond:06}" if value.microsecond else ""
    return f"{value.hour:02}{value.minute:02}{value.second:02}{fraction}"


def _dt(keyword: str, value: date | time) -> str:
    if isinstance(value, datetime):
        return _da(keyword, value) + _tm(keyword, value) + value.strftime("%z")[:5]
    return _da(keyword, value)


_NUMBERS: Mapping[str, Callable[[str, str, object], object]] = {
    **dict.fromkeys((*_INTEGERS, "US or SS"), _integer),
    "DS": _decimal,
    "FL": _float,
    "FD": _float,
}
_MOMENTS: Mapping[str, Callable[[str, date | time], str]] = {"DA": _da, "TM": _tm, "DT": _dt}
