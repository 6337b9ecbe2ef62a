"""References to objects: what an image is to those that refer to it, and which of them may be meant."""

from collections.abc import Iterable, Sequence

from pydicom import Dataset

from modality_sdk.dataset import build, is_image, reference_sequence
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.model import PhotometricInterpretation, ReferencedImage, ReferencedInstance, SopReference

__all__ = ["check_images", "meant", "referenced_image", "referenced_instance", "series_of"]


def referenced_instance(dataset: Dataset) -> ReferencedInstance:
    """Name any composite object with its series and study.

    Raises
    ------
    MissingAttribute
        The data set lacks one of their UIDs.
    """
    return ReferencedInstance(
        sop=SopReference(sop_class_uid=_uid(dataset, "SOPClassUID"), sop_instance_uid=_uid(dataset, "SOPInstanceUID")),
        study_instance_uid=_uid(dataset, "StudyInstanceUID"),
        series_instance_uid=_uid(dataset, "SeriesInstanceUID"),
    )


def referenced_image(dataset: Dataset) -> ReferencedImage:
    """Describe a grayscale image as far as its presentation needs it known.

    Raises
    ------
    IodError
        The data set is no grayscale image, or lacks what every image has.
    """
    instance = referenced_instance(dataset)
    try:
        spacing = dataset.get("ImagerPixelSpacing") or dataset.get("PixelSpacing")
        orientation = dataset.get("PatientOrientation")
        return ReferencedImage(
            sop=instance.sop,
            study_instance_uid=instance.study_instance_uid,
            series_instance_uid=instance.series_instance_uid,
            rows=int(dataset.Rows),
            columns=int(dataset.Columns),
            photometric_interpretation=PhotometricInterpretation(dataset.PhotometricInterpretation),
            pixel_spacing=(float(spacing[0]), float(spacing[1])) if spacing else None,
            patient_orientation=(str(orientation[0]), str(orientation[1])) if orientation else None,
            body_part=str(dataset.get("BodyPartExamined") or ""),
            laterality=str(dataset.get("ImageLaterality") or dataset.get("Laterality") or ""),
        )
    except (AttributeError, IndexError, TypeError, ValueError):
        raise InvalidValue(
            "ReferencedImageSequence", "must be grayscale images with rows and columns (PS3.3 A.33.1)"
        ) from None


def _uid(dataset: Dataset, keyword: str) -> str:
    if not dataset.get(keyword):
        raise MissingAttribute(keyword, "is in every object (Type 1)")
    return str(dataset[keyword].value)


def check_images(images: Sequence[ReferencedImage], study_instance_uid: str) -> None:
    """Refuse images that no presentation state can be for (PS3.3 C.11.11).

    Raises
    ------
    IodError
        There is none, one is no image, stands twice, or is of another study.
    """
    if not images:
        raise MissingAttribute("ReferencedSeriesSequence", "a presentation state is for one image at least (C.11.11)")
    seen = {image.sop.sop_instance_uid for image in images}
    if len(seen) < len(images):
        raise InvalidValue("ReferencedImageSequence", "must name an image once (PS3.3 C.11.11)")
    for image in images:
        if not is_image(image.sop.sop_class_uid):
            raise InvalidValue("ReferencedImageSequence", "must be of images (PS3.3 C.11.11)")
        if image.study_instance_uid != study_instance_uid:
            raise InvalidValue("StudyInstanceUID", "must be that of the images (PS3.3 A.33.1.1)")
        if image.rows < 1 or image.columns < 1:
            raise InvalidValue("Rows", "rows and columns of an image must be at least 1 (PS3.3 C.7.6.3)")


def series_of(instances: Iterable[ReferencedInstance], keyword: str) -> list[Dataset]:
    """Items of a Referenced Series Sequence, with the objects of each series under ``keyword``, in order."""
    by_series: dict[str, list[SopReference]] = {}
    for instance in instances:
        if not instance.series_instance_uid:
            raise MissingAttribute("SeriesInstanceUID", "a reference names the series (PS3.3 10.8)")
        by_series.setdefault(instance.series_instance_uid, []).append(instance.sop)
    return [
        build(SeriesInstanceUID=uid, **{keyword: reference_sequence(references)})
        for uid, references in by_series.items()
    ]


def meant(attribute: str, wanted: Sequence[SopReference], images: Sequence[ReferencedImage]) -> list[ReferencedImage]:
    """Those of ``images`` that a part of a presentation state is for: the ones ``wanted``, all where none is named.

    Raises
    ------
    IodError
        One is not among them, or named twice; the error names ``attribute``.
    """
    known = {image.sop: image for image in images}
    if not set(wanted) <= set(known) or len(set(wanted)) < len(wanted):
        raise InvalidValue(attribute, "refers, once each, to images of the Referenced Series Sequence (PS3.3 C.11.11)")
    return [known[sop] for sop in wanted] or list(images)
