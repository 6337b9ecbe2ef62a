"""Identifiers with their issuers, written to objects and MPPS, read from the worklist (PS3.3 10.1, 10.14, 10.15)."""

from typing import TypeVar

from pydicom import Dataset

from modality_sdk.dataset.codes import code_item, code_sequence, read_codes
from modality_sdk.dataset.dictionary import assign_known, build
from modality_sdk.dataset.reading import Reader
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.model import Code, Issuer, OtherPatientId, Patient, PatientIdQualifiers, PersonIdentification

__all__ = [
    "issuer_sequence",
    "patient_identification",
    "person_sequence",
    "read_issuer",
    "read_other_patient_ids",
    "read_person",
    "read_qualifiers",
]

_T = TypeVar("_T")


def issuer_sequence(issuer: Issuer) -> list[Dataset]:
    """The one item of an issuer sequence; none when the issuer is not known (PS3.3 Table 10-17).

    Raises
    ------
    MissingAttribute
        A universal entity ID without its type.
    """
    dataset = Dataset()
    assign_known(dataset, LocalNamespaceEntityID=issuer.local_namespace_entity_id)
    _assign_universal(dataset, issuer.universal_entity_id, issuer.universal_entity_id_type)
    return [dataset] if issuer else []


def read_issuer(reader: Reader, keyword: str) -> Issuer:
    """Read an issuer sequence; an issuer that nobody could write again is left out and reported."""
    item = _only(reader, keyword)
    if item is None:
        return Issuer()
    identifier, kind = _read_universal(item)
    return Issuer(
        local_namespace_entity_id=item.text("LocalNamespaceEntityID"),
        universal_entity_id=identifier,
        universal_entity_id_type=kind,
    )


def patient_identification(patient: Patient) -> Dataset:
    """The patient as objects and MPPS name them alike (PS3.3 C.7.1.1, PS3.4 Table F.7.2-1)."""
    dataset = build(
        PatientName=patient.name,
        PatientID=patient.patient_id,
        PatientBirthDate=patient.birth_date,
        PatientSex=patient.sex,
    )
    assign_known(
        dataset,
        IssuerOfPatientID=patient.issuer_of_patient_id,
        IssuerOfPatientIDQualifiersSequence=_qualifiers_sequence(patient.issuer_of_patient_id_qualifiers),
        OtherPatientIDsSequence=[_other_patient_id(other) for other in patient.other_patient_ids],
    )
    return dataset


def _other_patient_id(other: OtherPatientId) -> Dataset:
    if not other.patient_id or not other.type_of_patient_id:
        raise MissingAttribute("OtherPatientIDsSequence", "each item has an identifier and its type (PS3.3 C.7.1.1)")
    dataset = build(PatientID=other.patient_id, TypeOfPatientID=other.type_of_patient_id)
    assign_known(
        dataset,
        IssuerOfPatientID=other.issuer_of_patient_id,
        IssuerOfPatientIDQualifiersSequence=_qualifiers_sequence(other.issuer_of_patient_id_qualifiers),
    )
    return dataset


def read_other_patient_ids(reader: Reader, keyword: str) -> tuple[OtherPatientId, ...]:
    """Read the Other Patient IDs Sequence; an identifier that would have to be cut is left out and reported."""
    others = []
    for item in reader.items(keyword):
        try:
            patient_id = item.identifier("PatientID")
            issuer = item.identifier("IssuerOfPatientID")
        except InvalidValue as error:
            reader.report(keyword, f"an item is left out: {error.attribute}: {error.rule}")
            continue
        if patient_id:
            other = OtherPatientId(
                patient_id=patient_id,
                issuer_of_patient_id=issuer,
                issuer_of_patient_id_qualifiers=read_qualifiers(item, "IssuerOfPatientIDQualifiersSequence"),
                type_of_patient_id=item.text("TypeOfPatientID") or "TEXT",
            )
            others.append(other)
    return tuple(others)


