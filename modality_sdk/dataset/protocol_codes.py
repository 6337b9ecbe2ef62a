"""Scheduled protocol codes with their context, which is passed on whatever it says (PS3.3 Table C.4-10)."""

import json
from itertools import zip_longest

from pydicom import Dataset

from modality_sdk.dataset.codes import code_item, read_item
from modality_sdk.dataset.dictionary import assign
from modality_sdk.dataset.reading import Reader
from modality_sdk.errors import InvalidValue, IodError
from modality_sdk.model import Code, WorklistItem

__all__ = ["protocol_code_sequence", "read_protocol_codes"]

_CONTEXT = "ProtocolContextSequence"


def protocol_code_sequence(item: WorklistItem) -> list[Dataset]:
    """The Scheduled Protocol Code Sequence as the worklist gave it, each code with its Protocol Context Sequence.

    Raises
    ------
    InvalidValue
        A context is no DICOM JSON.
    """
    count = len(item.scheduled_protocol_codes)
    pairs = zip_longest(item.scheduled_protocol_codes, item.scheduled_protocol_contexts[:count], fillvalue="")
    return [_with_context(code, context) for code, context in pairs if isinstance(code, Code)]


def read_protocol_codes(reader: Reader, keyword: str) -> tuple[tuple[Code, ...], tuple[str, ...]]:
    """Read protocol codes like `codes.read_codes`, and beside them their contexts.

    Returns
    -------
    tuple of Code
    tuple of str
        DICOM JSON arrays, one for each code; empty when no code has a context.
    """
    codes, contexts = [], []
    for item in reader.items(keyword):
        code = read_item(item, keyword)
        if code is not None:
            codes.append(code)
            contexts.append(_read_context(item))
    return tuple(codes), tuple(contexts) if any(contexts) else ()


def _read_context(item: Reader) -> str:
    copies = [part.copy() for part in item.items(_CONTEXT)]
    if not copies:
        return ""
    context = json.dumps([copy.to_json_dict() for copy in copies], ensure_ascii=False)
    try:
        _context(context)
    except InvalidValue as error:
        item.report(_CONTEXT, f"is left out: {error.rule}")
        return ""
    return context


def _with_context(code: Code, context: str) -> Dataset:
    item = code_item(code)
    if context:
        assign(item, _CONTEXT, _context(context))
    return item


def _context(text: str) -> list[Dataset]:
    try:
        return [_checked(Dataset.from_json(item)) for item in json.loads(text)]
    except IodError:
        raise
    except Exception as error:  # json and pydicom fail in many ways on what is no DICOM JSON
        raise InvalidValue(_CONTEXT, f"is no DICOM JSON ({type(error).__name__}; PS3.18 F.2)") from None


def _checked(dataset: Dataset) -> Dataset:
    checked = Dataset()
    for element in dataset:
        is_sequence = element.VR == "SQ"
        assign(checked, element.keyword, map(_checked, element.value) if is_sequence else element.value)
    return checked
