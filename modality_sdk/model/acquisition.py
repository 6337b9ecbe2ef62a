"""One exposure: anatomy, technique, detector (PS3.3 sections C.8.7 and C.8.11)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from modality_sdk.model.reference import SopReference

__all__ = [
    "Acquisition",
    "Detector",
    "Exposure",
    "FieldOfView",
    "IrradiationEvent",
    "PhotometricInterpretation",
    "PixelIntensityRelationship",
    "PixelSpacingCalibration",
    "Plate",
    "PresentationIntent",
    "VoiLut",
]


class PhotometricInterpretation(StrEnum):
    """Meaning of the smallest pixel value (PS3.3 C.7.6.3.1.2)."""

    MONOCHROME1 = "MONOCHROME1"
    """White."""
    MONOCHROME2 = "MONOCHROME2"
    """Black."""


class PixelIntensityRelationship(StrEnum):
    """Relation of pixel value and X-ray intensity (PS3.3 C.8.11.3.1.2)."""

    LIN = "LIN"
    LOG = "LOG"


class PresentationIntent(StrEnum):
    """Presentation Intent Type, (0008,0068) (PS3.3 C.8.11.1.1.1)."""

    FOR_PRESENTATION = "FOR PRESENTATION"
    FOR_PROCESSING = "FOR PROCESSING"


@dataclass(frozen=True, kw_only=True)
class PixelSpacingCalibration:
    """Pixel Spacing in the plane of the patient, and how it was found (PS3.3 section 10.7.1.3).

    Attributes
    ----------
    pixel_spacing
        Row and column spacing in mm.
    kind
        ``GEOMETRY`` when computed from an assumed geometry, ``FIDUCIAL`` when measured on an object of known size.
    description
        How, in words; required by the standard beside the kind.
    """

    pixel_spacing: tuple[float, float]
    kind: str
    description: str


@dataclass(frozen=True, kw_only=True)
class FieldOfView:
    """Which part of the detector the pixels come from (PS3.3 C.8.11.4.1.2).

    Attributes
    ----------
    origin
        Row and column of the detector's first pixel in the stored image, before rotation and flip.
    rotation
        Clockwise, in degrees: 0, 90, 180 or 270.
    horizontal_flip
        Whether the image was flipped after the rotation.
    """

    origin: tuple[float, float]
    rotation: int = 0
    horizontal_flip: bool = False


@dataclass(frozen=True, kw_only=True)
class VoiLut:
    """A curve from stored values to those displayed (PS3.3 C.11.2.1.1).

    Attributes
    ----------
    first_value
        The stored value that the first entry is for; values below it get that entry too.
    values
        At most 65536 entries, each 0 to ``2 ** bits - 1``.
    bits
        8 to 16 in a DX image, 8 or 16 in a CR image.
    explanation
        Name for the operator.
    """

    first_value: int
    values: tuple[int, ...]
    bits: int = 12
    explanation: str = ""


@dataclass(frozen=True, kw_only=True)
class Plate:
    """The imaging plate and cassette of computed radiography (PS3.3 C.8.1.1 and C.8.1.2).

    Attributes
    ----------
    cassette_orientation
        ``LANDSCAPE`` or ``PORTRAIT``.
    cassette_size
        ``18CMX24CM``, ``8INX10IN``, ``24CMX30CM``, ``10INX12IN``, ``30CMX35CM``, ``30CMX40CM``, ``11INX14IN``,
        ``35CMX35CM``, ``14INX14IN``, ``35CMX43CM`` or ``14INX17IN``.
    exposures_on_plate
        How many images share the plate.
    sensitivity
        Read-out sensitivity, a number of the reader's maker.
    """

    plate_id: str = ""
    plate_type: str = ""
    phosphor_type: str = ""
    cassette_orientation: str = ""
    cassette_size: str = ""
    exposures_on_plate: int | None = None
    sensitivity: float | None = None
    relative_exposure: int | None = None
    processing_description: str = ""
    processing_code: str = ""


@dataclass(frozen=True, kw_only=True)
class Detector:
    """The detector and how its pixels are to be understood (PS3.3 C.8.11.4 and C.8.11.3).

    Attributes
    ----------
    imager_pixel_spacing
        Row and column spacing at the detector's face in mm.
    bits_stored
        Bits that carry information, 6 to 16; pixel values must fit.
    pixel_intensity_relationship_sign
        +1 when lower pixel values mean less X-ray intensity, -1 when they mean more.
    """

    imager_pixel_spacing: tuple[float, float]
    bits_stored: int = 16
    photometric_interpretation: PhotometricInterpretation = PhotometricInterpretation.MONOCHROME2
    pixel_intensity_relationship: PixelIntensityRelationship = PixelIntensityRelationship.LOG
    pixel_intensity_relationship_sign: int = -1
    detector_type: str = "SCINTILLATOR"
    """DIRECT, SCINTILLATOR, STORAGE or FILM (C.8.11.4.1.1)."""
    detector_id: str = ""
    description: str = ""
    calibration: PixelSpacingCalibration | None = None
    field_of_view: FieldOfView | None = None


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Technique of one exposure; what is not known stays None and is left out of the object.

    Attributes
    ----------
    kvp
        Peak tube voltage in kV.
    mas
        Tube current time product in mAs.
    tube_current
        In mA.
    exposure_time
        In ms.
    distance_source_to_detector, distance_source_to_patient
        In mm.
    dose_area_product
        In dGy·cm², as in Image and Fluoroscopy Area Dose Product (0018,115E).
    dose_rp
        Air kerma at the reference point in mGy, without backscatter, as measured; where that point is, the device's
        `DoseReporting` says.
    exposure_index, target_exposure_index, deviation_index
        IEC 62494-1; given together or not at all.
    focal_spot
        In mm.
    filter_material, filter_thickness
        As in Filter Material (0018,7050): ``ALUMINUM``; thickness in mm.
    grid
        Values of Grid (0018,1166), e.g. ``("FIXED", "FOCUSED")``; empty when not known, ``("NONE",)`` for none.
    field_height, field_width
        Collimated field at the detector in mm.
    """

    kvp: float | None = None
    mas: float | None = None
    tube_current: float | None = None
    exposure_time: float | None = None
    distance_source_to_detector: float | None = None
    distance_source_to_patient: float | None = None
    dose_area_product: float | None = None
    exposure_index: float | None = None
    target_exposure_index: float | None = None
    deviation_index: float | None = None
    focal_spot: float | None = None
    filter_material: str = ""
    filter_thickness: float | None = None
    grid: tuple[str, ...] = ()
    field_height: float | None = None
    field_width: float | None = None
    dose_rp: float | None = None


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """What was taken and how.

    Attributes
    ----------
    body_part
        Body Part Examined, a term of PS3.16 Annex L: ``CHEST``, ``HAND``.
    view
        View Position: ``PA``, ``AP``, ``LL``, ``RL``, ``LLO`` …, or any other of CID 4010, see
        `modality_sdk.iod.views.VIEWS`.
    view_modifiers
        How the beam ran, CID 4011: ``CAUDAD``, ``CEPHALAD``, ``TRANSORAL`` …; beside a view only.
    projection
        Eponymous name of the projection, CID 4012: ``Towne``, ``Judet`` …
    laterality
        ``R``, ``L``, ``B``, or ``U`` for an unpaired body part; required for a paired one.
    patient_orientation
        Direction of the rows and of the columns, letters L R A P H F; default from the view where it is plain.
    window
        Center and width of the default display window in pixel values; computed from the pixels when None and there
        is no ``voi_luts``.
    window_explanation
        Name of the window for the operator.
    voi_luts
        Curves to display the image by, instead of or beside the window.
    plate
        Of computed radiography.
    acquired_at
        Time of the exposure, aware; now when None.
    lossy_compression
        History of a source that was compressed with loss before: ratio and method (C.7.6.1.1.5).
    """

    body_part: str
    view: str = ""
    laterality: str = ""
    view_modifiers: tuple[str, ...] = ()
    projection: str = ""
    patient_orientation: tuple[str, str] | None = None
    exposure: Exposure | None = None
    detector: Detector | None = None
    plate: Plate | None = None
    window: tuple[float, float] | None = None
    window_explanation: str = ""
    voi_luts: tuple[VoiLut, ...] = ()
    burned_in_annotation: bool = False
    protocol_name: str = ""
    acquired_at: datetime | None = None
    lossy_compression: tuple[tuple[float, str], ...] = ()
    derivation_description: str = ""


@dataclass(frozen=True, kw_only=True, repr=False)
class IrradiationEvent:
    """One actuation of the exposure switch, with or without an image (PS3.16 TID 10003).

    Attributes
    ----------
    uid
        Irradiation Event UID, (0008,3010), also in the images.
    started
        Aware time of the exposure.
    image
        The object that came of it; None for a shot without one.
    """

    uid: str
    started: datetime
    acquisition: Acquisition
    image: SopReference | None = None
    comment: str = ""

    def __repr__(self) -> str:
        return f"IrradiationEvent({self.uid!r}, …)"
