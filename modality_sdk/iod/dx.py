"""Digital X-Ray Image For Presentation (PS3.3 section A.26)."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from modality_sdk.dataset import assign, code_sequence, declare, ensure_encodable, local_time, object_attributes
from modality_sdk.errors import InvalidValue
from modality_sdk.iod.anatomy import anatomic_region, body_part, image_laterality
from modality_sdk.iod.image_pixel import check_pixels, default_window, pixel_data
from modality_sdk.iod.numbers import finite, pair
from modality_sdk.iod.technique import assign_technique
from modality_sdk.iod.views import VIEW_POSITIONS, patient_orientation, view_code
from modality_sdk.model import (
    Acquisition,
    Detector,
    Exposure,
    PerformedProcedureStep,
    PerformedSeries,
    PhotometricInterpretation,
    PixelIntensityRelationship,
    PresentationIntent,
)

__all__ = ["DxImage"]

_Term = TypeVar("_Term", bound=StrEnum)

_DETECTOR_TYPES: Final = ("", "DIRECT", "SCINTILLATOR", "STORAGE", "FILM")


class DxImage(Dataset):
    """A Digital X-Ray Image Storage - For Presentation object, valid once it is built.

    Patient, study, series, equipment and request are the step's and the series'; the rest is this exposure's.
    What is not known is left out, or empty where the standard wants it so.

    Parameters
    ----------
    pixels
        ``(rows, columns)``, uint8 or uint16, stored values as ``detector`` describes them; copied once.
    step, series
        What the image belongs to. The series is one of DX images for presentation, of the same body part and side
        if it names them.
    acquisition
        Anatomy, view and technique. An unpaired body part needs no laterality. Patient Orientation has a default
        for the views that are always hung the same way, see `modality_sdk.iod.views.patient_orientation`.
    detector
        Spacing, bits stored, photometric interpretation, intensity relationship; takes the place of the acquisition's.
    sop_instance_uid, irradiation_event_uid
        New UIDs.
    instance_number
        Number in the series, from 1.
    acquired_at
        Aware time of the exposure; written in the time zone of the step.

    Raises
    ------
    InvalidValue
        A value is outside what the standard allows; the error names attribute and rule.
    MissingAttribute
        A required value is not there: body part, the side of a paired one, Patient Orientation.

    Examples
    --------
    Everything an image needs besides its step and series is in the acquisition and the detector::

        acquisition = Acquisition(body_part="HAND", view="PA", laterality="L", exposure=Exposure(kvp=52, mas=2))
        detector = Detector(imager_pixel_spacing=(0.14, 0.14), bits_stored=14)
    """

    def __init__(
        self,
        pixels: NDArray[Any],
        *,
        step: PerformedProcedureStep,
        series: PerformedSeries,
        acquisition: Acquisition,
        detector: Detector,
        sop_instance_uid: str,
        instance_number: int,
        irradiation_event_uid: str,
        acquired_at: datetime,
    ) -> None:
        super().__init__()
        # lets `save_as` and `pixel_array` work; everything else of the meta information is derived
        self.file_meta = FileMetaDataset()
        self.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        check_pixels(pixels, detector)
        _check_series(series, acquisition)
        self.update(object_attributes(step, series))
        assign(self, "SOPClassUID", DigitalXRayImageStorageForPresentation)
        assign(self, "SOPInstanceUID", sop_instance_uid)
        assign(self, "IrradiationEventUID", irradiation_event_uid)
        assign(self, "InstanceNumber", instance_number)
        _assign_times(self, step, acquired_at)
        assign(self, "Modality", "DX")
        assign(self, "PresentationIntentType", PresentationIntent.FOR_PRESENTATION.value)
        assign(self, "AcquisitionContextSequence", [])
        _assign_positioning(self, acquisition)
        _assign_anatomy(self, acquisition)
        _assign_detector(self, detector)
        _assign_image(self, acquisition, detector)
        assign_technique(self, acquisition.exposure or Exposure())
        _assign_window(self, default_window(pixels) if acquisition.window is None else acquisition.window)
        _assign_pixels(self, pixels, detector)
        declare(self, ensure_encodable(self, step.specific_character_set))


def _check_series(series: PerformedSeries, acquisition: Acquisition) -> None:
    """One series holds one modality, one intent (PS3.3 C.8.11.1.1.1), one body part and one side (C.7.3.1)."""
    if series.modality != "DX":
        raise InvalidValue("Modality", "the series of a DX image must be DX (PS3.3 C.8.11.1)")
    if series.presentation_intent is not PresentationIntent.FOR_PRESENTATION:
        raise InvalidValue("PresentationIntentType", "the series must be FOR PRESENTATION (PS3.3 C.8.11.1.1.1)")
    if series.body_part and series.body_part != acquisition.body_part:
        raise InvalidValue("BodyPartExamined", "must be that of the series (PS3.3 C.7.3.1)")
    if series.laterality and series.laterality != acquisition.laterality:
        raise InvalidValue("ImageLaterality", "must be that of the series (PS3.3 C.7.3.1)")


def _term(terms: type[_Term], attribute: str, value: str) -> _Term:
    """The member of an enumeration, which may be given as its plain value."""
    try:
        return terms(value)
    except ValueError:
        raise InvalidValue(attribute, f"must be one of {', '.join(terms)}") from None


def _assign_times(dataset: Dataset, step: PerformedProcedureStep, acquired_at: datetime) -> None:
    """Times of acquisition and content, in the zone of Timezone Offset From UTC (PS3.3 C.12.1)."""
    local = local_time(step, acquired_at)
    for keyword in ("AcquisitionDate", "ContentDate"):
        assign(dataset, keyword, local.date())
    for keyword in ("AcquisitionTime", "ContentTime"):
        assign(dataset, keyword, local.time())


def _assign_anatomy(dataset: Dataset, acquisition: Acquisition) -> None:
    """DX Anatomy Imaged (PS3.3 C.8.11.2). Image Laterality takes the place of the series' (C.7.3.1)."""
    part = body_part(acquisition.body_part)
    assign(dataset, "BodyPartExamined", part.term)
    assign(dataset, "AnatomicRegionSequence", code_sequence([anatomic_region(part.term)]))
    assign(dataset, "ImageLaterality", image_laterality(part, acquisition.laterality))
    dataset.pop("Laterality", None)
    assign(dataset, "PatientOrientation", patient_orientation(part, acquisition.view, acquisition.patient_orientation))


