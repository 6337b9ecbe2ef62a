"""Worklist matching on our side."""

from dataclasses import replace
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modality_sdk.model import Patient, WorklistItem, WorklistQuery
from modality_sdk.scu.matching import unmatched_keys

ITEM = WorklistItem(
    patient=Patient(name="Müller^Jürgen=山田^太郎", patient_id="ID-1"),
    study_instance_uid="1.2.3",
    requested_procedure_id="RP1",
    accession_number="A1",
    modality="DX",
    scheduled_station_ae_titles=("XRAY1", "XRAY2"),
    scheduled_performing_physician_name="Radiographer^Ruth",
    scheduled_procedure_step_start_date=date(2026, 3, 2),
    scheduled_procedure_step_start_time=time(9, 30),
)
DAY = date(2026, 3, 2)

MATCHING = [
    WorklistQuery(),
    WorklistQuery(modality="DX", scheduled_station_ae_title="XRAY2", start_date=DAY),
    WorklistQuery(start_date=(None, DAY)),
    WorklistQuery(start_date=(DAY, None), start_time=(time(9), time(9, 30))),
    WorklistQuery(start_date=(date(2026, 3, 1), date(2026, 3, 3)), start_time=(time(22), time(6))),
    WorklistQuery(patient_name="muller*"),
    WorklistQuery(patient_name="MÜLLER^J?RGEN"),
    WorklistQuery(patient_name="山田*"),
    WorklistQuery(patient_name="*"),
    WorklistQuery(patient_id="id-1", accession_number="A1", requested_procedure_id="RP1"),
    WorklistQuery(scheduled_performing_physician_name="Radio*"),
]
OTHERS = [
    WorklistQuery(modality="CT"),
    WorklistQuery(scheduled_station_ae_title="XRAY"),
    WorklistQuery(start_date=date(2026, 3, 3)),
    WorklistQuery(start_date=(date(2026, 3, 3), None)),
    WorklistQuery(start_date=DAY, start_time=(time(10), None)),
    WorklistQuery(start_time=(None, time(9))),
    WorklistQuery(patient_name="Meier*"),
    WorklistQuery(patient_name="ller"),
    WorklistQuery(patient_id="ID-2"),
    WorklistQuery(patient_id="ID"),
    WorklistQuery(accession_number="A2"),
    WorklistQuery(requested_procedure_id="RP2"),
    WorklistQuery(scheduled_performing_physician_name="Doctor*"),
]


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.parametrize("query", MATCHING)
def test_an_item_that_fits_every_key_stays(query: WorklistQuery) -> None:
    assert not unmatched_keys(query, ITEM)


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.parametrize("query", OTHERS)
def test_an_item_that_breaks_a_key_goes(query: WorklistQuery) -> None:
    assert unmatched_keys(query, ITEM)


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.parametrize("query", [q for q in (*MATCHING, *OTHERS) if q not in (MATCHING[0], MATCHING[8])])
def test_an_item_without_the_values_matches_no_key(query: WorklistQuery) -> None:
    assert unmatched_keys(query, WorklistItem(study_instance_uid="1.2.3"))


@pytest.mark.req("FR-DICOM-03")
def test_a_value_that_could_not_be_read_is_not_held_against_the_item() -> None:
    undated = replace(ITEM, scheduled_procedure_step_start_date=None, modality="")
    query = WorklistQuery(start_date=DAY, modality="DX")
    assert unmatched_keys(query, undated)
    assert not unmatched_keys(query, undated, ["ScheduledProcedureStepStartDate", "Modality"])


@pytest.mark.req("FR-DICOM-03")
@given(st.text(st.characters(exclude_characters="*?\\=^"), min_size=1).filter(str.strip))
def test_every_value_matches_itself_and_its_beginning_with_a_wildcard(value: str) -> None:
    item = replace(ITEM, patient=Patient(name=value, patient_id=value), accession_number=value)
    assert not unmatched_keys(WorklistQuery(patient_id=value, accession_number=value, patient_name=value), item)
    assert not unmatched_keys(
        WorklistQuery(patient_id=value.strip()[0] + "*", patient_name=value.strip()[0] + "*"), item
    )
