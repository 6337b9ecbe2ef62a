"""Worklist queries."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pynetdicom import AE, evt
from pynetdicom.sop_class import ModalityWorklistInformationFind

from modality_sdk.errors import ConfigurationError, ConnectError, DimseFailure, InvalidValue, StateError
from modality_sdk.model import Peer, WorklistQuery
from modality_sdk.network import Network
from modality_sdk.scu import WorklistScu
from modality_sdk.simulator import Hospital, Truncate

TODAY = date.today()  # noqa: DTZ011 - the hospital's worklist is of the local day


class FixedClock:
    def __init__(self, day: date) -> None:
        self._now = datetime(day.year, day.month, day.day, 23, 30, tzinfo=timezone(timedelta(hours=9)))

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 0.0


def service(network: Network, peer: Peer | None, day: date = TODAY) -> WorklistScu:
    return WorklistScu(network, peer, station_ae_title="XRAY1", modality="DX", clock=FixedClock(day))


@pytest.mark.req("FR-DICOM-03")
def test_today_asks_for_the_local_day_the_station_and_the_modality(hospital: Hospital, network: Network) -> None:
    result = service(network, hospital.ris.peer).today()
    assert len(result) == 6  # of the sample's eight, one is tomorrow's and one another modality's
    assert {item.modality for item in result} == {"DX"}
    assert {item.scheduled_procedure_step_start_date for item in result} == {TODAY}
    assert {item.scheduled_station_ae_titles for item in result} == {("XRAY1",)}
    assert not result.truncated
    assert [item.patient.name for item in result if item.patient.patient_id == "SIM00001"] == ["Müller^Jürgen^^Dr."]


@pytest.mark.req("FR-DICOM-03")
def test_another_day_s_clock_asks_for_that_day(hospital: Hospital, network: Network) -> None:
    result = service(network, hospital.ris.peer, TODAY + timedelta(days=1)).today()
    assert [item.requested_procedure_description for item in result] == ["Foot right, two views"]


@pytest.mark.req("FR-DICOM-03")
def test_no_match_is_an_empty_result_and_no_error(hospital: Hospital, network: Network) -> None:
    result = service(network, hospital.ris.peer).query(WorklistQuery(patient_id="NOBODY"))
    assert len(result) == 0
    assert not result.truncated


@pytest.mark.req("FR-DICOM-03")
def test_without_keys_everything_comes(hospital: Hospital, network: Network) -> None:
    assert len(service(network, hospital.ris.peer).query()) == len(hospital.ris.worklist)


@pytest.mark.req("FR-DICOM-03")
def test_a_failure_gives_no_partial_list(hospital: Hospital, network: Network) -> None:
    hospital.ris.refuse("C-FIND", 0xA700, comment="SECRET^NAME")
    with pytest.raises(DimseFailure) as caught:
        service(network, hospital.ris.peer).query()
    assert caught.value.status == 0xA700
    assert caught.value.retryable
    assert "SECRET" not in str(caught.value)


@pytest.mark.req("FR-DICOM-03")
def test_more_than_the_limit_is_cut_off_and_said_to_be(hospital: Hospital, network: Network) -> None:
    result = service(network, hospital.ris.peer).query(WorklistQuery(limit=2))
    assert len(result) == 2
    assert result.truncated


@pytest.mark.req("FR-DICOM-03")
def test_exactly_the_limit_is_a_complete_list(hospital: Hospital, network: Network) -> None:
    result = service(network, hospital.ris.peer).query(WorklistQuery(limit=len(hospital.ris.worklist)))
    assert len(result) == len(hospital.ris.worklist)
    assert not result.truncated


@pytest.mark.req("FR-DICOM-03")
def test_a_peer_that_ends_by_itself_before_the_end_gives_a_truncated_list(hospital: Hospital, network: Network) -> None:
    hospital.ris.refuse("C-FIND", 0xFE00)
    result = service(network, hospital.ris.peer).query()
    assert result.truncated
    assert len(result) == 0


@pytest.mark.req("FR-DICOM-03")
def test_keys_that_the_peer_ignores_are_applied_on_our_side(hospital: Hospital, network: Network) -> None:
    hospital.ris.match_optional = False
    everything = service(network, hospital.ris.peer).query(WorklistQuery(modality="DX"))
    wanted = everything[0].accession_number
    result = service(network, hospital.ris.peer).query(WorklistQuery(modality="DX", accession_number=wanted))
    assert [item.accession_number for item in result] == [wanted]
    assert result.unsupported_keys == ("AccessionNumber",)
    assert result.warned


@pytest.mark.req("FR-DICOM-03")
def test_keys_that_no_answer_holds_are_named_when_the_peer_says_that_there_are_such(
    hospital: Hospital, network: Network
) -> None:
    worklist = service(network, hospital.ris.peer)
    result = worklist.query()
    assert (result.unsupported_keys, result.warned) == ((), False)
    # neither is in the model of the worklist, so the simulator says FF01
    further = (("SeriesDescription", ""), ("ScheduledProcedureStepSequence.StationName", "ROOM*"))
    result = worklist.query(WorklistQuery(further_keys=further))
    assert result.unsupported_keys == ("SeriesDescription", "ScheduledProcedureStepSequence.StationName")
    assert result.warned
    assert len(result) == len(hospital.ris.worklist)


@pytest.mark.req("FR-DICOM-03")
def test_a_warning_that_shows_no_key_is_still_told(hospital: Hospital, network: Network) -> None:
    hospital.ris.match_optional = False
    accession = hospital.ris.worklist[0].AccessionNumber
    hospital.ris.worklist[1:] = []  # what is ignored makes no difference
    result = service(network, hospital.ris.peer).query(WorklistQuery(accession_number=accession))
    assert (len(result), result.unsupported_keys, result.warned) == (1, (), True)


@pytest.mark.req("FR-DICOM-03")
def test_further_keys_are_applied_on_our_side_too(hospital: Hospital, network: Network) -> None:
    hospital.ris.match_optional = False
    key = "ScheduledProcedureStepSequence.ScheduledStationName"
    station = hospital.ris.worklist[0].ScheduledProcedureStepSequence[0]
    station.ScheduledStationName = "SIDE ROOM"
    result = service(network, hospital.ris.peer).query(WorklistQuery(further_keys=((key, "side*"),)))
    assert [item.scheduled_station_name for item in result] == ["SIDE ROOM"]
    assert result.unsupported_keys == (key,)


@pytest.mark.req("FR-DICOM-03")
def test_a_malformed_answer_hides_no_other_and_is_told(hospital: Hospital, network: Network) -> None:
    broken = hospital.ris.worklist[0]
    del broken.StudyInstanceUID
    result = service(network, hospital.ris.peer).query()
    assert len(result) == len(hospital.ris.worklist) - 1
    assert [problem.attribute for problem in result.problems if problem.fatal] == ["StudyInstanceUID"]


@pytest.mark.req("FR-DICOM-03")
def test_without_a_worklist_in_the_configuration_the_error_says_so(network: Network) -> None:
    with pytest.raises(ConfigurationError, match="worklist"):
        service(network, None).today()


@pytest.mark.req("FR-DICOM-03")
def test_a_limit_below_one_is_refused(hospital: Hospital, network: Network) -> None:
    with pytest.raises(ConfigurationError, match="limit"):
        service(network, hospital.ris.peer).query(WorklistQuery(limit=0))


@pytest.mark.req("FR-DICOM-03")
def test_another_peer_can_be_asked_than_the_configured_one(hospital: Hospital, network: Network) -> None:
    nowhere = Peer(ae_title="NOWHERE", host="127.0.0.1", port=1)
    assert len(service(network, nowhere).query(peer=hospital.ris.peer)) == len(hospital.ris.worklist)
    with pytest.raises(ConnectError):
        service(network, nowhere).query()


@pytest.mark.req("NFR-SEC-01")
def test_no_patient_data_is_logged(hospital: Hospital, network: Network, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    result = service(network, hospital.ris.peer).query(WorklistQuery(patient_name="Müller*"))
    assert len(result) == 1
    for secret in ("Müller", "Jürgen", result[0].patient.patient_id, result[0].accession_number):
        assert secret not in caplog.text


@pytest.mark.req("FR-DICOM-03")
def test_steps_scheduled_for_no_station_are_found_when_the_station_has_none(
    hospital: Hospital, network: Network
) -> None:
    for item in hospital.ris.worklist:
        item.ScheduledProcedureStepSequence[0].ScheduledStationAETitle = ""
    hospital.ris.worklist[0].ScheduledProcedureStepSequence[0].ScheduledStationAETitle = "OTHER"
    result = service(network, hospital.ris.peer).today()
    assert len(result) == 5
    assert {item.scheduled_station_ae_titles for item in result} == {()}


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.parametrize(
    ("key", "attribute"),
    [
        ("patient_id", "PatientID"),
        ("accession_number", "AccessionNumber"),
        ("requested_procedure_id", "RequestedProcedureID"),
        ("modality", "Modality"),
        ("scheduled_station_ae_title", "ScheduledStationAETitle"),
    ],
)
def test_a_wildcard_where_none_is_matched_is_refused(
    hospital: Hospital, network: Network, key: str, attribute: str
) -> None:
    with pytest.raises(InvalidValue) as refused:
        service(network, hospital.ris.peer).query(WorklistQuery(**{key: "A*"}))
    assert refused.value.attribute == attribute


@pytest.mark.req("FR-DICOM-03")
def test_a_corrected_patient_is_told_as_changes(hospital: Hospital, network: Network) -> None:
    worklist = service(network, hospital.ris.peer)
    item = worklist.today()[0]
    assert worklist.refresh(item) == (item, ())
    at_ris = next(i for i in hospital.ris.worklist if i.AccessionNumber == item.accession_number)
    at_ris.PatientName, at_ris.PatientID = "Mueller^Georg", "SIM99999"
    now, changes = worklist.refresh(item)
    assert now is not None
    assert [(c.attribute, c.after) for c in changes] == [
        ("patient.name", "Mueller^Georg"),
        ("patient.patient_id", "SIM99999"),
    ]
    assert "Mueller" not in repr(changes)
    hospital.ris.worklist.remove(at_ris)
    assert worklist.refresh(item) == (None, ())


@pytest.mark.req("FR-DICOM-03")
def test_the_two_queries_of_the_profile_find_what_they_are_for(hospital: Hospital, network: Network) -> None:
    worklist = service(network, hospital.ris.peer)
    assert len(worklist.query(WorklistQuery.broad(TODAY))) == 7
    assert len(worklist.query(WorklistQuery.broad(TODAY, modality="CT"))) == 1
    (found,) = worklist.query(WorklistQuery.patient_based(patient_name="yamada*"))
    assert worklist.query(WorklistQuery.patient_based(accession_number=found.accession_number)).items == (found,)
    with pytest.raises(ConfigurationError):
        WorklistQuery.patient_based()


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.parametrize("grants", [True, False])
def test_names_are_matched_fuzzily_where_the_peer_offers_it(network: Network, grants: bool) -> None:
    item = Dataset()
    item.PatientName, item.PatientID, item.StudyInstanceUID = "Meyer^Jon", "1", "1.2.3"
    asked: list[bytes] = []

    def negotiate(event: evt.Event) -> dict[str, bytes]:
        asked.extend(event.app_info.values())
        return dict(event.app_info) if grants else {}

    def find(_: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        yield 0xFF00, item

    ae = AE("FUZZY")
    ae.add_supported_context(ModalityWorklistInformationFind)
    server = ae.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_SOP_EXTENDED, negotiate), (evt.EVT_C_FIND, find)]
    )
    peer = Peer(ae_title="FUZZY", host="127.0.0.1", port=server.socket.getsockname()[1])
    try:
        result = service(network, peer).query(WorklistQuery(patient_name="Maier^John", fuzzy=True))
        assert asked == [bytes([1, 1, 1])]
        assert (result.fuzzy, len(result)) == (grants, int(grants))
        asked.clear()
        assert not service(network, peer).query(WorklistQuery(patient_name="Meyer*")).fuzzy
        assert asked == []
    finally:
        server.shutdown()


@contextlib.contextmanager
def negotiating(item: Dataset, *, grants: bool) -> Iterator[tuple[Peer, list[bytes], list[Dataset]]]:
    """A worklist that may grant what extended negotiation asks for: peer, what was asked, the identifiers it got."""
    asked: list[bytes] = []
    identifiers: list[Dataset] = []

    def negotiate(event: evt.Event) -> dict[str, bytes]:
        asked.extend(event.app_info.values())
        return dict(event.app_info) if grants else {}

    def find(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        identifiers.append(event.identifier)
        yield 0xFF00, item

    ae = AE("ZONED")
    ae.add_supported_context(ModalityWorklistInformationFind)
    server = ae.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_SOP_EXTENDED, negotiate), (evt.EVT_C_FIND, find)]
    )
    try:
        yield Peer(ae_title="ZONED", host="127.0.0.1", port=server.socket.getsockname()[1]), asked, identifiers
    finally:
        server.shutdown()


def abroad(hour: str) -> Dataset:
    """An item of a worklist in New York, on 2 March."""
    item, step = Dataset(), Dataset()
    item.PatientName, item.PatientID, item.StudyInstanceUID = "Meyer^Jon", "1", "1.2.3"
    item.TimezoneOffsetFromUTC = "-0500"
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = "20260302", hour
    item.ScheduledProcedureStepSequence = [step]
    return item


@pytest.mark.req("FR-DICOM-03", "X-TIME")
def test_a_peer_in_another_zone_is_told_ours_where_it_grants_that(network: Network) -> None:
    ours = WorklistQuery(start_date=date(2026, 3, 3), adjust_timezone=True)  # our offset is +0900
    with negotiating(abroad("1830"), grants=True) as (peer, asked, identifiers):
        result = service(network, peer, date(2026, 3, 3)).query(ours)
        assert asked == [bytes([1, 1, 0, 1])]
        assert identifiers[0].TimezoneOffsetFromUTC == "+0900"
        assert result.timezone_adjusted
        assert result[0].scheduled_procedure_step_start_date == date(2026, 3, 2)  # as it came, of its own zone
        assert result[0].scheduled_start == datetime(2026, 3, 3, 8, 30, tzinfo=timezone(timedelta(hours=9)))
    with negotiating(abroad("0100"), grants=True) as (peer, asked, _):
        result = service(network, replace(peer, adjust_timezone=True), date(2026, 3, 3)).query(
            replace(ours, adjust_timezone=False, fuzzy=True)
        )
        assert asked == [bytes([1, 1, 1, 1])]
        assert (result.timezone_adjusted, result.fuzzy) == (True, True)
        assert len(result) == 0  # that is still the second here
        assert result.unsupported_keys == ("ScheduledProcedureStepSequence.ScheduledProcedureStepStartDate",)


@pytest.mark.req("FR-DICOM-03", "X-TIME")
def test_a_peer_that_does_not_adjust_time_zones_gets_none(network: Network) -> None:
    with negotiating(abroad("1830"), grants=False) as (peer, _, identifiers):
        query = WorklistQuery(start_date=date(2026, 3, 2), adjust_timezone=True)
        result = service(network, peer, date(2026, 3, 3)).query(query)
        assert "TimezoneOffsetFromUTC" not in identifiers[0]
        assert (len(result), result.timezone_adjusted) == (1, False)


@pytest.mark.req("FR-DICOM-03")
def test_the_character_sets_of_a_peer_are_those_of_its_settings(network: Network) -> None:
    item = abroad("0900")
    item["PatientName"] = RawDataElement(
        Tag(0x0010, 0x0010), "PN", 6, "Müller".encode("latin-1"), 0, is_implicit_VR=True, is_little_endian=True
    )
    with negotiating(item, grants=False) as (peer, _, identifiers):
        peer = replace(peer, query_charset="ISO_IR 100", assume_charset="ISO_IR 100")
        result = service(network, peer).query(WorklistQuery(patient_name="Müller*"))
        assert identifiers[0].SpecificCharacterSet == "ISO_IR 100"
        assert identifiers[0].PatientName == "Müller*"
        assert [found.patient.name for found in result] == ["Müller"]


@pytest.mark.req("FR-DICOM-03")
def test_a_list_that_the_peer_cuts_short_is_given_as_far_as_it_came(hospital: Hospital, network: Network) -> None:
    hospital.ris.script("C-FIND", Truncate(after=2))
    result = service(network, hospital.ris.peer).query()
    assert (len(result), result.truncated) == (2, True)


@pytest.mark.req("FR-DICOM-03")
def test_a_step_is_not_called_gone_when_the_answer_was_cut(hospital: Hospital, network: Network) -> None:
    worklist = service(network, hospital.ris.peer)
    item = worklist.today()[0]
    hospital.ris.script("C-FIND", Truncate(after=0))
    with pytest.raises(StateError, match="incomplete"):
        worklist.refresh(item)
