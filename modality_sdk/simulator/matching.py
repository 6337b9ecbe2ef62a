"""Attribute matching of a C-FIND (PS3.4 section C.2.2.2), by the simulator's own reading of the standard."""

import re
from collections.abc import Iterable

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

__all__ = ["KeyDefect", "find_defect", "is_universal", "matches"]

# PS3.4 C.2.2.2.4: wild card matching is for these value representations only
_WILDCARD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_RANGE_VRS = frozenset({"DA", "TM", "DT"})

# never matched: they describe the identifier itself
_NOT_KEYS = frozenset(
    Tag(tag_for_keyword(name) or 0)
    for name in ("SpecificCharacterSet", "TimezoneOffsetFromUTC", "QueryRetrieveLevel", "InstanceAvailability")
)

# PS3.4 C.2.2.2.5: ranges of a date and of its time are one interval, not two
_COMBINED = (
    ("ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime"),
    ("StudyDate", "StudyTime"),
)

_DATE = re.compile(r"\d{8}")
_TIME = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")
_DATE_TIME = re.compile(r"\d{4,14}(\.\d{1,6})?([+-]\d{4})?")


class KeyDefect(ValueError):
    """A key that no worklist item can be matched against; names the attribute, never its value."""

    def __init__(self, tag: BaseTag, rule: str) -> None:
        self.tag, self.rule = tag, rule
        super().__init__(rule)


def is_universal(key: DataElement) -> bool:
    """Tell whether a key matches everything: no value, or only the wild card ``*`` (PS3.4 C.2.2.2.3)."""
    if key.VR == "SQ":
        return not key.value or all(is_universal(inner) for item in key.value for inner in _keys(item))
    values = _texts(key)
    return not values or values == ["*"]


def find_defect(keys: Dataset) -> KeyDefect | None:
    """Look for a key that is not a legal one: a malformed date or time, a range turned around, several items.

    Parameters
    ----------
    keys
        Identifier of the request, or one item of it.

    Returns
    -------
    KeyDefect or None
        The first defect found.
    """
    for key in _keys(keys):
        if key.VR == "SQ":
            if len(key.value or ()) > 1:
                return KeyDefect(key.tag, "a sequence key has one item")
            for item in key.value or ():
                if (defect := find_defect(item)) is not None:
                    return defect
        elif key.VR in _RANGE_VRS and not is_universal(key):
            for text in _texts(key):
                try:
                    low, high = _bounds(key, text)
                except KeyDefect as defect:
                    return defect
                if low > high:
                    return KeyDefect(key.tag, "a range begins with its earlier end")
    return None


def matches(item: Dataset, keys: Dataset, ignored: Iterable[BaseTag] = ()) -> bool:
    """Tell whether an entity matches every key of an identifier.

    Parameters
    ----------
    item
        What is on the list.
    keys
        Identifier of the request, or one item of it. An attribute that the entity leaves empty or out never
        matches a key that has a value (PS3.4 K.2.2.1.1.1).
    ignored
        Tags that take no part in the matching: optional keys that are not supported.

    Returns
    -------
    bool

    Raises
    ------
    KeyDefect
        When a key is malformed; `find_defect` tells beforehand.
    """
    skipped = {*ignored, *_combined_tags(keys)}
    if not all(_matches_combined(item, keys, names) for names in _COMBINED if _is_combined(keys, names)):
        return False
    return all(_matches_key(item, key, ignored) for key in _keys(keys) if key.tag not in skipped)


def _keys(keys: Dataset) -> Iterable[DataElement]:
    return (key for key in keys if key.tag not in _NOT_KEYS and not key.tag.is_private)


def _matches_key(item: Dataset, key: DataElement, ignored: Iterable[BaseTag]) -> bool:
    if is_universal(key):
        return True
    if key.tag not in item:
        return False
    found = item[key.tag]
    if key.VR == "SQ":
        return any(matches(candidate, key.value[0], ignored) for candidate in found.value or ())
    return any(_matches_value(found, value, key, wanted) for value in _texts(found) for wanted in _texts(key))


