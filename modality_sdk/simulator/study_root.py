"""The Study Root information model over what an archive holds (PS3.4 section C.6.2)."""

from collections.abc import Iterable, Sequence

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from modality_sdk.simulator.answers import Answer, Status
from modality_sdk.simulator.matching import find_defect, matches
from modality_sdk.simulator.query import Matches
from modality_sdk.simulator.worklist import project

__all__ = ["search"]

_UNIQUE = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
_LEVELS = tuple(_UNIQUE)

# PS3.4 Tables C.6-5, C.6-3 and C.6-4: what an entity of each level has of its own
_KEYS = {
    "STUDY": (
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "OtherPatientIDsSequence",
        "PatientBirthDate",
        "PatientSex",
        "PatientAge",
        "PatientSize",
        "PatientWeight",
        "PatientComments",
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "StudyID",
        "StudyDescription",
        "ReferringPhysicianName",
        "ProcedureCodeSequence",
        "ModalitiesInStudy",
        "SOPClassesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
    ),
    "SERIES": (
        "SeriesInstanceUID",
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "SeriesDate",
        "SeriesTime",
        "BodyPartExamined",
        "Laterality",
        "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime",
        "PerformedProcedureStepID",
        "RequestAttributesSequence",
        "NumberOfSeriesRelatedInstances",
    ),
    "IMAGE": (
        "SOPInstanceUID",
        "SOPClassUID",
        "InstanceNumber",
        "ContentDate",
        "ContentTime",
        "AcquisitionDateTime",
        "ImageType",
        "Rows",
        "Columns",
        "BitsAllocated",
        "NumberOfFrames",
    ),
}
_DESCRIBING = ("SpecificCharacterSet", "TimezoneOffsetFromUTC", "QueryRetrieveLevel", "RetrieveAETitle")


def search(identifier: Dataset, objects: Iterable[Dataset], *, retrieve_ae_title: str) -> Answer | Matches:
    """Answer a Study Root query.

    Parameters
    ----------
    identifier
        Of the C-FIND request.
    objects
        What the archive holds, without Pixel Data.
    retrieve_ae_title
        Where the found entities can be had.

    Returns
    -------
    Answer or Matches
        A900 for an identifier that is none of this model, else one answer per matching entity.
    """
    level = str(identifier.get("QueryRetrieveLevel") or "").strip()
    if level not in _LEVELS:
        return _refused("QueryRetrieveLevel", "the level is STUDY, SERIES or IMAGE")
    above = _LEVELS[: _LEVELS.index(level)]
    for upper in above:
        # hierarchical queries name one entity of each level above (PS3.4 C.4.1.2.1)
        value = identifier.get(_UNIQUE[upper])
        if not value or not isinstance(value, str) or "*" in value or "?" in value:
            return _refused(_UNIQUE[upper], "a single value is required below its level")
    defect = find_defect(identifier)
    if defect is not None:
        return Answer(status=Status.DATA_SET_DOES_NOT_MATCH, comment=defect.rule, elements=(defect.tag,))
    unsupported = _unsupported(identifier, level, above)
    status = Status.PENDING_WITH_WARNING if unsupported else Status.PENDING
    entities = (_entity(members, level) for members in _grouped(objects, level))
    answers = tuple(
        _answer(entity, identifier, unsupported, level, retrieve_ae_title)
        for entity in entities
        if matches(entity, identifier, unsupported)
    )
    return Matches(status=status, answers=answers)


def _refused(keyword: str, rule: str) -> Answer:
    return Answer(status=Status.DATA_SET_DOES_NOT_MATCH, comment=rule, elements=(Tag(keyword),))


def _unsupported(identifier: Dataset, level: str, above: Sequence[str]) -> frozenset[BaseTag]:
    known = {*_KEYS[level], *_DESCRIBING, *(_UNIQUE[upper] for upper in above)}
    return frozenset(element.tag for element in identifier if keyword_for_tag(element.tag) not in known)


def _grouped(objects: Iterable[Dataset], level: str) -> list[list[Dataset]]:
    groups: dict[tuple[str, ...], list[Dataset]] = {}
    names = [_UNIQUE[name] for name in _LEVELS[: _LEVELS.index(level) + 1]]
    for held in objects:
        groups.setdefault(tuple(str(held.get(name, "")) for name in names), []).append(held)
    return list(groups.values())


def _entity(members: Sequence[Dataset], level: str) -> Dataset:
    """One study, series or image, described by its first object."""
    first = members[0]
    entity = Dataset()
    keywords = {*_KEYS[level], *_UNIQUE.values(), "SpecificCharacterSet", "TimezoneOffsetFromUTC"}
    for element in first:
        if element.keyword in keywords:
            entity.add(element)
    if level == "STUDY":
        entity.ModalitiesInStudy = sorted({str(member.get("Modality") or "OT") for member in members})
        entity.SOPClassesInStudy = sorted({str(member.SOPClassUID) for member in members})
        entity.NumberOfStudyRelatedSeries = len({member.SeriesInstanceUID for member in members})
        entity.NumberOfStudyRelatedInstances = len(members)
    elif level == "SERIES":
        entity.NumberOfSeriesRelatedInstances = len(members)
    return entity


def _answer(
    entity: Dataset, identifier: Dataset, unsupported: frozenset[BaseTag], level: str, retrieve_ae_title: str
) -> Dataset:
    answer = project(entity, identifier, unsupported)
    for keyword, value in (("QueryRetrieveLevel", level), ("RetrieveAETitle", retrieve_ae_title)):
        tag = Tag(tag_for_keyword(keyword) or 0)
        answer.add_new(tag, dictionary_VR(tag), value)
    return answer
