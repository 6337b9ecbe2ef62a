"""The table ``[encryption]``: where the key of the encryption at rest comes from."""

import base64
import binascii
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from modality_sdk.errors import ConfigurationError

__all__ = ["Encryption", "refuse_pasted_key", "write_key_file"]

_LENGTH = 32
_RULE = f"is {_LENGTH} bytes in hexadecimal ({2 * _LENGTH} digits) or base64"
_NO_KEY = "names a file; the key itself never stands here"
_LARGEST = 1 << 10


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """The key of the encryption at rest: from the environment or from a file, never from the configuration file itself.

    Attributes
    ----------
    key
        In hexadecimal or base64; ``MODALITY_ENCRYPTION__KEY``. Goes before the file.
    key_file
        Its file: 32 bytes as they are, or as text in hexadecimal or base64. Not for group and others to read.
    """

    key: SecretStr | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        if self.key is None and self.key_file is None:
            rule = "needs a key_file, or the key in MODALITY_ENCRYPTION__KEY; leave the table out for no encryption"
            raise ConfigurationError("encryption", rule)
        if self.key is not None and _decoded(self.key.get_secret_value()) is None:
            raise ConfigurationError("encryption.key", _RULE)
        if _decoded(str(self.key_file)) is not None:
            raise ConfigurationError("encryption.key_file", _NO_KEY)

    def read_key(self) -> bytes:
        """The key.

        Raises
        ------
        ConfigurationError
            When the file cannot be read, holds no key, or is readable by others (not looked at on Windows).
        """
        key = _decoded(self.key.get_secret_value()) if self.key is not None else None
        return key or _read(self.key_file or Path())


def _read(file: Path) -> bytes:
    field = "encryption.key_file"
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            content = opened.read(_LARGEST)
    except OSError as error:
        raise ConfigurationError(field, f"cannot be read ({error.strerror})", str(file)) from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise ConfigurationError(field, "must be its owner's alone (chmod 600)", str(file))
    key = content if len(content) == _LENGTH else _decoded(content.decode("ascii", "replace"))
    if key is None:
        raise ConfigurationError(field, f"must hold a key, which {_RULE}, or the bytes themselves", str(file))
    return key


def refuse_pasted_key(table: Any) -> None:
    """Refuse a key in the table ``[encryption]`` of a configuration file, which is copied, mailed and checked in."""
    if not isinstance(table, dict):
        return
    if "key" in table:
        rule = "never stands in the configuration file; name a key_file, or set MODALITY_ENCRYPTION__KEY"
        raise ConfigurationError("encryption.key", rule)
    if _decoded(str(table.get("key_file", ""))) is not None:
        raise ConfigurationError("encryption.key_file", _NO_KEY)


def write_key_file(path: Path) -> None:
    """Write a new random key to a new file, its owner's alone.

    Raises
    ------
    ConfigurationError
        The file exists already, or cannot be written.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_LENGTH) + "\n")
            file.flush()
            os.fsync(file.fileno())  # what is sealed with a key that is lost is lost
    except FileExistsError:
        raise ConfigurationError(str(path), "exists already and is not overwritten") from None
    except OSError as error:
        raise ConfigurationError(str(path), f"cannot be written ({error.strerror})") from None


def _decoded(text: str) -> bytes | None:
    """The key that ``text`` writes; None when it writes none."""
    text = text.strip()
    if re.fullmatch(rf"[0-9A-Fa-f]{{{2 * _LENGTH}}}", text):
        return bytes.fromhex(text)
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == _LENGTH else None
