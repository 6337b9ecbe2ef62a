"""Body parts: the terms of Body Part Examined with their codes (PS3.16 Annex L, CID 4031). Data; it only grows."""

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import Final

from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.model import Code

__all__ = ["BODY_PARTS", "BodyPart", "Hanging", "anatomic_region", "body_part", "image_laterality"]


class Hanging(Enum):
    """How radiographs of a body part are hung for reading, which decides their Patient Orientation."""

    TRUNK = auto()
    """Head up; frontal ones face the reader, lateral ones face the reader's left."""
    LIMB = auto()
    """Proximal end up; frontal ones as if the patient faced the reader."""
    HAND = auto()
    """Fingers up, as the X-ray tube sees the hand."""
    FOOT = auto()
    """Toes up, as the X-ray tube sees the back of the foot."""


@dataclass(frozen=True, kw_only=True)
class BodyPart:
    """One body part.

    Attributes
    ----------
    term
        Body Part Examined, (0018,0015).
    concept
        The code's keyword in CID 4031 as pydicom spells it.
    paired
        Whether there is a left and a right one, so that an image has to tell which.
    """

    term: str
    concept: str
    paired: bool
    hanging: Hanging


_UNPAIRED: Final = {
    "ABDOMEN": "Abdomen",
    "ABDOMENPELVIS": "AbdomenAndPelvis",
    "CHEST": "Chest",
    "CHESTABDOMEN": "ChestAndAbdomen",
    "CHESTABDPELVIS": "ChestAbdomenAndPelvis",
    "COCCYX": "Coccyx",
    "CSPINE": "CervicalSpine",
    "CTSPINE": "CervicoThoracicSpine",
    "HEAD": "Head",
    "HEADNECK": "HeadAndNeck",
    "JAW": "JawRegion",
    "LSPINE": "LumbarSpine",
    "LSSPINE": "LumboSacralSpine",
    "MAXILLA": "Maxilla",
    "MEDIASTINUM": "Mediastinum",
    "NECK": "Neck",
    "NECKCHEST": "NeckAndChest",
    "NOSE": "NasalBone",
    "PELVIS": "Pelvis",
    "SKULL": "Skull",
    "SPINE": "Spine",
    "SSPINE": "Sacrum",
    "STERNUM": "Sternum",
    "TLSPINE": "ThoracoLumbarSpine",
    "TRACHEA": "Trachea",
    "TSPINE": "ThoracicSpine",
    "WHOLEBODY": "EntireBody",
}
_PAIRED: Final = {
    "BREAST": ("Breast", Hanging.TRUNK),
    "ORBIT": ("OrbitalStructure", Hanging.TRUNK),
    "RIB": ("Rib", Hanging.TRUNK),
    "TMJ": ("TemporomandibularJoint", Hanging.TRUNK),
    "ZYGOMA": ("Zygoma", Hanging.TRUNK),
    "ANKLE": ("AnkleJoint", Hanging.LIMB),
    "ARM": ("UpperArm", Hanging.LIMB),
    "CLAVICLE": ("Clavicle", Hanging.LIMB),
    "ELBOW": ("ElbowJoint", Hanging.LIMB),
    "EXTREMITY": ("Extremity", Hanging.LIMB),
    "FEMUR": ("Femur", Hanging.LIMB),
    "FOREARM": ("Forearm", Hanging.LIMB),
    "HIP": ("HipJoint", Hanging.LIMB),
    "HUMERUS": ("Humerus", Hanging.LIMB),
    "ILIUM": ("Ilium", Hanging.LIMB),
    "KNEE": ("Knee", Hanging.LIMB),
    "LEG": ("LowerLeg", Hanging.LIMB),
    "PATELLA": ("Patella", Hanging.LIMB),
    "SCAPULA": ("Scapula", Hanging.LIMB),
    "SHOULDER": ("Shoulder", Hanging.LIMB),
    "THIGH": ("Thigh", Hanging.LIMB),
    "FINGER": ("Finger", Hanging.HAND),
    "HAND": ("Hand", Hanging.HAND),
    "THUMB": ("Thumb", Hanging.HAND),
    "WRIST": ("WristJoint", Hanging.HAND),
    "CALCANEUS": ("Calcaneus", Hanging.FOOT),
    "FOOT": ("Foot", Hanging.FOOT),
    "TOE": ("Toe", Hanging.FOOT),
}

BODY_PARTS: Final[dict[str, BodyPart]] = {
    term: BodyPart(term=term, concept=concept, paired=False, hanging=Hanging.TRUNK)
    for term, concept in _UNPAIRED.items()
} | {
    term: BodyPart(term=term, concept=concept, paired=True, hanging=hanging)
    for term, (concept, hanging) in _PAIRED.items()
}
"""Every body part that an image may show, by its term."""


def body_part(term: str) -> BodyPart:
    """Look a term of Body Part Examined up.

    Raises
    ------
    MissingAttribute
        The term is empty.
    InvalidValue
        The term is not known.
    """
    if not term:
        raise MissingAttribute("BodyPartExamined", "an image tells what it shows (PS3.3 C.8.11.2)")
    if term not in list(BODY_PARTS):
        raise InvalidValue("BodyPartExamined", "must be a known term of PS3.16 Annex L, such as CHEST or HAND")
    return BODY_PARTS[term]


@cache
def anatomic_region(term: str) -> Code:
    """Code of CID 4031 for the Anatomic Region Sequence, its meaning as in PS3.16.

    Raises
    ------
    IodError
        As `body_part`.
    """
    from pydicom.sr.codedict import codes  # large; only who builds an image pays it

    concept = getattr(codes.cid4031, body_part(term).concept)
    return Code(value=concept.value, scheme=concept.scheme_designator, meaning=concept.meaning)


def image_laterality(part: BodyPart, laterality: str) -> str:
    """Value of Image Laterality, (0020,0062), which is never empty (PS3.3 C.8.11.2).

    Parameters
    ----------
    laterality
        ``R``, ``L``, ``B``, ``U``, or empty for an unpaired body part.

    Raises
    ------
    MissingAttribute
        A paired body part, and no side.
    InvalidValue
        None of these, or unpaired for a paired body part.
    """
    if laterality not in ("", "R", "L", "U", "B"):
        raise InvalidValue("ImageLaterality", "must be R, L, U or B (PS3.3 C.8.11.2)")
    if not part.paired:
        return laterality or "U"
    if not laterality:
        raise MissingAttribute("ImageLaterality", "a paired body part needs R, L or B (PS3.3 C.8.11.2)")
    if laterality == "U":
        raise InvalidValue("ImageLaterality", "U is for unpaired body parts only (PS3.3 C.8.11.2)")
    return laterality