def _qualifiers_sequence(qualifiers: PatientIdQualifiers) -> list[Dataset]:
    dataset = Dataset()
    _assign_universal(dataset, qualifiers.universal_entity_id, qualifiers.universal_entity_id_type)
    assign_known(
        dataset,
        IdentifierTypeCode=qualifiers.identifier_type_code,
        AssigningFacilitySequence=issuer_sequence(qualifiers.assigning_facility),
        AssigningJurisdictionCodeSequence=_one_code(qualifiers.assigning_jurisdiction),
        AssigningAgencyOrDepartmentCodeSequence=_one_code(qualifiers.assigning_agency_or_department),
    )
    return [dataset] if qualifiers else []


def read_qualifiers(reader: Reader, keyword: str) -> PatientIdQualifiers:
    """Read the Issuer of Patient ID Qualifiers Sequence (PS3.3 Table 10-18)."""
    item = _only(reader, keyword)
    if item is None:
        return PatientIdQualifiers()
    identifier, kind = _read_universal(item)
    return PatientIdQualifiers(
        universal_entity_id=identifier,
        universal_entity_id_type=kind,
        identifier_type_code=item.text("IdentifierTypeCode"),
        assigning_facility=read_issuer(item, "AssigningFacilitySequence"),
        assigning_jurisdiction=_first(read_codes(item, "AssigningJurisdictionCodeSequence")),
        assigning_agency_or_department=_first(read_codes(item, "AssigningAgencyOrDepartmentCodeSequence")),
    )


def person_sequence(person: PersonIdentification | None) -> list[Dataset]:
    """The one item of a physician's identification; none where codes or institution, both Type 1, are not known."""
    if person is None or not person.codes or not (person.institution_name or person.institution_code):
        return []
    dataset = build(PersonIdentificationCodeSequence=code_sequence(person.codes))
    assign_known(
        dataset,
        PersonAddress=person.address,
        PersonTelephoneNumbers=person.telephone_numbers,
        PersonTelecomInformation=person.telecom_information,
        InstitutionName=person.institution_name,
        InstitutionAddress=person.institution_address,
        InstitutionCodeSequence=_one_code(person.institution_code),
    )
    return [dataset]


def read_person(reader: Reader, keyword: str) -> PersonIdentification | None:
    """Read the identification of a physician; None without a code."""
    item = _only(reader, keyword)
    codes = read_codes(item, "PersonIdentificationCodeSequence") if item else ()
    if item is None or not codes:
        return None
    person = PersonIdentification(
        codes=codes,
        address=item.text("PersonAddress"),
        telephone_numbers=item.texts("PersonTelephoneNumbers"),
        telecom_information=item.text("PersonTelecomInformation"),
        institution_name=item.text("InstitutionName"),
        institution_address=item.text("InstitutionAddress"),
        institution_code=_first(read_codes(item, "InstitutionCodeSequence")),
    )
    if not person.institution_name and not person.institution_code:
        reader.report(keyword, "names no institution, so that no object can carry it (PS3.3 Table 10-1)")
    return person


def _assign_universal(dataset: Dataset, identifier: str, kind: str) -> None:
    if identifier and not kind:
        raise MissingAttribute("UniversalEntityIDType", "goes with a universal entity ID (PS3.3 Table 10-17)")
    if identifier:
        assign_known(dataset, UniversalEntityID=identifier, UniversalEntityIDType=kind)


def _read_universal(item: Reader) -> tuple[str, str]:
    identifier, kind = item.text("UniversalEntityID"), item.text("UniversalEntityIDType")
    if identifier and not kind:
        item.report("UniversalEntityIDType", "is missing, its universal entity ID is left out (PS3.3 Table 10-17)")
    return (identifier, kind) if identifier and kind else ("", "")


def _only(reader: Reader, keyword: str) -> Reader | None:
    items = list(reader.items(keyword))
    if len(items) > 1:
        reader.report(keyword, "has several items, the first one is used")
    return _first(tuple(items))


def _one_code(code: Code | None) -> list[Dataset]:
    return [] if code is None else [code_item(code)]


def _first(values: tuple[_T, ...]) -> _T | None:
    return values[0] if values else None
