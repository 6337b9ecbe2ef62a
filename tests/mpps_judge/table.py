"""PS3.4 Table F.7.2-1, transcribed by hand, with the numbers of items of PS3.3 Tables C.4-13 to C.4-17.

Columns: attribute (``>`` for each level of nesting), type for the SCU in an N-CREATE, in an N-SET, in the final state,
and ``one`` where a sequence takes no more than a single item. ``-`` is not allowed; an empty column says nothing.
"""

from dataclasses import dataclass

__all__ = ["DISCONTINUATION_REASONS", "FURTHER_IMAGES", "TABLE", "Row"]

_TEXT = """
SpecificCharacterSet                                            1C 1C
ScheduledStepAttributesSequence                                 1  -
> StudyInstanceUID                                              1  -
> ReferencedStudySequence                                       2  -  .  one
>> ReferencedSOPClassUID                                        1  -
>> ReferencedSOPInstanceUID                                     1  -
> AccessionNumber                                               2  -
> IssuerOfAccessionNumberSequence                               3  -  .  one
> PlacerOrderNumberImagingServiceRequest                        3  -
> OrderPlacerIdentifierSequence                                 3  -  .  one
> FillerOrderNumberImagingServiceRequest                        3  -
> OrderFillerIdentifierSequence                                 3  -  .  one
> RequestedProcedureID                                          2  -
> RequestedProcedureCodeSequence                                3  -  .  one
> RequestedProcedureDescription                                 2  -
> ScheduledProcedureStepID                                      2  -
> ScheduledProcedureStepDescription                             2  -
> ScheduledProtocolCodeSequence                                 2  -
PatientName                                                     2  -
PatientID                                                       2  -
IssuerOfPatientID                                               3  -
IssuerOfPatientIDQualifiersSequence                             3  -  .  one
OtherPatientIDsSequence                                         3  -
PatientBirthDate                                                2  -
PatientSex                                                      2  -
ReferencedPatientSequence                                       2  -  .  one
> ReferencedSOPClassUID                                         1  -
> ReferencedSOPInstanceUID                                      1  -
AdmissionID                                                     3  -
IssuerOfAdmissionIDSequence                                     3  -  .  one
ServiceEpisodeID                                                3  -
IssuerOfServiceEpisodeIDSequence                                3  -  .  one
ServiceEpisodeDescription                                       3  -
PerformedProcedureStepID                                        1  -
PerformedStationAETitle                                         1  -
PerformedStationName                                            2  -
PerformedLocation                                               2  -
PerformedProcedureStepStartDate                                 1  -
PerformedProcedureStepStartTime                                 1  -
PerformedProcedureStepStatus                                    1  3
PerformedProcedureStepDescription                               2  3
PerformedProcedureTypeDescription                               2  3
ProcedureCodeSequence                                           2  3  .  one
ReasonForPerformedProcedureCodeSequence                         3  3
PerformedProcedureStepEndDate                                   2  3  1
PerformedProcedureStepEndTime                                   2  3  1
CommentsOnThePerformedProcedureStep                             3  3
PerformedProcedureStepDiscontinuationReasonCodeSequence         3  3  .  one
Modality                                                        1  -
StudyID                                                         2  -
PerformedProtocolCodeSequence                                   2  3
PerformedSeriesSequence                                         2  3  1
> PerformingPhysicianName                                       2  2
> ProtocolName                                                  1  1
> OperatorsName                                                 2  2
> SeriesInstanceUID                                             1  1
> SeriesDescription                                             2  2
> RetrieveAETitle                                               2  2
> ArchiveRequested                                              3  3
> ReferencedImageSequence                                       2  2
>> ReferencedSOPClassUID                                        1  1
>> ReferencedSOPInstanceUID                                     1  1
> ReferencedNonImageCompositeSOPInstanceSequence                2  2
>> ReferencedSOPClassUID                                        1  1
>> ReferencedSOPInstanceUID                                     1  1
TimezoneOffsetFromUTC                                           3  3
InstanceCreationDate                                            3  3
InstanceCreationTime                                            3  3
InstanceCreatorUID                                              3  3
AnatomicStructureSpaceOrRegionSequence                          3  3
TotalTimeOfFluoroscopy                                          3  3
TotalNumberOfExposures                                          3  3
DistanceSourceToDetector                                        3  3
DistanceSourceToEntrance                                        3  3
EntranceDose                                                    3  3
EntranceDoseInmGy                                               3  3
ExposedArea                                                     3  3
ImageAndFluoroscopyAreaDoseProduct                              3  3
CommentsOnRadiationDose                                         3  3
ExposureDoseSequence                                            3  3
BillingProcedureStepSequence                                    3  3
FilmConsumptionSequence                                         3  3
> NumberOfFilms                                                 3  3
> MediumType                                                    3  3
> FilmSizeID                                                    3  3
BillingSuppliesAndDevicesSequence                               3  3
SOPClassUID                                                     -  -
SOPInstanceUID                                                  -  -
StudyInstanceUID                                                -  -
SeriesInstanceUID                                               -  -
"""

DISCONTINUATION_REASONS = {
    ("DCM", "110500"): "Doctor canceled procedure",
    ("DCM", "110501"): "Equipment failure",
    ("DCM", "110502"): "Incorrect procedure ordered",
    ("DCM", "110503"): "Patient allergic to media/contrast",
    ("DCM", "110504"): "Patient died",
    ("DCM", "110505"): "Patient refused to continue procedure",
    ("DCM", "110506"): "Patient taken for treatment or surgery",
    ("DCM", "110507"): "Patient did not arrive",
    ("DCM", "110508"): "Patient pregnant",
    ("DCM", "110509"): "Change of procedure for correct charging",
    ("DCM", "110510"): "Duplicate order",
    ("DCM", "110511"): "Nursing unit cancel",
    ("DCM", "110512"): "Incorrect side ordered",
    ("DCM", "110513"): "Discontinued for unspecified reason",
    ("DCM", "110514"): "Incorrect worklist entry selected",
    ("DCM", "110515"): "Patient condition prevented continuing",
    ("DCM", "110516"): "Equipment change",
    ("SCT", "292094009"): "",
    ("SCT", "95384003"): "",
}
"""CID 9301; the meaning is not judged where it is empty."""

FURTHER_IMAGES = {
    "CornealTopographyMapStorage",
    "OphthalmicThicknessMapStorage",
    "ParametricMapStorage",
    "RTDoseStorage",
    "SegmentationStorage",
}
"""Storage classes with pixels whose names do not end in Image Storage."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One attribute; its types are ``""`` where the table says nothing."""

    path: tuple[str, ...]
    create: str
    set: str
    final: str
    single: bool

    @property
    def keyword(self) -> str:
        return self.path[-1]

    def __str__(self) -> str:
        return " > ".join(self.path)


def _rows() -> tuple[Row, ...]:
    rows: list[Row] = []
    for line in _TEXT.strip().splitlines():
        marks, _, rest = line.rpartition("> ")
        depth = len(marks) + 1 if rest != line else 0
        keyword, create, change, final, items = (*rest.split(), ".", ".")[:5]
        above = rows[-1].path[:depth] if rows else ()
        rows.append(
            Row(
                path=(*above, keyword),
                create=create,
                set=change,
                final=final.strip("."),
                single=items == "one",
            )
        )
    return tuple(rows)


TABLE = _rows()
