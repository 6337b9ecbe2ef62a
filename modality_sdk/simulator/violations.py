"""A rule of the standard that a message broke."""

from dataclasses import dataclass

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.tag import BaseTag, Tag

from modality_sdk.simulator.answers import Status

__all__ = ["Violation", "name_of", "violation"]


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One rule broken by one attribute.

    Attributes
    ----------
    status
        The status that it earns.
    path
        Keywords from the root to the attribute, joined by ``>``.
    tag
        Of the attribute.
    rule
        The rule, without any value.
    """

    status: Status
    path: str
    tag: BaseTag
    rule: str

    def __str__(self) -> str:
        return f"{self.status:04X} {self.path}: {self.rule}"


def violation(status: Status, keyword: str, rule: str, path: str = "") -> Violation:
    """Make a `Violation` of the attribute named by its keyword; the path is the keyword unless one is given."""
    return Violation(status=status, path=path or keyword, tag=Tag(tag_for_keyword(keyword) or 0), rule=rule)


def name_of(tag: BaseTag | int) -> str:
    """Keyword of an attribute, or its tag where it has none."""
    return keyword_for_tag(tag) or str(Tag(tag))
