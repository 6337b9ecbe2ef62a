"""Every rule of PS3.4 Table F.7.2-1 that the information system judges by."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from io import BytesIO
from typing import Any

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import generate_uid
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dsutils import decode, encode
from pynetdicom.sop_class import (
    DigitalXRayImageStorageForPresentation,
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepRetrieve,
)

from modality_sdk.model import StepStatus
from modality_sdk.simulator import Ris
from modality_sdk.simulator.mpps import judge_create

pytestmark = [pytest.mark.req("X-SIM"), pytest.mark.req("FR-DICOM-04")]

Change = Callable[[Dataset], None]

_STEP = "ScheduledStepAttributesSequence"
_SERIES = "PerformedSeriesSequence"
_REASON = "PerformedProcedureStepDiscontinuationReasonCodeSequence"


def _dataset(**values: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def _code(value: str = "CHEST2") -> Dataset:
    return _dataset(CodeValue=value, CodingSchemeDesignator="99SIM", CodeMeaning="Chest")


def _reason(value: str = "110513", scheme: str = "DCM") -> Dataset:
    return _dataset(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning="Discontinued for unspecified reason")


def _attributes() -> Dataset:
    scheduled = _dataset(
        StudyInstanceUID=generate_uid(prefix=None),
        ReferencedStudySequence=Sequence(),
        AccessionNumber="",
        RequestedProcedureID="RP1",
        RequestedProcedureDescription="",
        RequestedProcedureCodeSequence=Sequence([_code()]),
        ScheduledProcedureStepID="SPS1",
        ScheduledProcedureStepDescription="",
        ScheduledProtocolCodeSequence=Sequence([_code()]),
    )
    return _dataset(
        SpecificCharacterSet="ISO_IR 192",
        ScheduledStepAttributesSequence=Sequence([scheduled]),
        PatientName="SAMPLE^SAMANTHA",
        PatientID="SIM00006",
        PatientBirthDate="",
        PatientSex="F",
        ReferencedPatientSequence=Sequence(),
        PerformedProcedureStepID="PPS1",
        PerformedStationAETitle="XRAY1",
        PerformedStationName="",
        PerformedLocation="",
        PerformedProcedureStepStartDate="20260314",
        PerformedProcedureStepStartTime="080000",
        PerformedProcedureStepStatus="IN PROGRESS",
        PerformedProcedureStepDescription="",
        PerformedProcedureTypeDescription="",
        ProcedureCodeSequence=Sequence([_code()]),
        PerformedProcedureStepEndDate="",
        PerformedProcedureStepEndTime="",
        CommentsOnThePerformedProcedureStep="",
        PerformedProcedureStepDiscontinuationReasonCodeSequence=Sequence(),
        Modality="DX",
        StudyID="RP1",
        PerformedProtocolCodeSequence=Sequence(),
        PerformedSeriesSequence=Sequence(),
    )


def _modifications() -> Dataset:
    image = _dataset(
        ReferencedSOPClassUID=DigitalXRayImageStorageForPresentation, ReferencedSOPInstanceUID=generate_uid(prefix=None)
    )
    series = _dataset(
        PerformingPhysicianName="",
        ProtocolName="CHEST PA",
        OperatorsName="RADIOGRAPHER^RUTH",
        SeriesInstanceUID=generate_uid(prefix=None),
        SeriesDescription="",
        RetrieveAETitle="",
        ReferencedImageSequence=Sequence([image]),
        ReferencedNonImageCompositeSOPInstanceSequence=Sequence(),
    )
    return _dataset(
        PerformedProcedureStepStatus="COMPLETED",
        PerformedProcedureStepEndDate="20260314",
        PerformedProcedureStepEndTime="081500",
        PerformedSeriesSequence=Sequence([series]),
    )


def _without(keyword: str, *path: str) -> Change:
    def change(dataset: Dataset) -> None:
        for step in path:
            dataset = dataset[step].value[0]
        delattr(dataset, keyword)

    return change


def _with(keyword: str, value: Any, *path: str) -> Change:
    def change(dataset: Dataset) -> None:
        for step in path:
            dataset = dataset[step].value[0]
        setattr(dataset, keyword, value)

    return change


class _Requestor:
    """The step's messages, and the command set of the last response as it came over the wire."""

    def __init__(self, association: Association, responses: list[Dataset]) -> None:
        self.association, self.responses = association, responses
        self.uid = generate_uid(prefix=None)

    def create(self, attributes: Dataset | None = None, uid: str | None = "") -> Dataset:
        self.association.send_n_create(
            attributes or _attributes(), ModalityPerformedProcedureStep, self.uid if uid == "" else uid
        )
        return self.responses[-1]

    def set(self, modifications: Dataset | None = None, uid: str = "") -> Dataset:
        self.association.send_n_set(modifications or _modifications(), ModalityPerformedProcedureStep, uid or self.uid)
        return self.responses[-1]


