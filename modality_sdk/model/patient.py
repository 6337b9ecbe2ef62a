"""Who is examined (PS3.3 sections C.7.1.1 and C.7.2.2)."""

from dataclasses import dataclass, field
from datetime import date

from modality_sdk.model.code import Code
from modality_sdk.model.identifiers import OtherPatientId, PatientIdQualifiers
from modality_sdk.model.reference import SopReference

__all__ = ["Patient", "PatientState"]


@dataclass(frozen=True, kw_only=True, repr=False)
class PatientState:
    """What the examination has to take into account; every item asked for in the worklist query."""

    weight: float | None = None
    """Patient's Weight in kg."""
    size: float | None = None
    """Patient's Size in m."""
    state: str = ""
    pregnancy_status: int | None = None
    """1 not pregnant, 2 possibly, 3 definitely, 4 unknown (C.2.2)."""
    medical_alerts: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()
    special_needs: str = ""
    additional_history: str = ""
    comments: str = ""
    confidentiality_constraint: str = ""

    def __repr__(self) -> str:
        return "PatientState(…)"


@dataclass(frozen=True, kw_only=True, repr=False)
class Patient:
    """Identity of the patient. Its ``repr`` shows nothing of it, so that it may stand in a log by mistake."""

    name: str = ""
    """Person name as in PS3.5 section 6.2: ``Family^Given``, component groups separated by ``=``."""
    patient_id: str = ""
    issuer_of_patient_id: str = ""
    issuer_of_patient_id_qualifiers: PatientIdQualifiers = field(default_factory=PatientIdQualifiers)
    birth_date: date | None = None
    sex: str = ""
    """``M``, ``F``, ``O`` or empty when unknown."""
    other_patient_ids: tuple[OtherPatientId, ...] = ()
    """A text in it is taken for an identifier without an issuer."""
    referenced_patients: tuple[SopReference, ...] = ()
    state: PatientState = field(default_factory=PatientState)
    primary_languages: tuple[Code, ...] = ()

    def __post_init__(self) -> None:
        others: object = self.other_patient_ids
        if isinstance(others, (tuple, list)):
            object.__setattr__(self, "other_patient_ids", tuple(map(OtherPatientId.of, others)))

    def __repr__(self) -> str:
        return "Patient(…)"
