"""Keys of a query as people type them: ``PatientID=1``, ``0010,0020=1``, ``0040,0100[0].Modality=DX``.

One reader for the three spellings of DCMTK and pynetdicom: keywords, tags, and paths into sequences.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from pydicom import DataElement, Dataset, Sequence, config
from pydicom.datadict import dictionary_VR, keyword_dict, keyword_for_tag, tag_for_keyword

from modality_sdk.dataset.dictionary import assign
from modality_sdk.errors import InvalidValue

__all__ = ["add_key", "parse_key"]

_TAG = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?")
_PART = re.compile(r"(?P<name>[^\[\]]*?)\s*(?:\[\s*(?P<index>[0-9]*)\s*\])?")
_RANGES = ("DA", "TM", "DT")
_NO_WILDCARDS = str.maketrans("", "", "*?")
_WILDCARD_VRS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")


def parse_key(text: str) -> tuple[str, str]:
    """The attribute that a key names, and its value.

    Parameters
    ----------
    text
        A keyword or a tag (``gggg,eeee``, also in parentheses or without the comma), or a path of them joined by dots,
        each sequence with or without ``[0]``; then ``=`` and the value. Without a value the key only asks for the
        attribute.

    Returns
    -------
    tuple of str
        The path by keywords, ``ScheduledProcedureStepSequence.Modality``, and the value as typed.

    Raises
    ------
    InvalidValue
        An attribute is unknown, a path leads through one that is no sequence, a sequence is given a value, or an item
        other than the first is named: a sequence of keys has one item (PS3.4 C.2.2.2.6).
    """
    path, _, value = text.partition("=")
    parts = [part.strip() for part in path.split(".")]
    keywords = []
    for position, part in enumerate(parts):
        found = _PART.fullmatch(part)
        if found is None:
            raise InvalidValue(part, "is no key: KEYWORD=VALUE, GGGG,EEEE=VALUE or SEQUENCE[0].KEY=VALUE")
        keyword = _keyword(found["name"])
        is_sequence, is_last = dictionary_VR(keyword) == "SQ", position == len(parts) - 1
        if found["index"] and int(found["index"]):
            raise InvalidValue(keyword, "a sequence of keys has one item, [0] (PS3.4 C.2.2.2.6)")
        if not is_sequence and (not is_last or found["index"] is not None):
            raise InvalidValue(keyword, "is no sequence, so it has no items (PS3.6)")
        keywords.append(keyword)
    if is_sequence and value:
        raise InvalidValue(keywords[-1], "is a sequence: the keys stand in its item, SEQUENCE[0].KEY=VALUE")
    return ".".join(keywords), value


def _keyword(name: str) -> str:
    """The keyword of an attribute named by keyword or tag."""
    tag = _TAG.fullmatch(name)
    if tag is not None:
        number = int(tag[1] + tag[2], 16)
        keyword = keyword_for_tag(number)
        if keyword and tag_for_keyword(keyword) == number:
            return keyword
        _, known = min((abs(known - number), known) for keyword, known in keyword_dict.items() if keyword)
        hint = f"; the nearest is ({known >> 16:04X},{known & 0xFFFF:04X}) {keyword_for_tag(known)}"
        raise InvalidValue(f"({tag[1]},{tag[2]})", f"the data dictionary has no such attribute (PS3.6){hint}")
    if name and tag_for_keyword(name) is not None:
        return name
    folded: Mapping[str, str] = {keyword.lower(): keyword for keyword in keyword_dict if keyword}
    match = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.0 if name else 1.0)
    hint = f"; the nearest is {folded[match[0]]}" if match else ""
    raise InvalidValue(name or "key", f"the data dictionary has no such attribute (PS3.6){hint}")


def add_key(identifier: Dataset, path: str, value: str) -> None:
    """Put a key into an identifier, in the one item of each sequence on its path.

    Parameters
    ----------
    identifier
        Changed in place; a key that is there already is replaced.
    path
        Keywords joined by dots, as `parse_key` returns them.
    value
        With wildcards where the VR is matched by them, a range of DA, TM or DT, or a list of UIDs separated by
        backslashes (PS3.4 C.2.2.2); empty to ask for the attribute only.

    Raises
    ------
    InvalidValue
        The value is no key of this VR. It is not repeated.
    """
    *sequences, keyword = path.split(".")
    checked = _element(keyword, value)
    level = identifier
    for name in sequences:
        if not level.get(name):
            assign(level, name, [Dataset()])
        level = level[name].value[0]
    if checked.VR != "SQ" or keyword not in level:
        level.add(checked)


def _element(keyword: str, value: str) -> DataElement:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise InvalidValue(keyword, "the data dictionary has no such attribute (PS3.6)")
    vr = dictionary_VR(tag)
    if vr == "SQ":
        if value:
            raise InvalidValue(keyword, "is a sequence: the keys stand in its item")
        return DataElement(tag, vr, Sequence())
    if vr in _RANGES:
        _check_range(keyword, vr, value)
    elif vr == "UI":
        assign(Dataset(), keyword, value.split("\\")[0])
        for uid in value.split("\\"):
            assign(Dataset(), keyword, uid)
    elif vr in _WILDCARD_VRS:
        # what is left without wildcards must fit the VR as any value must
        assign(Dataset(), keyword, value.translate(_NO_WILDCARDS))
    elif value:
        checked = Dataset()
        assign(checked, keyword, _number(keyword, vr, value))
        return checked[tag]
    written: object = value.split("\\") if vr == "UI" and "\\" in value else value
    return DataElement(tag, vr, written, validation_mode=config.IGNORE)


def _check_range(keyword: str, vr: str, value: str) -> None:
    # the offset of a DT may itself begin with a dash; a range of those is left to the peer
    ends = [value] if vr == "DT" else value.split("-")
    if len(ends) > 2 or value == "-":
        raise InvalidValue(keyword, f"{vr} is matched by one value or a range FIRST-LAST (PS3.4 C.2.2.2.5)")
    for end in ends:
        if vr != "DT" or "-" not in end:
            assign(Dataset(), keyword, end)
    if len(ends) == 2 and all(ends) and ends[0] > ends[1]:
        raise InvalidValue(keyword, "a range ends after it begins (PS3.4 C.2.2.2.5)")


def _number(keyword: str, vr: str, value: str) -> object:
    """The value of a binary VR; text for those that are written as text."""
    if vr in ("DS", "IS"):
        return value
    try:
        return float(value) if vr in ("FD", "FL") else int(value)
    except ValueError:
        raise InvalidValue(keyword, f"{vr} is matched by a number (PS3.5 6.2)") from None
