"""Coded concepts as sequence items (PS3.3 section 8.8) and the codes of PS3.16 that say why."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from pydicom import Dataset, Sequence

from modality_sdk.dataset.dictionary import MAXIMUM_LENGTH, build
from modality_sdk.dataset.reading import Reader, refuse
from modality_sdk.errors import IodError, MissingAttribute
from modality_sdk.model import Code, DiscontinuationReason, KeyObjectTitle, RejectionReason

__all__ = [
    "code_item",
    "code_sequence",
    "discontinuation_code",
    "key_object_title_code",
    "read_code",
    "read_codes",
    "read_item",
    "rejection_code",
]


def code_item(code: Code) -> Dataset:
    """One item of a code sequence (PS3.3 Table 8.8-1).

    The value goes to Code Value, to Long Code Value when it has more than 16 characters, or to URN Code Value.

    Raises
    ------
    MissingAttribute
        Value, scheme (needless for a URN) or meaning is empty.
    InvalidValue
        A part breaks the rules of its VR.
    """
    is_urn = code.value.startswith("urn:") or "://" in code.value
    if not code.value:
        raise MissingAttribute("CodeValue", "a code has a value (PS3.3 8.8)")
    if not code.scheme and not is_urn:
        raise MissingAttribute("CodingSchemeDesignator", "a code names its scheme (PS3.3 8.8)")
    if not code.meaning:
        raise MissingAttribute("CodeMeaning", "a code has a meaning (PS3.3 8.8)")
    is_long = len(code.value) > MAXIMUM_LENGTH["SH"]
    keyword = "URNCodeValue" if is_urn else "LongCodeValue" if is_long else "CodeValue"
    item = build(**{keyword: code.value, "CodeMeaning": code.meaning})
    if code.scheme:
        item.update(build(CodingSchemeDesignator=code.scheme))
        if code.version:
            item.update(build(CodingSchemeVersion=code.version))
    return item


def code_sequence(codes: Iterable[Code]) -> Sequence:
    """A code sequence with one item for each of ``codes``, in order."""
    return Sequence([code_item(code) for code in codes])


def read_code(item: Dataset) -> Code:
    """Read one item of a code sequence.

    Returns
    -------
    Code

    Raises
    ------
    MissingAttribute
        The item has no value, or no scheme beside a value that is no URN, or no meaning.
    InvalidValue
        A part has the wrong type or breaks the rules of its VR.
    """
    code = _read(Reader(item, report=refuse))
    code_item(code)
    return code


def read_codes(reader: Reader, keyword: str) -> tuple[Code, ...]:
    """Read a code sequence that somebody else wrote; items that are no code are reported and left out.

    A missing meaning is replaced by the value, so that the code can be passed on.
    """
    codes = (read_item(item, keyword) for item in reader.items(keyword))
    return tuple(code for code in codes if code is not None)


def read_item(item: Reader, keyword: str) -> Code | None:
    """Read one item of the code sequence ``keyword`` like `read_codes`."""
    code = _read(item)
    if code == Code(value="", scheme="", meaning="") and not code.meaning:
        return None  # an empty item says as much as none
    if code.value and not code.meaning:
        item.report(keyword, "a code has no meaning, its value stands for it (PS3.3 8.8)")
        code = replace(code, meaning=code.value[: MAXIMUM_LENGTH["LO"]])
    try:
        code_item(code)
    except IodError as error:
        item.report(keyword, f"an item is left out: {error.attribute}: {error.rule}")
        return None
    return code


def _read(item: Reader) -> Code:
    values = (item.text("CodeValue", "UC"), item.text("LongCodeValue"), item.text("URNCodeValue"))
    return Code(
        value=next((value for value in values if value), ""),
        scheme=item.text("CodingSchemeDesignator"),
        version=item.text("CodingSchemeVersion"),
        meaning=item.text("CodeMeaning"),
    )


def discontinuation_code(reason: DiscontinuationReason) -> Code:
    """Code of CID 9301 with its meaning as in PS3.16 Annex D."""
    return _context_group(9301)[reason.value]


def rejection_code(reason: RejectionReason) -> Code:
    """Code of CID 7011 with its meaning as in PS3.16 Annex D."""
    return _context_group(7011)[reason.value]


def key_object_title_code(title: KeyObjectTitle) -> Code:
    """Code of CID 7010 with its meaning as in PS3.16 Annex D."""
    return _context_group(7010)[title.value]


@cache
def _context_group(cid: int) -> dict[str, Code]:
    from pydicom.sr.codedict import codes  # a quarter of a second; only who discontinues or rejects pays it

    group = getattr(codes, f"cid{cid}").concepts.values()
    return {code.value: Code(value=code.value, scheme=code.scheme_designator, meaning=code.meaning) for code in group}
