"""The performed procedure step: what was really done (PS3.3 section B.17, PS3.4 Annex F)."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from modality_sdk.model.acquisition import PresentationIntent
from modality_sdk.model.code import Code
from modality_sdk.model.patient import Patient
from modality_sdk.model.reference import SopReference
from modality_sdk.model.states import StepStatus
from modality_sdk.model.worklist import WorklistItem

__all__ = [
    "DiscontinuationReason",
    "Equipment",
    "PerformedProcedureStep",
    "PerformedSeries",
    "ProtocolChoice",
    "RejectionReason",
]


class DiscontinuationReason(StrEnum):
    """Why a step was not finished: CID 9301, code values of the scheme DCM (PS3.16)."""

    DOCTOR_CANCELED_PROCEDURE = "110500"
    EQUIPMENT_FAILURE = "110501"
    INCORRECT_PROCEDURE_ORDERED = "110502"
    PATIENT_ALLERGIC = "110503"
    PATIENT_DIED = "110504"
    PATIENT_REFUSED = "110505"
    PATIENT_TAKEN_FOR_TREATMENT = "110506"
    PATIENT_DID_NOT_ARRIVE = "110507"
    PATIENT_PREGNANT = "110508"
    CHANGE_FOR_CORRECT_CHARGING = "110509"
    DUPLICATE_ORDER = "110510"
    NURSING_UNIT_CANCEL = "110511"
    INCORRECT_SIDE_ORDERED = "110512"
    UNSPECIFIED = "110513"
    INCORRECT_WORKLIST_ENTRY = "110514"
    PATIENT_CONDITION = "110515"
    EQUIPMENT_CHANGE = "110516"


class RejectionReason(StrEnum):
    """Why an image was rejected: CID 7011, code values of the scheme DCM (PS3.16)."""

    IMAGE_ARTIFACT = "111207"
    GRID_ARTIFACT = "111208"
    POSITIONING = "111209"
    MOTION_BLUR = "111210"
    UNDER_EXPOSED = "111211"
    OVER_EXPOSED = "111212"
    NO_IMAGE = "111213"
    DETECTOR_ARTIFACT = "111214"
    OTHER_ARTIFACT = "111215"
    MECHANICAL_FAILURE = "111216"
    ELECTRICAL_FAILURE = "111217"
    SOFTWARE_FAILURE = "111218"
    INAPPROPRIATE_PROCESSING = "111219"
    OTHER_FAILURE = "111220"
    UNKNOWN_FAILURE = "111221"
    DOUBLE_EXPOSURE = "113026"


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """The device that made the objects (PS3.3 C.7.5.1 and C.7.5.2)."""

    manufacturer: str = ""
    manufacturer_model_name: str = ""
    device_serial_number: str = ""
    software_versions: tuple[str, ...] = ()
    station_name: str = ""
    institution_name: str = ""


@dataclass(frozen=True, kw_only=True)
class ProtocolChoice:
    """The device protocol chosen for a series: Protocol Name, (0018,1030), and its codes."""

    name: str
    codes: tuple[Code, ...] = ()


@dataclass(frozen=True, kw_only=True, repr=False)
class PerformedSeries:
    """One series of a step with what it holds (an item of the Performed Series Sequence).

    A series belongs to one step, one modality and one presentation intent; it is never shared.
    """

    series_instance_uid: str
    series_number: int
    modality: str
    presentation_intent: PresentationIntent | None = None
    """None for what is no image: presentation states, reports, notes."""
    protocol_name: str
    description: str = ""
    operators: tuple[str, ...] = ()
    performing_physicians: tuple[str, ...] = ()
    body_part: str = ""
    laterality: str = ""
    retrieve_ae_title: str = ""
    images: tuple[SopReference, ...] = ()
    non_images: tuple[SopReference, ...] = ()

    def __repr__(self) -> str:
        return f"PerformedSeries({self.series_instance_uid!r}, {self.modality!r}, …)"


@dataclass(frozen=True, kw_only=True, repr=False)
class PerformedProcedureStep:
    """Everything that objects and MPPS messages of one step have in common.

    The values are decided once, when the step starts; objects, MPPS and dose report copy them.

    Attributes
    ----------
    sop_instance_uid
        The MPPS instance; allocated before the first exposure, whether or not MPPS is in use.
    items
        The scheduled steps performed; empty for an unscheduled step.
    accession_number
        As the objects carry it: the item's, or what the operator typed where no item has one; empty if grouped items
        differ.
    started, ended
        Aware times; their UTC offset is the one that objects and MPPS carry.
    operators, performing_physicians
        Defaults of the step's series.
    specific_character_set
        Used in all messages of the step (PS3.4 F.7.2.2.1).
    """

    sop_instance_uid: str
    performed_procedure_step_id: str
    status: StepStatus = StepStatus.DRAFT
    patient: Patient
    items: tuple[WorklistItem, ...] = ()
    study_instance_uid: str
    study_id: str = ""
    study_date: date
    study_time: time
    accession_number: str = ""
    referring_physician_name: str = ""
    modality: str
    performed_station_ae_title: str
    performed_station_name: str = ""
    performed_location: str = ""
    started: datetime
    ended: datetime | None = None
    description: str = ""
    procedure_type_description: str = ""
    procedure_codes: tuple[Code, ...] = ()
    performed_protocol_codes: tuple[Code, ...] = ()
    protocol_name: str = ""
    discontinuation_reason: DiscontinuationReason | None = None
    comments: str = ""
    operators: tuple[str, ...] = ()
    performing_physicians: tuple[str, ...] = ()
    equipment: Equipment = field(default_factory=Equipment)
    specific_character_set: tuple[str, ...] = ("ISO_IR 192",)

    def __repr__(self) -> str:
        return f"PerformedProcedureStep({self.sop_instance_uid!r}, {self.status.value!r}, …)"

    @property
    def is_scheduled(self) -> bool:
        """Whether the step performs at least one scheduled step."""
        return bool(self.items)
