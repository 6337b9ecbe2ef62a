"""What a check found wrong with an object."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Severity"]


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "ERROR"
    """The object breaks the standard."""
    WARNING = "WARNING"
    """Allowed, but receivers may trip over it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong. The value itself is not repeated: it may be patient data.

    Attributes
    ----------
    attribute
        Keyword, with the path to it: ``ViewCodeSequence[1].CodeMeaning``, items counted from 1.
    rule
        What is broken, as a clause that follows the attribute.
    section
        Where the rule comes from: ``PS3.3 C.8.11.3``.
    sop_instance_uid
        Of the object; empty where it has none.
    """

    severity: Severity = Severity.ERROR
    attribute: str
    rule: str
    section: str
    sop_instance_uid: str = ""

    def __str__(self) -> str:
        return f"{self.severity.value.lower()}: {self.attribute} {self.rule} ({self.section})"
