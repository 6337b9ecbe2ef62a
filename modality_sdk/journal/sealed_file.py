"""The sealed file of an object: a header, then chunks that are encrypted and authenticated one by one.

::

    header   magic "MSDKSEAL" | version 1 | 32 random bytes
    chunk    up to 1 MiB of the plain file, encrypted | 16 bytes of tag

This is the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár (Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance, 2015): the nonce is the chunk's number and whether it is the last one, under a key of
this file alone. Chunks that are missing, added, exchanged or of another file fail as those do that were changed. All
chunks but the last are full, so that memory stays bounded and any place of the plain file is found at once.
"""

import io
import os
from typing import TYPE_CHECKING, BinaryIO

from modality_sdk.errors import QueueCorrupt

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["CHUNK", "HEADER", "SealedReader", "SealedWriter", "new_header", "plain_length"]

_MAGIC = b"MSDKSEAL\1"
_SALT = 32
HEADER = len(_MAGIC) + _SALT
"""Length of the header in bytes."""

CHUNK = 1 << 20
"""Plain bytes in each chunk but the last."""
_TAG = 16


def new_header() -> bytes:
    """A header unlike any other; it makes the key of its file."""
    return _MAGIC + os.urandom(_SALT)


def plain_length(sealed: int) -> int:
    """Length of the plain file, of the length of the sealed one; below 0 when it cannot be one."""
    body = sealed - HEADER
    return body - _TAG * -(-body // (CHUNK + _TAG))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


class SealedWriter:
    """Encrypts what is written to it, chunk by chunk; at most one chunk is held in memory.

    Parameters
    ----------
    file
        Behind its header.
    cipher
        Of this file alone.
    associated
        What the file belongs to; not written, but the same must be given to read it.
    """

    def __init__(self, file: BinaryIO, cipher: "AESGCM", associated: bytes) -> None:
        self._file, self._cipher, self._associated = file, cipher, associated
        self._held = bytearray()
        self._number = 0

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Take some more bytes of the plain file."""
        rest = memoryview(data).cast("B")
        while rest:
            # a full chunk is kept until more comes, since the last one is marked
            if len(self._held) == CHUNK:
                self._put(last=False)
            taken = rest[: CHUNK - len(self._held)]
            self._held += taken
            rest = rest[len(taken) :]
        return memoryview(data).nbytes

    def finish(self) -> None:
        """Write the last chunk, which may be empty."""
        self._put(last=True)

    def _put(self, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last), self._held, self._associated))
        self._held.clear()
        self._number += 1


class SealedReader(io.RawIOBase):
    """The plain file; one chunk of it at a time is in memory, and none is given out before its tag is verified.

    Parameters
    ----------
    file
        Closed with this one.
    cipher, associated
        As in writing.
    sop_instance_uid
        For messages.
    length
        Of the plain file in bytes.

    Raises
    ------
    QueueCorrupt
        When the file has another length; in reading, when a chunk is not what was written.
    """

    def __init__(
        self, file: io.FileIO, cipher: "AESGCM", associated: bytes, sop_instance_uid: str, length: int
    ) -> None:
        super().__init__()
        self._file, self._cipher, self._associated = file, cipher, associated
        self._uid, self._length = sop_instance_uid, length
        self._last = max(0, length - 1) // CHUNK
        if os.fstat(file.fileno()).st_size != HEADER + length + (self._last + 1) * _TAG:
            raise QueueCorrupt(f"the file of {sop_instance_uid} changed its length")
        self._position = 0
        self._number = -1
        self._chunk = memoryview(b"")

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place in the plain file."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise ValueError(f"negative seek position {base + offset}")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """The place in the plain file."""
        return self._position

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill ``buffer``, with less only at the end of the file, which is told once the last chunk is verified."""
        rest = target = memoryview(buffer).cast("B")
        while rest:
            number, start = divmod(self._position, CHUNK)
            self._load(min(number, self._last))
            piece = self._chunk[start : start + len(rest)] if number == self._number else b""
            if not piece:
                break
            rest[: len(piece)] = piece
            rest = rest[len(piece) :]
            self._position += len(piece)
        return len(target) - len(rest)

    def readall(self) -> bytes:
        """Everything from here to the end."""
        content = bytearray(max(1, self._length - self._position))  # one byte at least, so that the end is verified
        return bytes(memoryview(content)[: self.readinto(content)])

    def close(self) -> None:
        """Close the file."""
        self._chunk = memoryview(b"")
        self._file.close()
        super().close()

    def _load(self, number: int) -> None:
        from cryptography.exceptions import InvalidTag  # here because the package is optional

        if number == self._number:
            return
        self._file.seek(HEADER + number * (CHUNK + _TAG))
        sealed = self._file.read(CHUNK + _TAG)
        try:
            plain = self._cipher.decrypt(_nonce(number, number == self._last), sealed, self._associated)
        except (InvalidTag, ValueError):
            raise QueueCorrupt(f"the file of {self._uid} is damaged, or was sealed with another key") from None
        self._chunk, self._number = memoryview(plain), number