@pytest.fixture
def requestor(ris: Ris, associate: Any) -> Iterator[_Requestor]:
    responses: list[Dataset] = []
    with associate(
        ris,
        ModalityPerformedProcedureStep,
        ModalityPerformedProcedureStepRetrieve,
        evt_handlers=[(evt.EVT_DIMSE_RECV, lambda event: responses.append(event.message.command_set))],
    ) as association:
        yield _Requestor(association, responses)


def _named(response: Dataset) -> set[int]:
    value = response.get("AttributeIdentifierList")
    if value is None:
        return set()
    return {int(tag) for tag in (value if isinstance(value, list) or hasattr(value, "append") else [value])}


_MISSING_AT_CREATE = [
    *(
        (keyword, ())
        for keyword in (
            _STEP, "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "ReferencedPatientSequence",
            "PerformedProcedureStepID", "PerformedStationAETitle", "PerformedStationName", "PerformedLocation",
            "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime", "PerformedProcedureStepStatus",
            "PerformedProcedureStepDescription", "PerformedProcedureTypeDescription", "ProcedureCodeSequence",
            "PerformedProcedureStepEndDate", "PerformedProcedureStepEndTime", "Modality", "StudyID",
            "PerformedProtocolCodeSequence", _SERIES,
        )
    ),
    *(
        (keyword, (_STEP,))
        for keyword in (
            "StudyInstanceUID", "ReferencedStudySequence", "AccessionNumber", "RequestedProcedureID",
            "RequestedProcedureDescription", "ScheduledProcedureStepID", "ScheduledProcedureStepDescription",
            "ScheduledProtocolCodeSequence",
        )
    ),
    ("CodeMeaning", ("ProcedureCodeSequence",)),
    ("CodeValue", (_STEP, "ScheduledProtocolCodeSequence")),
    ("CodingSchemeDesignator", ("ProcedureCodeSequence",)),
]  # fmt: skip


@pytest.mark.parametrize(("keyword", "path"), _MISSING_AT_CREATE)
def test_a_missing_attribute_of_type_1_or_2_is_answered_0120(
    ris: Ris, requestor: _Requestor, keyword: str, path: tuple[str, ...]
) -> None:
    attributes = _attributes()
    _without(keyword, *path)(attributes)
    response = requestor.create(attributes)
    assert response.Status == 0x0120
    assert _named(response) == {int(Tag(keyword))}
    assert keyword in response.ErrorComment
    assert ris.steps == {}
    assert any(">".join((*path, keyword)) in violation for violation in ris.violations)


@pytest.mark.parametrize(
    ("keyword", "empty", "path"),
    [
        (_STEP, Sequence(), ()),
        ("StudyInstanceUID", "", (_STEP,)),
        ("PerformedProcedureStepID", "", ()),
        ("PerformedStationAETitle", "", ()),
        ("PerformedProcedureStepStartDate", "", ()),
        ("PerformedProcedureStepStartTime", "", ()),
        ("PerformedProcedureStepStatus", "", ()),
        ("Modality", "", ()),
        ("CodeMeaning", "", ("ProcedureCodeSequence",)),
    ],
)
def test_an_empty_attribute_of_type_1_is_answered_0121(
    ris: Ris, requestor: _Requestor, keyword: str, empty: Any, path: tuple[str, ...]
) -> None:
    attributes = _attributes()
    _with(keyword, empty, *path)(attributes)
    response = requestor.create(attributes)
    assert (response.Status, _named(response)) == (0x0121, {int(Tag(keyword))})
    assert ris.steps == {}


