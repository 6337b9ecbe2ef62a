"""Codes: complete, of a scheme in use, spelt as in PS3.16, and of the context group that is asked for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

from pydicom import Dataset

from modality_sdk.iod.validation.reading import items, text, texts, walk
from modality_sdk.model import Finding, Severity

__all__ = [
    "CONTEXTS",
    "Concept",
    "Context",
    "check_codes",
    "check_meaning",
    "concept_of",
    "group",
    "in_group",
    "meaning_of",
]

_DEPRECATED: Final = frozenset({"SRT", "SNM3", "99SDM"})
_VALUES: Final = ("CodeValue", "LongCodeValue", "URNCodeValue")

Concept = tuple[str, str]
"""Coding Scheme Designator and Code Value."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """The context groups whose union a code sequence takes its codes of."""

    groups: tuple[int, ...]
    section: str
    extensible: bool = True


CONTEXTS: Final[Mapping[str, Context]] = {
    "AnatomicRegionSequence": Context(groups=(4031, 4009), section="PS3.3 C.8.11.2, CID 4031"),
    "ViewCodeSequence": Context(groups=(4010,), section="PS3.3 C.8.11.5, CID 4010"),
    "ViewModifierCodeSequence": Context(groups=(4011,), section="PS3.3 C.8.11.5, CID 4011"),
    "ProjectionEponymousNameCodeSequence": Context(groups=(4012,), section="PS3.3 C.8.11.5, CID 4012"),
    "PurposeOfReferenceCodeSequence": Context(groups=(7201, 7202), section="PS3.3 C.7.6.1, CID 7201 and 7202"),
}
"""By keyword of the sequence. Codes of content items have their groups in the rows of the templates."""

_FURTHER: Final[Mapping[int, Mapping[Concept, str]]] = {
    # editions of PS3.16 before the one that pydicom holds; archives and dose management systems know these
    4031: {
        ("SCT", "51185008"): "Chest",
        ("SCT", "113345001"): "Abdomen",
        ("SCT", "12921003"): "Pelvis",
    },
    10006: {
        ("SCT", "105830007"): "Aluminum or Aluminum compound",
        ("SCT", "105837005"): "Copper or Copper compound",
        ("SCT", "105842002"): "Lead or Lead compound",
        ("SCT", "105849006"): "Tin or Tin compound",
    },
    10016: {
        ("SCT", "105874009"): "Tungsten or Tungsten compound",
        ("SCT", "105860002"): "Molybdenum or Molybdenum compound",
        ("SCT", "105877002"): "Rhodium or Rhodium compound",
    },
}
_CONCEPT_NAMES: Final[Mapping[Concept, str]] = {
    ("SCT", "91723000"): "Anatomical structure",
    ("SCT", "272741003"): "Laterality",
    ("SCT", "363703001"): "Has Intent",
}
"""Names of content items that are no DICOM terms."""


@cache
def group(number: int) -> Mapping[Concept, str]:
    """Members of a context group with their meanings."""
    from pydicom.sr.codedict import codes  # large; only who validates pays it

    concepts = getattr(codes, f"cid{number}").concepts.values()
    known = {(concept.scheme_designator, concept.value): concept.meaning for concept in concepts}
    return {**known, **_FURTHER.get(number, {})}


def in_group(concept: Concept, numbers: tuple[int, ...]) -> bool:
    """Whether one of the groups has the code."""
    return any(concept in group(number) for number in numbers)


@cache
def _dicom_terms() -> Mapping[Concept, str]:
    """PS3.16 Annex D."""
    from pydicom.sr._concepts_dict import concepts

    terms: Iterable[Mapping[str, tuple[str, object]]] = cast(Any, concepts["DCM"]).values()
    return {("DCM", value): meaning for names in terms for value, (meaning, _) in names.items()}


def meaning_of(concept: Concept) -> str:
    """The one meaning of a DICOM term or of a content item's name; empty where it is neither."""
    return _dicom_terms().get(concept) or _CONCEPT_NAMES.get(concept, "")


def check_meaning(item: Dataset, path: str, groups: tuple[int, ...] = ()) -> Iterator[Finding]:
    """Compare Code Meaning with PS3.16, letter by letter: systems that read dose reports go by it."""
    concept, meaning = concept_of(item), text(item, "CodeMeaning")
    known = {group(number)[concept] for number in groups if concept in group(number)}
    if not known and meaning_of(concept):
        known = {meaning_of(concept)}
    if known and meaning and meaning not in known:
        rule, section = f"must be '{min(known)}' for this code", "PS3.16"
        yield Finding(attribute=f"{path}.CodeMeaning", rule=rule, section=section)
    elif concept[0] == "SCT" and meaning.endswith(")") and meaning.rpartition(" (")[2][:-1] in _SEMANTIC_TAGS:
        rule = "is a fully specified name of SNOMED CT, not the meaning"
        yield Finding(attribute=f"{path}.CodeMeaning", rule=rule, section="PS3.16 8")


_SEMANTIC_TAGS: Final = frozenset(
    {
        "attribute",
        "body structure",
        "finding",
        "observable entity",
        "physical object",
        "procedure",
        "product",
        "qualifier value",
        "substance",
    }
)


def concept_of(item: Dataset) -> Concept:
    """Scheme and value of a code; either may be empty."""
    return text(item, "CodingSchemeDesignator"), next((value for name in _VALUES if (value := text(item, name))), "")


def check_codes(dataset: Dataset) -> Iterator[Finding]:
    """Judge all code sequences of the object."""
    for path, around, element in walk(dataset):
        if element.VR != "SQ" or not (element.keyword in CONTEXTS or element.keyword.endswith("CodeSequence")):
            continue
        context = CONTEXTS.get(element.keyword)
        for place, item in enumerate(items(around, element.keyword), start=1):
            where = f"{path}[{place}]"
            yield from _check_parts(item, where)
            yield from check_meaning(item, where, context.groups if context else ())
            if context and not in_group(concept_of(item), context.groups):
                severity = Severity.WARNING if context.extensible else Severity.ERROR
                rule = "has a code that is not in the context group"
                yield Finding(attribute=where, rule=rule, section=context.section, severity=severity)


def _check_parts(item: Dataset, path: str) -> Iterator[Finding]:
    """The parts of a code (PS3.3 Table 8.8-1)."""
    present = [name for name in _VALUES if texts(item, name)]
    if len(present) != 1:
        rule = f"has {len(present) or 'no'} code values, not one"
        yield Finding(attribute=path, rule=rule, section="PS3.3 8.8")
    if not text(item, "CodeMeaning"):
        yield Finding(attribute=f"{path}.CodeMeaning", rule="has no value", section="PS3.3 8.8")
    scheme = text(item, "CodingSchemeDesignator")
    if not scheme and present != ["URNCodeValue"]:
        yield Finding(attribute=f"{path}.CodingSchemeDesignator", rule="has no value", section="PS3.3 8.8")
    if scheme in _DEPRECATED:
        rule = "is a deprecated scheme"
        yield Finding(attribute=f"{path}.CodingSchemeDesignator", rule=rule, section="PS3.16 8.1")
    value = text(item, "CodeValue")
    if present == ["LongCodeValue"] and len(text(item, "LongCodeValue")) <= 16:
        yield Finding(attribute=f"{path}.LongCodeValue", rule="is for more than 16 characters", section="PS3.3 8.1")
    if value.startswith("urn:") or "://" in value:
        yield Finding(attribute=f"{path}.CodeValue", rule="is a URN, which URN Code Value is for", section="PS3.3 8.1")
