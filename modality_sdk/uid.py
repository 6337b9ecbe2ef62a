"""Unique identifiers: made from random bits of the operating system, never from a clock or a counter alone.

A UID of serial number, time and counter collides as soon as two units share a serial number, a process restarts or
a clock is set back; 80 random bits and more do not (PS3.5 section 9 and Annex B).
"""

import re
import secrets
import uuid
from typing import Protocol

from modality_sdk.errors import ConfigurationError

__all__ = ["IMPLEMENTATION_CLASS_UID", "IMPLEMENTATION_VERSION_NAME", "UidGenerator", "UidSource", "is_uid"]

# Implementation Class UID, (0002,0012), names this implementation for good, so it is a constant. PS3.5 section B.2
# wants design-time identifiers under a registered root; the SDK has none yet, and a product with one overrides this.
IMPLEMENTATION_CLASS_UID = "2.25.268813838581985257414043598473571712246"
IMPLEMENTATION_VERSION_NAME = "MODALITY_SDK_010"

_MAXIMUM_LENGTH = 64
_MINIMUM_BITS = 80
_MAXIMUM_BITS = 128
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*")
_UUID_ROOT = "2.25"
_DICOM_ROOT = "1.2.840.10008"  # the arc itself, which no dictionary lists


class UidSource(Protocol):
    """Where UIDs come from; a test gives its own."""

    def new(self) -> str:
        """A UID that was never given out before, by anybody."""


class UidGenerator:
    """Makes UIDs, the same way for every process, thread and restart.

    Parameters
    ----------
    root
        The organisation's registered root, without a dot at its end; ``2.25.`` and a random UUID when empty
        (PS3.5 section B.2).
    device
        A further arc that tells units apart, 0 or more; only with a root.

    Raises
    ------
    ConfigurationError
        The root is malformed, belongs to somebody else, or leaves no room for 80 random bits.
    """

    def __init__(self, root: str = "", device: int | None = None) -> None:
        if root:
            _check_root(root)
        if device is not None and not root:
            raise ConfigurationError("device", "needs a uid_root to stand under", device)
        if device is not None and device < 0:
            raise ConfigurationError("device", "must not be negative", device)
        self._prefix = "".join(f"{arc}." for arc in (root, device) if arc not in ("", None))
        self._bits = _random_bits(self._prefix)
        if self._prefix and self._bits < _MINIMUM_BITS:
            raise ConfigurationError(
                "uid_root", f"leaves no room for {_MINIMUM_BITS} random bits within {_MAXIMUM_LENGTH} characters", root
            )

    def new(self) -> str:
        """A new UID of at most 64 characters."""
        if not self._prefix:
            return f"{_UUID_ROOT}.{uuid.uuid4().int}"
        return f"{self._prefix}{secrets.randbits(self._bits)}"


def is_uid(text: str) -> bool:
    """Whether ``text`` is a UID as PS3.5 section 9.1 writes it.

    At most 64 characters, components of digits separated by single dots, no leading zeros, no padding.
    """
    return len(text) <= _MAXIMUM_LENGTH and _UID.fullmatch(text) is not None


def _random_bits(prefix: str) -> int:
    """The most random bits (up to those of a UUID) whose decimal form always fits behind ``prefix``."""
    digits = max(_MAXIMUM_LENGTH - len(prefix), 0)
    return min(int(10**digits).bit_length() - 1, _MAXIMUM_BITS)


def _check_root(root: str) -> None:
    # the value is shown in every case: a root is public
    if not is_uid(root):
        rule = "is digits and single dots, without leading zeros, empty components or a dot at either end"
        raise ConfigurationError("uid_root", rule, root)
    first, _, rest = root.partition(".")
    if not rest or first not in ("0", "1", "2") or (first != "2" and int(rest.split(".")[0]) > 39):
        # ITU-T X.660: three top arcs, and at most 40 below the first two
        raise ConfigurationError("uid_root", "is not a registered arc: it starts with 0., 1. or 2.", root)
    if _is_under(root, _UUID_ROOT):
        rule = "cannot be 2.25 or below it: what follows 2.25 must be one whole UUID; leave it empty for UUID UIDs"
        raise ConfigurationError("uid_root", rule, root)
    if _is_under(root, _DICOM_ROOT):
        raise ConfigurationError("uid_root", f"cannot lie under {_DICOM_ROOT}, which is the DICOM standard's own", root)


def _is_under(root: str, arc: str) -> bool:
    return f"{root}.".startswith(f"{arc}.")
