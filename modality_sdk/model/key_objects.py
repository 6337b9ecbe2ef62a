"""Why objects are singled out, and by whom (PS3.16 TID 2010, TID 1002)."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["DeviceObserver", "KeyObjectTitle", "PersonObserver"]


class KeyObjectTitle(StrEnum):
    """Title of a key object document: code values of CID 7010, scheme DCM (PS3.16), as far as a modality needs them."""

    OF_INTEREST = "113000"
    REJECTED_FOR_QUALITY = "113001"
    FOR_REFERRING_PROVIDER = "113002"
    FOR_SURGERY = "113003"
    FOR_TEACHING = "113004"
    FOR_CONFERENCE = "113005"
    FOR_THERAPY = "113006"
    FOR_PATIENT = "113007"
    FOR_PEER_REVIEW = "113008"
    FOR_RESEARCH = "113009"
    QUALITY_ISSUE = "113010"
    BEST_IN_SET = "113013"
    FOR_PRINTING = "113018"
    FOR_REPORT_ATTACHMENT = "113020"
    REJECTED_FOR_PATIENT_SAFETY = "113037"
    INCORRECT_WORKLIST_ENTRY = "113038"
    DATA_RETENTION_POLICY_EXPIRED = "113039"


@dataclass(frozen=True, kw_only=True, repr=False)
class PersonObserver:
    """The person who singled the objects out (PS3.16 TID 1003); the name as in PN."""

    name: str
    organization: str = ""


@dataclass(frozen=True, kw_only=True, repr=False)
class DeviceObserver:
    """The device that did it by itself (PS3.16 TID 1004)."""

    uid: str
    name: str = ""
    manufacturer: str = ""
    model_name: str = ""
    serial_number: str = ""
    location: str = ""