@pytest.mark.parametrize("status", ["COMPLETED", "DISCONTINUED", "SCHEDULED"])
def test_a_step_is_created_in_progress_or_answered_0106(requestor: _Requestor, status: str) -> None:
    attributes = _attributes()
    attributes.PerformedProcedureStepStatus = status
    response = requestor.create(attributes)
    assert (response.Status, _named(response)) == (0x0106, {int(Tag("PerformedProcedureStepStatus"))})


_MALFORMED: list[tuple[str, Any, tuple[str, ...]]] = [
    ("PerformedProcedureStepID", "TOO LONG FOR A SHORT STRING", ()),
    ("PerformedProcedureStepStartDate", "14.03.2026", ()),
    ("PerformedProcedureStepStartDate", "20261399", ()),
    ("PerformedProcedureStepStartDate", "20260314-20260315", ()),
    ("PerformedProcedureStepStartTime", "0800-0900", ()),
    ("PerformedProcedureStepStartTime", "080061", ()),
    ("PatientBirthDate", "19800101-", ()),
    ("PatientSex", "X", ()),
    ("PatientSex", "MALE", ()),
    ("PatientID", ["ONE-1", "TWO-2"], ()),
    ("SpecificCharacterSet", "ISO_IR 6", ()),
    ("SpecificCharacterSet", "LATIN1", ()),
    ("SpecificCharacterSet", ["ISO_IR 100", "ISO 2022 IR 87"], ()),
    ("SpecificCharacterSet", ["", "ISO_IR 192"], ()),
    ("PerformedProcedureStepDescription", "bell \a rings", ()),
    ("PerformedProcedureStepDescription", "stray \x1b$B escape", ()),
    ("PatientName", "SAMPLE^\tSAMANTHA", ()),
    ("CommentsOnThePerformedProcedureStep", "bell \a rings", ()),
    ("RequestedProcedureDescription", "line\r\nbreak", (_STEP,)),
    ("StudyInstanceUID", "1.02.3", (_STEP,)),
    ("ProcedureCodeSequence", Sequence([_code("A"), _code("B")]), ()),
    ("RequestedProcedureCodeSequence", Sequence([_code("A"), _code("B")]), (_STEP,)),
    ("PerformedProcedureStepEndDate", "20260313", ()),
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("keyword", "value", "path"), _MALFORMED)
def test_a_value_that_breaks_its_form_is_answered_0106_and_not_repeated(
    ris: Ris, requestor: _Requestor, keyword: str, value: Any, path: tuple[str, ...]
) -> None:
    attributes = _attributes()
    _with(keyword, value, *path)(attributes)
    if keyword == "SpecificCharacterSet":
        # what the test writes has to be encodable
        attributes.PatientName = "SAMPLE"
    response = requestor.create(attributes)
    assert (response.Status, _named(response)) == (0x0106, {int(Tag(keyword))})
    assert ris.steps == {}
    for text in value if isinstance(value, list) else [value]:
        assert not text or str(text) not in str(ris.violations)


def test_a_specific_character_set_without_a_value_is_answered_0121(requestor: _Requestor) -> None:
    attributes = _attributes()
    attributes.SpecificCharacterSet = ""
    response = requestor.create(attributes)
    assert (response.Status, _named(response)) == (0x0121, {int(Tag("SpecificCharacterSet"))})


def _over_the_wire(dataset: Dataset) -> Dataset:
    return decode(BytesIO(encode(dataset, False, True) or b""), False, True)


