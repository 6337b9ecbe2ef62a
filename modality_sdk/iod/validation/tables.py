"""The tables of PS3.3 for the objects that we make, as data: which modules, which attributes, of which type."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Attribute", "attributes_of", "further_attributes", "iods", "modules_of"]


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One row of a module's table.

    Attributes
    ----------
    type
        ``1``, ``1C``, ``2``, ``2C`` or ``3`` (PS3.5 section 7.4).
    items
        Of a sequence: the rows of its items, by keyword.
    """

    type: str
    items: Mapping[str, "Attribute"] = field(default_factory=dict)


@cache
def _data() -> dict[str, Any]:
    # made by tools/extract-tables
    content: dict[str, Any] = json.loads(files(__package__).joinpath("modules.json").read_text(encoding="utf-8"))
    return content


def iods() -> frozenset[str]:
    """SOP Class UIDs of the objects that there are tables for."""
    return frozenset(_data()["iods"])


def modules_of(sop_class_uid: str) -> Mapping[str, str]:
    """Modules of an IOD with their usage: ``M``, ``C`` or ``U`` (PS3.3 Annex A)."""
    modules: dict[str, str] = _data()["iods"][sop_class_uid]
    return modules


@cache
def further_attributes(sop_class_uid: str) -> frozenset[str]:
    """Attributes of modules that an IOD has and that are not judged here."""
    return frozenset(_data()["further"][sop_class_uid])


@cache
def attributes_of(module: str) -> Mapping[str, Attribute]:
    """Rows of a module's table by keyword."""
    return _rows(_data()["modules"][module])


def _rows(tree: Mapping[str, Any]) -> dict[str, Attribute]:
    return {
        keyword: Attribute(type=entry[0], items=_rows(entry[1]) if len(entry) > 1 else {})
        for keyword, entry in tree.items()
    }
