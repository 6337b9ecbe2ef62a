"""The pair that names an object: SOP class and SOP instance travel together from the builder on."""

from dataclasses import dataclass

__all__ = ["SopReference"]


@dataclass(frozen=True, kw_only=True, order=True)
class SopReference:
    """SOP Class UID and SOP Instance UID of one object (PS3.3 section 10.8)."""

    sop_class_uid: str
    sop_instance_uid: str
