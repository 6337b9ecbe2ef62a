"""Copies of objects for somewhere else: whole, durable, checked, and never over another file."""

import hashlib
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from modality_sdk.journal import durable

__all__ = ["copy_out"]

_CHUNK = 1 << 20


def copy_out(source: BinaryIO, target: Path, sha256: str | None = None) -> tuple[Path, str]:
    """Copy an open file to a new one, for its owner alone.

    Parameters
    ----------
    source
        From its present position to its end.
    target
        Where to; its directory exists.
    sha256
        What the digest must be, hexadecimal. A copy with another one gets ``.damaged`` behind its name.

    Returns
    -------
    tuple
        Where the copy is, and its SHA-256.

    Raises
    ------
    FileExistsError
        When there is a file of this name; it is not touched.
    OSError
        When source or target fails; nothing is left.
    """
    temporary = target.with_name(f"{target.name}.{uuid4().hex}.part")
    digest = hashlib.sha256()
    try:
        with durable.create(temporary) as file:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
            durable.flush(file)
        if sha256 is not None and digest.hexdigest() != sha256:
            target = target.with_name(f"{target.name}.damaged")
        durable.publish(temporary, target)
    finally:
        durable.remove(temporary)
    return target, digest.hexdigest()
