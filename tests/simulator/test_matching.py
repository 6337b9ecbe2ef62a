"""The rules of attribute matching (PS3.4 C.2.2.2)."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from modality_sdk.simulator.matching import KeyDefect, find_defect, matches

pytestmark = [
    pytest.mark.req("X-SIM"),
    pytest.mark.req("FR-DICOM-03"),
    # malformed values are the point of some cases; pydicom warns when they are put into a data set
    pytest.mark.filterwarnings("ignore:Invalid value for VR"),
]


def _dataset(**values: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def _scheduled(**values: Any) -> Dataset:
    return _dataset(ScheduledProcedureStepSequence=Sequence([_dataset(**values)]))


@pytest.mark.parametrize(
    ("keyword", "value", "key", "expected"),
    [
        # universal
        ("PatientID", "SIM1", "", True),
        ("PatientID", "", "", True),
        ("PatientID", "", "*", True),
        # single value
        ("PatientID", "SIM1", "SIM1", True),
        ("PatientID", "SIM1", "sim1", False),
        ("PatientID", "SIM1", "SIM", False),
        ("PatientID", "", "SIM1", False),
        ("PatientID", "SIM1 ", "SIM1", True),
        ("PatientSex", "F", "M", False),
        # wild cards
        ("PatientID", "SIM1", "SIM*", True),
        ("PatientID", "SIM1", "S?M1", True),
        ("PatientID", "SIM1", "S?1", False),
        ("PatientID", "SIM1", "SIM1*", True),
        ("PatientID", "S.M1", "S.M*", True),
        ("PatientID", "SIM1", "S.M*", False),
        ("PatientID", "", "S*", False),
        # person names: without regard to case, by component group, trailing carets are nothing
        ("PatientName", "Müller^Jürgen", "müller^*", True),
        ("PatientName", "DOE^JOHN", "Doe^John^^", True),
        ("PatientName", "DOE^JOHN", "DOE", False),
        ("PatientName", "Yamada^Tarou=山田^太郎=やまだ^たろう", "山田*", True),
        ("PatientName", "Yamada^Tarou=山田^太郎=やまだ^たろう", "yamada^tarou", True),
        ("PatientName", "Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada^Tarou=山田^太郎", False),
        ("PatientName", "Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada*=山田*", True),
        # dates and times
        ("PatientBirthDate", "19620314", "19620314", True),
        ("PatientBirthDate", "19620314", "19620313-19620314", True),
        ("PatientBirthDate", "19620314", "19620315-", False),
        ("PatientBirthDate", "19620314", "-19620314", True),
        ("PatientBirthDate", "1962.03.14", "19620314", True),
        ("PatientBirthDate", "", "-19620314", False),
        ("StudyTime", "0915", "091500", True),
        ("StudyTime", "09:15:00", "0900-0930", True),
        ("StudyTime", "093059.5", "-0930", True),
        ("StudyTime", "093100", "-0930", False),
        ("StudyTime", "rubbish", "-0930", False),
        # lists of UIDs, several values
        ("StudyInstanceUID", "1.2.3", ["1.2.4", "1.2.3"], True),
        ("StudyInstanceUID", "1.2.3", "1.2", False),
        ("OtherPatientNames", ["DOE^JANE", "ROE^JANE"], "ROE*", True),
        # not for wild cards
        ("NumberOfFrames", "12", "12", True),
    ],
)
def test_a_key_matches_as_the_standard_says(keyword: str, value: Any, key: Any, expected: bool) -> None:
    assert matches(_dataset(**{keyword: value}), _dataset(**{keyword: key})) is expected


def test_an_item_without_the_attribute_never_matches_a_key_with_a_value() -> None:
    assert not matches(_dataset(PatientName="DOE"), _dataset(PatientID="1"))


def test_a_station_is_found_among_several() -> None:
    item = _scheduled(ScheduledStationAETitle=["XRAY1", "XRAY2"])
    assert matches(item, _scheduled(ScheduledStationAETitle="XRAY2"))
    assert not matches(item, _scheduled(ScheduledStationAETitle="XRAY3"))


def test_an_item_without_a_station_is_hidden_by_a_station_key() -> None:
    assert not matches(_scheduled(ScheduledStationAETitle=""), _scheduled(ScheduledStationAETitle="XRAY1"))


@pytest.mark.parametrize("key", [Sequence(), Sequence([Dataset()])])
def test_an_empty_sequence_key_matches_everything(key: Sequence) -> None:
    assert matches(_scheduled(Modality="DX"), _dataset(ScheduledProcedureStepSequence=key))
    assert matches(Dataset(), _dataset(ScheduledProcedureStepSequence=key))


def test_all_keys_of_a_sequence_item_are_met_by_one_item() -> None:
    item = _dataset(
        RequestedProcedureCodeSequence=Sequence(
            [
                _dataset(CodeValue="A", CodingSchemeDesignator="X"),
                _dataset(CodeValue="B", CodingSchemeDesignator="Y"),
            ]
        )
    )
    both = Sequence([_dataset(CodeValue="B", CodingSchemeDesignator="Y")])
    mixed = Sequence([_dataset(CodeValue="A", CodingSchemeDesignator="Y")])
    assert matches(item, _dataset(RequestedProcedureCodeSequence=both))
    assert not matches(item, _dataset(RequestedProcedureCodeSequence=mixed))


@pytest.mark.parametrize(
    ("day", "time", "expected"),
    [
        ("20260105", "2200", True),
        ("20260106", "0300", True),  # outside the hours, inside the interval
        ("20260107", "0559", True),
        ("20260105", "2159", False),
        ("20260107", "0601", False),
        ("20260106", "", False),
    ],
)
def test_ranges_of_date_and_time_are_one_interval(day: str, time: str, expected: bool) -> None:
    item = _scheduled(ScheduledProcedureStepStartDate=day, ScheduledProcedureStepStartTime=time)
    keys = _scheduled(ScheduledProcedureStepStartDate="20260105-20260107", ScheduledProcedureStepStartTime="2200-0600")
    # turned round as times, in order as moments
    assert matches(item, keys) is expected


def test_keys_that_describe_the_identifier_are_not_matched() -> None:
    keys = _dataset(SpecificCharacterSet="ISO_IR 192", TimezoneOffsetFromUTC="+0100", PatientID="1")
    assert matches(_dataset(SpecificCharacterSet="ISO_IR 100", PatientID="1"), keys)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientBirthDate", "20260102-20260101"),
        ("PatientBirthDate", "-"),
        ("PatientBirthDate", "2026*"),
        ("PatientBirthDate", "today"),
        ("StudyTime", "25h"),
    ],
)
def test_a_malformed_key_is_named_without_its_value(keyword: str, value: str) -> None:
    defect = find_defect(_dataset(**{keyword: value}))
    assert isinstance(defect, KeyDefect)
    assert defect.tag == _dataset(**{keyword: ""})[keyword].tag
    assert value not in str(defect)


def test_a_sequence_key_of_two_items_is_a_defect() -> None:
    keys = _dataset(ScheduledProcedureStepSequence=Sequence([Dataset(), Dataset()]))
    assert find_defect(keys) is not None


_dates = st.dates(min_value=dt.date(1900, 1, 1), max_value=dt.date(2200, 1, 1))


@given(value=_dates, ends=st.lists(_dates, min_size=2, max_size=2).map(sorted))
def test_a_date_range_includes_both_ends_and_nothing_outside(value: dt.date, ends: list[dt.date]) -> None:
    first, last = ends
    key = _dataset(PatientBirthDate=f"{first:%Y%m%d}-{last:%Y%m%d}")
    assert matches(_dataset(PatientBirthDate=f"{value:%Y%m%d}"), key) is (first <= value <= last)


_identifiers = st.text(alphabet="ABC.[]^$+()1 ", min_size=1, max_size=12).filter(lambda text: bool(text.strip()))


@given(value=_identifiers, cut=st.integers(0, 12))
def test_a_value_matches_itself_and_any_part_of_it_before_an_asterisk(value: str, cut: int) -> None:
    item = _dataset(PatientID=value)
    assert matches(item, _dataset(PatientID=value))
    assert matches(item, _dataset(PatientID=value.strip()[:cut] + "*"))
    assert matches(item, _dataset(PatientID="?" * len(value.strip())))


@given(value=_identifiers, other=_identifiers)
def test_without_wild_cards_only_equal_values_match(value: str, other: str) -> None:
    assert matches(_dataset(PatientID=value), _dataset(PatientID=other)) is (value.strip() == other.strip())
