"""Who gave an identifier, and how persons are identified by code (PS3.3 Tables 10-1, 10-17 and 10-18)."""

from dataclasses import dataclass, field

from modality_sdk.model.code import Code

__all__ = ["Issuer", "OtherPatientId", "PatientIdQualifiers", "PersonIdentification"]


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """An assigning authority: a name known locally, or an identifier known everywhere (PS3.3 Table 10-17).

    It is true when it says anything; ``str()`` gives its shortest name.

    Attributes
    ----------
    universal_entity_id_type
        DNS, EUI64, ISO, URI, UUID, X400 or X500; needed with a universal entity ID.
    """

    local_namespace_entity_id: str = ""
    universal_entity_id: str = ""
    universal_entity_id_type: str = ""

    @classmethod
    def of(cls, issuer: "Issuer | str") -> "Issuer":
        """The issuer itself; a text is taken for the local namespace."""
        return cls(local_namespace_entity_id=issuer) if isinstance(issuer, str) else issuer

    def __str__(self) -> str:
        return self.local_namespace_entity_id or self.universal_entity_id

    def __bool__(self) -> bool:
        return bool(self.local_namespace_entity_id or self.universal_entity_id)


@dataclass(frozen=True, kw_only=True)
class PatientIdQualifiers:
    """What further tells one issuer of Patient IDs from another (PS3.3 Table 10-18). True when it says anything."""

    universal_entity_id: str = ""
    universal_entity_id_type: str = ""
    identifier_type_code: str = ""
    """A code of HL7 table 0203: ``MR``, ``NI``."""
    assigning_facility: Issuer = field(default_factory=Issuer)
    assigning_jurisdiction: Code | None = None
    assigning_agency_or_department: Code | None = None

    def __bool__(self) -> bool:
        return self != PatientIdQualifiers()


@dataclass(frozen=True, kw_only=True, repr=False)
class OtherPatientId:
    """One more identifier of the patient (an item of the Other Patient IDs Sequence, PS3.3 C.7.1.1)."""

    patient_id: str
    issuer_of_patient_id: str = ""
    issuer_of_patient_id_qualifiers: PatientIdQualifiers = field(default_factory=PatientIdQualifiers)
    type_of_patient_id: str = "TEXT"
    """``TEXT``, ``RFID`` or ``BARCODE``."""

    @classmethod
    def of(cls, patient_id: "OtherPatientId | str") -> "OtherPatientId":
        """The identifier itself; a text is taken for one without an issuer."""
        return cls(patient_id=patient_id) if isinstance(patient_id, str) else patient_id

    def __repr__(self) -> str:
        return "OtherPatientId(…)"


@dataclass(frozen=True, kw_only=True, repr=False)
class PersonIdentification:
    """A physician by code, with the institution that answers for the code (PS3.3 Table 10-1)."""

    codes: tuple[Code, ...]
    address: str = ""
    telephone_numbers: tuple[str, ...] = ()
    telecom_information: str = ""
    institution_name: str = ""
    institution_address: str = ""
    institution_code: Code | None = None

    def __repr__(self) -> str:
        return "PersonIdentification(…)"
