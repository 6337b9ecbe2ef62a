"""What a full object has to have is missed when it is taken out, and when it is emptied, in items as well."""

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from iod.validation.specimens import SPECIMENS
from pydicom import Dataset

from modality_sdk.iod import validate
from modality_sdk.iod.validation.conditions import ATTRIBUTES, NESTED
from modality_sdk.iod.validation.tables import Attribute, attributes_of, modules_of

pytestmark = [pytest.mark.req(name) for name in ("NFR-QUAL-01", "IOD-DX", "IOD-CR", "IOD-RDSR", "IOD-GSPS", "IOD-KOS")]

Place = tuple[str | int, ...]
"""Keywords, and numbers of items from 0 on."""

REPLACED = {
    "WindowCenter": "a curve displays the image as well",
    "VOILUTSequence": "a window displays the image as well",
    "GraphicAnnotationSequence": "it is the whole of its module, which an object may do without",
    "SoftcopyVOILUTSequence": "it is the whole of its module, which an object may do without",
}
"""What may be taken out of a full object, and why."""


@cache
def specimen(name: str) -> Dataset:
    return SPECIMENS[name]()


def placed(rows: dict[str, Attribute] | Any, dataset: Dataset, at: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every attribute of the rows that is there, with its type, into the items."""
    for keyword, row in rows.items():
        if keyword not in dataset:
            continue
        yield (*at, keyword), row.type
        if row.items and dataset[keyword].VR == "SQ":
            for number, item in enumerate(dataset[keyword].value):
                yield from placed(row.items, item, (*at, keyword, number))


def cases() -> Iterator[Any]:
    for name in SPECIMENS:
        dataset, seen = specimen(name), set()
        for module in modules_of(str(dataset.SOPClassUID)):
            for place, kind in placed(attributes_of(module), dataset):
                keyword = str(place[-1])
                known = (module, keyword) in ATTRIBUTES if len(place) == 1 else keyword in NESTED
                needed = keyword not in REPLACED and (known or not kind.endswith("C"))
                if kind[0] == "3" or place in seen or (kind[0] == "2" and not needed):
                    continue
                seen.add(place)
                yield pytest.param(name, place, kind, needed, id=f"{name}-{'.'.join(map(str, place))}")


def taken(name: str, place: Place) -> tuple[Dataset, Dataset]:
    """A copy of the specimen, and the data set in it that has the attribute."""
    whole = copy.deepcopy(specimen(name))
    inner: Any = whole
    for step in place[:-1]:
        inner = inner[step].value if isinstance(step, str) else inner[step]
    return whole, inner


def path_of(place: Place) -> str:
    return "".join(f"[{step + 1}]." if isinstance(step, int) else step for step in place)


@pytest.mark.parametrize(("name", "place", "kind", "needed"), list(cases()))
def test_what_is_removed_or_emptied_is_found(name: str, place: Place, kind: str, needed: bool) -> None:
    keyword = str(place[-1])
    if needed:
        whole, inner = taken(name, place)
        del inner[keyword]
        assert any(path_of(place) in finding.attribute for finding in validate(whole)), "removed"
    if kind.startswith("1"):
        whole, inner = taken(name, place)
        inner[keyword].value = [] if inner[keyword].VR == "SQ" else None
        assert any(path_of(place) in finding.attribute for finding in validate(whole)), "emptied"


@pytest.mark.parametrize("name", SPECIMENS)
def test_a_full_object_has_no_fault(name: str) -> None:
    assert validate(specimen(name)) == []


@pytest.mark.parametrize("name", SPECIMENS)
def test_an_object_is_not_changed_by_being_judged(name: str) -> None:
    dataset = SPECIMENS[name]()
    before = copy.deepcopy(dataset)
    validate(dataset)
    assert dataset == before


def test_there_are_cases_of_every_kind() -> None:
    found = {(str(case.values[0]), case.values[2], len(case.values[1]) > 1) for case in cases()}
    for name in SPECIMENS:
        assert {(name, "1", False), (name, "2", False), (name, "1", True)} <= found