@pytest.mark.parametrize(
    ("keyword", "path", "status"),
    [("PerformedStationAETitle", (), 0x0121), ("RetrieveAETitle", (_SERIES,), 0x0106)],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_ae_title_of_spaces_is_none(keyword: str, path: tuple[str, ...], status: int) -> None:
    attributes = _attributes()
    attributes.PerformedSeriesSequence = _modifications().PerformedSeriesSequence
    _with(keyword, "    ", *path)(attributes)
    answer, found = judge_create(_over_the_wire(attributes))
    assert (answer.status, answer.elements) == (status, (Tag(keyword),))
    assert any(violation.status == 0x0106 and violation.tag == Tag(keyword) for violation in found)


def test_a_text_beyond_ascii_needs_a_character_set() -> None:
    attributes = _attributes()
    attributes.PatientName = "MÜLLER"
    wire = _over_the_wire(attributes)
    assert judge_create(wire)[0].status == 0x0000
    del wire.SpecificCharacterSet
    answer, _ = judge_create(_over_the_wire(wire))
    assert (answer.status, answer.elements) == (0x0106, (Tag("PatientName"),))


@pytest.mark.parametrize(
    "character_set",
    ["ISO_IR 100", "ISO_IR 192", "GB18030", ["", "ISO 2022 IR 87"], ["ISO 2022 IR 6", "ISO 2022 IR 100"]],
)
def test_every_legal_character_set_is_taken(character_set: Any) -> None:
    attributes = _attributes()
    attributes.SpecificCharacterSet = character_set
    if "ISO 2022 IR 87" in character_set:
        attributes.PatientName = "SAMPLE^SAMANTHA=山田^花子"
    answer, found = judge_create(_over_the_wire(attributes))
    assert (answer.status, found) == (0x0000, [])


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("DistanceSourceToDetector", "1800"),
        ("ImageAndFluoroscopyAreaDoseProduct", "1.50"),
        ("EntranceDoseInmGy", "1e-1"),
        ("TotalNumberOfExposures", 2),
        ("PatientAge", "040Y"),
        ("FilmConsumptionSequence", Sequence([_dataset(NumberOfFilms="2", MediumType="PAPER")])),
        ("CommentsOnThePerformedProcedureStep", "two\r\nlines"),
        ("PerformedProcedureStepStartTime", "08"),
        ("PerformedProcedureStepStartTime", "080000.123456"),
        ("PatientSex", ""),
    ],
)
def test_a_legal_value_of_any_vr_is_taken(keyword: str, value: Any) -> None:
    attributes = _attributes()
    setattr(attributes, keyword, value)
    answer, found = judge_create(_over_the_wire(attributes))
    assert (answer.status, found) == (0x0000, [])


@pytest.mark.parametrize("text", [b"1.5.5 ", b"abc ", b"1" * 18])
def test_a_number_that_is_none_is_answered_0106(text: bytes) -> None:
    attributes = _over_the_wire(_attributes())
    tag = Tag("DistanceSourceToDetector")
    attributes._dict[tag] = RawDataElement(tag, "DS", len(text), text, 0, False, True)
    answer, _ = judge_create(attributes)
    assert (answer.status, answer.elements) == (0x0106, (tag,))


