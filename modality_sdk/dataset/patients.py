"""Who is examined: one patient in a step, whose values can be right (PS3.3 C.7.1.1 and C.7.2.2, PS3.17 J.4)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from numbers import Real

from modality_sdk.errors import InvalidValue, StateError
from modality_sdk.model import OtherPatientId, Patient

__all__ = ["check_patient", "one_patient"]


def check_patient(patient: Patient) -> None:
    """Refuse values that no VR rule would find.

    Raises
    ------
    InvalidValue
        Names the attribute.
    """
    state = patient.state
    if patient.sex not in ("M", "F", "O", ""):
        raise InvalidValue("PatientSex", "is M, F, O or empty (PS3.3 C.7.1.1)")
    if patient.birth_date is not None and not _is_day(patient.birth_date):
        raise InvalidValue("PatientBirthDate", "is a date, neither a text nor a date with a time (PS3.3 C.7.1.1)")
    others: object = patient.other_patient_ids
    if not isinstance(others, tuple) or not all(isinstance(other, OtherPatientId) for other in others):
        raise InvalidValue("OtherPatientIDsSequence", "is a tuple of identifiers, not one text")
    if state.pregnancy_status is not None and not _is_pregnancy(state.pregnancy_status):
        raise InvalidValue("PregnancyStatus", "is 1 to 4 (PS3.3 C.7.2.2)")
    for keyword, value in (("PatientWeight", state.weight), ("PatientSize", state.size)):
        if value is not None and not _is_positive(value):
            raise InvalidValue(keyword, "is a positive number (PS3.3 C.7.2.2)")


def one_patient(patients: Sequence[Patient]) -> Patient:
    """The one patient that all of these are: the first, with the issuer that any of them names.

    Patients are the same when Patient ID and issuer are, where both name one; without any ID, when name and birth date
    are.

    Raises
    ------
    StateError
        They are different persons.
    """
    if not patients:
        return Patient()
    first = patients[0]
    identified = bool(first.patient_id)
    identities = {(p.patient_id,) if p.patient_id else ("", p.name, p.birth_date) for p in patients}
    issuers = {p.issuer_of_patient_id for p in patients} - {""}
    universal = {p.issuer_of_patient_id_qualifiers.universal_entity_id for p in patients} - {""}
    if len(identities) > 1 or (identified and (len(issuers) > 1 or len(universal) > 1)):
        raise StateError("one step examines one patient: PatientID and IssuerOfPatientID differ (PS3.17 J.4)")
    qualifiers = (p.issuer_of_patient_id_qualifiers for p in patients)
    return replace(
        first,
        issuer_of_patient_id=first.issuer_of_patient_id or next(iter(issuers), ""),
        issuer_of_patient_id_qualifiers=next((q for q in qualifiers if q), first.issuer_of_patient_id_qualifiers),
    )


# values come from programs without type checks, too
def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _is_pregnancy(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 4


def _is_positive(value: object) -> bool:
    return type(value) is not bool and isinstance(value, (Real, Decimal)) and isfinite(value) and float(value) > 0
