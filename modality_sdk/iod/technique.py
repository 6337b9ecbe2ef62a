"""How an exposure was made: dose, generation, filtration, grid, distances (PS3.3 C.8.7, C.8.11.5)."""

from dataclasses import replace
from typing import Any, Final

from pydicom import Dataset

from modality_sdk.dataset import assign
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.iod.numbers import finite
from modality_sdk.model import Exposure

__all__ = ["assign_technique"]

_POSITIVE: Final = {
    "kvp": "KVP",
    "mas": "ExposureInuAs",
    "tube_current": "XRayTubeCurrentInuA",
    "exposure_time": "ExposureTimeInuS",
    "distance_source_to_detector": "DistanceSourceToDetector",
    "distance_source_to_patient": "DistanceSourceToPatient",
    "dose_area_product": "ImageAndFluoroscopyAreaDoseProduct",
    "dose_rp": "DoseRP",
    "focal_spot": "FocalSpots",
    "filter_thickness": "FilterThicknessMinimum",
    "field_height": "ExposedArea",
    "field_width": "ExposedArea",
    "exposure_index": "ExposureIndex",
    "target_exposure_index": "TargetExposureIndex",
}
"""Values of `Exposure` that are above zero, with the attribute that an error names."""
_LIMIT: Final = 2**31
"""Beyond every exposure, and within an IS (PS3.5 section 6.2) in the units of the attributes."""
_EXPOSURE_INDICES: Final = {
    "ExposureIndex": "exposure_index",
    "TargetExposureIndex": "target_exposure_index",
    "DeviationIndex": "deviation_index",
}


def assign_technique(dataset: Dataset, exposure: Exposure) -> None:
    """Write what is known of an exposure; what is not known is left out.

    Units are converted to those of the attributes. Tube current, time and tube current time product are written in
    µA, µs and µAs, and in whole mA, ms and mAs beside it unless that would be zero.

    Raises
    ------
    InvalidValue
        A value is not finite, not above zero, or contradicts another.
    MissingAttribute
        Only some of the exposure indices, or of the field's sides, are given.
    """
    exposure = _checked(exposure)
    _generation(dataset, exposure)
    _dose(dataset, exposure)
    _distances(dataset, exposure)
    _filtration(dataset, exposure)
    if exposure.grid:
        assign(dataset, "Grid", exposure.grid)


def _checked(exposure: Exposure) -> Exposure:
    """The same with plain floats, so that no number of NumPy overflows in a conversion of units."""
    numbers: dict[str, Any] = {}
    for field, keyword in _POSITIVE.items():
        value = getattr(exposure, field)
        if value is not None:
            numbers[field] = finite(keyword, value)
            if not 0 < numbers[field] < _LIMIT:
                raise InvalidValue(keyword, "must be a number above 0, and of a size that exposures have")
    if exposure.deviation_index is not None:
        numbers["deviation_index"] = finite("DeviationIndex", exposure.deviation_index)
    return replace(exposure, **numbers)


def _generation(dataset: Dataset, exposure: Exposure) -> None:
    """X-Ray Generation Module (PS3.3 C.8.7.9)."""
    if exposure.kvp is not None:
        assign(dataset, "KVP", exposure.kvp)
    if exposure.mas is not None:
        assign(dataset, "ExposureInuAs", max(1, round(exposure.mas * 1000)))
        _whole(dataset, "Exposure", exposure.mas)
    if exposure.tube_current is not None:
        assign(dataset, "XRayTubeCurrentInuA", round(exposure.tube_current * 1000, 3))
        _whole(dataset, "XRayTubeCurrent", exposure.tube_current)
    if exposure.exposure_time is not None:
        assign(dataset, "ExposureTimeInuS", round(exposure.exposure_time * 1000, 3))
        _whole(dataset, "ExposureTime", exposure.exposure_time)
    if exposure.focal_spot is not None:
        assign(dataset, "FocalSpots", exposure.focal_spot)


def _whole(dataset: Dataset, keyword: str, value: float) -> None:
    if round(value) > 0:
        assign(dataset, keyword, round(value))


def _dose(dataset: Dataset, exposure: Exposure) -> None:
    """X-Ray Acquisition Dose Module (PS3.3 C.8.7.8) and the exposure indices of DX Detector (C.8.11.4)."""
    if exposure.dose_area_product is not None:
        assign(dataset, "ImageAndFluoroscopyAreaDoseProduct", exposure.dose_area_product)
    indices = {keyword: getattr(exposure, field) for keyword, field in _EXPOSURE_INDICES.items()}
    known = [keyword for keyword, value in indices.items() if value is not None]
    for keyword, value in indices.items():
        if known and value is None:
            raise MissingAttribute(keyword, "the three exposure indices are given together (IEC 62494-1)")
        if value is not None:
            assign(dataset, keyword, value)
    sides = (exposure.field_height, exposure.field_width)
    if None in sides and sides != (None, None):
        raise MissingAttribute("ExposedArea", "height and width of the field are given together (PS3.3 C.8.7.8)")
    if exposure.field_height is not None and exposure.field_width is not None:
        assign(
            dataset,
            "ExposedArea",
            [max(1, round(exposure.field_height / 10)), max(1, round(exposure.field_width / 10))],
        )


def _distances(dataset: Dataset, exposure: Exposure) -> None:
    """Distances of DX Positioning (PS3.3 C.8.11.5); the magnification is their quotient."""
    to_detector, to_patient = exposure.distance_source_to_detector, exposure.distance_source_to_patient
    if to_detector is not None:
        assign(dataset, "DistanceSourceToDetector", to_detector)
    if to_patient is not None:
        assign(dataset, "DistanceSourceToPatient", to_patient)
    if to_detector is not None and to_patient is not None:
        if to_patient > to_detector:
            raise InvalidValue("DistanceSourceToPatient", "must not exceed Distance Source to Detector (C.8.11.5)")
        assign(dataset, "EstimatedRadiographicMagnificationFactor", to_detector / to_patient)


def _filtration(dataset: Dataset, exposure: Exposure) -> None:
    """X-Ray Filtration Module (PS3.3 C.8.7.10)."""
    if exposure.filter_material:
        assign(dataset, "FilterMaterial", exposure.filter_material)
    if exposure.filter_thickness is not None:
        assign(dataset, "FilterThicknessMinimum", exposure.filter_thickness)
        assign(dataset, "FilterThicknessMaximum", exposure.filter_thickness)
