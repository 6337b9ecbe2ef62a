"""The objects that a report or note refers to, by study and series (PS3.3 C.17.2.3)."""

from collections.abc import Iterable, Mapping

from pydicom import Dataset

from modality_sdk.dataset import build, reference_sequence
from modality_sdk.errors import InvalidValue
from modality_sdk.model import SopReference

__all__ = ["evidence"]


def evidence(
    references: Iterable[SopReference], *, study_instance_uid: str, series: Mapping[str, str]
) -> list[Dataset]:
    """The items of Current Requested Procedure Evidence Sequence; none when nothing is referred to.

    Parameters
    ----------
    references
        What is referred to, all of one study; each is listed once.
    series
        SOP Instance UID to Series Instance UID.

    Raises
    ------
    InvalidValue
        The series of an object is not given: it is none of this study. Or a UID is malformed.
    """
    by_series: dict[str, dict[SopReference, None]] = {}
    for reference in references:
        series_instance_uid = series.get(reference.sop_instance_uid)
        if not series_instance_uid:
            raise InvalidValue(
                "ReferencedSOPInstanceUID",
                f"must be in a series of the step's study, {reference.sop_instance_uid} is in none (PS3.3 C.17.2.3)",
            )
        by_series.setdefault(series_instance_uid, {})[reference] = None
    items = [
        build(SeriesInstanceUID=uid, ReferencedSOPSequence=reference_sequence(objects))
        for uid, objects in by_series.items()
    ]
    return [build(StudyInstanceUID=study_instance_uid, ReferencedSeriesSequence=items)] if items else []
