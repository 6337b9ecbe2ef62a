"""Irradiation Event X-Ray Data: TID 10003 with its parts 10003A, 10003B and 10003C (PS3.16)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pydicom import Dataset

from modality_sdk.iod.anatomy import anatomic_region, body_part, image_laterality
from modality_sdk.iod.dose.concepts import FILTER_MATERIALS, GRIDS, LATERALITIES, by_value, concept
from modality_sdk.iod.dose.deviation import Deviations
from modality_sdk.iod.dose.items import (
    HAS_CONCEPT_MOD,
    HAS_PROPERTIES,
    code,
    container,
    image,
    moment,
    number,
    person_name,
    text,
    uid_reference,
)
from modality_sdk.iod.dose.quantities import square_meters
from modality_sdk.iod.dose.values import EventValues, event_values
from modality_sdk.iod.views import view_code
from modality_sdk.model import Acquisition, Exposure, IrradiationEvent, ReferencePoint

__all__ = ["Availability", "check_irradiation_event", "irradiation_event", "participant"]

_INDEX_CONCEPTS = {
    "exposure_index": "Exposure Index",
    "target_exposure_index": "Target Exposure Index",
    "deviation_index": "Deviation Index",
}


@dataclass(frozen=True, kw_only=True)
class Availability:
    """Which parts the events of a report have (TID 10001 rows 8 to 10)."""

    detector: bool
    source: bool
    mechanical: bool


def irradiation_event(
    values: EventValues,
    *,
    started: datetime,
    protocol_name: str,
    operators: tuple[str, ...],
    reference_point: ReferencePoint,
    available: Availability,
    deviations: Deviations,
) -> Dataset:
    """Build one container of TID 10003.

    Parameters
    ----------
    started
        In the time zone of the report.
    protocol_name
        Where the event names none itself.
    operators
        Who administered the radiation.
    available
        Which parts the report says it has.
    deviations
        Takes what is mandatory and missing.

    Raises
    ------
    IodError
        A value breaks its rule, or a mandatory one is missing and may not.
    """
    event, acquisition = values.event, values.event.acquisition
    items = [
        code("Acquisition Plane", concept("Single Plane"), relationship=HAS_CONCEPT_MOD),
        uid_reference("Irradiation Event UID", event.uid),
        moment("DateTime Started", started),
        code("Irradiation Event Type", concept("Stationary Acquisition")),
    ]
    protocol = acquisition.protocol_name or protocol_name
    if protocol:
        items.append(text("Acquisition Protocol", protocol))
    items.extend(_anatomy(acquisition))
    if values.dose_area_product is None:
        missing = "set dose_area_product of the exposure"
        deviations.add("10003", "Dose Area Product", missing, event.uid)
    else:
        items.append(number("Dose Area Product", values.dose_area_product, "Gy.m2"))
    if event.comment:
        items.append(text("Comment", event.comment))
    items.extend(participant(name, "Irradiation Administering") for name in operators)
    if available.detector:
        items.extend(_detector(values))
    if available.source:
        items.extend(_source(values, reference_point, deviations))
    if available.mechanical:
        items.extend(_mechanical(values))
    return container("Irradiation Event X-Ray Data", items, template="10003")


def check_irradiation_event(event: IrradiationEvent) -> None:
    """Refuse an event that no dose report could hold, as long as it can be corrected: when it happens.

    What is missing is no matter, the report tells that.

    Raises
    ------
    InvalidValue
        A value is not what it should be; the error names its attribute.
    MissingAttribute
        The body part is empty.
    """
    point = ReferencePoint.DETECTOR_PLANE
    irradiation_event(
        event_values(event, point),
        started=event.started,
        protocol_name="",
        operators=(),
        reference_point=point,
        available=Availability(detector=True, source=True, mechanical=True),
        deviations=Deviations(allowed=True),
    )


def participant(name: str, role: str) -> Dataset:
    """A person and the role in the procedure (TID 1020)."""
    return person_name(
        "Person Name", name, [code("Person Role in Procedure", concept(role), relationship=HAS_PROPERTIES)]
    )


def _anatomy(acquisition: Acquisition) -> Iterator[Dataset]:
    part = body_part(acquisition.body_part)
    region = anatomic_region(part.term)
    side = LATERALITIES.get(image_laterality(part, acquisition.laterality)) if acquisition.laterality else None
    laterality = [code("Laterality", concept(side), relationship=HAS_CONCEPT_MOD)] if side else []
    yield code("Anatomical structure", region, laterality)
    if acquisition.view:
        yield code("Image View", view_code(acquisition.view))
    yield code("Target Region", region)


def _detector(values: EventValues) -> Iterator[Dataset]:
    """TID 10003A."""
    for name, value in values.indices.items():
        yield number(_INDEX_CONCEPTS[name], value, "1")
    if values.event.image is not None:
        yield image("Acquired Image", values.event.image)


def _source(values: EventValues, point: ReferencePoint, deviations: Deviations) -> Iterator[Dataset]:
    """TID 10003B."""
    exposure = values.event.acquisition.exposure or Exposure()
    known = values.technique
    if values.dose_rp is None:
        deviations.add("10003B", "Dose (RP)", values.missing_for_dose_rp, values.event.uid)
    else:
        yield number("Dose (RP)", values.dose_rp, "Gy")
        yield code("Reference Point Definition", by_value(point.value))
    # one actuation of the switch makes one pulse, there is no fluoroscopy here
    yield number("Number of Pulses", Decimal(1), "1")
    if "kvp" in known:
        yield number("KVP", known["kvp"], "kV")
    if values.exposure is None and not {"tube_current", "exposure_time"} <= known.keys():
        missing = "set mas of the exposure, or tube_current and exposure_time"
        deviations.add("10003B", "Exposure", missing, values.event.uid)
    if "tube_current" in known:
        yield number("X-Ray Tube Current", known["tube_current"], "mA")
    if "exposure_time" in known:
        yield number("Exposure Time", known["exposure_time"], "ms")
    if values.exposure is not None:
        yield number("Exposure", values.exposure, "uA.s")
    if "focal_spot" in known:
        yield number("Focal Spot Size", known["focal_spot"], "mm")
    yield from _filters(exposure, known.get("filter_thickness"))
    yield from _field(known.get("field_height"), known.get("field_width"))
    for grid in exposure.grid:
        if grid in GRIDS:
            yield code("X-Ray Grid", concept(GRIDS[grid]))


def _filters(exposure: Exposure, thickness: Decimal | None) -> Iterator[Dataset]:
    material = FILTER_MATERIALS.get(exposure.filter_material)
    items = [code("X-Ray Filter Type", concept("Flat filter"))]
    if material:
        items.append(code("X-Ray Filter Material", concept(material)))
    if thickness is not None:
        items.append(number("X-Ray Filter Thickness Minimum", thickness, "mm"))
        items.append(number("X-Ray Filter Thickness Maximum", thickness, "mm"))
    if len(items) > 1:
        yield container("X-Ray Filters", items)


def _field(height: Decimal | None, width: Decimal | None) -> Iterator[Dataset]:
    if height is not None and width is not None:
        yield number("Collimated Field Area", square_meters(height, width), "m2")
    if height is not None:
        yield number("Collimated Field Height", height, "mm")
    if width is not None:
        yield number("Collimated Field Width", width, "mm")


def _mechanical(values: EventValues) -> Iterator[Dataset]:
    """TID 10003C."""
    if values.to_reference_point is not None:
        yield number("Distance Source to Reference Point", values.to_reference_point, "mm")
    if values.to_detector is not None:
        yield number("Distance Source to Detector", values.to_detector, "mm")