def _assign_positioning(dataset: Dataset, acquisition: Acquisition) -> None:
    """DX Positioning (PS3.3 C.8.11.5); Positioner Type is empty, the stand is not known here."""
    assign(dataset, "PositionerType", None)
    if not isinstance(acquisition.view, str):
        raise InvalidValue("ViewPosition", "must be a text (PS3.3 C.8.11.5)")
    if acquisition.view:
        assign(dataset, "ViewCodeSequence", code_sequence([view_code(acquisition.view)]))
    if acquisition.view in VIEW_POSITIONS:
        assign(dataset, "ViewPosition", acquisition.view)


def _assign_detector(dataset: Dataset, detector: Detector) -> None:
    """DX Detector (PS3.3 C.8.11.4)."""
    if detector.detector_type not in _DETECTOR_TYPES:
        raise InvalidValue("DetectorType", "must be DIRECT, SCINTILLATOR, STORAGE or FILM (PS3.3 C.8.11.4.1.1)")
    rule = "must be two numbers above 0, in mm (PS3.3 C.8.11.4)"
    values = pair("ImagerPixelSpacing", detector.imager_pixel_spacing, rule)
    spacing = [finite("ImagerPixelSpacing", value) for value in values]
    if min(spacing) <= 0:
        raise InvalidValue("ImagerPixelSpacing", rule)
    assign(dataset, "DetectorType", detector.detector_type)
    assign(dataset, "ImagerPixelSpacing", spacing)
    if detector.detector_id:
        assign(dataset, "DetectorID", detector.detector_id)
    if detector.description:
        assign(dataset, "DetectorDescription", detector.description)


