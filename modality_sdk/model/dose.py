"""What a device says of itself when it reports dose (PS3.16 TID 10001, PS3.3 C.7.4.2)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from modality_sdk.model.code import Code

__all__ = ["AcquisitionDeviceType", "DoseReporting", "DoseSource", "ReferencePoint", "Synchronization"]


_ENGLISH: Final = Code(value="en", scheme="RFC5646", meaning="English")


class AcquisitionDeviceType(StrEnum):
    """Kind of radiography system: CID 10032, code values of the scheme DCM (PS3.16)."""

    INTEGRATED = "113958"
    """Generator and detector are one system, which knows the dose."""
    CASSETTE_BASED = "113959"


class ReferencePoint(StrEnum):
    """Where Dose (RP) holds: CID 10025, code values of the scheme DCM (PS3.16)."""

    ISOCENTER_15_CM = "113860"
    """15 cm from the isocenter toward the source."""
    IMAGE_INPUT_SURFACE_30_CM = "113861"
    """30 cm in front of the image input surface."""
    TABLETOP_1_CM = "113862"
    TABLETOP_30_CM = "113863"
    TABLE_CENTERLINE_15_CM = "113864"
    DETECTOR_PLANE = "113941"
    SURFACE_OF_PATIENT = "113964"
    SOURCE_100_CM = "113965"


class DoseSource(StrEnum):
    """Where the dose values of exposures come from: of CID 10020, code values (PS3.16)."""

    AUTOMATED_DATA_COLLECTION = "113856"
    MANUAL_ENTRY = "113857"
    SYSTEM_CALCULATED = "113940"
    DOSIMETER = "15869005"


@dataclass(frozen=True, kw_only=True)
class Synchronization:
    """How the clock is synchronized (PS3.3 C.7.4.2).

    Attributes
    ----------
    frame_of_reference_uid
        Shared by all devices on the same clock; that of UTC where time comes from a time server.
    trigger
        ``SOURCE``, ``EXTERNAL``, ``PASSTHRU`` or ``NO TRIGGER``.
    acquisition_time_synchronized
        Whether acquisition times are synchronized with an external clock.
    time_source
        Name of the server or receiver.
    time_distribution_protocol
        ``NTP``, ``IRIG``, ``GPS``, ``SNTP`` or ``PTP``.
    ntp_source_address
        IP address of the server.
    """

    frame_of_reference_uid: str
    trigger: str = "NO TRIGGER"
    acquisition_time_synchronized: bool = True
    time_source: str = ""
    time_distribution_protocol: str = ""
    ntp_source_address: str = ""


@dataclass(frozen=True, kw_only=True)
class DoseReporting:
    """How one device reports dose; the same for all its reports.

    Attributes
    ----------
    device_observer_uid
        UID of the device itself, made once at its installation (PS3.16 TID 1004).
    reference_point
        Where measured values of Dose (RP) hold and computed ones are to.
    sources
        Where dose area products and measured values of Dose (RP) come from. What the SDK computes is marked
        *System Calculated* besides.
    detector_type
        Of a cassette-based system: ``STORAGE``, ``DIRECT``, ``SCINTILLATOR`` or ``FILM``.
    language
        Of the texts in the report: RFC 5646.
    synchronization
        None where the clock is not synchronized from outside.
    """

    device_observer_uid: str
    device_type: AcquisitionDeviceType = AcquisitionDeviceType.INTEGRATED
    reference_point: ReferencePoint = ReferencePoint.IMAGE_INPUT_SURFACE_30_CM
    sources: tuple[DoseSource, ...] = (DoseSource.AUTOMATED_DATA_COLLECTION,)
    detector_type: str = "STORAGE"
    language: Code = _ENGLISH
    synchronization: Synchronization | None = None
