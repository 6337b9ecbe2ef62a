"""Copies of the database, made while others work with it."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from modality_sdk.errors import QueueError, QueueFull
from modality_sdk.journal import durable

__all__ = ["back_up", "backups_in"]

_UNFINISHED = ".part"


def back_up(database: Path, directory: Path, *, kept: int, reserve: int = 0) -> Path:
    """Copy a database as it stands at one moment; nobody who works with it waits.

    The copy appears whole under its name, ``journal.db``, or not at all; former ones are ``journal.1.db`` and so on.

    Parameters
    ----------
    database
        The SQLite file.
    directory
        Where to; made if need be.
    kept
        Copies to keep, this one included.
    reserve
        Bytes that stay free on the file system of ``directory``.

    Returns
    -------
    Path
        The copy.

    Raises
    ------
    QueueFull, QueueError
        When it cannot be made; the former copies are there still.
    """
    try:
        durable.make_directory(directory)
        for unfinished in directory.glob(f"journal.db.*{_UNFINISHED}*"):
            durable.remove(unfinished)
        if shutil.disk_usage(directory).free - database.stat().st_size < reserve:
            raise QueueFull(f"{directory}: no room for a backup of the journal")
        temporary = directory / f"journal.db.{uuid4().hex}{_UNFINISHED}"
        try:
            _copy(database, temporary)
            for number in range(kept - 1, 0, -1):
                former = _named(directory, number - 1)
                if former.exists():
                    durable.replace(former, _named(directory, number))
            target = _named(directory, 0)
            durable.replace(temporary, target)
        finally:
            durable.remove(temporary)
    except sqlite3.Error as error:
        raise QueueError(f"{directory}: the backup failed: {error}") from error
    except OSError as error:
        kind = QueueFull if error.errno in durable.FULL else QueueError
        raise kind(f"{directory}: the backup failed: {error.strerror or type(error).__name__}") from error
    return target


def backups_in(directory: Path) -> list[Path]:
    """The copies in a directory, the newest first."""
    found = [path for path in directory.glob("journal*.db") if path.is_file()]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _named(directory: Path, number: int) -> Path:
    return directory / (f"journal.{number}.db" if number else "journal.db")


def _copy(database: Path, temporary: Path) -> None:
    durable.create(temporary).close()
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(temporary)) as target:
        # in one step: one consistent view, which in WAL mode holds up no writer
        source.backup(target)
        # the copy is one file, and opening it makes no further one beside it
        target.execute("PRAGMA journal_mode = DELETE")
        problems = [row[0] for row in target.execute("PRAGMA quick_check")]
    if problems != ["ok"]:
        raise QueueError(f"the backup of {database} is damaged ({len(problems)} findings)")
    with temporary.open("rb+") as file:
        durable.flush(file)
