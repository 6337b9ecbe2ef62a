"""The rules that settings obey beyond their types."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from pydicom.charset import python_encoding
from pydicom.uid import ImplicitVRLittleEndian

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import Detector, Equipment, Peer, TlsOptions
from modality_sdk.uid import UidGenerator, is_uid

__all__ = [
    "check_detector",
    "check_equipment",
    "check_peers",
    "check_role",
    "check_tls",
    "check_uid",
    "check_uid_root",
    "nearest",
]

_PEER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_CODE_STRING = re.compile(r"[A-Z0-9_ ]{1,16}")
_TLS_PROFILES = ("bcp195_9325", "modified_9325", "legacy_nondowngrading", "legacy_aes")
_DETECTOR_TYPES = ("DIRECT", "SCINTILLATOR", "STORAGE", "FILM")


def nearest(name: str, known: Collection[str]) -> str:
    """A clause that names the known name most like ``name``; empty when none is."""
    match = get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f" (did you mean {match[0]!r}?)" if match else ""


def check_uid_root(uid_root: str) -> None:
    """See `UidGenerator`."""
    UidGenerator(uid_root)


def check_uid(field: str, uid: str) -> None:
    """A UID (PS3.5 section 9.1)."""
    if not is_uid(uid):
        raise ConfigurationError(field, "is a UID: digits and dots, no leading zeros, at most 64 characters", uid)


def check_equipment(equipment: Equipment, modality: str) -> None:
    """Texts that go into every object fit their value representations (PS3.5 section 6.2)."""
    _check_text("station_name", equipment.station_name, 16)
    _check_text("institution", equipment.institution_name, 64)
    _check_text("manufacturer", equipment.manufacturer, 64)
    _check_text("model", equipment.manufacturer_model_name, 64)
    _check_text("serial_number", equipment.device_serial_number, 64)
    for version in equipment.software_versions:
        _check_text("software_versions", version, 64)
    if not _CODE_STRING.fullmatch(modality) or not modality.strip():
        rule = "is a code of at most 16 upper-case letters, digits and underscores, like DX"
        raise ConfigurationError("modality", rule, modality)


def check_detector(detector: Detector) -> None:
    """The detector of ``[detector]`` (PS3.3 C.8.11.3 and C.8.11.4)."""
    if not all(spacing > 0 for spacing in detector.imager_pixel_spacing):
        rule = "is the spacing of rows and of columns in mm, both greater than 0"
        raise ConfigurationError("detector.imager_pixel_spacing", rule, detector.imager_pixel_spacing)
    if not 6 <= detector.bits_stored <= 16:
        raise ConfigurationError("detector.bits_stored", "lies between 6 and 16", detector.bits_stored)
    if detector.pixel_intensity_relationship_sign not in (1, -1):
        raise ConfigurationError(
            "detector.pixel_intensity_relationship_sign", "is 1 or -1", detector.pixel_intensity_relationship_sign
        )
    if detector.detector_type not in _DETECTOR_TYPES:
        raise ConfigurationError("detector.detector_type", f"is {_either(_DETECTOR_TYPES)}", detector.detector_type)
    _check_text("detector.detector_id", detector.detector_id, 16)
    _check_text("detector.description", detector.description, 1024)


def check_peers(peers: Mapping[str, Peer]) -> None:
    """Names, commitment, character sets, TLS of every peer."""
    for name, peer in peers.items():
        where = f"peers.{name}"
        if not _PEER_NAME.fullmatch(name) or "__" in name:
            rule = "a peer's name is letters, digits and single . - _ and starts with a letter or digit"
            raise ConfigurationError("peers", rule, name)
        if isinstance(peer.commitment, str):
            check_role(f"{where}.commitment", peer.commitment, peers)
        for field in ("query_charset", "assume_charset"):
            _check_charset(f"{where}.{field}", getattr(peer, field))
        if peer.maximum_pdu < 4096 and peer.maximum_pdu != 0:
            rule = "is 0 for no limit, or at least 4096 bytes"
            raise ConfigurationError(f"{where}.maximum_pdu", rule, peer.maximum_pdu)
        allowed = peer.transfer_syntaxes
        if peer.quirks.implicit_only and allowed and ImplicitVRLittleEndian not in allowed:
            rule = "contradicts transfer_syntaxes, which leaves out ImplicitVRLittleEndian"
            raise ConfigurationError(f"{where}.quirks.implicit_only", rule)
        check_tls(f"{where}.tls", peer.tls)


def check_role(field: str, value: str | tuple[str, ...], peers: Mapping[str, Peer]) -> None:
    """Every peer that plays the role is configured, and none is named twice; empty for nobody."""
    names = ((value,) if value else ()) if isinstance(value, str) else value
    for name in names:
        if name not in peers:
            rule = f"must name a configured peer{nearest(name, peers)}"
            raise ConfigurationError(field, rule, name)
    if len(set(names)) < len(names):
        raise ConfigurationError(field, "names a peer twice", list(names))


def check_tls(field: str, tls: TlsOptions | None) -> None:
    """Profile and files of TLS; a key stands in a file of its own, never in the configuration."""
    if tls is None:
        return
    if tls.profile not in _TLS_PROFILES:
        raise ConfigurationError(f"{field}.profile", f"is {_either(_TLS_PROFILES)}", tls.profile)
    if (tls.certificate is None) != (tls.key is None):
        missing = "key" if tls.key is None else "certificate"
        raise ConfigurationError(f"{field}.{missing}", "certificate and key are given together or not at all")
    for key, paths in {"key": (tls.key,), "certificate": (tls.certificate,), "trust": tls.trust}.items():
        for path in paths:
            if path is not None and "-----" in str(path):
                raise ConfigurationError(f"{field}.{key}", "names a file; what is in it does not stand here")
            if path is not None and not path.is_file():
                raise ConfigurationError(f"{field}.{key}", "names a file that does not exist", str(path))


def _check_text(field: str, text: str, maximum: int) -> None:
    if len(text) > maximum or "\\" in text or any(ord(c) < 0x20 or ord(c) == 0x7F for c in text):
        raise ConfigurationError(field, f"is at most {maximum} characters without backslash or control character", text)


def _check_charset(field: str, charset: str) -> None:
    if charset and any(term not in python_encoding for term in charset.split("\\")):
        raise ConfigurationError(field, "is a defined term of Specific Character Set, like ISO_IR 100", charset)


def _either(terms: Collection[str]) -> str:
    *head, last = terms
    return f"{', '.join(head)} or {last}"
