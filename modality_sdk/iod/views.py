"""Views of a radiograph and their codes (PS3.3 C.8.11.5, CID 4010, 4011 and 4012). Data; it only grows."""

from functools import cache
from typing import Final

from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.iod.anatomy import BodyPart, Hanging
from modality_sdk.iod.numbers import pair
from modality_sdk.model import Code

__all__ = [
    "VIEWS",
    "VIEW_MODIFIERS",
    "VIEW_POSITIONS",
    "patient_orientation",
    "projection_code",
    "view_code",
    "view_modifier_code",
]

VIEWS: Final[dict[str, str]] = {
    "AP": "AnteroPosterior",
    "PA": "PosteroAnterior",
    "LL": "LeftLateral",
    "RL": "RightLateral",
    "RLD": "Frontal",  # decubitus is how the patient lies; the projection is frontal
    "LLD": "Frontal",
    "RLO": "RightOblique",
    "LLO": "LeftOblique",
    "LAO": "LeftAnteriorOblique",
    "RAO": "RightAnteriorOblique",
    "LPO": "LeftPosteriorOblique",
    "RPO": "RightPosteriorOblique",
    "LATERAL": "LateralProjection",
    "OBLIQUE": "ObliqueProjection",
    "ML": "MedioLateralProjection",
    "LM": "LateralMedial",
    "LMO": "LateroMedialOblique",
    "MLO": "MedioLateralObliqueProjection",
    "DP": "Dorsoplantar",
    "PD": "Plantodorsal",
    "AXIAL": "AxialProjection",
    "SMV": "Submentovertical",
    "TANGENTIAL": "Tangential",
    "ACANTHIOPARIETAL": "Acanthioparietal",
    "AP_OBLIQUE": "AnteroPosteriorOblique",
    "CAUDOCRANIAL": "CaudoCranial",
    "CRANIOCAUDAL": "CranioCaudal",
    "FRONTAL": "Frontal",
    "FRONTAL_OBLIQUE": "FrontalOblique",
    "FRONTAL_OBLIQUE_AXIAL": "FrontalObliqueAxial",
    "LATERAL_OBLIQUE": "LateralOblique",
    "MEDIAL_OBLIQUE": "MedialOblique",
    "OBLIQUE_AXIAL": "ObliqueAxial",
    "OBLIQUE_CAUDOCRANIAL": "ObliqueCaudoCranial",
    "OBLIQUE_CRANIOCAUDAL": "ObliqueCranioCaudal",
    "OCCLUSAL": "OcclusalProjection",
    "ORBITOPARIETAL": "Orbitoparietal",
    "PA_OBLIQUE": "PosteroAnteriorOblique",
    "PARIETOACANTHIAL": "Parietoacanthial",
    "PARIETOORBITAL": "ParietoOrbital",
    "SAGITTAL": "Sagittal",
    "SAGITTAL_OBLIQUE_AXIAL": "SagittalObliqueAxial",
    "SPECIMEN": "TissueSpecimen",
    "VSM": "Verticosubmental",
}
"""Every view, to its keyword in CID 4010 as pydicom spells it; all of CID 4010 is there."""
VIEW_MODIFIERS: Final[dict[str, str]] = {
    "CAUDAD": "Caudad",
    "CEPHALAD": "Cephalad",
    "CROSSTABLE": "Crosstable",
    "MOUTH_CLOSED": "MouthClosed",
    "TRANSFORAMENAL": "Transforamenal",
    "TRANSORAL": "Transoral",
    "TRANSORBITAL": "Transorbital",
    "TRANSTHORACIC": "Transthoracic",
}
"""Every modifier of a view, to its keyword in CID 4011 as pydicom spells it."""
VIEW_POSITIONS: Final = ("AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO")
"""Defined Terms of View Position, (0018,5101); the other views are told by their code alone."""

_FRONTAL: Final = ("AP", "PA")
_LATERAL: Final = ("LL", "RL", "LATERAL")
_OPPOSITES: Final = ({"L", "R"}, {"A", "P"}, {"H", "F"})


@cache
def view_code(view: str) -> Code:
    """Code of CID 4010 for the View Code Sequence, its meaning as in PS3.16.

    Raises
    ------
    InvalidValue
        The view is not known.
    """
    if view not in VIEWS:
        raise InvalidValue("ViewPosition", "must be a known term, such as PA, AP, LL or RL (PS3.3 C.8.11.5)")
    return _code(4010, VIEWS[view])


