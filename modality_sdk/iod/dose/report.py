"""X-Ray Radiation Dose SR of projection radiography (PS3.3 A.35.8, PS3.16 TID 10001)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, XRayRadiationDoseSRStorage

from modality_sdk.dataset import (
    assign,
    assign_known,
    declare,
    ensure_encodable,
    local_time,
)
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.iod.dose.accumulated import accumulated_dose
from modality_sdk.iod.dose.concepts import by_value, concept
from modality_sdk.iod.dose.deviation import Deviations, TemplateDeviation
from modality_sdk.iod.dose.document import document_attributes, synchronization_attributes
from modality_sdk.iod.dose.event import Availability, irradiation_event, participant
from modality_sdk.iod.dose.items import (
    HAS_CONCEPT_MOD,
    HAS_OBS_CONTEXT,
    HAS_PROPERTIES,
    code,
    container,
    text,
    uid_reference,
)
from modality_sdk.iod.dose.values import EventValues, event_values
from modality_sdk.iod.evidence import evidence
from modality_sdk.model import (
    AcquisitionDeviceType,
    Code,
    DoseReporting,
    DoseSource,
    IrradiationEvent,
    PerformedProcedureStep,
    PerformedSeries,
    ReferencePoint,
    Synchronization,
)

__all__ = ["RadiationDoseReport"]


class RadiationDoseReport(Dataset):
    """An X-Ray Radiation Dose SR of one performed procedure step, valid once it is built.

    Every exposure of the step is in it, with an image or without, accepted or rejected. The totals are the sums over
    the events, as these are written.

    Dose (RP) of an event is its measured value, else the air kerma computed of dose area product, field and distance
    (`modality_sdk.iod.dose.reference_point`); the report names System Calculated as a source then.

    Filter materials and grids that PS3.16 has no code for are left out.

    Parameters
    ----------
    events
        All irradiation events of the step, in order.
    step, series
        What the report belongs to. The series is one of modality SR.
    reporting
        How the device reports dose.
    sop_instance_uid
        New UID.
    instance_number
        Number in the series, from 1.
    created_at
        Aware time of the report; written in the time zone of the step.
    image_series
        Series Instance UID of each image that an event names, by SOP Instance UID.
    authorizing_person
        Who authorized the irradiation; empty when not known.
    comment
        On the whole report.
    allow_template_deviation
        Leave a mandatory item out when the device cannot tell it, and note it in `deviations`. Consumers may refuse
        such a report; a dose that is made up is worse.

    Attributes
    ----------
    deviations
        What is mandatory and not in the report; empty unless that was allowed.

    Raises
    ------
    MissingAttribute
        A mandatory value is not there: a setting of Enhanced General Equipment, a dose, an exposure.
    InvalidValue
        A value is outside what the standard allows; the error names attribute and rule.

    Examples
    --------
    Dose area product, field and distance are enough for a complete report::

        exposure = Exposure(
            mas=2.2, dose_area_product=0.93, distance_source_to_detector=1800, field_height=350, field_width=430
        )
    """

    deviations: tuple[TemplateDeviation, ...]

    def __init__(
        self,
        events: Sequence[IrradiationEvent],
        *,
        step: PerformedProcedureStep,
        series: PerformedSeries,
        reporting: DoseReporting,
        sop_instance_uid: str,
        instance_number: int,
        created_at: datetime,
        image_series: Mapping[str, str],
        authorizing_person: str = "",
        comment: str = "",
        allow_template_deviation: bool = False,
    ) -> None:
        super().__init__()
        # lets `save_as` work; everything else of the meta information is derived
        self.file_meta = FileMetaDataset()
        self.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        _check_reporting(reporting)
        _instance("image_series", Mapping, image_series)
        _instance("created_at", datetime, created_at)
        if not sop_instance_uid:
            raise MissingAttribute("SOPInstanceUID", "has a value in every object (PS3.3 C.12.1)")
        values = _read(events, reporting)
        deviations = Deviations(allowed=allow_template_deviation)

        self.update(document_attributes(step, series, instance_number=instance_number, created_at=created_at))
        assign(self, "SOPClassUID", XRayRadiationDoseSRStorage)
        assign(self, "SOPInstanceUID", sop_instance_uid)
        images = [value.event.image for value in values if value.event.image is not None]
        referred = evidence(images, study_instance_uid=step.study_instance_uid, series=image_series)
        assign_known(self, CurrentRequestedProcedureEvidenceSequence=referred)
        if reporting.synchronization is not None:
            self.update(synchronization_attributes(reporting.synchronization))
        self.update(
            container(
                "X-Ray Radiation Dose Report",
                [
                    *_procedure(reporting),
                    *_observer(step, reporting),
                    *_scope(step),
                    *_content(values, step, series, reporting, deviations),
                    *([text("Comment", comment)] if comment else []),
                    *([participant(authorizing_person, "Irradiation Authorizing")] if authorizing_person else []),
                    *_sources(values, reporting),
                ],
                template="10001",
                relationship="",
            )
        )
        declare(self, ensure_encodable(self, step.specific_character_set))
        self.deviations = tuple(deviations.found)


def _check_reporting(reporting: DoseReporting) -> None:
    if not reporting.device_observer_uid:
        raise MissingAttribute("device_observer_uid", "a device that observes has a UID (PS3.16 TID 1004)")
    _instance("device_type", AcquisitionDeviceType, reporting.device_type)
    _instance("reference_point", ReferencePoint, reporting.reference_point)
    _instance("language", Code, reporting.language)
    _instance("sources", tuple, reporting.sources)
    if not reporting.sources:
        raise MissingAttribute("sources", "a report names the source of its doses (PS3.16 TID 10001 row 18)")
    for source in reporting.sources:
        _instance("sources", DoseSource, source)
    if reporting.synchronization is not None:
        _instance("synchronization", Synchronization, reporting.synchronization)


# values come from programs without type checks, too
def _instance(attribute: str, kind: type, value: object) -> None:
    if not isinstance(value, kind):
        raise InvalidValue(attribute, f"must be a {kind.__name__}")


def _read(events: Sequence[IrradiationEvent], reporting: DoseReporting) -> list[EventValues]:
    _instance("events", Sequence, events)
    if not events:
        raise MissingAttribute("events", "a dose report holds at least one irradiation event (PS3.16 TID 10001 row 12)")
    values = [event_values(event, reporting.reference_point) for event in events]
    if len({event.uid for event in events}) < len(events):
        raise InvalidValue("UID", "of Irradiation Event UID: every event is reported once (PS3.16 TID 10003)")
    return values


def _procedure(reporting: DoseReporting) -> Iterator[Dataset]:
    """Rows 1b to 4 of TID 10001."""
    yield code("Language of Content Item and Descendants", reporting.language, relationship=HAS_CONCEPT_MOD)
    intent = code("Has Intent", concept("Diagnostic Intent"), relationship=HAS_CONCEPT_MOD)
    yield code("Procedure reported", concept("Projection X-Ray"), [intent], relationship=HAS_CONCEPT_MOD)
    yield code("Acquisition Device Type", by_value(reporting.device_type.value))


def _observer(step: PerformedProcedureStep, reporting: DoseReporting) -> Iterator[Dataset]:
    """The device that observes and irradiates: row 5, TID 1002 and 1004."""
    equipment = step.equipment
    yield code("Observer Type", concept("Device"), relationship=HAS_OBS_CONTEXT)
    yield uid_reference("Device Observer UID", reporting.device_observer_uid, relationship=HAS_OBS_CONTEXT)
    for name, value in (
        ("Device Observer Name", equipment.station_name),
        ("Device Observer Manufacturer", equipment.manufacturer),
        ("Device Observer Model Name", equipment.manufacturer_model_name),
        ("Device Observer Serial Number", equipment.device_serial_number),
        ("Device Observer Physical Location During Observation", step.performed_location),
    ):
        if value:
            yield text(name, value, relationship=HAS_OBS_CONTEXT)
    for role in ("Irradiating Device", "Recording"):
        yield code("Device Role in Procedure", concept(role), relationship=HAS_OBS_CONTEXT)


def _scope(step: PerformedProcedureStep) -> Iterator[Dataset]:
    """Rows 6 and 7."""
    name = "Performed Procedure Step SOP Instance UID"
    uid = uid_reference(name, step.sop_instance_uid, relationship=HAS_PROPERTIES)
    scope = concept("Performed Procedure Step")
    yield code("Scope of Accumulation", scope, [uid], relationship=HAS_OBS_CONTEXT)


def _content(
    values: Sequence[EventValues],
    step: PerformedProcedureStep,
    series: PerformedSeries,
    reporting: DoseReporting,
    deviations: Deviations,
) -> Iterator[Dataset]:
    """Rows 8 to 12: what is available, the totals, the events."""
    available = Availability(
        detector=any(value.has_detector_data for value in values),
        source=any(value.has_source_data for value in values),
        mechanical=any(value.has_mechanical_data for value in values),
    )
    for name, there in (
        ("X-Ray Detector Data Available", available.detector),
        ("X-Ray Source Data Available", available.source),
        ("X-Ray Mechanical Data Available", available.mechanical),
    ):
        yield code(name, concept("Yes" if there else "No"))
    yield accumulated_dose(values, reporting=reporting, detector_available=available.detector, deviations=deviations)
    for value in values:
        yield irradiation_event(
            value,
            started=local_time(step, value.event.started),
            protocol_name=step.protocol_name,
            operators=series.operators or step.operators,
            reference_point=reporting.reference_point,
            available=available,
            deviations=deviations,
        )


def _sources(values: Sequence[EventValues], reporting: DoseReporting) -> Iterator[Dataset]:
    """Row 18."""
    sources = [source.value for source in reporting.sources]
    if any(value.computed for value in values):
        sources.append(DoseSource.SYSTEM_CALCULATED.value)
    for source in dict.fromkeys(sources):
        yield code("Source of Dose Information", by_value(source))
