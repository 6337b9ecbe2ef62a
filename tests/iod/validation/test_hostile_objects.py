"""Whatever an object holds, judging it gives findings and never raises."""

import copy
import io
import warnings
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from iod.validation.specimens import SPECIMENS
from pydicom import DataElement, Dataset, Sequence, config, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from modality_sdk.iod import validate, validate_exam
from modality_sdk.iod.validation.tables import iods
from modality_sdk.model import Finding

pytestmark = pytest.mark.req("NFR-QUAL-01")

JUNK = (
    None,
    "",
    "\x00\x1b$B",
    "\udcff",
    "x" * 2000,
    "1e999",
    "nan",
    "-1",
    b"\xff\xfe",
    b"",
    0,
    -1,
    2**70,
    float("nan"),
    float("inf"),
    [],
    ["", None],
    ["1", object()],
    object(),
    Dataset(),
)
VRS = tuple("AE AS AT CS DA DS DT FD FL IS LO LT OB OW PN SH SQ SS ST TM UI UL UN UR US UT XX".split())  # noqa: SIM905


@cache
def specimen(name: str) -> Dataset:
    return SPECIMENS[name]()


def containers(dataset: Dataset) -> list[Dataset]:
    found = [dataset]
    for element in dataset._dict.values():
        if isinstance(element.value, Sequence):
            found += [inner for item in element.value for inner in containers(item)]
    return found


def mutate(dataset: Dataset, data: st.DataObject) -> None:
    """Take one thing out, or put junk in its place."""
    places = containers(dataset)
    place = places[data.draw(st.integers(0, len(places) - 1))]
    tags = sorted(place.keys())
    if not tags:
        return
    tag = tags[data.draw(st.integers(0, len(tags) - 1))]
    kind = data.draw(st.sampled_from(("delete", "value", "raw", "sequence")))
    if kind == "delete":
        del place[tag]
    elif kind == "sequence":
        place._dict[tag] = DataElement(tag, "SQ", Sequence([Dataset()]))
    elif kind == "raw":
        vr, value = data.draw(st.sampled_from(VRS)), data.draw(st.binary(max_size=20))
        place._dict[tag] = RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)
    else:
        element = DataElement(tag, "LO", "", validation_mode=config.IGNORE)
        element.VR = data.draw(st.sampled_from(VRS))
        element._value = data.draw(st.sampled_from(JUNK))
        place._dict[tag] = element


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from(sorted(SPECIMENS)), data=st.data(), count=st.integers(1, 12))
def test_a_mutated_object_is_judged(name: str, data: st.DataObject, count: int) -> None:
    dataset = copy.deepcopy(specimen(name))
    for _ in range(count):
        mutate(dataset, data)
    found = validate(dataset)
    assert all(isinstance(finding, Finding) for finding in found)
    assert not [finding for finding in found if "defeats" in finding.rule]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_exam_is_judged(data: st.DataObject) -> None:
    exam = [copy.deepcopy(specimen(name)) for name in ("dx", "dose", "state", "note")]
    for dataset in exam:
        mutate(dataset, data)
        mutate(dataset, data)
    assert not [finding for finding in validate_exam(exam) if "defeats" in finding.rule]


@pytest.mark.parametrize("sop_class_uid", ["", "1.2.3", "nonsense", *sorted(iods())])
def test_an_object_of_nothing_but_a_class_is_judged(sop_class_uid: str) -> None:
    dataset = Dataset()
    dataset.add(DataElement(0x00080016, "UI", sop_class_uid, validation_mode=config.IGNORE))
    assert validate(dataset)
    assert validate_exam([dataset, dataset])


def test_an_empty_object_is_judged() -> None:
    assert [finding.attribute for finding in validate(Dataset())] == ["SOPClassUID"]


def test_deep_nesting_is_a_finding() -> None:
    dataset = SPECIMENS["note"]()
    inner: Any = dataset
    for _ in range(3000):
        item = Dataset()
        inner.ContentSequence = [item]
        inner = item
    assert any("nests too deeply" in finding.rule for finding in validate(dataset))


def test_what_cannot_be_decoded_is_a_finding_without_its_value() -> None:
    dataset = SPECIMENS["dx"]()
    dataset.KVP = "125"
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    content = buffer.getvalue().replace(b"DS\x04\x00125 ", b"DS\x04\x00SECR")
    assert content != buffer.getvalue()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = validate(dcmread(io.BytesIO(content)))
    assert [str(f) for f in found if f.attribute == "KVP"] == ["error: KVP DS is a decimal number (PS3.5 6.2)"]
    assert not told


def test_a_name_that_its_character_set_cannot_hold_is_a_finding() -> None:
    dataset = SPECIMENS["dx"]()
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    name = "Generäted^Patient".encode()
    assert name in buffer.getvalue()
    content = buffer.getvalue().replace(name, name.replace("ä".encode(), b"\xff\xfe"))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = {f.attribute: f.rule for f in validate(dcmread(io.BytesIO(content)))}
    assert found == {"PatientName": "cannot be decoded in the declared character set"}
    assert not told


def test_a_written_object_is_judged_like_a_built_one() -> None:
    for name in SPECIMENS:
        buffer = io.BytesIO()
        copy.deepcopy(specimen(name)).save_as(buffer, enforce_file_format=True)
        buffer.seek(0)
        assert validate(dcmread(buffer)) == []
