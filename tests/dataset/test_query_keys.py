"""Keys of a query as people type them."""

from datetime import date, time

import pytest
from pydicom import Dataset

from modality_sdk.dataset import parse_key, with_keys, worklist_identifier
from modality_sdk.dataset.query_keys import add_key
from modality_sdk.errors import InvalidValue
from modality_sdk.model import WorklistQuery

STEP = "ScheduledProcedureStepSequence"


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("PatientID=1", "PatientID", "1"),
        ("0010,0020=1", "PatientID", "1"),
        ("(0010,0020)=1", "PatientID", "1"),
        ("00100020=1", "PatientID", "1"),
        ("PatientID", "PatientID", ""),
        ("PatientName=A^B=C^D", "PatientName", "A^B=C^D"),
        (f"{STEP}[0].Modality=DX", f"{STEP}.Modality", "DX"),
        (f"{STEP}.Modality=DX", f"{STEP}.Modality", "DX"),
        ("0040,0100[0].0008,0060=DX", f"{STEP}.Modality", "DX"),
        ("(0040,0100)[0].Modality=DX", f"{STEP}.Modality", "DX"),
        ("0040,0100", STEP, ""),
        (f"{STEP}[0].0040,0008[0].CodeValue=X.1", f"{STEP}.ScheduledProtocolCodeSequence.CodeValue", "X.1"),
    ],
)
def test_each_spelling_names_the_same_attribute(text: str, path: str, value: str) -> None:
    assert parse_key(text) == (path, value)


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PatientIDs=SECRET", ["PatientIDs", "nearest is PatientID"]),
        ("0010,0023=SECRET", ["(0010,0023)", "nearest is", "PatientID"]),
        ("=SECRET", ["no such attribute"]),
        ("PatientID[0].Modality=SECRET", ["PatientID", "no sequence"]),
        ("PatientID.Modality=SECRET", ["PatientID", "no sequence"]),
        (f"{STEP}[1].Modality=SECRET", [STEP, "one item"]),
        (f"{STEP}=SECRET", [STEP, "item"]),
        ("PatientID[[0]]=SECRET", ["is no key"]),
    ],
)
def test_what_is_no_key_is_named_without_its_value(text: str, words: list[str]) -> None:
    with pytest.raises(InvalidValue) as refused:
        parse_key(text)
    assert all(word in str(refused.value) for word in words)
    assert "SECRET" not in str(refused.value)


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("StudyDate", "SECRET"),
        ("StudyDate", "20260302-20260301"),
        ("StudyDate", "-"),
        ("StudyInstanceUID", "1.2.SECRET"),
        ("PatientSex", "secret"),
        ("PatientID", "x" * 65),
        ("PregnancyStatus", "SECRET"),
        (STEP, "SECRET"),
    ],
)
def test_a_value_that_is_no_key_of_its_vr_is_refused(path: str, value: str) -> None:
    identifier = Dataset()
    with pytest.raises(InvalidValue) as refused:
        add_key(identifier, path, value)
    assert "SECRET" not in str(refused.value)
    assert not identifier


@pytest.mark.req("FR-DICOM-03")
def test_keys_that_a_query_knows_become_its_fields() -> None:
    query = with_keys(
        WorklistQuery(modality="CT", limit=3),
        [
            "PatientID=1",
            "AccessionNumber=*",
            f"{STEP}[0].Modality=DX",
            "0040,0100[0].0040,0002=20260301-20260302",
            f"{STEP}[0].ScheduledProcedureStepStartTime=0800-1015",
            f"{STEP}[0].ScheduledStationName=ROOM*",
            "PatientSex",
        ],
    )
    assert query == WorklistQuery(
        patient_id="1",
        modality="DX",
        start_date=(date(2026, 3, 1), date(2026, 3, 2)),
        start_time=(time(8), time(10, 15)),
        further_keys=((f"{STEP}.ScheduledStationName", "ROOM*"), ("PatientSex", "")),
        limit=3,
    )
    identifier = worklist_identifier(query)
    assert identifier.PatientSex == ""
    step = identifier.ScheduledProcedureStepSequence[0]
    assert (step.ScheduledStationName, step.Modality) == ("ROOM*", "DX")


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20260302", date(2026, 3, 2)),
        ("20260302-", (date(2026, 3, 2), None)),
        ("-20260302", (None, date(2026, 3, 2))),
        ("", None),
        ("*", None),
    ],
)
def test_a_date_is_read_as_one_or_as_a_range(text: str, expected: object) -> None:
    query = with_keys(WorklistQuery(start_date=date(2020, 1, 1)), [f"{STEP}.ScheduledProcedureStepStartDate={text}"])
    assert query.start_date == expected


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.parametrize(
    "keys",
    [
        ["PatientID=1", "0010,0020=2"],
        [f"{STEP}[0].ScheduledProcedureStepStartDate=tomorrow"],
        [f"{STEP}[0].ScheduledProcedureStepStartTime=9"],
        [f"{STEP}[0].ScheduledProcedureStepStartTime=2500"],
    ],
)
def test_keys_that_cannot_be_meant_are_refused(keys: list[str]) -> None:
    with pytest.raises(InvalidValue):
        with_keys(WorklistQuery(), keys)


@pytest.mark.req("FR-DICOM-03")
def test_a_key_at_the_wrong_level_is_refused_as_such() -> None:
    query = with_keys(WorklistQuery(), ["Modality=DX"])
    with pytest.raises(InvalidValue, match=f"Modality: stands in {STEP}"):
        worklist_identifier(query)


@pytest.mark.req("FR-DICOM-03")
def test_several_uids_and_numbers_are_keys_too() -> None:
    identifier = Dataset()
    add_key(identifier, "StudyInstanceUID", "1.2.3\\1.2.4")
    add_key(identifier, "PregnancyStatus", "4")
    add_key(identifier, "PatientWeight", "70")
    assert list(identifier.StudyInstanceUID) == ["1.2.3", "1.2.4"]
    assert (identifier.PregnancyStatus, identifier.PatientWeight) == (4, 70)
