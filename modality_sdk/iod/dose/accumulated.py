"""Accumulated X-Ray Dose Data: TID 10002 with 10006 for cassette-based and 10007 for integrated systems (PS3.16)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from pydicom import Dataset

from modality_sdk.errors import InvalidValue
from modality_sdk.iod.dose.concepts import DETECTOR_TYPES, by_value, concept
from modality_sdk.iod.dose.deviation import Deviations
from modality_sdk.iod.dose.items import HAS_CONCEPT_MOD, code, container, number
from modality_sdk.iod.dose.quantities import total
from modality_sdk.iod.dose.values import EventValues
from modality_sdk.model import AcquisitionDeviceType, DoseReporting

__all__ = ["accumulated_dose"]


def accumulated_dose(
    events: Sequence[EventValues], *, reporting: DoseReporting, detector_available: bool, deviations: Deviations
) -> Dataset:
    """Build the container of TID 10002: the sums over the events, as these are written.

    A sum that would leave an exposure out is no total: it is missing as soon as one of its values is.

    Raises
    ------
    IodError
        A total is mandatory and missing, and may not.
    """
    items = [code("Acquisition Plane", concept("Single Plane"), relationship=HAS_CONCEPT_MOD)]
    if reporting.device_type is AcquisitionDeviceType.INTEGRATED:
        items.extend(_integrated(events, reporting, deviations))
    elif detector_available:
        items.extend(_cassette_based(events, reporting))
    return container("Accumulated X-Ray Dose Data", items, template="10002")


def _integrated(events: Sequence[EventValues], reporting: DoseReporting, deviations: Deviations) -> Iterator[Dataset]:
    """TID 10007."""
    area_product = _sum([event.dose_area_product for event in events])
    if area_product is None:
        deviations.add("10007", "Dose Area Product Total", "an irradiation event has no dose area product")
    else:
        yield number("Dose Area Product Total", area_product, "Gy.m2")
    dose = _sum([event.dose_rp for event in events])
    if dose is None:
        missing = next(event.missing_for_dose_rp for event in events if event.dose_rp is None)
        deviations.add("10007", "Dose (RP) Total", missing)
    else:
        yield number("Dose (RP) Total", dose, "Gy")
    distances = {event.to_reference_point for event in events}
    distance = distances.pop()
    if distance is not None and not distances:
        yield number("Distance Source to Reference Point", distance, "mm")
    yield number("Total Number of Radiographic Frames", Decimal(len(events)), "1")
    if dose is not None:
        yield code("Reference Point Definition", by_value(reporting.reference_point.value))


def _cassette_based(events: Sequence[EventValues], reporting: DoseReporting) -> Iterator[Dataset]:
    """TID 10006."""
    if reporting.detector_type not in list(DETECTOR_TYPES):
        raise InvalidValue("DetectorType", f"must be one of {', '.join(DETECTOR_TYPES)} (PS3.16 CID 10030)")
    yield code("Detector Type", concept(DETECTOR_TYPES[reporting.detector_type]))
    yield number("Total Number of Radiographic Frames", Decimal(len(events)), "1")


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return total(known) if len(known) == len(values) else None
