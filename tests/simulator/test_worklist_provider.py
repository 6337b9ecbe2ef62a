"""The worklist service as requestors see it (PS3.4 K.4)."""

import datetime as dt
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pynetdicom import evt
from pynetdicom.sop_class import ModalityWorklistInformationFind

from modality_sdk.simulator import Ris, sample_worklist

pytestmark = [pytest.mark.req("X-SIM"), pytest.mark.req("FR-DICOM-03")]

_TODAY = dt.date(2026, 3, 14)


@pytest.fixture
def scheduled() -> Iterator[Ris]:
    with Ris(sample_worklist(today=_TODAY, station_ae_title="XRAY1")) as provider:
        yield provider


def _identifier(step: dict[str, Any] | None = None, **keys: Any) -> Dataset:
    item, identifier = Dataset(), Dataset()
    for keyword, value in (step or {}).items():
        setattr(item, keyword, value)
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    identifier.ScheduledProcedureStepSequence = Sequence([item])
    return identifier


def _ask(associate: Any, ris: Ris, identifier: Dataset) -> tuple[list[Dataset], list[Any]]:
    with associate(ris, ModalityWorklistInformationFind) as association:
        responses = list(association.send_c_find(identifier, ModalityWorklistInformationFind))
    return [status for status, _ in responses], [answer for _, answer in responses if answer is not None]


def test_todays_items_of_a_station_are_found(associate: Any, scheduled: Ris) -> None:
    keys = {
        "ScheduledStationAETitle": "XRAY1",
        "ScheduledProcedureStepStartDate": f"{_TODAY:%Y%m%d}",
        "Modality": "DX",
    }
    statuses, answers = _ask(associate, scheduled, _identifier(keys, StudyInstanceUID=""))
    assert len(answers) == 6
    assert [status.Status for status in statuses] == [0xFF00] * 6 + [0x0000]


def test_an_answer_has_what_was_asked_for_and_nothing_else(associate: Any, scheduled: Ris) -> None:
    _, answers = _ask(
        associate,
        scheduled,
        _identifier({"ScheduledProcedureStepID": ""}, PatientID="SIM00001", PatientName="", StudyDate=""),
    )
    (answer,) = answers
    assert set(answer.dir()) == {
        "SpecificCharacterSet",
        "PatientID",
        "PatientName",
        "StudyDate",
        "ScheduledProcedureStepSequence",
    }
    assert answer["StudyDate"].is_empty
    assert answer.ScheduledProcedureStepSequence[0].dir() == ["ScheduledProcedureStepID"]


def test_an_empty_sequence_item_asks_for_all_its_attributes(associate: Any, scheduled: Ris) -> None:
    identifier = _identifier(PatientID="SIM00001")
    identifier.RequestedProcedureCodeSequence = Sequence()
    _, (answer,) = _ask(associate, scheduled, identifier)
    original = scheduled.worklist[0]
    assert answer.ScheduledProcedureStepSequence[0] == original.ScheduledProcedureStepSequence[0]
    assert answer.RequestedProcedureCodeSequence == original.RequestedProcedureCodeSequence


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_each_answer_travels_in_its_items_own_character_set(associate: Any, scheduled: Ris, number: int) -> None:
    raw: list[bytes] = []

    def keep(event: evt.Event) -> None:
        if event.message.data_set is not None and event.message.data_set.getvalue():
            raw.append(event.message.data_set.getvalue())

    original = scheduled.worklist[number - 1]
    identifier = _identifier(PatientID=original.PatientID, PatientName="")
    with associate(
        scheduled, ModalityWorklistInformationFind, evt_handlers=[(evt.EVT_DIMSE_RECV, keep)]
    ) as association:
        answers = [a for _, a in association.send_c_find(identifier, ModalityWorklistInformationFind) if a]
    assert answers[0].SpecificCharacterSet == original.SpecificCharacterSet
    assert answers[0].PatientName == original.PatientName
    codecs = {1: "latin-1", 2: "iso8859-7", 3: "iso2022_jp", 4: "utf-8"}
    assert str(original.PatientName).split("=")[0].encode(codecs[number]) in raw[0]


def test_a_name_is_found_across_character_sets(associate: Any, scheduled: Ris) -> None:
    identifier = _identifier(SpecificCharacterSet="ISO_IR 192", PatientName="παπαδοπούλου*", PatientID="")
    _, answers = _ask(associate, scheduled, identifier)
    assert [answer.PatientID for answer in answers] == ["SIM00002"]


def test_no_match_is_a_success(associate: Any, scheduled: Ris) -> None:
    statuses, answers = _ask(associate, scheduled, _identifier(PatientID="NOBODY"))
    assert (answers, [status.Status for status in statuses]) == ([], [0x0000])


def _level(identifier: Dataset) -> None:
    identifier.QueryRetrieveLevel = "STUDY"


def _two_steps(identifier: Dataset) -> None:
    identifier.ScheduledProcedureStepSequence = Sequence([Dataset(), Dataset()])


def _range_turned_round(identifier: Dataset) -> None:
    identifier.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate = "20260102-20260101"


