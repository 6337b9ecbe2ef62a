"""Encryption at rest: how values of the journal and files of the spool are sealed, or left as they are.

Everything is AES-256 in Galois/Counter Mode, so that nothing that was changed is ever taken for what was written. What
is sealed also holds, without containing it, where it belongs: table, column and row, or SOP Instance UID. Values and
files cannot be put in each other's place. Keys are derived by HKDF (RFC 5869): one for the values, one for each file.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from modality_sdk.errors import ConfigurationError, QueueCorrupt, StateError
from modality_sdk.journal.sealed_file import HEADER, SealedReader, SealedWriter, new_header, plain_length

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["KEY_LENGTH", "PLAIN", "AesGcmSeal", "Output", "PlainSeal", "Seal"]

KEY_LENGTH = 32
"""Of the master key in bytes."""

_VERSION = b"\1"
_NONCE = 12
_VALUES = b"modality_sdk journal values 1"
_FILES = b"modality_sdk spool file 1"


class Output(Protocol):
    """What a file of the spool is written through."""

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Take some more bytes of the plain file."""

    def finish(self) -> None:
        """Write what is held back; the file is not whole before. Neither flushes nor closes it."""


class Seal(Protocol):
    """Turns plain values and files into what lies on the disk, and back. Any thread may call."""

    @property
    def suffix(self) -> str:
        """Of the names of the files."""

    def seal(self, column: str, key: str, value: bytes) -> bytes:
        """The value as the journal keeps it in ``column`` (``"step.content"``) of the row that ``key`` names."""

    def unseal(self, column: str, key: str, value: bytes) -> bytes:
        """What `seal` was given; `QueueCorrupt` naming column and row when it was not sealed there with this key."""

    def write(self, file: BinaryIO, sop_instance_uid: str) -> Output:
        """Write the object's file through this into the new ``file``."""

    def length(self, path: Path) -> int:
        """Length of the plain file as the length of the file on the disk tells it; `OSError` when there is none."""

    def read(self, path: Path, sop_instance_uid: str, length: int) -> BinaryIO:
        """Open the object's plain file of ``length`` bytes at its begin; `seek` and ``readinto`` work.

        Raises
        ------
        StateError, QueueCorrupt
            When the file, plain or sealed, has another length. A sealed one also raises `QueueCorrupt` at the first
            read of a part that is damaged.
        OSError
            When there is none, or it cannot be read.
        """


class _PlainOutput:
    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write

    def finish(self) -> None:
        pass


class PlainSeal:
    """Leaves everything as it is."""

    suffix = ".dcm"

    def seal(self, column: str, key: str, value: bytes) -> bytes:
        """``value``."""
        del column, key
        return value

    def unseal(self, column: str, key: str, value: bytes) -> bytes:
        """``value``."""
        del column, key
        return value

    def write(self, file: BinaryIO, sop_instance_uid: str) -> Output:
        """Writes to ``file`` what it is given."""
        del sop_instance_uid
        return _PlainOutput(file)

    def length(self, path: Path) -> int:
        """That of the file."""
        return path.stat().st_size

    def read(self, path: Path, sop_instance_uid: str, length: int) -> BinaryIO:
        """The file itself."""
        file = path.open("rb")
        if os.fstat(file.fileno()).st_size != length:
            file.close()
            raise StateError(f"the file of {sop_instance_uid} changed its length")
        return file


PLAIN = PlainSeal()


class AesGcmSeal:
    """Seals with AES-256-GCM.

    Parameters
    ----------
    key
        The master key, 32 bytes of a random source.

    Raises
    ------
    ConfigurationError
        When the key has another length, or the extra ``encryption`` is not installed.
    """

    suffix = ".sealed"

    def __init__(self, key: bytes) -> None:
        given: object = key  # a callback may return anything
        if not (isinstance(given, bytes) and len(given) == KEY_LENGTH):
            raise ConfigurationError("encryption.key", f"has {KEY_LENGTH} bytes")
        self._key = key
        self._values = self._cipher(b"", _VALUES)

    def __repr__(self) -> str:
        return "AesGcmSeal(…)"

    def seal(self, column: str, key: str, value: bytes) -> bytes:
        """A version, a random nonce, and the encrypted value with its tag."""
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._values.encrypt(nonce, value, _VERSION + _place(column, key))

    def unseal(self, column: str, key: str, value: bytes) -> bytes:
        """The value, once its tag has been verified."""
        from cryptography.exceptions import InvalidTag  # here because the package is optional

        version, nonce, body = value[:1], value[1 : 1 + _NONCE], value[1 + _NONCE :]
        try:
            return self._values.decrypt(nonce, body, version + _place(column, key))
        except (InvalidTag, ValueError):  # the latter for what is shorter than nonce and tag
            raise QueueCorrupt(f"{column} of {key} is damaged, or was sealed with another key") from None

    def write(self, file: BinaryIO, sop_instance_uid: str) -> Output:
        """See `SealedWriter`."""
        header = new_header()
        file.write(header)
        return SealedWriter(file, self._cipher(header, _FILES), _associated(header, sop_instance_uid))

    def length(self, path: Path) -> int:
        """That of the file without header and tags."""
        return plain_length(path.stat().st_size)

    def read(self, path: Path, sop_instance_uid: str, length: int) -> BinaryIO:
        """See `SealedReader`."""
        file = path.open("rb", buffering=0)
        try:
            header = file.read(HEADER)
            cipher = self._cipher(header, _FILES)
            associated = _associated(header, sop_instance_uid)
            # not behind a BufferedReader: pydicom would open its file anew, which is no DICOM file
            return cast("BinaryIO", SealedReader(file, cipher, associated, sop_instance_uid, length))
        except BaseException:
            file.close()
            raise

    def _cipher(self, salt: bytes, purpose: bytes) -> "AESGCM":
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
            from cryptography.hazmat.primitives.hashes import SHA256
            from cryptography.hazmat.primitives.kdf.hkdf import HKDF
        except ImportError:
            rule = "needs the package cryptography; install the extra: pip install modality-sdk[encryption]"
            raise ConfigurationError("encryption", rule) from None
        return AESGCM(HKDF(algorithm=SHA256(), length=KEY_LENGTH, salt=salt, info=purpose).derive(self._key))


def _place(column: str, key: str) -> bytes:
    return f"{column}\0{key}".encode()


def _associated(header: bytes, sop_instance_uid: str) -> bytes:
    return header + sop_instance_uid.encode("ascii")
