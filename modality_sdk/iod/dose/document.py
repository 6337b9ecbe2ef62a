"""What stands around the tree of a dose report (PS3.3 A.35.8.3)."""

from datetime import datetime
from typing import Final

from pydicom import Dataset

from modality_sdk.dataset import (
    assign,
    assign_known,
    build,
    code_sequence,
    local_time,
    object_attributes,
    referenced_requests,
)
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.model import Equipment, PerformedProcedureStep, PerformedSeries, Synchronization

__all__ = ["document_attributes", "synchronization_attributes"]

_OF_OTHER_OBJECTS: Final = (
    "BodyPartExamined",
    "CommentsOnThePerformedProcedureStep",
    "Laterality",
    "OperatorsName",
    "PerformedProcedureStepDescription",
    "PerformedProcedureStepID",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "PerformedProtocolCodeSequence",
    "PerformingPhysicianName",
    "ProtocolName",
    "RequestAttributesSequence",
)
"""Of General Series, which SR Document Series takes the place of (PS3.3 A.35.8.3)."""
_ENHANCED_EQUIPMENT: Final = {
    "Manufacturer": ("manufacturer", "manufacturer"),
    "ManufacturerModelName": ("manufacturer_model_name", "model"),
    "DeviceSerialNumber": ("device_serial_number", "serial_number"),
    "SoftwareVersions": ("software_versions", "software_versions"),
}
"""Attribute to the value of `Equipment` and the setting it comes from."""
_TRIGGERS: Final = ("SOURCE", "EXTERNAL", "PASSTHRU", "NO TRIGGER")


def document_attributes(
    step: PerformedProcedureStep, series: PerformedSeries, *, instance_number: int, created_at: datetime
) -> Dataset:
    """All modules but the tree and its evidence: SR Document Series and General, Enhanced General Equipment (C.17.1).

    Raises
    ------
    MissingAttribute
        A value of the equipment is empty; the error names the setting.
    InvalidValue
        The series is not of modality SR, or a value breaks the rules of its attribute.
    """
    if series.modality != "SR":
        raise InvalidValue("Modality", "the series of a dose report must be SR (PS3.3 C.17.1)")
    for keyword, number in (("SeriesNumber", series.series_number), ("InstanceNumber", instance_number)):
        if not isinstance(number, int):
            raise InvalidValue(keyword, "must be an integer in every report (PS3.3 C.17.1 and C.17.2)")
    _check_equipment(step.equipment)
    dataset = object_attributes(step, series)
    for keyword in _OF_OTHER_OBJECTS:
        dataset.pop(keyword, None)
    created = local_time(step, created_at)
    assign(dataset, "InstanceNumber", instance_number)
    assign(dataset, "CompletionFlag", "COMPLETE")
    assign(dataset, "VerificationFlag", "UNVERIFIED")
    assign(dataset, "ContentDate", created.date())
    assign(dataset, "ContentTime", created.time())
    assign(dataset, "PerformedProcedureCodeSequence", code_sequence(step.procedure_codes))
    assign_known(dataset, ReferencedRequestSequence=referenced_requests(step))
    return dataset


def synchronization_attributes(synchronization: Synchronization) -> Dataset:
    """Synchronization Module (PS3.3 C.7.4.2)."""
    if not synchronization.frame_of_reference_uid:
        raise MissingAttribute("SynchronizationFrameOfReferenceUID", "has a value (PS3.3 C.7.4.2)")
    if synchronization.trigger not in _TRIGGERS:
        raise InvalidValue("SynchronizationTrigger", f"must be one of {', '.join(_TRIGGERS)} (PS3.3 C.7.4.2)")
    dataset = build(
        SynchronizationFrameOfReferenceUID=synchronization.frame_of_reference_uid,
        SynchronizationTrigger=synchronization.trigger,
        AcquisitionTimeSynchronized="Y" if synchronization.acquisition_time_synchronized else "N",
    )
    assign_known(
        dataset,
        TimeSource=synchronization.time_source,
        TimeDistributionProtocol=synchronization.time_distribution_protocol,
        NTPSourceAddress=synchronization.ntp_source_address,
    )
    return dataset


def _check_equipment(equipment: Equipment) -> None:
    """Enhanced General Equipment, all of Type 1 (PS3.3 C.7.5.2)."""
    for keyword, (name, setting) in _ENHANCED_EQUIPMENT.items():
        if not getattr(equipment, name):
            raise MissingAttribute(keyword, f"has a value in every dose report (PS3.3 C.7.5.2); set `{setting}`")
