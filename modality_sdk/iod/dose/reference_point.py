"""Dose at the reference point: where it is, and the dose there when nobody measured it (PS3.16 CID 10025).

The dose area product is the same at every distance from the source, as far as air absorbs nothing: the field grows as
the square of the distance while the air kerma falls with it. So the air kerma at the reference point, without
backscatter, is

    K = DAP / (H · W · (d / D)²)

with height H and width W of the collimated field at the detector, the distance D from source to detector and d from
source to reference point. The distance d is D - 300 mm for *30cm in Front of Image Input Surface*, D for *In Detector
Plane*, 1000 mm for *100cm from X-Ray Source*. The other points hang on table, isocenter or patient, whose places an
exposure does not tell: there Dose (RP) can only be measured.
"""

from decimal import Context, Decimal
from typing import Final

from modality_sdk.iod.dose.quantities import square_meters
from modality_sdk.model import ReferencePoint

__all__ = ["air_kerma", "distance_to_reference_point"]

_BEFORE_DETECTOR: Final = {
    ReferencePoint.IMAGE_INPUT_SURFACE_30_CM: Decimal(300),
    ReferencePoint.DETECTOR_PLANE: Decimal(0),
}
_FROM_SOURCE: Final = {ReferencePoint.SOURCE_100_CM: Decimal(1000)}
_PRECISE: Final = Context(prec=40)
_COMPUTED: Final = Context(prec=10)
"""More digits than any meter has, and few enough for a DS."""


def distance_to_reference_point(point: ReferencePoint, source_to_detector: Decimal | None) -> Decimal | None:
    """Distance in mm from the source to the reference point; None where it cannot be told.

    Parameters
    ----------
    source_to_detector
        In mm, above zero. If the source is nearer to the detector than the reference point, there is no such point.
    """
    if point in _FROM_SOURCE:
        return _FROM_SOURCE[point]
    if point not in _BEFORE_DETECTOR or source_to_detector is None:
        return None
    distance = _PRECISE.subtract(source_to_detector, _BEFORE_DETECTOR[point])
    return distance if distance > 0 else None


def air_kerma(
    dose_area_product: Decimal, *, field: tuple[Decimal, Decimal], to_detector: Decimal, to_point: Decimal
) -> Decimal:
    """Air kerma in Gy at the reference point.

    Parameters
    ----------
    dose_area_product
        In Gy·m².
    field
        Height and width in mm of the collimated field at the detector.
    to_detector, to_point
        Distances from the source in mm.

    Returns
    -------
    Decimal
        With ten significant digits.
    """
    ratio = _PRECISE.divide(to_detector, to_point)
    at_detector = _PRECISE.divide(dose_area_product, square_meters(*field))
    return _COMPUTED.plus(_PRECISE.multiply(at_detector, _PRECISE.multiply(ratio, ratio)))
