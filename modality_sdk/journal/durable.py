"""The only place where files become durable: every create, flush, publish and removal of the store goes through here.

On POSIX a name is durable once its directory is flushed, and files are the owner's alone. Windows can do neither with
the calls that Python has: there a publication survives the crash of the process, not surely that of the machine, and
access is what the directory's access list says.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from modality_sdk.crashpoints import around

__all__ = [
    "FULL",
    "Files",
    "SystemFiles",
    "create",
    "flush",
    "make_directory",
    "move",
    "publish",
    "remove",
    "replace",
    "restrict",
    "sync_directory",
    "using",
]

_POSIX = os.name == "posix"
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV}

FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""Error numbers that say that the file system takes no more."""


class Files(Protocol):
    """What the store asks of a file system, each call one effect. Errors are those of `os`."""

    def make_directory(self, path: Path) -> None:
        """Create one directory, the owner's alone; one that is there already is no error."""

    def create(self, path: Path) -> BinaryIO:
        """Open a new file for writing, the owner's alone."""

    def flush(self, file: BinaryIO) -> None:
        """Bring what was written to the disk itself."""

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name; an existing ``target`` is an error."""

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name."""

    def unlink(self, path: Path) -> None:
        """Take a name away; one that is gone already is no error."""

    def sync_directory(self, path: Path) -> None:
        """Bring the names in a directory to the disk."""


class SystemFiles:
    """The operating system's files."""

    def make_directory(self, path: Path) -> None:
        """See `Files.make_directory`."""
        path.mkdir(mode=0o700, exist_ok=True)

    def create(self, path: Path) -> BinaryIO:
        """See `Files.create`."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        return os.fdopen(os.open(path, flags, 0o600), "wb")

    def flush(self, file: BinaryIO) -> None:
        """See `Files.flush`."""
        file.flush()
        if sys.platform == "darwin":
            import fcntl  # here because Windows has none

            # fsync of macOS leaves the data in the drive's cache
            fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)
        else:
            os.fsync(file.fileno())

    def link(self, source: Path, target: Path) -> None:
        """See `Files.link`."""
        os.link(source, target)

    def rename(self, source: Path, target: Path) -> None:
        """See `Files.rename`."""
        source.rename(target)

    def unlink(self, path: Path) -> None:
        """See `Files.unlink`."""
        path.unlink(missing_ok=True)

    def sync_directory(self, path: Path) -> None:
        """See `Files.sync_directory`; does nothing on Windows."""
        if not _POSIX:
            return
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


_files: Files = SystemFiles()


@contextmanager
def using(files: Files) -> Iterator[None]:
    """Let the store work on other files within the block, in all threads: on such that fail, or forget."""
    global _files
    previous, _files = _files, files
    try:
        yield
    finally:
        _files = previous


def make_directory(path: Path) -> None:
    """Create ``path`` and its missing parents, each for the owner alone and durable."""
    if path.is_dir():
        return
    make_directory(path.parent)
    with around("make directory"):
        _files.make_directory(path)
    sync_directory(path.parent)


def restrict(path: Path) -> None:
    """Take the rights of group and others away; does nothing on Windows."""
    if _POSIX:
        path.chmod(0o700 if path.is_dir() else 0o600)


def create(path: Path) -> BinaryIO:
    """Open a new file for writing, the owner's alone; `FileExistsError` if it is there already."""
    with around("create"):
        return _files.create(path)


def flush(file: BinaryIO) -> None:
    """Bring what was written to the disk itself."""
    with around("flush"):
        _files.flush(file)


def publish(temporary: Path, target: Path) -> None:
    """Give a flushed file its final name, at once and durably.

    Raises
    ------
    FileExistsError
        When ``target`` exists; it is never overwritten.
    """
    if not _POSIX:
        _rename(temporary, target)  # refuses an existing target there
        return
    try:
        with around("link"):
            _files.link(temporary, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # a file system without hard links; names are unique, so nobody else publishes this one now
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        _rename(temporary, target)
    else:
        _unlink(temporary)
    sync_directory(target.parent)


def replace(temporary: Path, target: Path) -> None:
    """Give a flushed file a name that may be taken: who looks finds the former file or this one, whole."""
    if _POSIX:
        _rename(temporary, target)  # POSIX lets it take the place of the other
    else:
        temporary.replace(target)
    sync_directory(target.parent)


def move(source: Path, target: Path) -> None:
    """Rename within the store, durably at both ends."""
    _rename(source, target)
    sync_directory(target.parent)
    sync_directory(source.parent)


def remove(path: Path) -> None:
    """Remove a file durably; one that is gone already is no error."""
    _unlink(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Bring the names in ``path`` to the disk; does nothing on Windows."""
    with around("sync directory"):
        _files.sync_directory(path)


def _rename(source: Path, target: Path) -> None:
    with around("rename"):
        _files.rename(source, target)


def _unlink(path: Path) -> None:
    with around("unlink"):
        _files.unlink(path)
