"""Grayscale Softcopy Presentation State (PS3.3 section A.33.1)."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, GrayscaleSoftcopyPresentationStateStorage

from modality_sdk.dataset import (
    assign,
    build,
    declare,
    ensure_encodable,
    local_time,
    object_attributes,
    reference_sequence,
)
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.iod.annotations import assign_annotations
from modality_sdk.iod.displayed_area import SpatialTransformation, assign_displayed_areas
from modality_sdk.iod.numbers import finite, pair
from modality_sdk.iod.references import check_images, meant, series_of
from modality_sdk.iod.shutters import assign_shutter
from modality_sdk.iod.terms import of_right_type, term
from modality_sdk.model import (
    Annotation,
    DisplayedArea,
    DisplayShutter,
    GraphicLayer,
    ImageRotation,
    ModalityRescale,
    PerformedProcedureStep,
    PerformedSeries,
    PhotometricInterpretation,
    PresentationLutShape,
    ReferencedImage,
    SoftcopyVoiLut,
    VoiLutFunction,
)

__all__ = ["GrayscalePresentationState"]


class GrayscalePresentationState(Dataset):
    """A Grayscale Softcopy Presentation State Storage object, valid once it is built.

    It says how images of its study are to be shown, without changing them. It says all of it: what it does not
    mention, a window for instance, is not taken from the image instead (PS3.4 N.2).

    Parameters
    ----------
    step, series
        What the object belongs to. The series is of modality PR. Where it names no body part or side, those that all
        images have in common are written, so it should name them when it is to hold more than one state.
    images
        Those it is for: one or more of the step's study, each once; see `modality_sdk.iod.referenced_image`.
    sop_instance_uid
        A new UID.
    instance_number
        Number in the series, from 1.
    created_at
        Aware time; written in the time zone of the step.
    content_label, content_description, content_creator
        Name of the state in capital letters, what it is for, and who made it (as in PN).
    rescale
        Stored pixels to units; needed for images that are not shown as they are stored, which DX images are.
    voi_luts
        At most one for each image; without one, the whole range of values is shown.
    shutter
        For all images.
    rotation, horizontal_flip
        Clockwise, then from left to right.
    displayed_areas
        At most one for each image; without one, all of it, scaled to fit.
    annotations, layers
        The layers of the annotations, if not given, are declared in the order of use. Texts lie in what is displayed.
    presentation_lut_shape
        INVERSE shows low values white. By default as the images are: INVERSE for MONOCHROME1.

    Raises
    ------
    IodError
        A value is missing or outside what the standard allows; the error names attribute and rule.

    Examples
    --------
    A window, a side marker and a rectangular shutter::

        image = referenced_image(dx)
        GrayscalePresentationState(
            step=step,
            series=series,
            images=[image],
            sop_instance_uid=uids.new(),
            instance_number=1,
            created_at=now,
            voi_luts=[SoftcopyVoiLut(window=(2048, 3000))],
            shutter=DisplayShutter(rectangle=(100, 2400, 80, 2900)),
            annotations=[side_marker("R", image)],
        )
    """

    def __init__(
        self,
        *,
        step: PerformedProcedureStep,
        series: PerformedSeries,
        images: Sequence[ReferencedImage],
        sop_instance_uid: str,
        instance_number: int,
        created_at: datetime,
        content_label: str = "PRESENTATION",
        content_description: str = "",
        content_creator: str = "",
        rescale: ModalityRescale | None = None,
        voi_luts: Sequence[SoftcopyVoiLut] = (),
        shutter: DisplayShutter | None = None,
        rotation: ImageRotation = ImageRotation.NONE,
        horizontal_flip: bool = False,
        displayed_areas: Sequence[DisplayedArea] = (),
        annotations: Sequence[Annotation] = (),
        layers: Sequence[GraphicLayer] = (),
        presentation_lut_shape: PresentationLutShape | None = None,
    ) -> None:
        super().__init__()
        self.file_meta = FileMetaDataset()
        self.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        if series.modality != "PR":
            raise InvalidValue("Modality", "the series of a presentation state must be PR (PS3.3 C.11.9)")
        with of_right_type("ReferencedSeriesSequence"):
            check_images(images, step.study_instance_uid)
        transformation = SpatialTransformation(
            rotation=term(ImageRotation, "ImageRotation", rotation), horizontal_flip=horizontal_flip
        )
        self.update(object_attributes(step, series))
        _assign_anatomy(self, images)
        assign(self, "SOPClassUID", GrayscaleSoftcopyPresentationStateStorage)
        assign(self, "SOPInstanceUID", sop_instance_uid)
        assign(self, "InstanceNumber", instance_number)
        _assign_identification(self, content_label, content_description, content_creator)
        created = local_time(step, created_at)
        assign(self, "PresentationCreationDate", created.date())
        assign(self, "PresentationCreationTime", created.time())
        assign(self, "ReferencedSeriesSequence", series_of(images, "ReferencedImageSequence"))
        if rescale is not None:
            with of_right_type("RescaleSlope"):
                _assign_rescale(self, rescale)
        if voi_luts:
            with of_right_type("SoftcopyVOILUTSequence"):
                _assign_voi_luts(self, voi_luts, images)
        if shutter is not None:
            with of_right_type("ShutterShape"):
                assign_shutter(self, shutter, images)
        transformation.assign(self)
        with of_right_type("DisplayedAreaSelectionSequence"):
            seen = assign_displayed_areas(self, displayed_areas, images, transformation)
        with of_right_type("GraphicAnnotationSequence"):
            assign_annotations(self, annotations, layers, images, transformation, seen)
        assign(self, "PresentationLUTShape", _shape(presentation_lut_shape, images).value)
        declare(self, ensure_encodable(self, step.specific_character_set))


def _assign_anatomy(dataset: Dataset, images: Sequence[ReferencedImage]) -> None:
    """Body part and side of the images, as far as they have one and the series does not name it (PS3.3 C.7.3.1)."""
    body_parts = {image.body_part for image in images}
    sides = {image.laterality for image in images}
    if "BodyPartExamined" not in dataset and len(body_parts) == 1 and body_parts != {""}:
        assign(dataset, "BodyPartExamined", body_parts.pop())
    if "Laterality" not in dataset and sides in ({"R"}, {"L"}):
        assign(dataset, "Laterality", sides.pop())


def _assign_identification(dataset: Dataset, label: str, description: str, creator: str) -> None:
    """Content Identification (PS3.3 C.11.10, 10.22)."""
    if not label:
        raise MissingAttribute("ContentLabel", "a presentation state has a label (PS3.3 C.11.10)")
    assign(dataset, "ContentLabel", label)
    assign(dataset, "ContentDescription", description)
    assign(dataset, "ContentCreatorName", creator)


def _assign_rescale(dataset: Dataset, rescale: ModalityRescale) -> None:
    """Modality LUT with a rescale (PS3.3 C.11.1)."""
    slope = finite("RescaleSlope", rescale.slope)
    if not slope:
        raise InvalidValue("RescaleSlope", "must not be 0 (PS3.3 C.11.1.1.2)")
    if not rescale.type:
        raise MissingAttribute("RescaleType", "names the units (PS3.3 C.11.1.1.2)")
    assign(dataset, "RescaleIntercept", finite("RescaleIntercept", rescale.intercept))
    assign(dataset, "RescaleSlope", slope)
    assign(dataset, "RescaleType", rescale.type)


def _assign_voi_luts(dataset: Dataset, luts: Sequence[SoftcopyVoiLut], images: Sequence[ReferencedImage]) -> None:
    """Softcopy VOI LUT (PS3.3 C.11.8)."""
    covered: set[str] = set()
    items = []
    for lut in luts:
        named = {image.sop.sop_instance_uid for image in meant("SoftcopyVOILUTSequence", lut.images, images)}
        if covered & named:
            raise InvalidValue("SoftcopyVOILUTSequence", "an image has one window or table (PS3.3 C.11.8)")
        covered |= named
        item = _window(lut) if lut.window is not None else _table(lut)
        if lut.images:
            assign(item, "ReferencedImageSequence", reference_sequence(lut.images))
        items.append(item)
    assign(dataset, "SoftcopyVOILUTSequence", items)


def _window(lut: SoftcopyVoiLut) -> Dataset:
    if lut.table:
        raise InvalidValue("VOILUTSequence", "must not stand beside a window (PS3.3 C.11.8)")
    values = pair("WindowCenter", lut.window, "must come with a width and nothing else (PS3.3 C.11.2.1.2)")
    center, width = finite("WindowCenter", values[0]), finite("WindowWidth", values[1])
    function = term(VoiLutFunction, "VOILUTFunction", lut.function)
    if width < 1 if function is VoiLutFunction.LINEAR else width <= 0:
        raise InvalidValue("WindowWidth", "must be at least 1, above 0 for the other functions (PS3.3 C.11.2.1.2)")
    item = build(WindowCenter=center, WindowWidth=width)
    if lut.explanation:
        assign(item, "WindowCenterWidthExplanation", lut.explanation)
    if function is not VoiLutFunction.LINEAR:
        assign(item, "VOILUTFunction", function.value)
    return item


def _table(lut: SoftcopyVoiLut) -> Dataset:
    if not lut.table:
        raise MissingAttribute("WindowCenter", "a window or a table is required (PS3.3 C.11.8)")
    if not 2 <= len(lut.table) <= 2**16:
        raise InvalidValue("LUTData", "must have 2 to 65536 entries (PS3.3 C.11.2.1.1)")
    entries = np.asarray(lut.table)
    if entries.dtype.kind not in "iu" or entries.min() < 0 or entries.max() >= 2**16:
        raise InvalidValue("LUTData", "must be whole numbers of 16 bits (PS3.3 C.11.2.1.1)")
    # 65536 entries are written as 0
    item = build(LUTDescriptor=[len(lut.table) % 2**16, lut.first_value_mapped, 16])
    item["LUTDescriptor"].VR = "SS" if lut.first_value_mapped < 0 else "US"
    if item["LUTDescriptor"].VR == "SS" and not (lut.first_value_mapped >= -(2**15) and len(lut.table) < 2**15):
        raise InvalidValue("LUTDescriptor", "must fit into 16 signed bits (PS3.3 C.11.2.1.1)")
    if lut.explanation:
        assign(item, "LUTExplanation", lut.explanation)
    # as OW, since 64 KiB are the most that US holds
    item.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return build(VOILUTSequence=[item])


def _shape(shape: PresentationLutShape | None, images: Sequence[ReferencedImage]) -> PresentationLutShape:
    if shape is not None:
        return term(PresentationLutShape, "PresentationLUTShape", shape)
    inverse = {image.photometric_interpretation is PhotometricInterpretation.MONOCHROME1 for image in images}
    if len(inverse) > 1:
        raise MissingAttribute("PresentationLUTShape", "is required where images of both polarities are meant (C.11.6)")
    return PresentationLutShape.INVERSE if inverse.pop() else PresentationLutShape.IDENTITY
