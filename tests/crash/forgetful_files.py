"""Files that know what a power failure would take: everything that was not flushed, every name that was not synced."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

from modality_sdk.journal.durable import SystemFiles

__all__ = ["ForgetfulFiles"]


@dataclass(frozen=True)
class _Change:
    """A change of the names in a directory, and how the disk takes it back while the directory is not synced."""

    directory: Path
    undo: Callable[[], None]


class ForgetfulFiles(SystemFiles):
    """Does everything for real and remembers what is not durable yet; for one thread.

    The content of SQLite's files is left alone: SQLite flushes it by its own calls, past this layer.

    Parameters
    ----------
    root
        Below it content is lost.
    shadows
        A directory on the same file system, where removed files are kept while their removal is not durable.
    """

    def __init__(self, root: Path, shadows: Path) -> None:
        self._root, self._shadows = root, shadows
        self._numbers = count()
        self._flushed: dict[int, int] = {}  # length by inode, of files that were made here
        self._pending: list[_Change] = []

    def make_directory(self, path: Path) -> None:
        if path.is_dir():
            return
        super().make_directory(path)
        self._changed(path.parent, lambda: shutil.rmtree(path, ignore_errors=True))

    def create(self, path: Path) -> BinaryIO:
        file = super().create(path)
        if not path.name.startswith("journal."):
            self._flushed[os.fstat(file.fileno()).st_ino] = 0
        self._changed(path.parent, lambda: path.unlink(missing_ok=True))
        return file

    def flush(self, file: BinaryIO) -> None:
        super().flush(file)
        status = os.fstat(file.fileno())
        if status.st_ino in self._flushed:
            self._flushed[status.st_ino] = status.st_size

    def link(self, source: Path, target: Path) -> None:
        super().link(source, target)
        self._changed(target.parent, lambda: target.unlink(missing_ok=True))

    def rename(self, source: Path, target: Path) -> None:
        kept = self._shadow(source)
        super().rename(source, target)
        self._changed(target.parent, lambda: target.unlink(missing_ok=True))
        self._changed(source.parent, lambda: kept.rename(source))

    def unlink(self, path: Path) -> None:
        if not path.exists():
            return
        kept = self._shadow(path)
        super().unlink(path)
        self._changed(path.parent, lambda: kept.rename(path))

    def sync_directory(self, path: Path) -> None:
        super().sync_directory(path)
        self._pending = [change for change in self._pending if change.directory != path]

    def lose_power(self) -> None:
        """Take back all that is not durable. The files are as they would be found at the next start."""
        for change in reversed(self._pending):
            # a directory that is gone took its names along
            if change.directory.is_dir():
                change.undo()
        self._pending.clear()
        for path in self._root.rglob("*"):
            status = path.stat()
            if path.is_file() and status.st_size > self._flushed.get(status.st_ino, status.st_size):
                os.truncate(path, self._flushed[status.st_ino])

    def _shadow(self, path: Path) -> Path:
        self._shadows.mkdir(exist_ok=True)
        shadow = self._shadows / str(next(self._numbers))
        shadow.hardlink_to(path)
        return shadow

    def _changed(self, directory: Path, undo: Callable[[], None]) -> None:
        self._pending.append(_Change(directory, undo))
