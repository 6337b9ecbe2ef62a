"""Items of a content tree by value type (PS3.3 C.17.3)."""

from pydicom import Dataset

from modality_sdk.dataset import build, code_item, reference_sequence
from modality_sdk.model import Code, SopReference

__all__ = ["code_content", "concept", "person_name_content", "reference_content", "text_content", "uid_content"]


def concept(value: str, meaning: str) -> Code:
    """A concept of the scheme DCM; its meaning as in PS3.16 Annex D."""
    return Code(value=value, scheme="DCM", meaning=meaning)


def code_content(relationship: str, name: Code, value: Code) -> Dataset:
    """A CODE item."""
    return build(
        RelationshipType=relationship,
        ValueType="CODE",
        ConceptNameCodeSequence=code_item(name),
        ConceptCodeSequence=code_item(value),
    )


def text_content(relationship: str, name: Code, value: str) -> Dataset:
    """A TEXT item."""
    return build(
        RelationshipType=relationship, ValueType="TEXT", ConceptNameCodeSequence=code_item(name), TextValue=value
    )


def uid_content(relationship: str, name: Code, value: str) -> Dataset:
    """A UIDREF item."""
    return build(RelationshipType=relationship, ValueType="UIDREF", ConceptNameCodeSequence=code_item(name), UID=value)


def person_name_content(relationship: str, name: Code, value: str) -> Dataset:
    """A PNAME item."""
    return build(
        RelationshipType=relationship, ValueType="PNAME", ConceptNameCodeSequence=code_item(name), PersonName=value
    )


def reference_content(relationship: str, value_type: str, sop: SopReference) -> Dataset:
    """An IMAGE or COMPOSITE item without a name (PS3.16 TID 2010)."""
    return build(RelationshipType=relationship, ValueType=value_type, ReferencedSOPSequence=reference_sequence([sop]))
