"""The second judge finds every breach of its table and of its rules, and none in legal messages."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.uid import DigitalXRayImageStorageForPresentation, XRayRadiationDoseSRStorage

from .judge import Message, judge
from .table import TABLE, Row

pytestmark = [pytest.mark.req("FR-DICOM-04")]

Change = Callable[[Dataset], object]

SAMPLES = {"DA": "20260314", "TM": "0815", "UI": "1.2.3", "DS": "1", "IS": "1", "US": 1, "CS": "A", "SQ": []}
IMAGE = str(DigitalXRayImageStorageForPresentation)
REPORT = str(XRayRadiationDoseSRStorage)
SERIES = "PerformedSeriesSequence"
STEP = "ScheduledStepAttributesSequence"
REASON = "PerformedProcedureStepDiscontinuationReasonCodeSequence"


def dataset(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def code(value: str = "P1", scheme: str = "99X", meaning: str = "Chest") -> Dataset:
    return dataset(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def reference(uid: str, sop_class: str = IMAGE) -> Dataset:
    return dataset(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=uid)


def series(uid: str = "1.2.5", images: tuple[str, ...] = ("1.2.6",), reports: tuple[str, ...] = ("1.2.7",)) -> Dataset:
    return dataset(
        PerformingPhysicianName="",
        ProtocolName="CHEST",
        OperatorsName="",
        SeriesInstanceUID=uid,
        SeriesDescription="",
        RetrieveAETitle="",
        ArchiveRequested="",
        ReferencedImageSequence=[reference(one) for one in images],
        ReferencedNonImageCompositeSOPInstanceSequence=[reference(one, REPORT) for one in reports],
    )


def create() -> Dataset:
    scheduled = dataset(
        StudyInstanceUID="1.2.3",
        ReferencedStudySequence=[reference("1.2.3", "1.2.8")],
        AccessionNumber="A1",
        RequestedProcedureID="",
        RequestedProcedureCodeSequence=[code()],
        RequestedProcedureDescription="",
        ScheduledProcedureStepID="",
        ScheduledProcedureStepDescription="",
        ScheduledProtocolCodeSequence=[code(), code("P2")],
    )
    return dataset(
        SpecificCharacterSet="ISO_IR 100",
        TimezoneOffsetFromUTC="+0100",
        ScheduledStepAttributesSequence=[scheduled],
        PatientName="Müller^Jürgen",
        PatientID="",
        PatientBirthDate="",
        PatientSex="",
        ReferencedPatientSequence=[reference("1.2.4", "1.2.8")],
        PerformedProcedureStepID="1",
        PerformedStationAETitle="XRAY1",
        PerformedStationName="",
        PerformedLocation="",
        PerformedProcedureStepStartDate="20260314",
        PerformedProcedureStepStartTime="081530.5",
        PerformedProcedureStepStatus="IN PROGRESS",
        PerformedProcedureStepDescription="",
        PerformedProcedureTypeDescription="",
        ProcedureCodeSequence=[code()],
        PerformedProcedureStepEndDate="",
        PerformedProcedureStepEndTime="",
        PerformedProcedureStepDiscontinuationReasonCodeSequence=[],
        Modality="DX",
        StudyID="",
        PerformedProtocolCodeSequence=[],
        PerformedSeriesSequence=[series()],
    )


def final() -> Dataset:
    return dataset(
        SpecificCharacterSet="ISO_IR 100",
        TimezoneOffsetFromUTC="+0100",
        PerformedProcedureStepStatus="DISCONTINUED",
        PerformedProcedureStepEndDate="20260314",
        PerformedProcedureStepEndTime="0815",
        PerformedProcedureStepDiscontinuationReasonCodeSequence=[
            code("110513", "DCM", "Discontinued for unspecified reason")
        ],
        PerformedSeriesSequence=[series(), series("1.2.5.2", ("1.2.6.2",), ())],
    )


CREATED = Message(service="N-CREATE", attributes=create())
FINISHED = Message(service="N-SET", attributes=final())


def changed(message: Message, change: Change) -> Message:
    attributes = deepcopy(message.attributes)
    change(attributes)
    return replace(message, attributes=attributes)


def in_create(change: Change) -> list[str]:
    return judge([changed(CREATED, change)])


def in_set(change: Change) -> list[str]:
    return judge([CREATED, changed(FINISHED, change)])


def at(root: Dataset, row: Row) -> Dataset:
    """The first data set that holds the row's attribute, the way to it filled in."""
    for keyword in row.path[:-1]:
        if not root.get(keyword):
            setattr(root, keyword, [Dataset()])
        root = root[keyword].value[0]
    return root


def test_legal_messages_break_no_rule() -> None:
    interim = Message(
        service="N-SET", attributes=dataset(SpecificCharacterSet="ISO_IR 100", PerformedSeriesSequence=[series()])
    )
    assert judge([CREATED, interim, interim, FINISHED], [(IMAGE, "1.2.6"), (REPORT, "1.2.7")]) == []
    assert judge([]) == []