def _assign_image(dataset: Dataset, acquisition: Acquisition, detector: Detector) -> None:
    """DX Image (PS3.3 C.8.11.3), but for the pixels."""
    derived = bool(acquisition.lossy_compression or acquisition.derivation_description)
    # the third value is present and empty (C.8.11.3.1.1)
    assign(dataset, "ImageType", ["DERIVED" if derived else "ORIGINAL", "PRIMARY", ""])
    if acquisition.derivation_description:
        assign(dataset, "DerivationDescription", acquisition.derivation_description)
    relationship = _term(
        PixelIntensityRelationship, "PixelIntensityRelationship", detector.pixel_intensity_relationship
    )
    assign(dataset, "PixelIntensityRelationship", relationship.value)
    if detector.pixel_intensity_relationship_sign not in (1, -1):
        raise InvalidValue("PixelIntensityRelationshipSign", "must be 1 or -1 (PS3.3 C.8.11.3.1.2)")
    assign(dataset, "PixelIntensityRelationshipSign", detector.pixel_intensity_relationship_sign)
    assign(dataset, "RescaleIntercept", 0)
    assign(dataset, "RescaleSlope", 1)
    assign(dataset, "RescaleType", "US")
    assign(dataset, "BurnedInAnnotation", "YES" if acquisition.burned_in_annotation else "NO")
    _assign_lossy_compression(dataset, acquisition.lossy_compression)


def _assign_lossy_compression(dataset: Dataset, history: object) -> None:
    """Whether the pixels ever lost something, by how much and how (PS3.3 C.7.6.1.1.5)."""
    assign(dataset, "LossyImageCompression", "01" if history else "00")
    if not history:
        return
    rule = "must come with a method each (PS3.3 C.7.6.1.1.5)"
    if not isinstance(history, Sequence):
        raise InvalidValue("LossyImageCompressionRatio", rule)
    steps = [pair("LossyImageCompressionRatio", step, rule) for step in history]
    ratios = [finite("LossyImageCompressionRatio", ratio) for ratio, _ in steps]
    if min(ratios) <= 0:
        raise InvalidValue("LossyImageCompressionRatio", "must be numbers above 0 (PS3.3 C.7.6.1.1.5.2)")
    assign(dataset, "LossyImageCompressionRatio", ratios)
    methods = [method for _, method in steps]
    if all(methods):
        # values correspond to those of the ratio, so one that is not known silences all
        assign(dataset, "LossyImageCompressionMethod", methods)


def _assign_window(dataset: Dataset, window: tuple[float, float]) -> None:
    """VOI LUT Module with one window, function LINEAR (PS3.3 C.11.2)."""
    values = pair("WindowCenter", window, "must come with a width and nothing else (PS3.3 C.11.2.1.2)")
    center, width = finite("WindowCenter", values[0]), finite("WindowWidth", values[1])
    if width < 1:
        raise InvalidValue("WindowWidth", "must be at least 1 (PS3.3 C.11.2.1.2.1)")
    assign(dataset, "WindowCenter", center)
    assign(dataset, "WindowWidth", width)


def _assign_pixels(dataset: Dataset, pixels: NDArray[Any], detector: Detector) -> None:
    """Image Pixel as the DX Image Module narrows it (PS3.3 C.7.6.3, C.8.11.3), and its polarity (C.11.6)."""
    photometric = _term(PhotometricInterpretation, "PhotometricInterpretation", detector.photometric_interpretation)
    inverse = photometric is PhotometricInterpretation.MONOCHROME1
    allocated = 8 * pixels.dtype.itemsize
    assign(dataset, "SamplesPerPixel", 1)
    assign(dataset, "PhotometricInterpretation", photometric.value)
    assign(dataset, "PresentationLUTShape", "INVERSE" if inverse else "IDENTITY")
    assign(dataset, "Rows", pixels.shape[0])
    assign(dataset, "Columns", pixels.shape[1])
    assign(dataset, "BitsAllocated", allocated)
    assign(dataset, "BitsStored", detector.bits_stored)
    assign(dataset, "HighBit", detector.bits_stored - 1)
    assign(dataset, "PixelRepresentation", 0)
    assign(dataset, "PixelData", pixel_data(pixels))
    dataset["PixelData"].VR = "OB" if allocated == 8 else "OW"
