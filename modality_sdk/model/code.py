"""Coded concepts (PS3.3 section 8.8)."""

from dataclasses import dataclass

__all__ = ["Code"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Code:
    """One coded concept: Code Value, Coding Scheme Designator, Code Meaning.

    Two codes are equal when value, scheme and version are; the meaning is for people,
    and may be free text of a worklist: the ``repr`` leaves it out.
    """

    value: str
    scheme: str
    meaning: str
    version: str = ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Code):
            return NotImplemented
        return (self.value, self.scheme, self.version) == (other.value, other.scheme, other.version)

    def __repr__(self) -> str:
        return f"Code({self.value!r}, {self.scheme!r})"

    def __hash__(self) -> int:
        return hash((self.value, self.scheme, self.version))
