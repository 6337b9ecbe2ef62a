"""The only place where files become durable: every create, flush, publish and removal of the store goes through here.

On POSIX a name is durable once its directory is flushed, and files are the owner's alone. Windows can do neither with
the calls that Python has: there a publication survives the crash of the process, not surely that of the machine, and
access is what the directory's access list says.
"""

import errno
import os
import sys
from pathlib import Path
from typing import BinaryIO

__all__ = [
    "FULL",
    "create",
    "flush",
    "make_directory",
    "move",
    "publish",
    "remove",
    "replace",
    "restrict",
    "sync_directory",
]

_POSIX = os.name == "posix"
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV}

FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""Error numbers that say that the file system takes no more."""


def make_directory(path: Path) -> None:
    """Create ``path`` and its missing parents, each for the owner alone and durable."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_directory(path.parent)


def restrict(path: Path) -> None:
    """Take the rights of group and others away; does nothing on Windows."""
    if _POSIX:
        path.chmod(0o700 if path.is_dir() else 0o600)


def create(path: Path) -> BinaryIO:
    """Open a new file for writing, the owner's alone; `FileExistsError` if it is there already."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def flush(file: BinaryIO) -> None:
    """Bring what was written to the disk itself."""
    file.flush()
    if sys.platform == "darwin":
        import fcntl  # here because Windows has none

        # fsync of macOS leaves the data in the drive's cache
        fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)
    else:
        os.fsync(file.fileno())


def publish(temporary: Path, target: Path) -> None:
    """Give a flushed file its final name, at once and durably.

    Raises
    ------
    FileExistsError
        When ``target`` exists; it is never overwritten.
    """
    if not _POSIX:
        temporary.rename(target)  # refuses an existing target there
        return
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # a file system without hard links; names are unique, so nobody else publishes this one now
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        temporary.replace(target)
    else:
        temporary.unlink()
    sync_directory(target.parent)


def replace(temporary: Path, target: Path) -> None:
    """Give a flushed file a name that may be taken: who looks finds the former file or this one, whole."""
    temporary.replace(target)
    sync_directory(target.parent)


def move(source: Path, target: Path) -> None:
    """Rename within the store, durably at both ends."""
    source.rename(target)
    sync_directory(target.parent)
    sync_directory(source.parent)


def remove(path: Path) -> None:
    """Remove a file durably; one that is gone already is no error."""
    path.unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Bring the names in ``path`` to the disk; does nothing on Windows."""
    if not _POSIX:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
