"""What a worklist provider takes as a query and gives as an answer (PS3.4 section K.4 and Table K.6-1)."""

from collections.abc import Iterable
from copy import deepcopy

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from modality_sdk.simulator.answers import Answer, Status
from modality_sdk.simulator.matching import find_defect, is_universal

__all__ = ["judge_identifier", "optional_keys", "project", "unsupported_keys"]


def _tags(*keywords: str) -> frozenset[BaseTag]:
    return frozenset(Tag(tag_for_keyword(keyword) or 0) for keyword in keywords)


# keys whose matching is required of every SCP: beside, and inside, Scheduled Procedure Step Sequence
_REQUIRED_OF_ROOT = _tags("ScheduledProcedureStepSequence", "PatientName", "PatientID")
_REQUIRED_OF_STEP = _tags(
    "ScheduledStationAETitle",
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
    "Modality",
    "ScheduledPerformingPhysicianName",
)

# keys whose matching is optional; all of them are returned
_OPTIONAL_OF_STEP = _tags(
    "ScheduledProcedureStepDescription",
    "ScheduledStationName",
    "ScheduledProcedureStepLocation",
    "ScheduledProtocolCodeSequence",
    "ProtocolContextSequence",
    "PreMedication",
    "ScheduledProcedureStepID",
    "RequestedContrastAgent",
    "ScheduledProcedureStepStatus",
    "ScheduledProcedureStepEndDate",
    "ScheduledProcedureStepEndTime",
    "CommentsOnTheScheduledProcedureStep",
    "ReferencedDefinedProtocolSequence",
    "ReferencedPerformedProtocolSequence",
)
_OPTIONAL_OF_ROOT = _tags(
    # scheduled procedure step, yet beside its sequence (PS3.3 Table C.4-10)
    "ScheduledSpecimenSequence",
    "BarcodeValue",
    # requested procedure
    "RequestedProcedureID",
    "RequestedProcedureDescription",
    "RequestedProcedureCodeSequence",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "ReferencedStudySequence",
    "RequestedProcedurePriority",
    "PatientTransportArrangements",
    "ReasonForTheRequestedProcedure",
    "ReasonForRequestedProcedureCodeSequence",
    "RequestedProcedureComments",
    "NamesOfIntendedRecipientsOfResults",
    # imaging service request
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "RequestingPhysician",
    "RequestingPhysicianIdentificationSequence",
    "RequestingService",
    "ReferringPhysicianName",
    "ReferringPhysicianIdentificationSequence",
    "PlacerOrderNumberImagingServiceRequest",
    "FillerOrderNumberImagingServiceRequest",
    "OrderPlacerIdentifierSequence",
    "OrderFillerIdentifierSequence",
    # visit
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "ServiceEpisodeID",
    "IssuerOfServiceEpisodeIDSequence",
    "CurrentPatientLocation",
    "InstitutionName",
    "InstitutionAddress",
    "ReferencedPatientSequence",
    "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence",
    # patient
    "IssuerOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "OtherPatientIDsSequence",
    "OtherPatientNames",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientWeight",
    "PatientSize",
    "PatientPrimaryLanguageCodeSequence",
    "PatientPrimaryLanguageModifierCodeSequence",
    "PatientComments",
    "AdditionalPatientHistory",
    "EthnicGroup",
    "Occupation",
    "ConfidentialityConstraintOnPatientDataDescription",
    "PatientState",
    "PregnancyStatus",
    "MedicalAlerts",
    "Allergies",
    "SpecialNeeds",
    "PertinentDocumentsSequence",
)
# inside the items of coded, reference and identifier sequences
_NESTED = _tags(
    "CodeValue",
    "CodingSchemeDesignator",
    "CodingSchemeVersion",
    "CodeMeaning",
    "LongCodeValue",
    "URNCodeValue",
    "ReferencedSOPClassUID",
    "ReferencedSOPInstanceUID",
    "PatientID",
    "TypeOfPatientID",
    "LocalNamespaceEntityID",
    "UniversalEntityID",
    "UniversalEntityIDType",
    "PersonIdentificationCodeSequence",
    "PersonAddress",
    "PersonTelephoneNumbers",
    "AssigningFacilitySequence",
)

