"""What an irradiation event tells, checked and in the units of the report."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from modality_sdk.errors import InvalidValue
from modality_sdk.iod.dose.quantities import (
    gray_square_meters,
    grays,
    microampere_seconds,
    non_negative,
    positive,
    quantity,
    written,
)
from modality_sdk.iod.dose.reference_point import air_kerma, distance_to_reference_point
from modality_sdk.model import Acquisition, Exposure, IrradiationEvent, ReferencePoint, SopReference

__all__ = ["EventValues", "event_values"]

_CHECKS: Final[dict[str, tuple[Callable[[str, object], Decimal], str]]] = {
    "dose_area_product": (non_negative, "ImageAndFluoroscopyAreaDoseProduct"),
    "dose_rp": (non_negative, "DoseRP"),
    "mas": (positive, "ExposureInuAs"),
    "distance_source_to_detector": (positive, "DistanceSourceToDetector"),
    "kvp": (positive, "KVP"),
    "tube_current": (positive, "XRayTubeCurrentInuA"),
    "exposure_time": (positive, "ExposureTimeInuS"),
    "focal_spot": (positive, "FocalSpots"),
    "filter_thickness": (positive, "FilterThicknessMinimum"),
    "field_height": (positive, "ExposedArea"),
    "field_width": (positive, "ExposedArea"),
    "exposure_index": (non_negative, "ExposureIndex"),
    "target_exposure_index": (positive, "TargetExposureIndex"),
    "deviation_index": (quantity, "DeviationIndex"),
}
"""Values of `Exposure`: the rule, and the attribute that an error names."""
_TECHNIQUE: Final = (
    "kvp",
    "tube_current",
    "exposure_time",
    "focal_spot",
    "filter_thickness",
    "field_height",
    "field_width",
)
_INDICES: Final = ("exposure_index", "target_exposure_index", "deviation_index")


@dataclass(frozen=True, kw_only=True)
class EventValues:
    """The numbers of one event; None for what is not known.

    Attributes
    ----------
    dose_area_product
        In Gy·m², as written.
    dose_rp
        In Gy, as written.
    computed
        Whether `dose_rp` was computed.
    to_detector, to_reference_point
        Distances from the source in mm.
    exposure
        In µA·s.
    technique
        The other numbers of the source, by the names and in the units of `Exposure`.
    indices
        Exposure index, target and deviation, by their names in `Exposure`.
    """

    event: IrradiationEvent
    dose_area_product: Decimal | None
    dose_rp: Decimal | None
    computed: bool
    to_detector: Decimal | None
    to_reference_point: Decimal | None
    exposure: Decimal | None
    technique: dict[str, Decimal]
    indices: dict[str, Decimal]

    @property
    def has_detector_data(self) -> bool:
        """Whether there is anything to say in TID 10003A."""
        return self.event.image is not None or bool(self.indices)

    @property
    def has_source_data(self) -> bool:
        """Whether there is anything to say in TID 10003B."""
        exposure = self.event.acquisition.exposure or Exposure()
        return bool(self.technique or exposure.grid) or self.exposure is not None or self.dose_rp is not None

    @property
    def has_mechanical_data(self) -> bool:
        """Whether there is anything to say in TID 10003C."""
        return self.to_detector is not None

    @property
    def missing_for_dose_rp(self) -> str:
        """What would have to be known to tell Dose (RP)."""
        lacking = []
        if self.to_detector is None:
            lacking.append("DistanceSourceToDetector")
        if not {"field_height", "field_width"} <= self.technique.keys():
            lacking.append("ExposedArea (field_height and field_width)")
        if self.dose_area_product is None:
            lacking.append("ImageAndFluoroscopyAreaDoseProduct")
        if self.to_reference_point is None and not lacking:
            return "it was not measured (dose_rp), and cannot be computed at this reference point (CID 10025)"
        return f"it was not measured (dose_rp), and to compute it lack {', '.join(lacking)}"


def event_values(event: IrradiationEvent, point: ReferencePoint) -> EventValues:
    """Check and convert the numbers of an event.

    Raises
    ------
    InvalidValue
        A value is not what it should be; the error names its attribute.
    """
    _check(event)
    exposure = event.acquisition.exposure or Exposure()
    technique = {name: value for name in _TECHNIQUE if (value := _read(exposure, name)) is not None}
    area_product = _converted(gray_square_meters, _read(exposure, "dose_area_product"))
    to_detector = _read(exposure, "distance_source_to_detector")
    to_point = distance_to_reference_point(point, to_detector)
    measured = _converted(grays, _read(exposure, "dose_rp"))
    field = (technique.get("field_height"), technique.get("field_width"))
    dose = _computed(area_product, field, to_detector, to_point) if measured is None else measured
    return EventValues(
        event=event,
        dose_area_product=_converted(written, area_product),
        dose_rp=_converted(written, dose),
        computed=measured is None and dose is not None,
        to_detector=to_detector,
        to_reference_point=to_point,
        exposure=_converted(microampere_seconds, _read(exposure, "mas")),
        technique=technique,
        indices={name: value for name in _INDICES if (value := _read(exposure, name)) is not None},
    )


def _computed(
    area_product: Decimal | None,
    field: tuple[Decimal | None, Decimal | None],
    to_detector: Decimal | None,
    to_point: Decimal | None,
) -> Decimal | None:
    height, width = field
    if area_product is None or height is None or width is None or to_detector is None or to_point is None:
        return None
    return air_kerma(area_product, field=(height, width), to_detector=to_detector, to_point=to_point)


def _read(exposure: Exposure, name: str) -> Decimal | None:
    value = getattr(exposure, name)
    check, attribute = _CHECKS[name]
    return None if value is None else check(attribute, value)


def _converted(conversion: Callable[[Decimal], Decimal], value: Decimal | None) -> Decimal | None:
    return None if value is None else conversion(value)


def _check(event: object) -> None:
    # values come from programs without type checks, too
    if not isinstance(event, IrradiationEvent):
        raise InvalidValue("events", "must be irradiation events (PS3.16 TID 10003)")
    uid: object = event.uid
    if not isinstance(uid, str):
        raise InvalidValue("UID", "of Irradiation Event UID must be a text (PS3.5 9.1)")
    started: object = event.started
    if not isinstance(started, datetime) or started.utcoffset() is None:
        raise InvalidValue("DateTime", "of DateTime Started must be a time with a zone (PS3.3 C.12.1.1.7)")
    acquisition: object = event.acquisition
    if not isinstance(acquisition, Acquisition) or not isinstance(acquisition.exposure, Exposure | None):
        raise InvalidValue("acquisition", "must be an Acquisition, and its exposure an Exposure")
    if not isinstance(event.image, SopReference | None):
        raise InvalidValue("ReferencedSOPInstanceUID", "must be given as SopReference (PS3.3 10.8)")
    exposure = acquisition.exposure or Exposure()
    for attribute, text in (
        ("BodyPartExamined", acquisition.body_part),
        ("ViewPosition", acquisition.view),
        ("ImageLaterality", acquisition.laterality),
        ("FilterMaterial", exposure.filter_material),
    ):
        if not isinstance(text, str):
            raise InvalidValue(attribute, "must be a text")
    grid: object = exposure.grid
    if not isinstance(grid, tuple | list) or not all(isinstance(value, str) for value in grid):
        raise InvalidValue("Grid", "must be a tuple of terms (PS3.3 C.8.7.11)")
