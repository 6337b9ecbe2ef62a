"""Attributes that must be there, and those that must have a value: Types 1, 1C, 2 and 2C (PS3.5 section 7.4)."""

from collections.abc import Iterator, Mapping

from pydicom import Dataset

from modality_sdk.iod.validation.conditions import ATTRIBUTES, MODULES, NESTED, Condition
from modality_sdk.iod.validation.reading import text
from modality_sdk.iod.validation.tables import Attribute, attributes_of, modules_of
from modality_sdk.model import Finding

__all__ = ["check_types"]


def check_types(dataset: Dataset) -> Iterator[Finding]:
    """Judge every attribute of every module that the object has, or has to have."""
    sop_class_uid = text(dataset, "SOPClassUID")
    usages = modules_of(sop_class_uid)
    mandatory = {keyword for module, usage in usages.items() if usage == "M" for keyword in attributes_of(module)}
    for module, usage in usages.items():
        rows = attributes_of(module)
        own = [keyword for keyword in rows if keyword not in mandatory and keyword in dataset]
        condition = MODULES.get((sop_class_uid, module))
        if condition is not None and condition.absent_otherwise and not condition.required(dataset):
            continue
        if condition is not None and condition.forbidden_otherwise and not condition.required(dataset):
            yield from (
                Finding(attribute=keyword, rule="shall not be in such an object", section=condition.section)
                for keyword in own
            )
        elif usage == "M" or own or (condition is not None and condition.required(dataset)):
            yield from _check_rows(dataset, module, rows)


def _check_rows(dataset: Dataset, module: str, rows: Mapping[str, Attribute]) -> Iterator[Finding]:
    section = f"PS3.3, module {module}"
    for keyword, row in rows.items():
        condition = ATTRIBUTES.get((module, keyword))
        yield from _check_one(dataset, keyword, row, condition, section, keyword)


def _check_one(
    dataset: Dataset, keyword: str, row: Attribute, condition: Condition | None, section: str, path: str
) -> Iterator[Finding]:
    conditional = row.type.endswith("C")
    if condition is not None:
        section = condition.section
    if keyword not in dataset:
        if row.type in ("1", "2") or (conditional and condition is not None and condition.required(dataset)):
            yield Finding(attribute=path, rule=f"is missing; it is Type {row.type}", section=section)
        return
    if conditional and condition is not None and condition.forbidden_otherwise and not condition.required(dataset):
        yield Finding(attribute=path, rule="shall not be there under this condition", section=section)
    element = dataset[keyword]
    if element.is_empty and row.type.startswith("1"):
        yield Finding(attribute=path, rule=f"is empty; Type {row.type} has a value", section=section)
    if row.items and element.VR == "SQ":
        for number, item in enumerate(element.value, start=1):
            for name, inner in row.items.items():
                yield from _check_one(item, name, inner, NESTED.get(name), section, f"{path}[{number}].{name}")