BREACHES = [
    pytest.param(row, service, breach, id=f"{service}-{breach}-{row}".replace(" ", ""))
    for row in TABLE
    for service, kind in (("N-CREATE", row.create), ("N-SET", row.set))
    for breach, kinds in (("missing", "12"), ("empty", "1"), ("not allowed", "-"))
    # what lies in a sequence that is not allowed is found with the sequence
    if kind in kinds and not (kind == "-" and len(row.path) > 1)
]


@pytest.mark.parametrize(("row", "service", "breach"), BREACHES)
def test_every_breach_of_the_table_is_found(row: Row, service: str, breach: str) -> None:
    def change(root: Dataset) -> None:
        holder = at(root, row)
        if breach == "missing":
            delattr(holder, row.keyword)
        elif breach == "empty":
            setattr(holder, row.keyword, [] if row.keyword.endswith("Sequence") else "")
        else:
            setattr(holder, row.keyword, SAMPLES.get(dictionary_VR(row.keyword), "X"))

    found = in_create(change) if service == "N-CREATE" else in_set(change)
    assert f"{service}: {row} is {breach}" in found


@pytest.mark.parametrize("row", [row for row in TABLE if row.final], ids=str)
@pytest.mark.parametrize("empty", [True, False])
@pytest.mark.parametrize("status", ["COMPLETED", "DISCONTINUED"])
def test_the_final_state_lacks_nothing(row: Row, empty: bool, status: str) -> None:
    def change(root: Dataset) -> None:
        root.PerformedProcedureStepStatus = status
        delattr(root, row.keyword)
        if empty:
            setattr(root, row.keyword, None)

    created = changed(CREATED, lambda root: setattr(root, SERIES, []))
    assert f"N-SET: {row} has no value in the final state" in judge([created, changed(FINISHED, change)])


@pytest.mark.parametrize("row", [row for row in TABLE if row.single], ids=str)
def test_no_second_item_stands_where_one_is_allowed(row: Row) -> None:
    def change(root: Dataset) -> None:
        setattr(at(root, row), row.keyword, [code(), code()])

    assert f"N-CREATE: {row} has more than a single item" in in_create(change)


RULES: list[tuple[Callable[[Change], list[str]], Change, str]] = [
    (in_create, lambda d: setattr(d, "PerformedProcedureStepStatus", "COMPLETED"), "Status is not IN PROGRESS"),
    (in_create, lambda d: d.add_new(0x00090010, "LO", "OWN"), "is no attribute of the step"),
    (in_create, lambda d: setattr(d, "HangingProtocolName", "X"), "HangingProtocolName is no attribute of the step"),
    (in_create, lambda d: d.add_new(0x00001000, "UI", "1.2"), "belongs to no data set"),
    (in_create, lambda d: d[STEP].value.append(dataset(StudyInstanceUID="1.2.9")), "more than one study"),
    (in_create, lambda d: d[SERIES].value.append(Dataset()), "an item without attributes"),
    (in_create, lambda d: setattr(d.ProcedureCodeSequence[0], "CodeValue", ""), "other than one code"),
    (in_create, lambda d: setattr(d.ProcedureCodeSequence[0], "LongCodeValue", "P1"), "other than one code"),
    (in_create, lambda d: delattr(d.ProcedureCodeSequence[0], "CodingSchemeDesignator"), "without its scheme"),
    (in_create, lambda d: delattr(d[STEP][0].ScheduledProtocolCodeSequence[1], "CodeMeaning"), "without its meaning"),
    (in_create, lambda d: setattr(d, "SpecificCharacterSet", "ISO_IR 6"), "goes without saying"),
    (in_create, lambda d: setattr(d, "SpecificCharacterSet", "LATIN"), "that the standard does not define"),
    (in_create, lambda d: delattr(d, "SpecificCharacterSet"), "PatientName has characters"),
    (in_create, lambda d: setattr(d[SERIES][0], "OperatorsName", ["A", "山田"]), "OperatorsName has characters"),
    (in_set, lambda d: setattr(d, "SpecificCharacterSet", "ISO_IR 192"), "SpecificCharacterSet differs"),
    (in_set, lambda d: delattr(d, "SpecificCharacterSet"), "SpecificCharacterSet differs"),
    (in_set, lambda d: setattr(d, "TimezoneOffsetFromUTC", "+0200"), "TimezoneOffsetFromUTC differs"),
    (in_set, lambda d: setattr(d, "CommentsOnThePerformedProcedureStep", "X"), "is set but was not created"),
    (in_set, lambda d: setattr(d, "PerformedProcedureStepStatus", "ENDED"), "is none of the three"),
    (in_set, lambda d: setattr(d, "PerformedProcedureStepStatus", ""), "is none of the three"),
    (in_set, lambda d: setattr(d, "PerformedProcedureStepEndTime", "0814"), "ends before it starts"),
    (in_set, lambda d: setattr(d, "PerformedProcedureStepEndDate", "20260313"), "ends before it starts"),
    (in_set, lambda d: setattr(d[REASON][0], "CodeValue", "110519"), "is not of CID 9301"),
    (in_set, lambda d: setattr(d[REASON][0], "CodeMeaning", "Because"), "another meaning than in CID 9301"),
    (in_set, lambda d: setattr(d[SERIES][1], "SeriesInstanceUID", "1.2.5"), "has a series twice"),
    (in_set, lambda d: d[SERIES][1].ReferencedImageSequence.append(reference("1.2.6")), "lists an object twice"),
    (in_set, lambda d: d[SERIES].value.pop(0), "no longer lists"),
    (in_set, lambda d: d[SERIES][0].ReferencedImageSequence.clear(), "no longer lists"),
    (
        in_set,
        lambda d: d[SERIES][0].ReferencedImageSequence.append(reference("1.2.9", REPORT)),
        "ReferencedImageSequence lists an object of class XRayRadiationDoseSRStorage",
    ),
    (
        in_set,
        lambda d: d[SERIES][0].ReferencedNonImageCompositeSOPInstanceSequence.append(reference("1.2.9")),
        "ReferencedNonImageCompositeSOPInstanceSequence lists an object of class DigitalXRayImage",
    ),
]


