"""Answers of a query as no correct system would encode them: false labels, impossible bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydicom.charset import convert_encodings, python_encoding
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.tag import BaseTag, ItemDelimiterTag, ItemTag, SequenceDelimiterTag, Tag
from pydicom.uid import UID
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from modality_sdk.simulator.script import Malformed, Step, WrongCharacterSet

__all__ = ["distort"]

_CHARACTER_SET = Tag("SpecificCharacterSet")
_UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True, kw_only=True)
class _Encoding:
    implicit: bool
    codecs: list[str]
    label: tuple[str, ...] | None = None
    """In the place of Specific Character Set; None leaves that alone, empty leaves it out."""
    values: Mapping[BaseTag, bytes] = field(default_factory=dict)
    without: frozenset[BaseTag] = frozenset()


def distort(answer: Dataset, step: Step, index: int, transfer_syntax: UID) -> bytes | None:
    """Encode an answer the way a step of a script wants it.

    Parameters
    ----------
    answer
        To a C-FIND.
    step
        Of the script.
    index
        Place of the answer in the list, from 0.
    transfer_syntax
        Of the presentation context, a little endian one.

    Returns
    -------
    bytes or None
        None when the step leaves this answer as it is.
    """
    own = convert_encodings(answer.get("SpecificCharacterSet"))
    if isinstance(step, WrongCharacterSet):
        codecs = own
        if step.encoded_in and _fits(answer, python_encoding[step.encoded_in]):
            codecs = convert_encodings(step.encoded_in)
        encoding = _Encoding(implicit=transfer_syntax.is_implicit_VR, codecs=codecs, label=step.label)
    elif isinstance(step, Malformed) and (not step.items or index in step.items):
        encoding = _Encoding(
            implicit=transfer_syntax.is_implicit_VR,
            codecs=own,
            values={Tag(keyword): value for keyword, value in step.values.items()},
            without=frozenset(Tag(keyword) for keyword in step.without),
        )
    else:
        return None
    if encoding.label:
        answer = Dataset(answer)
        answer.add(DataElement(_CHARACTER_SET, "CS", list(encoding.label)))
    return _encoded(answer, encoding)


def _fits(answer: Dataset, codec: str) -> bool:
    try:
        for element in answer.iterall():
            if element.VR != "SQ":
                str(element.value).encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _encoded(dataset: Dataset, encoding: _Encoding) -> bytes:
    out = DicomBytesIO()
    out.is_implicit_VR, out.is_little_endian = encoding.implicit, True
    for element in dataset:
        tag = element.tag
        if tag in encoding.without or (tag == _CHARACTER_SET and encoding.label == ()):
            continue
        if tag in encoding.values:
            value = encoding.values[tag]
            _write_header(out, element, len(value))
            out.write(value)
        elif element.VR == "SQ":
            _write_header(out, element, _UNDEFINED)
            for item in element.value or ():
                _write_mark(out, ItemTag, _UNDEFINED)
                out.write(_encoded(item, encoding))
                _write_mark(out, ItemDelimiterTag, 0)
            _write_mark(out, SequenceDelimiterTag, 0)
        else:
            write_data_element(out, element, encoding.codecs)
    return out.getvalue()


def _write_header(out: DicomBytesIO, element: DataElement, length: int) -> None:
    # PS3.5 section 7.1
    out.write_tag(element.tag)
    if not out.is_implicit_VR:
        out.write(element.VR.encode("ascii"))
        if element.VR not in EXPLICIT_VR_LENGTH_32:
            out.write_US(length)
            return
        out.write_US(0)
    out.write_UL(length)


def _write_mark(out: DicomBytesIO, tag: BaseTag, length: int) -> None:
    out.write_tag(tag)
    out.write_UL(length)
