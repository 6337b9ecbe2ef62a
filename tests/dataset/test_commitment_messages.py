"""Storage commitment: request and report (PS3.4 section J.3)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import DataElement, Dataset, Sequence, config
from pydicom.datadict import tag_for_keyword
from pydicom.uid import ComputedRadiographyImageStorage

from modality_sdk.dataset import build, commitment_request, read_commitment_report, reference_sequence
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.model import FailedReference, SopReference

pytestmark = pytest.mark.req("FR-DICOM-05")

CLASS = ComputedRadiographyImageStorage
FIRST = SopReference(sop_class_uid=CLASS, sop_instance_uid="1.2.3.1")
SECOND = SopReference(sop_class_uid=CLASS, sop_instance_uid="1.2.3.2")


def failed(sop: SopReference, **reason: object) -> Dataset:
    (item,) = reference_sequence([sop])
    item.update(build(**reason))
    return item


def test_each_instance_is_requested_once(round_trip):
    request = round_trip(commitment_request("1.2.9", [FIRST, SECOND, FIRST]))
    assert request.TransactionUID == "1.2.9"
    assert [item.ReferencedSOPInstanceUID for item in request.ReferencedSOPSequence] == ["1.2.3.1", "1.2.3.2"]
    assert {item.ReferencedSOPClassUID for item in request.ReferencedSOPSequence} == {CLASS}


@pytest.mark.parametrize(
    ("transaction_uid", "references", "error"),
    [
        ("", [FIRST], MissingAttribute),
        ("1.2.9", [], MissingAttribute),
        ("no uid", [FIRST], InvalidValue),
        ("1.2.9", [SopReference(sop_class_uid="", sop_instance_uid="1.2")], MissingAttribute),
        ("1.2.9", [FIRST, SopReference(sop_class_uid="1.2.3", sop_instance_uid="1.2.3.1")], InvalidValue),
    ],
)
def test_a_request_that_no_archive_could_take_is_refused(transaction_uid, references, error):
    with pytest.raises(error):
        commitment_request(transaction_uid, references)


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("event_type", [1, 2])
def test_a_report_is_read_whatever_its_type_says(event_type, implicit, round_trip):
    information = build(
        TransactionUID="1.2.9",
        ReferencedSOPSequence=reference_sequence([FIRST, FIRST]),
        FailedSOPSequence=[failed(SECOND, FailureReason=0x0112)],
    )
    report = read_commitment_report(
        round_trip(information, implicit=implicit), event_type, calling_ae_title="PACS", called_ae_title="XRAY1"
    )
    assert report.transaction_uid == "1.2.9"
    assert report.committed == (FIRST,)
    assert report.failed == (FailedReference(sop=SECOND, failure_reason=0x0112),)
    assert (report.calling_ae_title, report.called_ae_title) == ("PACS", "XRAY1")


def test_an_instance_in_both_lists_has_failed():
    information = build(
        TransactionUID="1.2.9",
        ReferencedSOPSequence=reference_sequence([FIRST, SECOND]),
        FailedSOPSequence=[failed(FIRST, FailureReason=0x0110)],
    )
    report = read_commitment_report(information, 2)
    assert report.committed == (SECOND,)
    assert [one.sop for one in report.failed] == [FIRST]


@pytest.mark.parametrize("reason", [{}, {"FailureReason": None}, {"FailureReason": 0}])
def test_a_failure_without_a_reason_is_a_processing_failure(reason):
    information = build(TransactionUID="1.2.9", FailedSOPSequence=[failed(FIRST, **reason)])
    assert read_commitment_report(information, 2).failed[0].failure_reason == 0x0110


@pytest.mark.parametrize(
    ("information", "event_type", "error"),
    [
        (build(ReferencedSOPSequence=reference_sequence([FIRST])), 1, MissingAttribute),
        (build(TransactionUID="1.2.9"), 1, MissingAttribute),
        (build(TransactionUID="1.2.9", ReferencedSOPSequence=None), 1, MissingAttribute),
        (build(TransactionUID="1.2.9", ReferencedSOPSequence=[Dataset()]), 1, MissingAttribute),
        (build(TransactionUID="1.2.9", ReferencedSOPSequence=reference_sequence([FIRST])), 3, InvalidValue),
    ],
)
def test_a_report_that_cannot_be_applied_is_refused(information, event_type, error):
    with pytest.raises(error):
        read_commitment_report(information, event_type)


KEYWORDS = ["TransactionUID", "ReferencedSOPSequence", "FailedSOPSequence", "ReferencedSOPClassUID", "FailureReason"]
VALUES = st.one_of(st.none(), st.binary(max_size=20), st.integers(), st.text(max_size=20), st.just("1.2.3"))


@st.composite
def data_sets(draw, depth: int = 2):
    dataset = Dataset()
    for keyword in draw(st.lists(st.sampled_from([*KEYWORDS, "ReferencedSOPInstanceUID"]), unique=True)):
        tag = tag_for_keyword(keyword)
        if depth and draw(st.booleans()):
            dataset.add(DataElement(tag, "SQ", Sequence(draw(st.lists(data_sets(depth - 1), max_size=2)))))
        else:
            vr = draw(st.sampled_from(["UI", "LO", "US", "UN"]))
            value = draw(VALUES)
            with suppress(ValueError, TypeError, AttributeError):  # pydicom itself cannot hold it
                dataset.add(DataElement(tag, vr, value, validation_mode=config.IGNORE))
    return dataset


@given(data_sets(), st.sampled_from([1, 2]))
def test_no_report_however_hostile_raises_anything_but_the_two_errors(information, event_type):
    try:
        report = read_commitment_report(information, event_type)
    except (InvalidValue, MissingAttribute):
        return
    assert report.transaction_uid
    assert report.committed or report.failed
