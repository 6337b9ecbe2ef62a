"""PS3.4 Table F.7.2-1 as the simulator reads it, written by hand and apart from the tables of the SDK.

Types are those of the SCU for N-CREATE and N-SET: ``1``, ``2``, ``3``; ``-`` where N-SET may not carry the
attribute. Conditional attributes stand with the type that they have where the condition is not met.
"""

from dataclasses import dataclass

__all__ = ["MODULE_ATTRIBUTES", "NOT_IN_THE_DATA_SET", "PERFORMED_SERIES", "STEP", "Rule"]


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Attributes
    ----------
    keyword
        Of the attribute.
    create, update
        Type in N-CREATE and in N-SET.
    items
        Rules of the items of a sequence; their ``create`` type holds in both messages.
    maximum
        Largest number of items, None for any.
    """

    keyword: str
    create: str
    update: str = "-"
    items: tuple["Rule", ...] = ()
    maximum: int | None = None


# Code Value is 1C beside Long Code Value and URN Code Value (PS3.3 8.8); one of the three is demanded by the judge
_CODE = (
    Rule("CodeMeaning", "1"),
    Rule("CodingSchemeDesignator", "3"),
    Rule("CodingSchemeVersion", "3"),
)
_REFERENCE = (Rule("ReferencedSOPClassUID", "1"), Rule("ReferencedSOPInstanceUID", "1"))

_SCHEDULED_STEP = (
    Rule("StudyInstanceUID", "1"),
    Rule("ReferencedStudySequence", "2", items=_REFERENCE),
    Rule("AccessionNumber", "2"),
    Rule("IssuerOfAccessionNumberSequence", "3"),
    Rule("PlacerOrderNumberImagingServiceRequest", "3"),
    Rule("OrderPlacerIdentifierSequence", "3"),
    Rule("FillerOrderNumberImagingServiceRequest", "3"),
    Rule("OrderFillerIdentifierSequence", "3"),
    Rule("RequestedProcedureID", "2"),
    Rule("RequestedProcedureCodeSequence", "3", items=_CODE, maximum=1),
    Rule("RequestedProcedureDescription", "2"),
    Rule("ScheduledProcedureStepID", "2"),
    Rule("ScheduledProcedureStepDescription", "2"),
    Rule("ScheduledProtocolCodeSequence", "2", items=_CODE),
)

PERFORMED_SERIES = (
    Rule("PerformingPhysicianName", "2"),
    Rule("ProtocolName", "1"),
    Rule("OperatorsName", "2"),
    Rule("SeriesInstanceUID", "1"),
    Rule("SeriesDescription", "2"),
    Rule("RetrieveAETitle", "2"),
    Rule("ArchiveRequested", "3"),
    Rule("ReferencedImageSequence", "2", items=_REFERENCE),
    Rule("ReferencedNonImageCompositeSOPInstanceSequence", "2", items=_REFERENCE),
)

STEP = (
    Rule("SpecificCharacterSet", "3", "3"),
    # Performed Procedure Step Relationship
    Rule("ScheduledStepAttributesSequence", "1", items=_SCHEDULED_STEP),
    Rule("PatientName", "2"),
    Rule("PatientID", "2"),
    Rule("IssuerOfPatientID", "3"),
    Rule("IssuerOfPatientIDQualifiersSequence", "3"),
    Rule("OtherPatientIDsSequence", "3"),
    Rule("PatientBirthDate", "2"),
    Rule("PatientSex", "2"),
    Rule("ReferencedPatientSequence", "2", items=_REFERENCE),
    Rule("AdmissionID", "3"),
    Rule("IssuerOfAdmissionIDSequence", "3"),
    Rule("ServiceEpisodeID", "3"),
    Rule("IssuerOfServiceEpisodeIDSequence", "3"),
    Rule("ServiceEpisodeDescription", "3"),
    # Performed Procedure Step Information
    Rule("PerformedProcedureStepID", "1"),
    Rule("PerformedStationAETitle", "1"),
    Rule("PerformedStationName", "2"),
    Rule("PerformedLocation", "2"),
    Rule("PerformedProcedureStepStartDate", "1"),
    Rule("PerformedProcedureStepStartTime", "1"),
    Rule("PerformedProcedureStepStatus", "1", "1"),
    Rule("PerformedProcedureStepDescription", "2", "2"),
    Rule("PerformedProcedureTypeDescription", "2", "2"),
    Rule("ProcedureCodeSequence", "2", "2", items=_CODE, maximum=1),
    Rule("ReasonForPerformedProcedureCodeSequence", "3", "3", items=_CODE),
    Rule("PerformedProcedureStepEndDate", "2", "2"),
    Rule("PerformedProcedureStepEndTime", "2", "2"),
    Rule("CommentsOnThePerformedProcedureStep", "3", "3"),
    Rule("PerformedProcedureStepDiscontinuationReasonCodeSequence", "3", "3", items=_CODE, maximum=1),
    # Image Acquisition Results
    Rule("Modality", "1"),
    Rule("StudyID", "2"),
    Rule("PerformedProtocolCodeSequence", "2", "2", items=_CODE),
    Rule("PerformedSeriesSequence", "2", "2", items=PERFORMED_SERIES),
)

# "all other attributes" of the modules of the IOD, 3 in both messages (PS3.3 B.17 and section C.4)
MODULE_ATTRIBUTES = (
    "TimezoneOffsetFromUTC",
    "InstanceCreationDate",
    "InstanceCreationTime",
    "InstanceCreatorUID",
    "CodingSchemeIdentificationSequence",
    "PatientAge",
    "AnatomicStructureSpaceOrRegionSequence",
    "TotalTimeOfFluoroscopy",
    "TotalNumberOfExposures",
    "DistanceSourceToDetector",
    "DistanceSourceToEntrance",
    "EntranceDose",
    "EntranceDoseInmGy",
    "ExposedArea",
    "ImageAndFluoroscopyAreaDoseProduct",
    "CommentsOnRadiationDose",
    "ExposureDoseSequence",
    "BillingProcedureStepSequence",
    "FilmConsumptionSequence",
    "BillingSuppliesAndDevicesSequence",
    "StudyDate",
    "StudyTime",
)

# identity travels in the command set and the study inside Scheduled Step Attributes Sequence (PS3.7 10.1.5)
NOT_IN_THE_DATA_SET = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID")
