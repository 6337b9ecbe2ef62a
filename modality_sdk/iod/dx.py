"""Digital X-Ray Images, For Presentation and For Processing (PS3.3 section A.26)."""

from datetime import datetime
from typing import Any, Final

from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRLittleEndian,
)

from modality_sdk.dataset import assign, code_item, code_sequence, declare, ensure_encodable, object_attributes
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.iod.anatomy import anatomic_region, body_part, image_laterality
from modality_sdk.iod.image_pixel import check_pixels
from modality_sdk.iod.numbers import finite, instance, instances, pair
from modality_sdk.iod.radiograph import (
    assign_derivation,
    assign_lossy_compression,
    assign_pixels,
    assign_spacing,
    assign_times,
    assign_voi,
    check_series,
    member,
)
from modality_sdk.iod.technique import assign_technique
from modality_sdk.iod.views import (
    VIEW_POSITIONS,
    patient_orientation,
    projection_code,
    view_code,
    view_modifier_code,
)
from modality_sdk.model import (
    Acquisition,
    Detector,
    Exposure,
    FieldOfView,
    PerformedProcedureStep,
    PerformedSeries,
    PhotometricInterpretation,
    PixelIntensityRelationship,
    PresentationIntent,
    SopReference,
)

__all__ = ["DxImage"]

_CLASSES: Final = {
    PresentationIntent.FOR_PRESENTATION: DigitalXRayImageStorageForPresentation,
    PresentationIntent.FOR_PROCESSING: DigitalXRayImageStorageForProcessing,
}
_CURVE_DEPTHS: Final = range(8, 17)
_DETECTOR_TYPES: Final = ("", "DIRECT", "SCINTILLATOR", "STORAGE", "FILM")


class DxImage(Dataset):
    """A Digital X-Ray Image Storage object, valid once it is built.

    The intent of its series decides whether it is For Presentation or For Processing. One that is for processing has no
    window and no curve, since nobody reads it as it is.

    Patient, study, series, equipment and request are the step's and the series'; the rest is this exposure's.
    What is not known is left out, or empty where the standard wants it so.

    Parameters
    ----------
    pixels
        ``(rows, columns)``, uint8 or uint16, stored values as ``detector`` describes them; copied once.
    step, series
        What the image belongs to. The series is one of DX images of one intent (C.8.11.1.1.1), of the same body part
        and side if it names them.
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
    source
        The image For Processing that this image For Presentation was made of, if that is kept as well.

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
        source: SopReference | None = None,
    ) -> None:
        super().__init__()
        # lets `save_as` and `pixel_array` work; everything else of the meta information is derived
        self.file_meta = FileMetaDataset()
        self.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        check_pixels(pixels, detector)
        check_series(series, acquisition, "DX")
        intent = series.presentation_intent
        if intent is None:
            raise MissingAttribute("PresentationIntentType", "a series of DX images has one (PS3.3 C.8.11.1.1.1)")
        for_processing = intent is PresentationIntent.FOR_PROCESSING
        if for_processing and source is not None:
            raise InvalidValue("SourceImageSequence", "an image For Processing is not made of another here")
        self.update(object_attributes(step, series))
        assign(self, "SOPClassUID", _CLASSES[intent])
        assign(self, "SOPInstanceUID", sop_instance_uid)
        assign(self, "IrradiationEventUID", irradiation_event_uid)
        assign(self, "InstanceNumber", instance_number)
        assign_times(self, step, acquired_at)
        assign(self, "Modality", "DX")
        assign(self, "PresentationIntentType", intent.value)
        assign(self, "AcquisitionContextSequence", [])
        _assign_positioning(self, acquisition)
        _assign_anatomy(self, acquisition)
        _assign_detector(self, detector)
        _assign_image(self, acquisition, detector, source)
        assign_technique(self, acquisition.exposure or Exposure())
        if not for_processing:
            assign_voi(self, acquisition, pixels, _CURVE_DEPTHS)
        inverse = assign_pixels(self, pixels, detector) is PhotometricInterpretation.MONOCHROME1
        assign(self, "PresentationLUTShape", "INVERSE" if inverse else "IDENTITY")
        declare(self, ensure_encodable(self, step.specific_character_set))


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
    modifiers = instances("ViewModifierCodeSequence", str, acquisition.view_modifiers)
    if modifiers and not acquisition.view:
        raise MissingAttribute("ViewCodeSequence", "a modifier has a view to modify (PS3.3 C.8.11.5)")
    if acquisition.view:
        item = code_item(view_code(acquisition.view))
        if modifiers:
            codes = code_sequence(view_modifier_code(modifier) for modifier in modifiers)
            assign(item, "ViewModifierCodeSequence", codes)
        assign(dataset, "ViewCodeSequence", [item])
    if acquisition.view in VIEW_POSITIONS:
        assign(dataset, "ViewPosition", acquisition.view)
    if acquisition.projection:
        name = instance("ProjectionEponymousNameCodeSequence", str, acquisition.projection)
        assign(dataset, "ProjectionEponymousNameCodeSequence", code_sequence([projection_code(name)]))


def _assign_detector(dataset: Dataset, detector: Detector) -> None:
    """DX Detector (PS3.3 C.8.11.4)."""
    if detector.detector_type not in _DETECTOR_TYPES:
        raise InvalidValue("DetectorType", "must be DIRECT, SCINTILLATOR, STORAGE or FILM (PS3.3 C.8.11.4.1.1)")
    assign(dataset, "DetectorType", detector.detector_type)
    assign_spacing(dataset, detector)
    if detector.detector_id:
        assign(dataset, "DetectorID", detector.detector_id)
    if detector.description:
        assign(dataset, "DetectorDescription", detector.description)
    if detector.field_of_view is not None:
        _assign_field_of_view(dataset, instance("FieldOfViewOrigin", FieldOfView, detector.field_of_view))


def _assign_field_of_view(dataset: Dataset, field: FieldOfView) -> None:
    """Origin, rotation and flip of the field of view, all of them (PS3.3 C.8.11.4.1.2)."""
    origin = pair("FieldOfViewOrigin", field.origin, "must be a row and a column (PS3.3 C.8.11.4)")
    if field.rotation not in (0, 90, 180, 270):
        raise InvalidValue("FieldOfViewRotation", "must be 0, 90, 180 or 270 (PS3.3 C.8.11.4)")
    assign(dataset, "FieldOfViewOrigin", [finite("FieldOfViewOrigin", value) for value in origin])
    assign(dataset, "FieldOfViewRotation", int(field.rotation))
    assign(dataset, "FieldOfViewHorizontalFlip", "YES" if field.horizontal_flip else "NO")


def _assign_image(dataset: Dataset, acquisition: Acquisition, detector: Detector, source: SopReference | None) -> None:
    """DX Image (PS3.3 C.8.11.3), but for the pixels."""
    assign_derivation(dataset, acquisition, source)
    relationship = member(
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
    assign_lossy_compression(dataset, acquisition.lossy_compression)
