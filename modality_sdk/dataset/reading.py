"""Reading data sets that others wrote: nothing in them can raise, everything odd about them is reported.

pydicom converts an element when it is first looked at, and complains (by exceptions, or by warnings that repeat the
value) about what is malformed. So elements are taken raw here and decoded leniently.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, time
from decimal import Decimal
from math import isfinite

from pydicom import DataElement, Dataset, Sequence
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue
from pydicom.valuerep import STR_VR, PersonName

from modality_sdk.dataset.character_sets import character_set_of, decode
from modality_sdk.dataset.dictionary import assign, conform, is_uid
from modality_sdk.errors import InvalidValue, IodError
from modality_sdk.model import SopReference

__all__ = ["Reader", "Report", "refuse"]

Report = Callable[[str, str], None]
"""Takes the keyword of an attribute and the rule it breaks, without any value."""

_TEXT = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
_FORMATTED = ("AS", "DA", "DS", "DT", "IS", "TM", "UI")
_BINARY_NUMBERS = ("FD", "FL", "SL", "SS", "SV", "UL", "US", "UV")
_PARAGRAPHS = ("LT", "ST", "UT", "UR")
_DATE = re.compile(r"([0-9]{4})([.\-/]?)([0-9]{2})\2([0-9]{2})")
_TIME = re.compile(r"([01][0-9]|2[0-3])(?:(:?)([0-5][0-9])(?:\2([0-5][0-9]|60)(?:\.([0-9]{1,6}))?)?)?")
_NUMBER = re.compile(r"[+-]?([0-9]{1,16}[.,]?[0-9]{0,16}|[.,][0-9]{1,16})([eE][+-]?[0-9]{1,3})?")


def refuse(keyword: str, rule: str) -> None:
    """A `Report` for data that must be right: raises `InvalidValue`."""
    raise InvalidValue(keyword, rule)


class Reader:
    """Attributes of one data set or sequence item, by keyword, as plain values.

    Parameters
    ----------
    dataset
        As received; it is not changed, except that pydicom parses its sequences.
    report
        Told of everything that is malformed.
    assume_charset
        Character set of a data set that declares none; empty for the default repertoire.
    parent
        Reader of the data set around this item, whose character set is inherited (PS3.5 7.5.3).
    """

    def __init__(
        self, dataset: Dataset, *, report: Report, assume_charset: str = "", parent: "Reader | None" = None
    ) -> None:
        self._dataset, self._report = dataset, report
        self._declared: tuple[str, ...] | None = parent._declared if parent else None
        self._assumed: tuple[str, ...] = parent._assumed if parent else ()
        if not parent and assume_charset:
            self._assumed = character_set_of(assume_charset.split("\\"))
        terms = [term.strip(" \0") for term in self._values("SpecificCharacterSet", "CS")]
        if any(terms):
            try:
                self._declared = character_set_of(terms)
            except InvalidValue as error:
                report(error.attribute, error.rule)

    @property
    def character_set(self) -> tuple[str, ...]:
        """The set that governs the text: declared, inherited, or assumed; empty for the default repertoire."""
        return self._assumed if self._declared is None else self._declared

    def __contains__(self, keyword: str) -> bool:
        """Whether the attribute is there, empty or not."""
        return self._element(keyword) is not None

    def texts(self, keyword: str, vr: str = "") -> tuple[str, ...]:
        """All values of a text attribute, brought into the form of its VR; empty ones are left out."""
        vr = vr or dictionary_VR(keyword)
        texts = []
        for value in self._values(keyword, vr):
            if "\ufffd" in value:
                self._report(keyword, "cannot be decoded in its character set (PS3.3 C.12.1.1.2)")
                value = value.replace("\ufffd", "?")
            plain = value.rstrip(" \0") if vr in _PARAGRAPHS else value.strip(" \0")
            text = conform(vr, plain)
            if text != (plain.rstrip("=") if vr == "PN" else plain):
                self._report(keyword, f"breaks the rules of {vr}, was shortened or cleaned (PS3.5 6.2)")
            if text:
                texts.append(text)
        return tuple(texts)

    def text(self, keyword: str, vr: str = "") -> str:
        """The first value of a text attribute, or an empty string."""
        texts = self.texts(keyword, vr)
        if len(texts) > 1:
            self._report(keyword, "has several values, the first one is used")
        return texts[0] if texts else ""

    def identifier(self, keyword: str) -> str:
        """A text that names one thing among others, so that it is taken whole or not at all; empty when absent.

        Raises
        ------
        InvalidValue
            It is too long, has several values or control characters, or cannot be decoded.
        """
        vr = dictionary_VR(keyword)
        values = [value.strip(" \0") for value in self._values(keyword, vr)]
        if len(values) > 1:
            raise InvalidValue(keyword, "has a backslash, as if it were several identifiers (PS3.5 6.2)")
        text = values[0] if values else ""
        if "\ufffd" in text:
            raise InvalidValue(keyword, "cannot be decoded in its character set (PS3.3 C.12.1.1.2)")
        if conform(vr, text) != text:
            raise InvalidValue(keyword, f"is too long for {vr} or has control characters (PS3.5 6.2)")
        return text

    def uid(self, keyword: str) -> str:
        """A UID, or an empty string when it is absent or malformed."""
        text = next((v.strip(" \0") for v in self._values(keyword, "UI")), "")
        if text and not is_uid(text):
            self._report(keyword, "is no UID (PS3.5 9.1)")
            return ""
        return text

    def date(self, keyword: str) -> date | None:
        """A date, also of the retired form ``yyyy.mm.dd``."""
        text = next((v.strip(" \0") for v in self._values(keyword, "DA")), "")
        if not text:
            return None
        found = _DATE.fullmatch(text)
        try:
            day = date(int(found[1]), int(found[3]), int(found[4])) if found else None
        except ValueError:
            day = None
        if day is None:
            self._report(keyword, "is no date (PS3.5 6.2)")
        elif found and found[2]:
            self._report(keyword, "is a date of a retired form (PS3.5 6.2)")
        return day

    def time(self, keyword: str) -> time | None:
        """A time, also with colons; missing minutes and seconds are zero."""
        text = next((v.strip(" \0") for v in self._values(keyword, "TM")), "")
        if not text:
            return None
        found = _TIME.fullmatch(text)
        if not found:
            self._report(keyword, "is no time (PS3.5 6.2)")
            return None
        if found[2]:
            self._report(keyword, "is a time of a retired form (PS3.5 6.2)")
        second = min(int(found[4] or 0), 59)  # Python's clock has no leap second
        return time(int(found[1]), int(found[3] or 0), second, int((found[5] or "").ljust(6, "0")))

    def positive(self, keyword: str) -> float | None:
        """A positive number; a decimal comma is understood, zero is taken for unknown."""
        text = next((v.strip(" \0") for v in self._values(keyword, "DS")), "")
        if not text:
            return None
        number = float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else 0.0
        if number > 0 and isfinite(number):
            return number
        self._report(keyword, "is no positive number")
        return None

    def integer(self, keyword: str) -> int | None:
        """An unsigned integer, binary or as text."""
        element = self._element(keyword)
        value = element.value if element is not None else None
        if isinstance(element, RawDataElement) and isinstance(value, bytes) and element.VR not in ("IS", "DS"):
            return int.from_bytes(value[:4], "little" if element.is_little_endian else "big") if value else None
        if isinstance(value, int):
            return int(value)
        text = next((v.strip(" \0") for v in self._values(keyword, "IS")), "")
        if text.isascii() and text.isdecimal() and len(text) <= 12:
            return int(text)
        if text:
            self._report(keyword, "is no integer (PS3.5 6.2)")
        return None

    def items(self, keyword: str) -> Iterator["Reader"]:
        """The items of a sequence; none when it is absent, empty, or no sequence."""
        element = self._element(keyword)
        if element is None:
            return
        try:
            is_text = isinstance(element, RawDataElement) and element.VR not in (None, "UN", "SQ")
            value = element.value if is_text else self._dataset[element.tag].value
        except Exception as error:  # pydicom's parser fails in many ways on bytes that are no sequence
            self._report(keyword, f"cannot be parsed ({type(error).__name__})")
            return
        if value is None or (isinstance(value, (str, bytes)) and not value):
            return
        if not isinstance(value, Sequence):
            self._report(keyword, "is no sequence (PS3.5 7.5)")
            return
        for item in value:
            yield Reader(item, report=self._report, parent=self)

    def references(self, keyword: str) -> tuple[SopReference, ...]:
        """The SOP instances that a sequence refers to; items that name none are left out."""
        references = []
        for item in self.items(keyword):
            sop = SopReference(
                sop_class_uid=item.uid("ReferencedSOPClassUID"),
                sop_instance_uid=item.uid("ReferencedSOPInstanceUID"),
            )
            if sop.sop_class_uid and sop.sop_instance_uid:
                references.append(sop)
            elif sop.sop_class_uid or sop.sop_instance_uid:
                self._report(keyword, "an item lacks the class or the instance and is left out (PS3.3 10.8)")
        return tuple(references)

    def copy(self, depth: int = 4) -> Dataset:
        """All attributes that `assign` takes, items of sequences included to ``depth`` levels; others are reported."""
        copied = Dataset()
        for tag in sorted(self._dataset.keys()):
            keyword = keyword_for_tag(tag)
            if keyword == "SpecificCharacterSet":
                continue  # the text is decoded
            try:
                assign(copied, keyword, self._plain(keyword, depth) if keyword else None)
            except IodError as error:
                self._report(keyword or str(tag), f"is left out: {error.rule}")
        return copied

    def _plain(self, keyword: str, depth: int) -> object:
        vr = dictionary_VR(keyword)
        if vr == "SQ" and depth:
            return [item.copy(depth - 1) for item in self.items(keyword)]
        if vr in _TEXT:
            return self.texts(keyword)
        if vr in _FORMATTED:
            return [value.strip(" \0") for value in self._values(keyword, vr)]
        if vr not in _BINARY_NUMBERS:
            raise InvalidValue(keyword, "holds bytes, or is nested too deeply")
        try:
            return self._dataset[keyword].value
        except Exception as error:  # pydicom's converters fail in many ways
            raise InvalidValue(keyword, f"cannot be parsed ({type(error).__name__})") from None

    def report(self, keyword: str, rule: str) -> None:
        """Pass on a finding about this data set."""
        self._report(keyword, rule)

    def _element(self, keyword: str) -> RawDataElement | DataElement | None:
        tag = tag_for_keyword(keyword)
        return None if tag is None else self._dataset.get_item(tag, keep_deferred=True)

    def _values(self, keyword: str, vr: str) -> list[str]:
        """Decoded values, as long as the attribute is of some text VR."""
        element = self._element(keyword)
        if element is None or element.value is None:
            return []
        raw = element.value
        if isinstance(element, RawDataElement) and element.VR not in (None, "UN", *STR_VR):
            raw = Sequence()
        texts = []
        for value in raw if isinstance(raw, (MultiValue, list, tuple)) else [raw]:
            text = self._decoded(keyword, vr, value)
            if text is None:
                self._report(keyword, f"holds no text where {vr} belongs (PS3.6)")
            else:
                texts.extend([text] if vr in _PARAGRAPHS else text.split("\\"))
        return texts

    def _decoded(self, keyword: str, vr: str, value: object) -> str | None:
        if isinstance(value, PersonName):
            # pydicom may have guessed the character set; the bytes it read are still there
            original: object = value.original_string  # None, whatever its annotation says, when made of text
            value = original if isinstance(original, bytes) else str(value)
        if isinstance(value, str):
            text = str(value)
            if text.isascii() or self._declared is not None or not _is_latin1(text):
                return text
            value = text.encode("latin-1")  # undeclared text that pydicom took for Latin 1: bytes again
        if isinstance(value, bytes):
            return self._decoded_bytes(keyword, vr, value)
        if isinstance(value, (int, float, Decimal, date, time)):
            return str(value)
        return None

    def _decoded_bytes(self, keyword: str, vr: str, value: bytes) -> str:
        delimiters = b"^=\\" if vr == "PN" else b"" if vr in _PARAGRAPHS else b"\\"
        text = decode(value, self.character_set, delimiters)
        if self._declared is None and not self._assumed and not text.isascii():
            self._report(keyword, "beyond the default repertoire, and no character set is declared (PS3.5 6.1.2.3)")
            with suppress(UnicodeDecodeError):
                return value.decode("utf-8")  # text in another encoding is hardly ever valid UTF-8 by chance
        return text


def _is_latin1(text: str) -> bool:
    return all(c <= "\xff" for c in text)
