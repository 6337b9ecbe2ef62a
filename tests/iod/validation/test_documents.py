"""Content trees: every mandatory row of the templates is missed, every item is whole, totals and evidence agree."""

import copy
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from iod.validation.specimens import dose_report, rejection_note
from pydicom import Dataset

from modality_sdk.dataset import build, code_item
from modality_sdk.iod import validate
from modality_sdk.iod.validation.structured_report import DOSE_RELATIONS, KEY_OBJECT_RELATIONS
from modality_sdk.iod.validation.templates import DOSE_REPORT, KEY_OBJECTS, Row
from modality_sdk.model import AcquisitionDeviceType, Code, Severity

pytestmark = [pytest.mark.req("IOD-RDSR"), pytest.mark.req("IOD-KOS"), pytest.mark.req("NFR-QUAL-01")]

Path = tuple[int, ...]


@cache
def original(name: str) -> Dataset:
    if name == "note":
        return rejection_note()
    if name == "cassette":
        return dose_report(device_type=AcquisitionDeviceType.CASSETTE_BASED)
    return dose_report()


NAMES = ("integrated", "cassette", "note")


def at(dataset: Any, path: Path) -> Any:
    for number in path:
        dataset = dataset.ContentSequence[number]
    return dataset


def walk(dataset: Dataset, path: Path = ()) -> Iterator[tuple[Path, Dataset]]:
    for number, item in enumerate(dataset.get("ContentSequence", [])):
        yield (*path, number), item
        yield from walk(item, (*path, number))


def name_of(item: Dataset) -> tuple[str, str]:
    name = item.ConceptNameCodeSequence[0]
    return name.CodingSchemeDesignator, name.CodeValue


def rows(row: Row) -> Iterator[Row]:
    for inner in row.rows:
        yield inner
        yield from rows(inner)


MANDATORY = {
    # M, and those MC whose condition the specimens meet
    "integrated": "121058 363703001 121012 113705 121126 113702 113706 113854 113764 113722 113725 113780 113769 "
    "111526 113721 123014 122130 113738 113768 113875",
    "cassette": "121058 363703001 113705 113702 113706 113731 113947 113780 113738",
    "note": "113011 121008",
}


def changed(name: str, change: Callable[[Dataset], object], severity: Severity = Severity.ERROR) -> list[str]:
    """Findings of a changed copy."""
    dataset = copy.deepcopy(original(name))
    change(dataset)
    return [f"{f.attribute} {f.rule}" for f in validate(dataset) if f.severity is severity]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in MANDATORY.items() for value in values.split()]
)
def test_a_mandatory_item_is_missed(name: str, value: str) -> None:
    places = [
        path for path, item in walk(original(name)) if "ConceptNameCodeSequence" in item and name_of(item)[1] == value
    ]
    assert places
    # where an item may stand several times, all of one place go
    around = places[0][:-1]
    numbers = sorted((path[-1] for path in places if path[:-1] == around), reverse=True)

    def remove(dataset: Dataset) -> None:
        for number in numbers:
            del at(dataset, around).ContentSequence[number]

    assert any(f"({value})" in finding and "lacks" in finding for finding in changed(name, remove))


def parts() -> Iterator[tuple[str, str]]:
    """What the items of each document consist of."""
    for name in NAMES:
        keywords = {element.keyword for _, item in walk(original(name)) for element in item}
        # the root alone has to have a template, and few items have others in them
        yield from ((name, keyword) for keyword in sorted(keywords - {"ContentTemplateSequence", "ContentSequence"}))


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize(("name", "keyword"), list(parts()))
def test_every_item_has_to_be_whole(name: str, keyword: str, empty: bool) -> None:
    places = [path for path, item in walk(original(name)) if keyword in item]

    def change(dataset: Dataset) -> None:
        for path in places:
            element = at(dataset, path)[keyword]
            if empty:
                element.value = [] if element.VR == "SQ" else None
            else:
                del at(dataset, path)[keyword]

    severity = Severity.WARNING if empty and keyword == "MeasuredValueSequence" else Severity.ERROR
    found = {finding.partition(" ")[0] for finding in changed(name, change, severity)}
    wheres = {".".join(f"ContentSequence[{number + 1}]" for number in path) for path in places}
    assert {f"{where}.{keyword}" for where in wheres} <= found


@pytest.mark.parametrize("value", ["113733"])
def test_what_readers_expect_is_a_warning(value: str) -> None:
    path = next(path for path, item in walk(original("integrated")) if name_of(item)[1] == value)

    def remove(dataset: Dataset) -> None:
        del at(dataset, path[:-1]).ContentSequence[path[-1]]

    assert any("lacks KVP" in finding for finding in changed("integrated", remove, Severity.WARNING))


def item(dataset: Dataset, value: str) -> Any:
    return next(
        found for _, found in walk(dataset) if "ConceptNameCodeSequence" in found and name_of(found)[1] == value
    )