_ROOT = _REQUIRED_OF_ROOT | _OPTIONAL_OF_ROOT
_STEP = _REQUIRED_OF_STEP | _OPTIONAL_OF_STEP
_REQUIRED = _REQUIRED_OF_ROOT | _REQUIRED_OF_STEP
_OPTIONAL = (_OPTIONAL_OF_STEP | _OPTIONAL_OF_ROOT | _NESTED) - _REQUIRED

# sent along whether asked for or not, never with zero length (PS3.4 K.4.1.1.3.2)
_DESCRIBING = ("SpecificCharacterSet", "TimezoneOffsetFromUTC")
_DESCRIBING_TAGS = _tags(*_DESCRIBING)


def judge_identifier(identifier: Dataset) -> Answer | None:
    """Say why an identifier is no worklist query.

    Parameters
    ----------
    identifier
        Of the C-FIND request.

    Returns
    -------
    Answer or None
        A900 with the offending element; None when the identifier is legal.
    """
    if "QueryRetrieveLevel" in identifier:
        # the worklist model has one level only (PS3.4 K.6.1.1)
        return _refused(_tags("QueryRetrieveLevel"), "a worklist query has no Query/Retrieve Level")
    # the requestor chooses its keys, even Scheduled Procedure Step Sequence may be left out (PS3.4 K.4.1.1.3.1)
    if misplaced := _misplaced(identifier):
        return _refused(misplaced, "the key belongs to another level of Table K.6-1")
    defect = find_defect(identifier)
    return None if defect is None else _refused([defect.tag], defect.rule)


def _misplaced(identifier: Dataset) -> list[BaseTag]:
    """Keys of the model that stand beside Scheduled Procedure Step Sequence and belong inside it, or the reverse."""
    known = _ROOT | _STEP | _NESTED
    levels = [(identifier, _ROOT)]
    levels += [(item, _STEP) for item in identifier.get("ScheduledProcedureStepSequence") or ()]
    return [Tag(tag) for level, keys in levels for tag in sorted(level.keys()) if tag in known and tag not in keys]


def _refused(tags: Iterable[BaseTag], rule: str) -> Answer:
    return Answer(status=Status.DATA_SET_DOES_NOT_MATCH, comment=rule, elements=tuple(tags))


def unsupported_keys(identifier: Dataset) -> frozenset[BaseTag]:
    """Tags of the keys that are not in the worklist model: neither matched nor returned, they make FF01."""
    return frozenset(tag for tag in _all_tags(identifier) if tag not in _REQUIRED | _OPTIONAL | _DESCRIBING_TAGS)


def optional_keys(identifier: Dataset) -> frozenset[BaseTag]:
    """Tags of the keys with a value whose matching Table K.6-1 leaves to the provider."""
    return frozenset(
        element.tag for element in _all_elements(identifier) if element.tag in _OPTIONAL and not is_universal(element)
    )


def _all_elements(identifier: Dataset) -> Iterable[DataElement]:
    for element in identifier:
        yield element
        if element.VR == "SQ":
            for item in element.value or ():
                yield from _all_elements(item)


def _all_tags(identifier: Dataset) -> Iterable[BaseTag]:
    return (element.tag for element in _all_elements(identifier))


def project(item: Dataset, keys: Dataset, unsupported: Iterable[BaseTag] = ()) -> Dataset:
    """Make the answer for one item: what was asked for and nothing else.

    Parameters
    ----------
    item
        Item of the worklist.
    keys
        Identifier of the request. An empty sequence, or an empty item in it, asks for all its attributes
        (PS3.4 K.2.2.1.2).
    unsupported
        Tags that are left out of the answer.

    Returns
    -------
    Dataset
        New, in the item's own character set; supported attributes that the item lacks have zero length.
    """
    answer = Dataset()
    for name in _DESCRIBING:
        if item.get(name):
            answer[name] = DataElement(item[name].tag, item[name].VR, item[name].value)
    for key in keys:
        if key.tag in _DESCRIBING_TAGS or key.tag in unsupported:
            continue
        if key.tag not in item:
            answer.add_new(key.tag, key.VR, Sequence() if key.VR == "SQ" else None)
        elif key.VR == "SQ":
            inner = key.value[0] if key.value else None
            found = item[key.tag].value or ()
            answer.add_new(
                key.tag, "SQ", Sequence(project(one, inner, unsupported) if inner else deepcopy(one) for one in found)
            )
        else:
            answer.add_new(key.tag, item[key.tag].VR, item[key.tag].value)
    return answer