def _step_keys_beside_the_sequence(identifier: Dataset) -> None:
    identifier.Modality = "DX"


def _empty_step_key_beside_the_sequence(identifier: Dataset) -> None:
    identifier.ScheduledStationAETitle = ""


def _patient_key_inside_the_step(identifier: Dataset) -> None:
    identifier.ScheduledProcedureStepSequence[0].PatientID = "SIM00001"


def _code_beside_its_sequence(identifier: Dataset) -> None:
    identifier.CodeValue = "CHEST2"


@pytest.mark.parametrize(
    ("spoil", "keyword"),
    [
        (_step_keys_beside_the_sequence, "Modality"),
        (_empty_step_key_beside_the_sequence, "ScheduledStationAETitle"),
        (_patient_key_inside_the_step, "PatientID"),
        (_code_beside_its_sequence, "CodeValue"),
        (_level, "QueryRetrieveLevel"),
        (_two_steps, "ScheduledProcedureStepSequence"),
        (_range_turned_round, "ScheduledProcedureStepStartDate"),
    ],
)
def test_an_illegal_identifier_is_refused_with_its_offending_element(
    associate: Any, scheduled: Ris, spoil: Callable[[Dataset], None], keyword: str
) -> None:
    identifier = _identifier(PatientID="")
    spoil(identifier)
    (status,), answers = _ask(associate, scheduled, identifier)
    named = Dataset()
    setattr(named, keyword, None)
    assert (status.Status, answers) == (0xA900, [])
    assert status.OffendingElement == named[keyword].tag
    assert status.ErrorComment


def test_a_query_need_not_ask_about_the_scheduled_procedure_step(associate: Any, scheduled: Ris) -> None:
    identifier = _identifier(PatientID="SIM00001", PatientName="")
    del identifier.ScheduledProcedureStepSequence
    statuses, (answer,) = _ask(associate, scheduled, identifier)
    assert [status.Status for status in statuses] == [0xFF00, 0x0000]
    assert set(answer.dir()) == {"SpecificCharacterSet", "PatientID", "PatientName"}


def test_a_key_of_an_item_of_a_coded_sequence_is_in_its_place(associate: Any, scheduled: Ris) -> None:
    code = scheduled.worklist[0].RequestedProcedureCodeSequence[0]
    asked = Dataset()
    asked.CodeValue, asked.CodeMeaning = code.CodeValue, ""
    statuses, answers = _ask(associate, scheduled, _identifier(PatientID="", RequestedProcedureCodeSequence=[asked]))
    assert {status.Status for status in statuses} == {0xFF00, 0x0000}
    assert {answer.RequestedProcedureCodeSequence[0].CodeMeaning for answer in answers} == {code.CodeMeaning}


def test_an_unknown_key_is_neither_matched_nor_returned_but_announced(associate: Any, scheduled: Ris) -> None:
    statuses, answers = _ask(associate, scheduled, _identifier(PatientID="SIM00001", StationName="ROOM 9"))
    assert [status.Status for status in statuses] == [0xFF01, 0x0000]
    assert "StationName" not in answers[0]


def test_a_system_that_ignores_optional_keys_says_so(associate: Any, scheduled: Ris) -> None:
    scheduled.match_optional = False
    identifier = _identifier(
        {"Modality": "DX", "ScheduledStationName": "NOWHERE"}, PatientID="", AccessionNumber="NONE"
    )
    statuses, answers = _ask(associate, scheduled, identifier)
    assert len(answers) == 7
    assert {status.Status for status in statuses[:-1]} == {0xFF01}


def test_a_cancelled_query_ends_with_fe00(associate: Any, scheduled: Ris) -> None:
    scheduled.delay("C-FIND", 0.05)
    with associate(scheduled, ModalityWorklistInformationFind) as association:
        statuses = []
        for status, _ in association.send_c_find(_identifier(PatientID=""), ModalityWorklistInformationFind, msg_id=7):
            statuses.append(status.Status)
            if len(statuses) == 1:
                association.send_c_cancel(7, query_model=ModalityWorklistInformationFind)
    assert statuses[-1] == 0xFE00
    assert len(statuses) < 8


def test_the_worklist_may_change_while_the_system_runs(associate: Any, scheduled: Ris) -> None:
    scheduled.worklist.clear()
    _, answers = _ask(associate, scheduled, _identifier(PatientID=""))
    assert answers == []


@pytest.mark.peer("dcmtk")
def test_findscu_of_dcmtk_gets_the_chest_order(dcmtk: Callable[[str], str], scheduled: Ris) -> None:
    command = [dcmtk("findscu"), "-W", "-aec", "RIS", "-k", "PatientName=Müller*".encode("latin-1")]
    command += ["-k", "SpecificCharacterSet=ISO_IR 100", "-k", "PatientID", "-k", "AccessionNumber"]
    command += ["-k", "ScheduledProcedureStepSequence[0].Modality=DX", "-v", "127.0.0.1", str(scheduled.port)]
    result = subprocess.run(command, capture_output=True, timeout=20, check=True)
    output = (result.stdout + result.stderr).decode("latin-1")
    assert "SIM00001" in output
    assert "SIM00002" not in output
    assert "Success" in output
