"""What is read from a file of pixels: the image and what describes it, never the patient."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from modality_sdk.model import Detector, PhotometricInterpretation

__all__ = ["ASSUMED_PIXEL_SPACING", "PixelSource", "compression_ratio", "intensity_sign"]

ASSUMED_PIXEL_SPACING: Final = 0.15
"""Detector element spacing in mm where a file tells none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelSource:
    """The pixels of a file and what it says about them. Nothing in it identifies a patient.

    Attributes
    ----------
    pixels
        ``(rows, columns)``, uint8 or uint16. It may be read-only.
    detector
        Spacing, bits stored, photometric interpretation and intensity relationship, as the file tells them.
    pixel_spacing_assumed
        Whether the file tells no spacing and the detector's is `ASSUMED_PIXEL_SPACING`.
    lossy_compression
        Ratio and method of every lossy compression the pixels went through; empty for none. The method is
        empty where nobody can tell it, the ratio its lower bound, 1.
    body_part, view, laterality
        Body Part Examined, View Position, laterality as in the file, which may be terms that no DX image takes;
        empty where it tells none.
    patient_orientation, window
        Where the file tells them.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    detector: Detector
    pixel_spacing_assumed: bool = False
    lossy_compression: tuple[tuple[float, str], ...] = ()
    body_part: str = ""
    view: str = ""
    laterality: str = ""
    patient_orientation: tuple[str, str] | None = None
    window: tuple[float, float] | None = None
    burned_in_annotation: bool = False


def intensity_sign(photometric_interpretation: PhotometricInterpretation) -> int:
    """Pixel Intensity Relationship Sign of a radiograph that shows bone white (PS3.3 C.8.11.3.1.2)."""
    return 1 if photometric_interpretation is PhotometricInterpretation.MONOCHROME1 else -1


def compression_ratio(original: float, compressed: float) -> float:
    """Compression ratio as it is written, at least 1."""
    return max(1.0, round(original / max(compressed, 1), 2))