@pytest.mark.parametrize("keyword", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID"])
def test_identity_in_the_data_set_is_answered_0105(requestor: _Requestor, keyword: str) -> None:
    attributes = _attributes()
    setattr(attributes, keyword, generate_uid(prefix=None))
    response = requestor.create(attributes)
    assert (response.Status, _named(response)) == (0x0105, {int(Tag(keyword))})


def test_an_attribute_of_another_iod_is_a_warning(ris: Ris, requestor: _Requestor) -> None:
    attributes = _attributes()
    attributes.ViewPosition = "PA"
    response = requestor.create(attributes)
    assert (response.Status, _named(response)) == (0x0107, {int(Tag("ViewPosition"))})
    assert ris.steps[requestor.uid].violations


def test_a_second_create_is_answered_0111_and_changes_nothing(ris: Ris, requestor: _Requestor) -> None:
    assert requestor.create().Status == 0x0000
    first = ris.steps[requestor.uid].create
    assert requestor.create().Status == 0x0111
    assert ris.steps[requestor.uid].create == first
    assert "0111" in ris.steps[requestor.uid].violations[0]


def test_the_system_names_a_step_that_the_requestor_did_not(ris: Ris, requestor: _Requestor) -> None:
    response = requestor.create(uid=None)
    assert response.Status == 0x0000
    assert response.AffectedSOPInstanceUID in ris.steps


def test_a_step_goes_from_create_over_interim_sets_to_its_end(ris: Ris, requestor: _Requestor) -> None:
    assert requestor.create().Status == 0x0000
    interim = _dataset(PerformedProcedureStepDescription="Chest")
    assert requestor.set(interim).Status == 0x0000
    assert ris.steps[requestor.uid].status is StepStatus.IN_PROGRESS
    final = _modifications()
    assert requestor.set(final).Status == 0x0000
    step = ris.steps[requestor.uid]
    assert step.status is StepStatus.COMPLETED
    assert len(step.sets) == 2
    assert step.violations == []
    assert step.calling_ae_title == "XRAY1"
    assert step.current.PerformedProcedureStepDescription == "Chest"
    assert step.current.PerformedSeriesSequence == final.PerformedSeriesSequence
    assert step.current.PatientID == "SIM00006"


def test_a_step_may_be_discontinued_with_a_reason(ris: Ris, requestor: _Requestor) -> None:
    requestor.create()
    modifications = _modifications()
    modifications.PerformedProcedureStepStatus = "DISCONTINUED"
    modifications.PerformedProcedureStepDiscontinuationReasonCodeSequence = Sequence([_reason()])
    modifications.PerformedSeriesSequence[0].ReferencedImageSequence = Sequence()
    assert requestor.set(modifications).Status == 0x0000
    assert ris.steps[requestor.uid].status is StepStatus.DISCONTINUED


def test_a_set_of_an_unknown_step_is_answered_0112(requestor: _Requestor) -> None:
    assert requestor.set().Status == 0x0112


def test_a_final_step_takes_no_update(ris: Ris, requestor: _Requestor) -> None:
    requestor.create()
    requestor.set()
    response = requestor.set(_dataset(PerformedProcedureStepDescription="Later"))
    assert (response.Status, response.ErrorID) == (0x0110, 0xA710)
    assert "may no longer be updated" in response.ErrorComment
    assert len(ris.steps[requestor.uid].sets) == 1


@pytest.mark.parametrize(
    "keyword",
    [
        "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PerformedProcedureStepID",
        "PerformedStationAETitle", "PerformedStationName", "PerformedLocation", "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime", "Modality", "StudyID", _STEP, "ReferencedPatientSequence",
        "SOPInstanceUID", "StudyInstanceUID",
    ],
)  # fmt: skip
def test_an_attribute_that_may_not_be_set_is_answered_0105(ris: Ris, requestor: _Requestor, keyword: str) -> None:
    requestor.create()
    modifications = _modifications()
    attributes = _attributes()
    setattr(modifications, keyword, attributes[keyword].value if keyword in attributes else generate_uid(prefix=None))
    response = requestor.set(modifications)
    assert (response.Status, _named(response)) == (0x0105, {int(Tag(keyword))})
    assert ris.steps[requestor.uid].sets == []


def test_an_attribute_that_was_not_created_is_answered_0105(requestor: _Requestor) -> None:
    attributes = _attributes()
    del attributes.CommentsOnThePerformedProcedureStep
    requestor.create(attributes)
    response = requestor.set(_dataset(CommentsOnThePerformedProcedureStep="none"))
    assert (response.Status, _named(response)) == (0x0105, {int(Tag("CommentsOnThePerformedProcedureStep"))})


_FAULTS_OF_A_SET: list[tuple[Change, int, str]] = [
    (_with("PerformedProcedureStepStatus", "DONE"), 0x0106, "PerformedProcedureStepStatus"),
    (_with("PerformedProcedureStepStatus", ""), 0x0121, "PerformedProcedureStepStatus"),
    (_with("SpecificCharacterSet", "ISO_IR 100"), 0x0106, "SpecificCharacterSet"),
    (_without("PerformedProcedureStepEndDate"), 0x0121, "PerformedProcedureStepEndDate"),
    (_with("PerformedProcedureStepEndTime", ""), 0x0121, "PerformedProcedureStepEndTime"),
    (_without(_SERIES), 0x0121, _SERIES),
    (_with(_SERIES, Sequence()), 0x0121, _SERIES),
    *(
        (_without(keyword, _SERIES), 0x0120, keyword)
        for keyword in (
            "ProtocolName", "SeriesInstanceUID", "PerformingPhysicianName", "OperatorsName", "SeriesDescription",
            "RetrieveAETitle", "ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence",
        )
    ),
    (_with("ProtocolName", "", _SERIES), 0x0121, "ProtocolName"),
    (_with("SeriesInstanceUID", "", _SERIES), 0x0121, "SeriesInstanceUID"),
    (_without("ReferencedSOPClassUID", _SERIES, "ReferencedImageSequence"), 0x0120, "ReferencedSOPClassUID"),
    (_with("ReferencedSOPInstanceUID", "", _SERIES, "ReferencedImageSequence"), 0x0121, "ReferencedSOPInstanceUID"),
]  # fmt: skip


def _listed_twice(*lists: str) -> Change:
    def change(dataset: Dataset) -> None:
        (series,) = dataset.PerformedSeriesSequence
        image = series.ReferencedImageSequence[0]
        for keyword in ("ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence"):
            setattr(series, keyword, Sequence([image] * lists.count(keyword)))

    return change


def _series_twice(dataset: Dataset) -> None:
    second = deepcopy(dataset.PerformedSeriesSequence[0])
    second.ReferencedImageSequence = Sequence()
    dataset.PerformedSeriesSequence.append(second)


def _discontinued(*reasons: Dataset) -> Change:
    def change(dataset: Dataset) -> None:
        dataset.PerformedProcedureStepStatus = "DISCONTINUED"
        dataset.PerformedProcedureStepDiscontinuationReasonCodeSequence = Sequence(reasons)

    return change


_IMAGES, _OTHERS = "ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence"
_FAULTS_OF_A_SET += [
    (_listed_twice(_IMAGES, _OTHERS), 0x0106, _OTHERS),
    (_listed_twice(_IMAGES, _IMAGES), 0x0106, _IMAGES),
    (_series_twice, 0x0106, "SeriesInstanceUID"),
    (_with("PerformedProcedureStepEndDate", "20260313"), 0x0106, "PerformedProcedureStepEndDate"),
    (_with("PerformedProcedureStepEndTime", "0759"), 0x0106, "PerformedProcedureStepEndTime"),
    (_with(_REASON, Sequence([_reason()])), 0x0106, _REASON),
    (_discontinued(_reason("110518")), 0x0106, _REASON),
    (_discontinued(_reason(scheme="99SIM")), 0x0106, _REASON),
    (_with("ProcedureCodeSequence", Sequence([_code("A"), _code("B")])), 0x0106, "ProcedureCodeSequence"),
]


@pytest.mark.parametrize(("spoil", "status", "keyword"), _FAULTS_OF_A_SET)
def test_a_faulty_final_set_is_refused_and_the_step_stays_as_it_was(
    ris: Ris, requestor: _Requestor, spoil: Change, status: int, keyword: str
) -> None:
    requestor.create()
    modifications = _modifications()
    spoil(modifications)
    response = requestor.set(modifications)
    assert (response.Status, _named(response)) == (status, {int(Tag(keyword))})
    step = ris.steps[requestor.uid]
    assert (step.status, step.sets) == (StepStatus.IN_PROGRESS, [])
    assert len(step.violations) == 1


def test_a_step_may_end_in_the_minute_it_began(requestor: _Requestor) -> None:
    attributes = _attributes()
    attributes.PerformedProcedureStepStartTime = "081459.5"
    requestor.create(attributes)
    modifications = _modifications()
    modifications.PerformedProcedureStepEndTime = "0814"
    assert requestor.set(modifications).Status == 0x0000


def test_a_step_can_be_read_back(requestor: _Requestor) -> None:
    requestor.create()
    requestor.set()
    tags = [Tag("PerformedProcedureStepStatus"), Tag("PatientID")]
    status, answer = requestor.association.send_n_get(tags, ModalityPerformedProcedureStepRetrieve, requestor.uid)
    assert status.Status == 0x0000
    assert answer is not None
    assert (answer.PerformedProcedureStepStatus, answer.PatientID) == ("COMPLETED", "SIM00006")
    assert "Modality" not in answer
    status, _ = requestor.association.send_n_get(tags, ModalityPerformedProcedureStepRetrieve, generate_uid())
    assert status.Status == 0x0112
