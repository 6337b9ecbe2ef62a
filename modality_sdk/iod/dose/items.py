"""Content items of a structured report (PS3.3 C.17.3): one function for each value type of the dose report."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from pydicom import Dataset

from modality_sdk.dataset import build, code_sequence, reference_sequence
from modality_sdk.errors import InvalidValue
from modality_sdk.iod.dose.concepts import UNITS, concept
from modality_sdk.iod.dose.quantities import decimal_string
from modality_sdk.model import Code, SopReference

__all__ = [
    "CONTAINS",
    "HAS_CONCEPT_MOD",
    "HAS_OBS_CONTEXT",
    "HAS_PROPERTIES",
    "code",
    "container",
    "image",
    "moment",
    "number",
    "person_name",
    "text",
    "uid_reference",
]

CONTAINS = "CONTAINS"
HAS_CONCEPT_MOD = "HAS CONCEPT MOD"
HAS_OBS_CONTEXT = "HAS OBS CONTEXT"
HAS_PROPERTIES = "HAS PROPERTIES"

_Items = Iterable[Dataset]


def container(name: str, items: _Items, *, template: str = "", relationship: str = CONTAINS) -> Dataset:
    """A CONTAINER; ``template`` where one describes it and all that is in it (PS3.3 C.18.8)."""
    dataset = _item(relationship, "CONTAINER", name, items)
    dataset.update(build(ContinuityOfContent="SEPARATE"))
    if template:
        of_template = build(MappingResource="DCMR", TemplateIdentifier=template)
        dataset.update(build(ContentTemplateSequence=[of_template]))
    return dataset


def code(name: str, value: Code, items: _Items = (), *, relationship: str = CONTAINS) -> Dataset:
    """A CODE."""
    dataset = _item(relationship, "CODE", name, items)
    dataset.update(build(ConceptCodeSequence=code_sequence([value])))
    return dataset


def number(name: str, value: Decimal, unit: str) -> Dataset:
    """A NUM: value and UCUM unit."""
    dataset = _item(CONTAINS, "NUM", name)
    measured = build(NumericValue=decimal_string(value), MeasurementUnitsCodeSequence=code_sequence([UNITS[unit]]))
    dataset.update(build(MeasuredValueSequence=[measured]))
    return dataset


def text(name: str, value: str, *, relationship: str = CONTAINS) -> Dataset:
    """A TEXT, not empty."""
    dataset = _item(relationship, "TEXT", name)
    dataset.update(_value(name, "TextValue", value))
    return dataset


def uid_reference(name: str, uid: str, *, relationship: str = CONTAINS) -> Dataset:
    """A UIDREF."""
    dataset = _item(relationship, "UIDREF", name)
    dataset.update(_value(name, "UID", uid))
    return dataset


def person_name(name: str, person: str, items: _Items = ()) -> Dataset:
    """A PNAME."""
    dataset = _item(CONTAINS, "PNAME", name, items)
    dataset.update(_value(name, "PersonName", person))
    return dataset


def moment(name: str, value: datetime) -> Dataset:
    """A DATETIME, with its offset from UTC."""
    dataset = _item(CONTAINS, "DATETIME", name)
    dataset.update(build(DateTime=value))
    return dataset


def image(name: str, reference: SopReference) -> Dataset:
    """An IMAGE."""
    dataset = _item(CONTAINS, "IMAGE", name)
    dataset.update(build(ReferencedSOPSequence=reference_sequence([reference])))
    return dataset


def _item(relationship: str, value_type: str, name: str, items: _Items = ()) -> Dataset:
    dataset = build(ValueType=value_type, ConceptNameCodeSequence=code_sequence([concept(name)]))
    if relationship:
        dataset.update(build(RelationshipType=relationship))
    below = list(items)
    if below:
        dataset.update(build(ContentSequence=below))
    return dataset


def _value(name: str, keyword: str, value: str) -> Dataset:
    """The one value of an item, which is Type 1; an error names the item as well, there are many."""
    if not value:
        raise InvalidValue(keyword, f"of {name} has a value (PS3.3 C.18)")
    try:
        return build(**{keyword: value})
    except InvalidValue as error:
        raise InvalidValue(error.attribute, f"of {name}: {error.rule}") from None