def measured(value: str, number: str = "", unit: str = "") -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        inner = item(dataset, value).MeasuredValueSequence[0]
        if number:
            inner.NumericValue = number
        if unit:
            inner.MeasurementUnitsCodeSequence[0].CodeValue = unit

    return change


def again(value: str) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        path = next(path for path, found in walk(dataset) if name_of(found)[1] == value)
        around = at(dataset, path[:-1]).ContentSequence
        around.append(copy.deepcopy(around[path[-1]]))

    return change


def coded(value: str, code: Code) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        item(dataset, value).ConceptCodeSequence = [code_item(code)]

    return change


def evidence(**values: str) -> Callable[[Dataset], None]:
    def change(dataset: Any) -> None:
        series = dataset.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
        series.ReferencedSOPSequence[0].update(build(**values))

    return change


def named_reference(dataset: Dataset) -> None:
    image = next(found for _, found in walk(dataset) if found.ValueType == "IMAGE")
    image.ConceptNameCodeSequence = [code_item(Code(value="121191", scheme="DCM", meaning="Referenced Segment"))]


def meaning(value: str, text: str) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        item(dataset, value).ConceptNameCodeSequence[0].CodeMeaning = text

    return change


def of(value: str, keyword: str, text: str) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        setattr(item(dataset, value), keyword, text)

    return change


WRONG: list[tuple[str, Callable[[Dataset], None], str]] = [
    ("integrated", measured("113722", "1"), "sum over the events (113722)"),
    ("integrated", measured("113725", "1"), "sum over the events (113725)"),
    ("integrated", measured("113731", "7"), "count the frames"),
    ("integrated", measured("122130", unit="dGy.cm2"), "must be Gy.m2"),
    ("integrated", measured("113736", unit="mA.s"), "must be uA.s"),
    ("integrated", measured("113738", unit="mGy"), "must be Gy"),
    ("integrated", measured("122130", "-1"), "must not be negative"),
    ("integrated", again("113722"), "more than once"),
    ("integrated", again("111526"), "more than once"),
    ("integrated", again("113705"), "more than once"),
    ("integrated", again("113706"), "an irradiation event twice"),
    ("integrated", coded("113721", Code(value="113630", scheme="DCM", meaning="Continuous")), "does not list"),
    ("integrated", coded("113854", Code(value="1", scheme="99X", meaning="Guess")), "does not list"),
    ("integrated", coded("113705", Code(value="113014", scheme="DCM", meaning="Study")), "lacks Study Instance UID"),
    ("integrated", meaning("121058", "Procedure Reported"), "must be 'Procedure reported'"),
    ("integrated", meaning("91723000", "Anatomical Structure"), "must be 'Anatomical structure'"),
    ("integrated", meaning("363703001", "Has intent (attribute)"), "must be 'Has Intent'"),
    ("integrated", of("123014", "RelationshipType", "HAS PROPERTIES"), "is not allowed"),
    ("integrated", of("121106", "RelationshipType", "HAS CONCEPT MOD"), "must be CONTAINS"),
    ("integrated", of("121106", "ValueType", "WAVEFORM"), "none of this IOD"),
    ("integrated", of("121106", "ValueType", "TEXTS"), "none of this IOD"),
    ("integrated", evidence(ReferencedSOPInstanceUID="2.25.999"), "is not in the evidence"),
    ("integrated", evidence(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.1"), "another SOP class"),
    ("note", evidence(ReferencedSOPInstanceUID="2.25.999"), "is not in the evidence"),
    ("note", coded("113011", Code(value="113014", scheme="DCM", meaning="Study")), "must be of CID 7011"),
    ("note", coded("113011", Code(value="111209", scheme="DCM", meaning="Position")), "must be 'Positioning'"),
    ("note", named_reference, "references have no name"),
    ("note", again("113012"), "more than once"),
]


@pytest.mark.parametrize(("name", "change", "rule"), WRONG)
def test_a_wrong_tree_is_found(name: str, change: Callable[[Dataset], None], rule: str) -> None:
    assert any(rule in finding for finding in changed(name, change))


def test_an_item_that_no_template_has_is_a_warning() -> None:
    found = changed("integrated", lambda d: of("121106", "TextValue", "x")(d), Severity.WARNING)
    assert found == []

    def rename(dataset: Dataset) -> None:
        item(dataset, "121106").ConceptNameCodeSequence = [code_item(Code(value="X", scheme="99X", meaning="X"))]

    assert any("not in the template" in finding for finding in changed("integrated", rename, Severity.WARNING))


def test_the_tables_of_templates_and_relationships_fit_together() -> None:
    for template, relations in ((DOSE_REPORT, DOSE_RELATIONS), (KEY_OBJECTS, KEY_OBJECT_RELATIONS)):
        allowed = {(relationship, target) for (_, relationship), targets in relations.items() for target in targets}
        for row in rows(template):
            assert all((row.relationship, value_type) in allowed for value_type in row.types), row.name
            assert ("NUM" in row.types) == bool(row.unit), row.name