@pytest.mark.parametrize(("judged", "change", "expected"), RULES, ids=[f"{i}-{r[2]}" for i, r in enumerate(RULES)])
def test_every_breach_of_a_rule_is_found(judged: Callable[[Change], list[str]], change: Change, expected: str) -> None:
    assert any(expected in violation for violation in judged(change))


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PerformedProcedureStepStartDate", "2026-03-14"),
        ("PerformedProcedureStepStartDate", "20260230"),
        ("PerformedProcedureStepStartDate", "20260101-20260314"),
        ("PerformedProcedureStepStartTime", "08:15"),
        ("PerformedProcedureStepStartTime", "240000"),
        ("PerformedProcedureStepStartTime", "081530.1234567"),
        ("PatientBirthDate", "1970"),
        ("TimezoneOffsetFromUTC", "01:00"),
        ("TimezoneOffsetFromUTC", "+1500"),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_malformed_dates_and_times_are_found(keyword: str, value: str) -> None:
    assert in_create(lambda d: setattr(d, keyword, value)) == [f"N-CREATE: {keyword} is malformed"]


@pytest.mark.parametrize("uid", ["1.02.3", "1", "1." + "2" * 63, "1.2.", "x"])
@pytest.mark.filterwarnings("ignore:Invalid value for VR", "ignore:The value length")
def test_malformed_uids_are_found(uid: str) -> None:
    def change(root: Dataset) -> None:
        root[STEP][0].StudyInstanceUID = uid

    assert in_create(change) == ["N-CREATE: StudyInstanceUID is malformed"]


REFUSED = replace(CREATED, accepted=False, status=0x0106)
UNANSWERED = replace(CREATED, accepted=None)
DUPLICATE = replace(CREATED, accepted=False, status=0x0111)
LOST = replace(FINISHED, accepted=False, status=0x0112)
FINAL_UNANSWERED = replace(FINISHED, accepted=None)
FINAL_ELSEWHERE = replace(FINISHED, accepted=False, status=0x0110)
OTHER_FINAL = changed(FINISHED, lambda d: setattr(d, "PerformedProcedureStepStatus", "COMPLETED"))
OTHER_PATIENT = changed(CREATED, lambda d: setattr(d, "PatientID", "2"))


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([REFUSED, CREATED, FINISHED], []),
        ([UNANSWERED, DUPLICATE, FINISHED], []),
        ([UNANSWERED, UNANSWERED, CREATED, FINISHED], []),
        ([CREATED, LOST, CREATED, FINISHED], []),
        ([CREATED, FINAL_UNANSWERED, FINAL_ELSEWHERE], []),
        ([CREATED, FINAL_UNANSWERED, FINISHED], []),
        ([CREATED, CREATED], ["N-CREATE: creates the step a second time"]),
        ([CREATED, LOST, OTHER_PATIENT], ["N-CREATE: PatientID differs from the first N-CREATE of the step"]),
        ([FINISHED], ["N-SET: changes a step that was not created"]),
        ([REFUSED, FINISHED], ["N-SET: changes a step that was not created"]),
        ([CREATED, FINISHED, FINISHED], ["N-SET: changes a step that is final"]),
        ([CREATED, FINAL_UNANSWERED, OTHER_FINAL], ["N-SET: repeats the final N-SET with other values"]),
    ],
)
def test_the_order_of_messages_is_judged_by_their_answers(messages: list[Message], expected: list[str]) -> None:
    assert judge(messages) == expected


def test_an_object_that_was_stored_for_the_step_is_listed_in_the_end() -> None:
    stored = [(IMAGE, "1.2.6"), (IMAGE, "1.2.6.9")]
    assert judge([CREATED, FINISHED], stored) == [
        "final state: an object that was stored for the step is in no reference list"
    ]
    assert judge([CREATED], stored) == []
