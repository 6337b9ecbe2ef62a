"""Body parts: the terms of Body Part Examined with their codes (PS3.16 Annex L, CID 4031). Data; it only grows.

All of CID 4031, which CID 4009 equals, has a term. Where Annex L has none there is one of ours: Defined Terms may be
extended (PS3.3 C.7.3.1, PS3.5 section 6.3), and what counts is the code.
"""

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import Final

from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.model import Code

__all__ = ["BODY_PARTS", "OWN_TERMS", "BodyPart", "Hanging", "anatomic_region", "body_part", "image_laterality"]


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
    "ANUS": "Anus",
    "BILEDUCT": "BileDuct",
    "BILIARYTRACT": "BiliaryTract",
    "BLADDER": "Bladder",
    "BRONCHUS": "Bronchus",
    "CHEST": "Chest",
    "CHESTABDOMEN": "ChestAndAbdomen",
    "CHESTABDPELVIS": "ChestAbdomenAndPelvis",
    "COCCYX": "Coccyx",
    "COLON": "Colon",
    "COMMONBILEDUCT": "CommonBileDuct",
    "CSPINE": "CervicalSpine",
    "CTSPINE": "CervicoThoracicSpine",
    "DUODENUM": "Duodenum",
    "ESOPHAGUS": "Esophagus",
    "ESOPHSTOMACHDUOD": "EsophagusStomachAndDuodenum",
    "FACE": "FacialBones",
    "GALLBLADDER": "Gallbladder",
    "HEAD": "Head",
    "HEADNECK": "HeadAndNeck",
    "HEART": "Heart",
    "ILEUM": "Ileum",
    "JAW": "JawRegion",
    "JEJUNUM": "Jejunum",
    "LARGEINTESTINE": "LargeIntestine",
    "LARYNX": "Larynx",
    "LIVERBILIARY": "LiverAndBiliaryStructure",
    "LSPINE": "LumbarSpine",
    "LSSPINE": "LumboSacralSpine",
    "MANDIBLE": "Mandible",
    "MAXILLA": "Maxilla",
    "MEDIASTINUM": "Mediastinum",
    "NECK": "Neck",
    "NECKCHEST": "NeckAndChest",
    "NECKCHESTABDOMEN": "NeckChestAndAbdomen",
    "NECKCHESTABDPELV": "NeckChestAbdomenAndPelvis",
    "NOSE": "NasalBone",
    "PANCREAS": "Pancreas",
    "PANCREATICBILE": "PancreaticDuctAndBileDuctSystems",
    "PANCREATICDUCT": "PancreaticDuct",
    "PELVIS": "Pelvis",
    "PELVISLOWEREXT": "PelvisAndLowerExtremities",
    "PHANTOM": "Phantom",
    "PROSTATE": "Prostate",
    "RECTUM": "Rectum",
    "SACROCOCCYGEAL": "SacroCoccygealSpine",
    "SELLATURCICA": "SellaTurcica",
    "SINUS": "ParanasalSinus",
    "SKULL": "Skull",
    "SMALLINTESTINE": "SmallIntestine",
    "SPINE": "Spine",
    "SPINESKULL": "VertebralColumnAndCranium",
    "SSPINE": "Sacrum",
    "STERNUM": "Sternum",
    "STOMACH": "Stomach",
    "TLSPINE": "ThoracoLumbarSpine",
    "TRACHEA": "Trachea",
    "TSPINE": "ThoracicSpine",
    "UPPERURINARY": "UpperUrinaryTract",
    "URETHRA": "Urethra",
    "UTERUSTUBES": "UterusAndFallopianTubes",
    "WHOLEBODY": "EntireBody",
}
_PAIRED: Final = {
    "ACJOINT": ("AcromioclavicularJoint", Hanging.TRUNK),
    "APEXOFLUNG": ("ApexOfLung", Hanging.TRUNK),
    "BREAST": ("Breast", Hanging.TRUNK),
    "EYE": ("Eye", Hanging.TRUNK),
    "EYEREGION": ("EyeRegion", Hanging.TRUNK),
    "IAC": ("InternalAuditoryCanal", Hanging.TRUNK),
    "MASTOID": ("MastoidBone", Hanging.TRUNK),
    "OPTICCANAL": ("OpticCanal", Hanging.TRUNK),
    "ORBIT": ("OrbitalStructure", Hanging.TRUNK),
    "PAROTID": ("ParotidGland", Hanging.TRUNK),
    "RIB": ("Rib", Hanging.TRUNK),
    "SCJOINT": ("SternoclavicularJoint", Hanging.TRUNK),
    "SIJOINT": ("SacroiliacJoint", Hanging.TRUNK),
    "SUBMANDIBULAR": ("SubmandibularGland", Hanging.TRUNK),
    "TMJ": ("TemporomandibularJoint", Hanging.TRUNK),
    "URETER": ("Ureter", Hanging.TRUNK),
    "ZYGOMA": ("Zygoma", Hanging.TRUNK),
    "ANKLE": ("AnkleJoint", Hanging.LIMB),
    "ARM": ("UpperArm", Hanging.LIMB),
    "CLAVICLE": ("Clavicle", Hanging.LIMB),
    "ELBOW": ("ElbowJoint", Hanging.LIMB),
    "EXTREMITY": ("Extremity", Hanging.LIMB),
    "FEMUR": ("Femur", Hanging.LIMB),
    "FIBULA": ("Fibula", Hanging.LIMB),
    "FOREARM": ("Forearm", Hanging.LIMB),
    "HIP": ("HipJoint", Hanging.LIMB),
    "HIPREGION": ("Hip", Hanging.LIMB),
    "HUMERUS": ("Humerus", Hanging.LIMB),
    "ILIUM": ("Ilium", Hanging.LIMB),
    "KNEE": ("Knee", Hanging.LIMB),
    "LEG": ("LowerLeg", Hanging.LIMB),
    "LOWERLIMB": ("LowerLimb", Hanging.LIMB),
    "LOWERLIMBBONE": ("BoneOfLowerLimb", Hanging.LIMB),
    "LOWERLIMBMUSCLE": ("MuscleOfLowerLimb", Hanging.LIMB),
    "PATELLA": ("Patella", Hanging.LIMB),
    "SCAPULA": ("Scapula", Hanging.LIMB),
    "SHOULDER": ("Shoulder", Hanging.LIMB),
    "THIGH": ("Thigh", Hanging.LIMB),
    "UPPERLIMB": ("UpperLimb", Hanging.LIMB),
    "UPPERLIMBBONE": ("BoneOfUpperLimb", Hanging.LIMB),
    "UPPERLIMBMUSCLE": ("MuscleOfUpperLimb", Hanging.LIMB),
    "FINGER": ("Finger", Hanging.HAND),
    "HAND": ("Hand", Hanging.HAND),
    "THUMB": ("Thumb", Hanging.HAND),
    "WRIST": ("WristJoint", Hanging.HAND),
    "CALCANEUS": ("Calcaneus", Hanging.FOOT),
    "FOOT": ("Foot", Hanging.FOOT),
    "SESAMOIDFOOT": ("SesamoidBonesOfFoot", Hanging.FOOT),
    "TARSALJOINT": ("TarsalJoint", Hanging.FOOT),
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
OWN_TERMS: Final = frozenset(
    {
        "ACJOINT",
        "ANUS",
        "APEXOFLUNG",
        "BILEDUCT",
        "BILIARYTRACT",
        "COMMONBILEDUCT",
        "ESOPHSTOMACHDUOD",
        "EYEREGION",
        "FIBULA",
        "FOREARM",
        "HIPREGION",
        "LARGEINTESTINE",
        "LIVERBILIARY",
        "LOWERLIMB",
        "LOWERLIMBBONE",
        "LOWERLIMBMUSCLE",
        "MANDIBLE",
        "MASTOID",
        "OPTICCANAL",
        "PANCREATICBILE",
        "PANCREATICDUCT",
        "PELVISLOWEREXT",
        "PHANTOM",
        "SACROCOCCYGEAL",
        "SCJOINT",
        "SELLATURCICA",
        "SESAMOIDFOOT",
        "SIJOINT",
        "SINUS",
        "SMALLINTESTINE",
        "SPINESKULL",
        "TARSALJOINT",
        "UPPERLIMB",
        "UPPERLIMBBONE",
        "UPPERLIMBMUSCLE",
        "UPPERURINARY",
        "UTERUSTUBES",
    }
)
"""Terms that Annex L does not have."""


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
