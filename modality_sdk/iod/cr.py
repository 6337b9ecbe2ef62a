"""Computed Radiography Image (PS3.3 section A.2)."""

from datetime import datetime
from typing import Any, Final

from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

from modality_sdk.dataset import assign, assign_known, declare, ensure_encodable, object_attributes
from modality_sdk.errors import InvalidValue
from modality_sdk.iod.anatomy import body_part, image_laterality
from modality_sdk.iod.image_pixel import check_pixels
from modality_sdk.iod.numbers import finite, instance
from modality_sdk.iod.radiograph import (
    assign_derivation,
    assign_lossy_compression,
    assign_pixels,
    assign_spacing,
    assign_times,
    assign_voi,
    check_series,
)
from modality_sdk.iod.technique import assign_technique
from modality_sdk.iod.views import VIEW_POSITIONS, patient_orientation, view_code
from modality_sdk.model import Acquisition, Detector, Exposure, PerformedProcedureStep, PerformedSeries, Plate

__all__ = ["CrImage"]

_CURVE_DEPTHS: Final = (8, 16)
_SIZES: Final = (
    "18CMX24CM",
    "8INX10IN",
    "24CMX30CM",
    "10INX12IN",
    "30CMX35CM",
    "30CMX40CM",
    "11INX14IN",
    "35CMX35CM",
    "14INX14IN",
    "35CMX43CM",
    "14INX17IN",
)
"""Defined Terms of Cassette Size, (0018,1403)."""
_NOT_IN_CR: Final = (
    "ImageAndFluoroscopyAreaDoseProduct",
    "ExposedArea",
    "EstimatedRadiographicMagnificationFactor",
    "FilterMaterial",
    "FilterThicknessMinimum",
    "FilterThicknessMaximum",
    "Grid",
    "ExposureTimeInuS",
    "XRayTubeCurrentInuA",
)
"""What the technique of an exposure has beyond the CR Image Module (PS3.3 C.8.1.2); the dose report keeps it."""


class CrImage(Dataset):
    """A Computed Radiography Image Storage object, valid once it is built.

    Parameters
    ----------
    pixels
        ``(rows, columns)``, uint8 or uint16, stored values as ``detector`` describes them; copied once.
    step, series
        What the image belongs to. The series is one of CR images, of the same body part and side if it names them.
    acquisition
        Anatomy, view, technique and the plate. An unpaired body part needs no laterality. A view that has no term of
        View Position is told nowhere, since the IOD has no View Code Sequence.
    detector
        The reader's pixels: spacing, bits stored, photometric interpretation.
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
        check_series(series, acquisition, "CR")
        self.update(object_attributes(step, series))
        assign(self, "SOPClassUID", ComputedRadiographyImageStorage)
        assign(self, "SOPInstanceUID", sop_instance_uid)
        assign(self, "IrradiationEventUID", irradiation_event_uid)
        assign(self, "InstanceNumber", instance_number)
        assign_times(self, step, acquired_at)
        assign(self, "Modality", "CR")
        _assign_anatomy(self, acquisition)
        assign_spacing(self, detector)
        assign_derivation(self, acquisition, None)
        assign(self, "BurnedInAnnotation", "YES" if acquisition.burned_in_annotation else "NO")
        assign_lossy_compression(self, acquisition.lossy_compression)
        _assign_technique(self, acquisition.exposure or Exposure())
        _assign_plate(self, instance("PlateID", Plate, acquisition.plate or Plate()))
        assign_voi(self, acquisition, pixels, _CURVE_DEPTHS)
        assign_pixels(self, pixels, detector)
        declare(self, ensure_encodable(self, step.specific_character_set))


def _assign_anatomy(dataset: Dataset, acquisition: Acquisition) -> None:
    """Body part, side and view (PS3.3 C.8.1.1, C.7.3.1, C.7.6.1)."""
    part = body_part(acquisition.body_part)
    assign(dataset, "BodyPartExamined", part.term)
    if acquisition.view:
        view_code(acquisition.view)
    assign(dataset, "ViewPosition", acquisition.view if acquisition.view in VIEW_POSITIONS else "")
    assign(dataset, "ImageLaterality", image_laterality(part, acquisition.laterality))
    dataset.pop("Laterality", None)
    assign(dataset, "PatientOrientation", patient_orientation(part, acquisition.view, acquisition.patient_orientation))


def _assign_technique(dataset: Dataset, exposure: Exposure) -> None:
    """What the CR Image Module has of the technique (PS3.3 C.8.1.2)."""
    assign_technique(dataset, exposure)
    for keyword in _NOT_IN_CR:
        dataset.pop(keyword, None)


def _assign_plate(dataset: Dataset, plate: Plate) -> None:
    """Plate, cassette and reader (PS3.3 C.8.1.1 and C.8.1.2); what is not known is left out."""
    if plate.cassette_orientation not in ("", "LANDSCAPE", "PORTRAIT"):
        raise InvalidValue("CassetteOrientation", "must be LANDSCAPE or PORTRAIT (PS3.3 C.8.1.2)")
    if plate.cassette_size not in ("", *_SIZES):
        raise InvalidValue("CassetteSize", f"must be one of {', '.join(_SIZES)} (PS3.3 C.8.1.2)")
    if plate.sensitivity is not None and finite("Sensitivity", plate.sensitivity) <= 0:
        raise InvalidValue("Sensitivity", "must be a number above 0 (PS3.3 C.8.1.2)")
    for keyword, count in (
        ("ExposuresOnPlate", plate.exposures_on_plate),
        ("RelativeXRayExposure", plate.relative_exposure),
    ):
        if count is not None and count not in range(1, 2**31):
            raise InvalidValue(keyword, "must be a whole number above 0 (PS3.3 C.8.1.2)")
    assign_known(
        dataset,
        PlateID=plate.plate_id,
        PlateType=plate.plate_type,
        PhosphorType=plate.phosphor_type,
        CassetteOrientation=plate.cassette_orientation,
        CassetteSize=plate.cassette_size,
        ExposuresOnPlate=plate.exposures_on_plate,
        Sensitivity=plate.sensitivity,
        RelativeXRayExposure=plate.relative_exposure,
        AcquisitionDeviceProcessingDescription=plate.processing_description,
        AcquisitionDeviceProcessingCode=plate.processing_code,
    )
