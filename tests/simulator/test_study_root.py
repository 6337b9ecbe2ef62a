"""The archive answers queries of the Study Root model (PS3.4 section C.6.2)."""

from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom.sop_class import (
    DigitalXRayImageStorageForPresentation,
    StudyRootQueryRetrieveInformationModelFind,
)

from modality_sdk.simulator import Pacs, Truncate

pytestmark = pytest.mark.req("X-SIM")

_STUDY, _SERIES = generate_uid(prefix=None), generate_uid(prefix=None)

Find = Callable[..., tuple[list[int], list[Dataset]]]


@pytest.fixture
def find(associate: Any, pacs: Pacs, image: Any) -> Find:
    with associate(pacs, DigitalXRayImageStorageForPresentation) as association:
        for number in (1, 2):
            held = image(StudyInstanceUID=_STUDY, SeriesInstanceUID=_SERIES, Modality="DX", InstanceNumber=number)
            assert association.send_c_store(held).Status == 0x0000
        other = image(PatientName="OTHER^OTTO", PatientID="SIM7", StudyDate="20260304", Modality="DX")
        assert association.send_c_store(other).Status == 0x0000

    def ask(level: str, **keys: Any) -> tuple[list[int], list[Dataset]]:
        identifier = Dataset()
        if level:
            identifier.QueryRetrieveLevel = level
        for keyword, value in keys.items():
            setattr(identifier, keyword, value)
        with associate(pacs, StudyRootQueryRetrieveInformationModelFind) as association:
            answers = list(association.send_c_find(identifier, StudyRootQueryRetrieveInformationModelFind))
        return [status.Status for status, _ in answers], [found for _, found in answers if found is not None]

    return ask


def test_studies_are_found_by_their_patient(find: Find) -> None:
    statuses, (study,) = find(
        "STUDY",
        PatientName="SAMPLE*",
        StudyInstanceUID="",
        ModalitiesInStudy="",
        NumberOfStudyRelatedSeries=None,
        NumberOfStudyRelatedInstances=None,
    )
    assert statuses == [0xFF00, 0x0000]
    assert (study.StudyInstanceUID, study.ModalitiesInStudy) == (_STUDY, "DX")
    assert (study.NumberOfStudyRelatedSeries, study.NumberOfStudyRelatedInstances) == (1, 2)
    assert (study.QueryRetrieveLevel, study.RetrieveAETitle) == ("STUDY", "PACS")
    assert "PatientID" not in study


def test_studies_are_found_by_date_and_by_a_list_of_uids(find: Find) -> None:
    assert len(find("STUDY", StudyDate="20260301-20260331")[1]) == 1
    assert len(find("STUDY", StudyInstanceUID=[_STUDY, "1.2.3"])[1]) == 1
    assert len(find("STUDY", StudyInstanceUID="")[1]) == 2


def test_series_and_images_are_found_below_their_study(find: Find) -> None:
    _, (series,) = find("SERIES", StudyInstanceUID=_STUDY, SeriesInstanceUID="", NumberOfSeriesRelatedInstances=None)
    assert (series.SeriesInstanceUID, series.NumberOfSeriesRelatedInstances) == (_SERIES, 2)
    _, images = find("IMAGE", StudyInstanceUID=_STUDY, SeriesInstanceUID=_SERIES, InstanceNumber=None)
    assert sorted(image.InstanceNumber for image in images) == [1, 2]
    _, images = find("IMAGE", StudyInstanceUID=_STUDY, SeriesInstanceUID=_SERIES, InstanceNumber="2")
    assert len(images) == 1


@pytest.mark.parametrize(
    ("level", "keys"),
    [
        ("", {"StudyInstanceUID": ""}),
        ("PATIENT", {}),
        ("SERIES", {}),
        ("SERIES", {"StudyInstanceUID": ["1.2", "1.3"]}),
        ("IMAGE", {"StudyInstanceUID": _STUDY}),
    ],
)
def test_a_query_that_is_none_of_the_model_is_refused(find: Find, level: str, keys: dict[str, Any]) -> None:
    assert find(level, **keys) == ([0xA900], [])


def test_a_key_of_another_level_is_neither_matched_nor_returned(find: Find) -> None:
    statuses, studies = find("STUDY", StudyInstanceUID=_STUDY, InstanceNumber="7")
    assert statuses == [0xFF01, 0x0000]
    assert "InstanceNumber" not in studies[0]


def test_the_archives_lists_follow_scripts_too(find: Find, pacs: Pacs) -> None:
    pacs.script("C-FIND", Truncate(after=1))
    assert find("STUDY", StudyInstanceUID="")[0] == [0xFF00, 0xFE00]
