"""The form of every value of a data set by its VR and multiplicity (PS3.5 section 6.2, PS3.6 section 6)."""

import re
import unicodedata
from collections.abc import Iterator

from pydicom import config
from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID
from pydicom.valuerep import validate_value

from modality_sdk.simulator.answers import Status
from modality_sdk.simulator.violations import Violation, name_of, violation

__all__ = ["malformed_values"]

_DAY = r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
_SECONDS = r"[0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?"
# one moment each; the ranges of PS3.5 Table 6.2-1 are for queries only
_MOMENTS = {
    "DA": re.compile(_DAY),
    "TM": re.compile(rf"([01]\d|2[0-3])({_SECONDS})?"),
    "DT": re.compile(
        rf"\d{{4}}((0[1-9]|1[0-2])((0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])({_SECONDS})?)?)?)?([+-]\d{{4}})?"
    ),
}

_TEXTS = frozenset({"AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_LINE_BREAKS = {"LT": "\t\n\f\r", "ST": "\t\n\f\r", "UT": "\t\n\f\r"}

# PS3.3 Table C.12-2, without code extensions
_PLAIN = frozenset(
    {f"ISO_IR {number}" for number in (13, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 192, 203)}
    | {"GB18030", "GBK"}
)
# PS3.3 Tables C.12-3 and C.12-4, with code extensions
_EXTENDED = frozenset(
    f"ISO 2022 IR {number}" for number in (6, 13, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 203)
)
_MULTIPLE_BYTE = frozenset(f"ISO 2022 IR {number}" for number in (58, 87, 149, 159))

_ENUMERATED = {"PatientSex": frozenset({"M", "F", "O"})}


def malformed_values(dataset: Dataset) -> Iterator[Violation]:
    """Look for values that the standard does not allow, sequences included.

    Ask before anything else reads the data set: what a value looked like on the wire is lost when it is decoded.

    Parameters
    ----------
    dataset
        Of a message.

    Yields
    ------
    Violation
        0106, or 0121 for a Specific Character Set without a value; in the order of the data set.
    """
    character_set = list(_character_set(dataset))
    yield from character_set
    # where nobody can tell what the texts are, they are not judged
    yield from _malformed(dataset, "", declared="SpecificCharacterSet" in dataset, texts=not character_set)


def _character_set(dataset: Dataset) -> Iterator[Violation]:
    """Specific Character Set names Defined Terms of PS3.3 C.12.1.1.2; the default repertoire is named by absence."""
    keyword = "SpecificCharacterSet"
    if keyword not in dataset:
        return
    element = dataset[keyword]
    terms = [str(term or "").strip() for term in (element.value if element.VM > 1 else [element.value])]
    if not any(terms):
        yield violation(Status.MISSING_ATTRIBUTE_VALUE, keyword, "has no value (Type 1C)")
    elif len(terms) == 1:
        if terms[0] not in _PLAIN | _EXTENDED:
            yield violation(Status.INVALID_ATTRIBUTE_VALUE, keyword, "is no Defined Term (PS3.3 C.12.1.1.2)")
    elif terms[0] not in _EXTENDED | {""} or not set(terms[1:]) <= _EXTENDED | _MULTIPLE_BYTE:
        yield violation(Status.INVALID_ATTRIBUTE_VALUE, keyword, "are no code extensions (PS3.3 C.12.1.1.2)")


def _malformed(dataset: Dataset, path: str, *, declared: bool, texts: bool) -> Iterator[Violation]:
    for tag in sorted(dataset.keys()):
        if keyword_for_tag(tag) == "SpecificCharacterSet":
            continue
        name = path + name_of(tag)
        rule: str | None
        try:
            rule = _blank_ae_title(dataset, tag)
            element = dataset[tag]
            if element.VR == "SQ":
                for item in element.value or ():
                    yield from _malformed(item, f"{name}>", declared=declared, texts=texts)
                continue
            rule = rule or _broken_rule(element, declared=declared, texts=texts)
        except (ValueError, TypeError, LookupError, OverflowError, ArithmeticError, UserWarning):
            rule = "does not have the form of its VR"
        if rule:
            yield Violation(status=Status.INVALID_ATTRIBUTE_VALUE, path=name, tag=Tag(tag), rule=rule)


def _blank_ae_title(dataset: Dataset, tag: BaseTag) -> str | None:
    if not dictionary_has_tag(tag) or dictionary_VR(tag) != "AE":
        return None
    # bytes as long as nobody has read the element
    written = getattr(dataset.get_item(tag), "value", None)
    blank = isinstance(written, bytes) and written and not written.strip(b" \0")
    return "is not only spaces (PS3.5 6.2)" if blank else None


def _broken_rule(element: DataElement, *, declared: bool, texts: bool) -> str | None:
    keyword = keyword_for_tag(element.tag)
    if element.VM > 1 and keyword and dictionary_VM(element.tag) == "1":
        return "has one value (PS3.6)"
    for value in element.value if element.VM > 1 else [element.value]:
        if value is None or value == "":
            continue
        # numbers as they were written, for the form is that of the text
        validate_value(element.VR, str(value) if element.VR in ("DS", "IS") else value, config.RAISE)
        text = str(value)
        if element.VR in _MOMENTS and not _MOMENTS[element.VR].fullmatch(text.strip(" ")):
            return "is one moment in the form of its VR (PS3.5 6.2)"
        if element.VR == "UI" and not UID(text).is_valid:
            return "is not a UID (PS3.5 9.1)"
        if element.VR == "AE" and not text.strip(" "):
            return "is not only spaces (PS3.5 6.2)"
        if keyword in _ENUMERATED and text.strip(" ") not in _ENUMERATED[keyword]:
            return "is none of its Enumerated Values"
        if texts and element.VR in _TEXTS and (rule := _broken_rule_of_text(element.VR, text, declared=declared)):
            return rule
    return None


def _broken_rule_of_text(vr: str, text: str, *, declared: bool) -> str | None:
    # the escape sequences of a declared code extension are gone once a text is decoded
    allowed = _LINE_BREAKS.get(vr, "")
    if any(unicodedata.category(character) == "Cc" and character not in allowed for character in text):
        return "holds no control characters (PS3.5 6.1.3)"
    if not declared and not text.isascii():
        return "needs a Specific Character Set (PS3.3 C.12.1.1.2)"
    return None