def _matches_value(found: DataElement, value: str, key: DataElement, wanted: str) -> bool:
    if key.VR in _RANGE_VRS:
        low, high = _bounds(key, wanted)
        try:
            first, _ = _bounds(found, _modern(key.VR, value), ranged=False)
        except KeyDefect:
            return False
        return low <= first <= high
    if key.VR == "PN":
        return _matches_name(value, wanted)
    if key.VR in _WILDCARD_VRS:
        return _like(wanted).fullmatch(value) is not None
    return value == wanted


def _matches_name(value: str, wanted: str) -> bool:
    # a key without "=" may match any of the component groups; empty trailing components mean nothing
    groups = [value] if "=" in wanted else [value, *value.split("=")]
    pattern = _like(wanted.rstrip("^="), re.IGNORECASE)
    return any(pattern.fullmatch(group.rstrip("^=")) is not None for group in groups if group)


def _like(wanted: str, flags: int = 0) -> re.Pattern[str]:
    runs = {"*": ".*", "?": "."}
    return re.compile("".join(runs.get(character) or re.escape(character) for character in wanted), re.DOTALL | flags)


def _texts(element: DataElement) -> list[str]:
    if element.value is None:
        return []
    values = element.value if element.VM > 1 else [element.value]
    return [text for value in values if (text := str(value).strip(" \0"))]


def _is_combined(keys: Dataset, names: tuple[str, str]) -> bool:
    return all(name in keys and not is_universal(keys[name]) for name in names) and "-" in str(keys[names[1]].value)


def _combined_tags(keys: Dataset) -> set[BaseTag]:
    return {keys[name].tag for names in _COMBINED if _is_combined(keys, names) for name in names}


def _matches_combined(item: Dataset, keys: Dataset, names: tuple[str, str]) -> bool:
    found = [_texts(item[name]) if name in item else [] for name in names]
    if not all(found):
        return False
    date_key, time_key = (keys[name] for name in names)
    first_day, last_day = _bounds(date_key, _texts(date_key)[0])
    first_time, last_time = _bounds(time_key, _texts(time_key)[0])
    try:
        day, _ = _bounds(date_key, _modern("DA", found[0][0]), ranged=False)
        moment, _ = _bounds(time_key, _modern("TM", found[1][0]), ranged=False)
    except KeyDefect:
        return False
    return first_day + first_time <= day + moment <= last_day + last_time


def _modern(vr: str, value: str) -> str:
    # the retired forms yyyy.mm.dd and hh:mm:ss are still met in worklists (PS3.5 Table 6.2-1)
    if vr == "DA":
        return value.replace(".", "")
    return value.replace(":", "") if vr == "TM" else value


def _bounds(element: DataElement, text: str, *, ranged: bool = True) -> tuple[str, str]:
    """Lowest and highest moment that a value stands for, as texts of full length that compare as the moments do."""
    low, dash, high = text.partition("-") if ranged and element.VR != "DT" else (text, "", "")
    if ranged and element.VR == "DT" and "-" in text:
        low, dash, high = _split_date_times(text)
    if not dash:
        moment = _moment(element, low, "0")
        return moment, moment
    if not low and not high:
        raise KeyDefect(element.tag, "a range has at least one end")
    return _moment(element, low, "0"), _moment(element, high, "9")


def _split_date_times(text: str) -> tuple[str, str, str]:
    # the offset from UTC may itself begin with a dash (PS3.5 6.2, VR DT)
    found = re.fullmatch(r"(\d{4,14}(?:\.\d{1,6})?(?:[+-]\d{4})?)?-(\d{4,14}(?:\.\d{1,6})?(?:[+-]\d{4})?)?", text)
    if found is None or _DATE_TIME.fullmatch(text):
        return text, "", ""
    return found.group(1) or "", "-", found.group(2) or ""


def _moment(element: DataElement, text: str, fill: str) -> str:
    forms = {"DA": (_DATE, 8), "TM": (_TIME, 12), "DT": (_DATE_TIME, 20)}
    pattern, length = forms[element.VR]
    if not text:
        return fill * length
    text = text.strip()
    if pattern.fullmatch(text) is None:
        raise KeyDefect(element.tag, f"not a value of VR {element.VR}")
    digits = text[:14].split("+")[0].split("-")[0] if element.VR == "DT" else text
    fraction = re.search(r"\.(\d+)", text)
    digits = digits.split(".")[0] + (fraction.group(1) if fraction else "")
    return digits.ljust(length, fill)
