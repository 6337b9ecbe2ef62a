"""What an image shows, made of what somebody else's file says: terms that a DX image takes, whatever came in."""

from modality_sdk.errors import IodError
from modality_sdk.iod.anatomy import BODY_PARTS
from modality_sdk.iod.views import VIEWS, patient_orientation
from modality_sdk.model import Acquisition

__all__ = ["suggest_acquisition"]

_ANYTHING = "WHOLEBODY"
_FRONTAL = "AP"


def suggest_acquisition(
    *,
    body_part: str = "",
    view: str = "",
    laterality: str = "",
    patient_orientation: tuple[str, str] | None = None,
) -> Acquisition:
    """Make an acquisition that `DxImage` accepts of terms that may be unknown, missing or contradictory.

    For pixels from a file, to demonstrate or to test with; a modality knows what it exposes, and a wrong term of its
    own is better refused. Terms that are fine stay as they are. For the others stands what says least:

    * body part unknown: ``WHOLEBODY``, of which every radiograph shows a part;
    * view unknown: none;
    * paired body part without a side: ``B``. ``U`` is for unpaired body parts only (PS3.3 C.8.11.2), and ``B`` names
      no wrong side; an unpaired one without a side gets ``U``;
    * Patient Orientation unknown or impossible: as the view is hung for reading, else as a frontal view of the body
      part is. This is an assumption, a DX image has to tell one (PS3.3 C.8.11.3).

    Parameters
    ----------
    body_part, view, laterality
        As in Body Part Examined, View Position and Image Laterality; empty for not known.
    patient_orientation
        Directions of the rows and of the columns.

    Returns
    -------
    Acquisition
        Anatomy and view alone; the rest is added with `dataclasses.replace`.
    """
    part = BODY_PARTS.get(body_part, BODY_PARTS[_ANYTHING])
    view = view if view in VIEWS else ""
    if laterality not in ("R", "L", "B") and not (laterality == "U" and not part.paired):
        laterality = "B" if part.paired else "U"
    return Acquisition(
        body_part=part.term,
        view=view,
        laterality=laterality,
        patient_orientation=_orientation(part.term, view, patient_orientation),
    )


def _orientation(body_part: str, view: str, given: tuple[str, str] | None) -> tuple[str, str]:
    part = BODY_PARTS[body_part]
    for hung, known in ((view, given), (view, None)):
        try:
            return patient_orientation(part, hung, known)
        except IodError:
            continue
    return patient_orientation(part, _FRONTAL, None)
