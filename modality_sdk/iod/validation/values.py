"""Whether values have the form of their VR and number of their attribute, and whether the IOD knows the attribute."""

from collections.abc import Iterator
from typing import Final

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_has_tag, dictionary_is_retired, dictionary_VR
from pydicom.valuerep import AMBIGUOUS_VR

from modality_sdk.dataset.character_sets import character_set_of, fits
from modality_sdk.dataset.dictionary import check_values
from modality_sdk.errors import InvalidValue
from modality_sdk.iod.validation.reading import texts, values, walk
from modality_sdk.iod.validation.tables import attributes_of, further_attributes, modules_of
from modality_sdk.model import Finding, Severity

__all__ = ["check_membership", "check_values_of"]

_REPEATED: Final = ("DS", "IS")
"""Numbers that are written as texts: the text is judged."""
_TEXT: Final = ("LO", "LT", "PN", "SH", "ST", "UC", "UT")
_BYTES: Final = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")


def check_values_of(dataset: Dataset) -> Iterator[Finding]:
    """Judge every element, in the items of sequences too (PS3.5 section 6.2)."""
    character_set, finding = _character_set(dataset)
    if finding:
        yield finding
    for path, _, element in walk(dataset):
        if not dictionary_has_tag(element.tag):
            yield from _check_unknown(path, element)
            continue
        if dictionary_is_retired(element.tag):
            yield Finding(attribute=path, rule="is retired", section="PS3.6 6", severity=Severity.WARNING)
        expected = dictionary_VR(element.tag)
        if expected != element.VR and element.VR not in expected.split(" or "):
            yield Finding(attribute=path, rule=f"has the VR {element.VR}, not {expected}", section="PS3.6 6")
        elif element.VR != "SQ":
            yield from _check_values(path, element, character_set)


def _check_values(path: str, element: DataElement, character_set: tuple[str, ...] | None) -> Iterator[Finding]:
    vr, found = str(element.VR), values(element)
    if vr in _BYTES or (vr in AMBIGUOUS_VR and any(isinstance(value, bytes) for value in found)):
        if not all(isinstance(value, bytes | bytearray | memoryview) or hasattr(value, "read") for value in found):
            yield Finding(attribute=path, rule=f"{vr} holds bytes", section="PS3.5 6.2")
        return
    if vr in _REPEATED:
        found = [str(value) for value in found]
    try:
        check_values(element.keyword, vr, found)
    except InvalidValue as error:
        rule, _, section = error.rule.removesuffix(")").rpartition(" (")
        yield Finding(attribute=path, rule=rule, section=section)
        return
    if vr not in _TEXT:
        return
    if any("\ufffd" in str(value) for value in found):
        yield Finding(attribute=path, rule="cannot be decoded in the declared character set", section="PS3.5 6.1")
    elif character_set is not None and not all(_fits(vr, str(value), character_set) for value in found):
        yield Finding(attribute=path, rule="cannot be written in the declared character set", section="PS3.5 6.1")


def _fits(vr: str, text: str, character_set: tuple[str, ...]) -> bool:
    parts = text.replace("=", "^").split("^") if vr == "PN" else text.splitlines() or [""]
    return all(fits(part, character_set) for part in parts)


def _character_set(dataset: Dataset) -> tuple[tuple[str, ...] | None, Finding | None]:
    declared = texts(dataset, "SpecificCharacterSet")
    section = "PS3.3 C.12.1.1.2"
    try:
        known = character_set_of(declared)
    except InvalidValue:
        return None, Finding(attribute="SpecificCharacterSet", rule="is no defined term", section=section)
    if tuple(declared) in ((), known) or declared == ["ISO_IR 6"]:
        return known, None
    return known, Finding(attribute="SpecificCharacterSet", rule="is misspelt", section=section)


def _check_unknown(path: str, element: DataElement) -> Iterator[Finding]:
    """Private elements have an owner (PS3.5 section 7.8); all others are in the dictionary."""
    tag = element.tag
    if not tag.is_private:
        yield Finding(attribute=path, rule="is in no data dictionary", section="PS3.6 6", severity=Severity.WARNING)
    elif not tag.is_private_creator and not element.private_creator:
        yield Finding(attribute=path, rule="is private and has no owner", section="PS3.5 7.8")


def check_membership(dataset: Dataset, sop_class_uid: str) -> Iterator[Finding]:
    """Find what stands at the top of an object whose IOD does not know it: a Standard Extended SOP Class."""
    known = set(further_attributes(sop_class_uid))
    for module in modules_of(sop_class_uid):
        known |= attributes_of(module).keys()
    for element in dataset:
        if element.keyword and element.keyword not in known and element.tag.group > 0x0002:
            yield Finding(
                attribute=element.keyword,
                rule="is not in the IOD",
                section="PS3.3 Annex A",
                severity=Severity.WARNING,
            )
