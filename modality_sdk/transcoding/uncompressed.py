"""Explicit VR Little Endian to Implicit VR Little Endian and back.

The two syntaxes differ in the element headers alone (PS3.5 sections 7.1.2 and 7.1.3), so the headers are
rewritten and every value is copied as it stands: no text is decoded, no number read, no padding touched.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.tag import BaseTag, ItemDelimiterTag, ItemTag, SequenceDelimiterTag
from pydicom.uid import ExplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, STANDARD_VR, VR

from modality_sdk.errors import InvalidValue
from modality_sdk.model import Rendition, SopReference
from modality_sdk.transcoding.syntaxes import UNCOMPRESSED

__all__ = ["EncodedRendition", "reencode"]

_UNDEFINED = 0xFFFFFFFF
_DEEPEST = 64  # nesting far beyond any object's; keeps a hostile file from exhausting the stack
_PIXEL_REPRESENTATION = tag_for_keyword("PixelRepresentation")

_VR_BY_CODE: dict[bytes, str] = {vr.value.encode("ascii"): vr.value for vr in STANDARD_VR}
_LONG_HEADER = frozenset(vr.value for vr in EXPLICIT_VR_LENGTH_32)


@dataclass(frozen=True, kw_only=True, repr=False)
class EncodedRendition:
    """One object in memory, encoded anew in another transfer syntax."""

    sop: SopReference
    transfer_syntax_uid: str
    data: bytes

    @property
    def size(self) -> int:
        """Length of the encoded data set in bytes."""
        return len(self.data)

    def open(self) -> BinaryIO:
        """The encoded data set from its first byte."""
        return io.BytesIO(self.data)


def reencode(rendition: Rendition, transfer_syntax_uid: str) -> Rendition:
    """Write an uncompressed object in the other uncompressed transfer syntax, without loss.

    Group lengths, retired and wrong after the change, are left out (PS3.5 section 7.2). An element whose VR
    the dictionary does not know becomes UN (section 6.2.2).

    Parameters
    ----------
    rendition
        In Explicit or Implicit VR Little Endian.
    transfer_syntax_uid
        The one of these two that is wanted.

    Returns
    -------
    Rendition
        ``rendition`` itself where nothing is to be done.

    Raises
    ------
    InvalidValue
        When one of the syntaxes is another one, or the bytes are no data set in the syntax they are said to be in.
    OSError
        When the object cannot be read.
    """
    if rendition.transfer_syntax_uid == transfer_syntax_uid:
        return rendition
    if not {rendition.transfer_syntax_uid, transfer_syntax_uid} <= set(UNCOMPRESSED):
        raise InvalidValue("TransferSyntaxUID", "only uncompressed little endian syntaxes are converted")
    with rendition.open() as stream:
        source = memoryview(stream.read())
    write = _to_implicit if transfer_syntax_uid != ExplicitVRLittleEndian else _to_explicit
    out: list[bytes | memoryview] = []
    write(source, out)
    return EncodedRendition(sop=rendition.sop, transfer_syntax_uid=str(transfer_syntax_uid), data=b"".join(out))


class _Element(NamedTuple):
    tag: int
    vr: str
    undefined: bool
    value: memoryview
    """Without the delimiter that ends a value of undefined length."""


def _to_implicit(source: memoryview, out: list[bytes | memoryview], depth: int = 0) -> None:
    for element in _elements(source, implicit=False, depth=depth):
        if _is_group_length(element.tag):
            continue
        value = element.value
        if element.vr == VR.SQ:
            value = _items(element, implicit=False, depth=depth)
        out.append(_tag(element.tag) + struct.pack("<L", _UNDEFINED if element.undefined else len(value)))
        out.append(value)
        if element.undefined:
            out.append(_tag(SequenceDelimiterTag) + bytes(4))


def _to_explicit(
    source: memoryview, out: list[bytes | memoryview], depth: int = 0, representation: bytes = b""
) -> None:
    elements = list(_elements(source, implicit=True, depth=depth))
    for element in elements:
        if element.tag == _PIXEL_REPRESENTATION:
            representation = bytes(element.value)
    for element in elements:
        if _is_group_length(element.tag):
            continue
        vr, value = _vr_of(element.tag, representation), element.value
        if vr == VR.SQ:
            value = _items(element, implicit=True, depth=depth, representation=representation)
        elif element.undefined or (vr not in _LONG_HEADER and len(value) > 0xFFFF):
            vr = VR.UN.value
        out.append(_tag(element.tag) + vr.encode("ascii"))
        if vr in _LONG_HEADER:
            out.append(bytes(2) + struct.pack("<L", _UNDEFINED if element.undefined else len(value)))
        else:
            out.append(struct.pack("<H", len(value)))
        out.append(value)
        if element.undefined:
            out.append(_tag(SequenceDelimiterTag) + bytes(4))


def _items(element: _Element, *, implicit: bool, depth: int, representation: bytes = b"") -> memoryview:
    """The items of a sequence, converted from one syntax to the other."""
    if depth >= _DEEPEST:
        raise InvalidValue("DataSet", f"sequences are nested more than {_DEEPEST} deep")
    out: list[bytes | memoryview] = []
    position, value = 0, element.value
    while position < len(value):
        tag, length = _item_header(value, position)
        if tag != ItemTag:
            raise InvalidValue("DataSet", "a sequence holds something that is no item (PS3.5 section 7.5)")
        position += 8
        undefined = length == _UNDEFINED
        end = _end_of_item(value, position, implicit=implicit, depth=depth) if undefined else position + length
        if end > len(value):
            raise _truncated()
        item: list[bytes | memoryview] = []
        if implicit:
            _to_explicit(value[position:end], item, depth + 1, representation)
        else:
            _to_implicit(value[position:end], item, depth + 1)
        out.append(_tag(ItemTag) + struct.pack("<L", _UNDEFINED if undefined else sum(map(len, item))))
        out.extend(item)
        if undefined:
            out.append(_tag(ItemDelimiterTag) + bytes(4))
        position = end + 8 if undefined else end
    return memoryview(b"".join(out))


def _elements(source: memoryview, *, implicit: bool, depth: int) -> Iterator[_Element]:
    """The elements of one data set, up to its end."""
    position = 0
    while position < len(source):
        tag, vr, length, position = _header(source, position, implicit=implicit)
        undefined = length == _UNDEFINED
        end = _end_of_sequence(source, position, vr, implicit=implicit, depth=depth) if undefined else position + length
        if end > len(source):
            raise _truncated()
        yield _Element(tag, vr, undefined, source[position:end])
        position = end + 8 if undefined else end


def _header(source: memoryview, position: int, *, implicit: bool) -> tuple[int, str, int, int]:
    """Tag, VR (empty in the implicit syntax), length, and where the value begins."""
    try:
        group, number = struct.unpack_from("<HH", source, position)
        tag = group << 16 | number
        if implicit:
            return tag, "", struct.unpack_from("<L", source, position + 4)[0], position + 8
        vr = _VR_BY_CODE.get(bytes(source[position + 4 : position + 6]))
        if vr is None:
            raise InvalidValue("DataSet", f"no value representation at {BaseTag(tag)} (PS3.5 section 7.1.2)")
        if vr in _LONG_HEADER:
            return tag, vr, struct.unpack_from("<L", source, position + 8)[0], position + 12
        return tag, vr, struct.unpack_from("<H", source, position + 6)[0], position + 8
    except struct.error:
        raise _truncated() from None


def _end_of_sequence(source: memoryview, position: int, vr: str, *, implicit: bool, depth: int) -> int:
    """Where the Sequence Delimitation Item of a value of undefined length stands."""
    if depth >= _DEEPEST:
        raise InvalidValue("DataSet", f"sequences are nested more than {_DEEPEST} deep")
    if vr not in ("", VR.SQ, VR.UN):
        raise InvalidValue("DataSet", "a value of undefined length that is no sequence (PS3.5 section 7.1.2)")
    implicit = implicit or vr == VR.UN  # UN of undefined length holds Implicit VR (PS3.5 section 6.2.2)
    while True:
        tag, length = _item_header(source, position)
        if tag == SequenceDelimiterTag:
            return position
        if tag != ItemTag:
            raise InvalidValue("DataSet", "a sequence holds something that is no item (PS3.5 section 7.5)")
        position += 8
        if length == _UNDEFINED:
            position = _end_of_item(source, position, implicit=implicit, depth=depth) + 8
        else:
            position += length


def _end_of_item(source: memoryview, position: int, *, implicit: bool, depth: int) -> int:
    """Where the Item Delimitation Item of an item of undefined length stands."""
    while True:
        tag, _ = _item_header(source, position)
        if tag == ItemDelimiterTag:
            return position
        _, vr, length, position = _header(source, position, implicit=implicit)
        if length == _UNDEFINED:
            position = _end_of_sequence(source, position, vr, implicit=implicit, depth=depth + 1) + 8
        else:
            position += length


def _item_header(source: memoryview, position: int) -> tuple[int, int]:
    try:
        group, number, length = struct.unpack_from("<HHL", source, position)
    except struct.error:
        raise _truncated() from None
    return group << 16 | number, length


def _vr_of(tag: int, representation: bytes) -> str:
    """VR of an element whose header names none (PS3.5 section 7.1.3, PS3.6)."""
    group, number = tag >> 16, tag & 0xFFFF
    if group % 2:
        return VR.LO.value if 0x10 <= number <= 0xFF else VR.UN.value
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return VR.UN.value
    if "OW" in vr:  # "OB or OW", "US or OW", …: OW is right for each of them in a little endian syntax (PS3.5 A.1)
        return VR.OW.value
    if " or " in vr:  # "US or SS"
        signed = len(representation) >= 2 and representation[0] == 1
        return VR.SS.value if signed else VR.US.value
    return vr


def _tag(tag: int) -> bytes:
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF)


def _is_group_length(tag: int) -> bool:
    return tag & 0xFFFF == 0


def _truncated() -> InvalidValue:
    return InvalidValue("DataSet", "the data set ends in the middle of an element")