@cache
def view_modifier_code(modifier: str) -> Code:
    """Code of CID 4011 for the View Modifier Code Sequence.

    Raises
    ------
    InvalidValue
        The modifier is not known.
    """
    if modifier not in VIEW_MODIFIERS:
        raise InvalidValue("ViewModifierCodeSequence", f"must be one of {', '.join(VIEW_MODIFIERS)} (CID 4011)")
    return _code(4011, VIEW_MODIFIERS[modifier])


@cache
def projection_code(name: str) -> Code:
    """Code of CID 4012 for the Projection Eponymous Name Code Sequence.

    Parameters
    ----------
    name
        As in CID 4012 or as pydicom spells it, in upper or lower case, blanks and hyphens ignored: ``Towne``.

    Raises
    ------
    InvalidValue
        The name is not known.
    """
    from pydicom.sr.codedict import codes  # large; only who names a projection pays it

    wanted = _letters(name)
    for keyword, concept in codes.cid4012.concepts.items():
        if wanted and wanted in (_letters(keyword), _letters(concept.meaning)):
            return Code(value=concept.value, scheme=concept.scheme_designator, meaning=concept.meaning)
    raise InvalidValue("ProjectionEponymousNameCodeSequence", "must be a name of CID 4012, such as Towne or Judet")


def _letters(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum()).removesuffix("projection")


def _code(cid: int, keyword: str) -> Code:
    from pydicom.sr.codedict import codes  # large; only who builds an image pays it

    concept = getattr(getattr(codes, f"cid{cid}"), keyword)
    return Code(value=concept.value, scheme=concept.scheme_designator, meaning=concept.meaning)


def patient_orientation(part: BodyPart, view: str, given: tuple[str, str] | None) -> tuple[str, str]:
    """Directions of the rows and of the columns (PS3.3 C.7.6.1.1.1), which a DX image has to tell.

    Without a given one, the pixels are taken to be turned as the view is hung for reading:

    ==============================  ================  ==========================================
    body part                       view              Patient Orientation
    ==============================  ================  ==========================================
    head, trunk, limbs              AP, PA            ``L\\F``: the patient faces the reader
    head, trunk                     lateral           ``P\\F``: the patient faces the reader's left
    finger, hand, thumb, wrist      PA                ``L\\H``: fingers up, back of the hand seen
    finger, hand, thumb, wrist      AP                ``R\\H``: fingers up, palm seen
    toe, foot, calcaneus            AP, DP            ``R\\P``: toes up, back of the foot seen
    ==============================  ================  ==========================================

    Any other view can be hung in more than one way.

    Raises
    ------
    MissingAttribute
        None is given and the view tells none.
    InvalidValue
        The given one is malformed.
    """
    if given is not None:
        return _checked(given)
    derived: tuple[str, str] | None = None
    if part.hanging is Hanging.HAND:
        derived = {"PA": ("L", "H"), "AP": ("R", "H")}.get(view)
    elif part.hanging is Hanging.FOOT:
        derived = {"AP": ("R", "P"), "DP": ("R", "P")}.get(view)
    elif view in _FRONTAL:
        derived = ("L", "F")
    elif view in _LATERAL and part.hanging is Hanging.TRUNK:
        derived = ("P", "F")
    if derived is None:
        raise MissingAttribute("PatientOrientation", "body part and view do not tell it (PS3.3 C.8.11.3); give it")
    return derived


def _checked(given: object) -> tuple[str, str]:
    rule = "must be two values of letters L R A P H F (PS3.3 C.7.6.1.1.1)"
    values = pair("PatientOrientation", given, rule)
    if not all(
        isinstance(value, str)
        and 1 <= len(value) <= 3
        and set(value) <= set("LRAPHF")
        and len(set(value)) == len(value)
        and not any(axis <= set(value) for axis in _OPPOSITES)
        for value in values
    ):
        raise InvalidValue("PatientOrientation", rule)
    if any(values[0][0] in axis and values[1][0] in axis for axis in _OPPOSITES):
        raise InvalidValue("PatientOrientation", "rows and columns must run across each other (PS3.3 C.7.6.1.1.1)")
    return values[0], values[1]
