"""Specific Character Set, (0008,0005): which to write, and decoding that never fails (PS3.3 C.12.1.1.2, PS3.5 6.1).

A character set is a tuple of defined terms; the empty tuple stands for the default repertoire, which is expressed by
the absence of the attribute.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from pydicom import DataElement, Dataset
from pydicom.charset import (
    CODES_TO_ENCODINGS,
    ESC,
    STAND_ALONE_ENCODINGS,
    custom_encoders,
    encode_string,
    need_tail_escape_sequence_encodings,
    python_encoding,
)
from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR

from modality_sdk.dataset.dictionary import assign
from modality_sdk.errors import InvalidValue

__all__ = ["UNICODE", "character_set_of", "confine", "declare", "decode", "ensure_encodable", "fits"]

_log = logging.getLogger("modality_sdk.dataset")

UNICODE = ("ISO_IR 192",)
# Latin alphabet No. 9 is newer than pydicom's table: it is read, and never written
_ENCODINGS: Mapping[str, str] = {**python_encoding, "ISO_IR 203": "iso8859_15", "ISO 2022 IR 203": "iso8859_15"}
_ESCAPED: Mapping[bytes, str] = {**CODES_TO_ENCODINGS, ESC + b"-b": "iso8859_15"}
_DEFAULT_TERMS = ("", "ISO_IR 6", "ISO 2022 IR 6")
_UNDECODABLE = "\ufffd"


def character_set_of(terms: Iterable[str]) -> tuple[str, ...]:
    """Bring the values of Specific Character Set into their one legal form.

    Common misspellings are corrected; the default repertoire becomes the empty tuple; a set that stands alone
    (ISO_IR 192, GB18030, GBK) stands alone; several sets get the names that allow code extension.

    Raises
    ------
    InvalidValue
        A term is none of PS3.3 C.12.1.1.2.
    """
    named = [_term(term) for term in terms]
    if not named:
        return ()
    if named[0] in STAND_ALONE_ENCODINGS:
        return (named[0],)
    named = [term for i, term in enumerate(named) if term not in STAND_ALONE_ENCODINGS and (term or i == 0)]
    if len(named) == 1:
        if named[0] in _DEFAULT_TERMS:
            return ()
        single = named[0].replace("ISO 2022 IR ", "ISO_IR ")
        return (single,) if single in _ENCODINGS else ("", named[0])  # a multi-byte set is never the first
    return tuple(term.replace("ISO_IR ", "ISO 2022 IR ") for term in named)


def _term(term: str) -> str:
    name = re.sub(r"^ISO[ _-]?IR[ _-]?(?=[0-9])", "ISO_IR ", term.strip(" \0").upper())
    name = re.sub(r"^ISO[ _-]2022[ _-]IR[ _-](?=[0-9])", "ISO 2022 IR ", name)
    name = {"UTF-8": "ISO_IR 192", "UTF8": "ISO_IR 192"}.get(name, name)
    if name not in _ENCODINGS:
        raise InvalidValue("SpecificCharacterSet", "no defined term of PS3.3 C.12.1.1.2")
    return name


def fits(text: str, character_set: tuple[str, ...]) -> bool:
    """Whether ``text`` (no delimiters of a person name in it) survives being written and read in the set."""
    if text.isascii():
        return True
    if not character_set or not _writable(character_set):
        return False
    codecs = [python_encoding[term] for term in character_set]
    if len(codecs) == 1:
        return _encodable(text, codecs[0]) and decode(encode_string(text, codecs), character_set) == text
    # pydicom takes the default repertoire for Latin 1, and does not return to it before a line break
    if character_set[0] in _DEFAULT_TERMS and any("\x80" <= c <= "\xff" for c in text):
        return False
    if any(c < " " for c in text) or not all(any(_encodable(c, codec) for codec in codecs) for c in text):
        return False
    return decode(encode_string(text, codecs), character_set) == text


def _writable(character_set: tuple[str, ...]) -> bool:
    return all(term in python_encoding for term in character_set)


def _encodable(text: str, codec: str) -> bool:
    try:
        custom_encoders[codec](text) if codec in custom_encoders else text.encode(codec)
    except UnicodeError:
        return False
    return True


def decode(value: bytes, character_set: tuple[str, ...], delimiters: bytes = b"") -> str:
    """Decode text of a peer. Never raises and never warns.

    Escape sequences of all sets of PS3.3 Tables C.12-3 and C.12-4 are understood, declared or not.

    Parameters
    ----------
    value
        Bytes as received.
    character_set
        Governs the text.
    delimiters
        Bytes that switch back to the first set, ``b"^="`` in a person name (PS3.5 6.1.2.5.3).

    Returns
    -------
    str
        With U+FFFD for what could not be decoded.
    """
    first = _ENCODINGS[character_set[0] if character_set else ""]
    if ESC not in value:
        return value.decode(first, "replace")
    fragments: list[bytes] = re.findall(rb"^[^\x1b]+|\x1b[^\x1b]*", value)
    return "".join(_decode_fragment(fragment, first, delimiters) for fragment in fragments)


def _decode_fragment(fragment: bytes, first: str, delimiters: bytes) -> str:
    if not fragment.startswith(ESC):
        return fragment.decode(first, "replace")
    length = 4 if fragment.startswith((ESC + b"$(", ESC + b"$)")) else 3
    codec = _ESCAPED.get(fragment[:length])
    if codec is None:
        return _UNDECODABLE + fragment[length:].decode(first, "replace")
    if codec in need_tail_escape_sequence_encodings:
        return fragment.decode(codec, "replace")  # Python's codec reads the escape sequence itself
    text = fragment[length:]
    if first == _ENCODINGS[UNICODE[0]] and not text.isascii():
        # some turn text into UTF-8 and leave escape sequences in it; other text is hardly ever UTF-8 by chance
        with suppress(UnicodeDecodeError):
            return text.decode(first)
    end = next((i for i, byte in enumerate(text) if byte in delimiters), len(text))
    return text[:end].decode(codec, "replace") + text[end:].decode(first, "replace")


def ensure_encodable(dataset: Dataset, character_set: tuple[str, ...]) -> tuple[str, ...]:
    """Choose the character set to write ``dataset`` in. The data set is not changed; see `declare`.

    Parameters
    ----------
    dataset
        Its text, that of its items included, is looked at.
    character_set
        The set wanted.

    Returns
    -------
    tuple of str
        The set wanted if every text fits and pydicom can write it, else ``("ISO_IR 192",)``; empty for the default
        repertoire, never ISO_IR 6.

    Raises
    ------
    InvalidValue
        A term is not defined.
    """
    wanted = character_set_of(character_set)
    texts = (
        piece for element in _text_elements(dataset) for text in _texts(element) for piece in _pieces(element, text)
    )
    return wanted if _writable(wanted) and all(fits(piece, wanted) for piece in texts) else UNICODE


def declare(dataset: Dataset, character_set: tuple[str, ...]) -> None:
    """Write the Specific Character Set, or take it away for the default repertoire (PS3.5 6.1.2.3)."""
    if character_set:
        assign(dataset, "SpecificCharacterSet", character_set)
    elif "SpecificCharacterSet" in dataset:
        del dataset.SpecificCharacterSet


def confine(dataset: Dataset, character_set: tuple[str, ...]) -> None:
    """Declare ``character_set`` and replace by ``?`` each character that it lacks.

    For the messages of a step, whose character set must stay that of the N-CREATE (PS3.4 F.7.2.2.1). A warning in the
    log names the attributes that lost characters.
    """
    wanted = character_set_of(character_set)
    wanted = wanted if _writable(wanted) else UNICODE
    lacking: list[str] = []
    for element in _text_elements(dataset):
        texts = [_confined(element, text, wanted) for text in _texts(element)]
        if texts != _texts(element):
            element.value = texts if len(texts) > 1 else texts[0]
            lacking.append(element.keyword)
    if lacking:
        names = ", ".join(dict.fromkeys(lacking))
        _log.warning("characters that %s lacks were replaced in %s", "\\".join(wanted) or "ISO_IR 6", names)
    declare(dataset, wanted)


def _confined(element: DataElement, text: str, character_set: tuple[str, ...]) -> str:
    if all(fits(piece, character_set) for piece in _pieces(element, text)):
        return text
    kept = "".join(c if fits(c, character_set) else "?" for c in text)
    if all(fits(piece, character_set) for piece in _pieces(element, kept)):
        return kept
    return "".join(c if c.isascii() else "?" for c in kept)


def _text_elements(dataset: Dataset) -> Iterator[DataElement]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _text_elements(item)
        elif element.VR in CUSTOMIZABLE_CHARSET_VR:
            yield element


def _texts(element: DataElement) -> list[str]:
    value = element.value
    return [] if value is None else [str(v) for v in value] if element.VM > 1 else [str(value)]


def _pieces(element: DataElement, text: str) -> list[str]:
    return re.split(r"[\^=]", text) if element.VR == "PN" else [text]
