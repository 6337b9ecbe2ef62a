"""A database in place of a damaged one: made beside it, from the newest good backup, and put in its place at the end.

Whatever happens in between, the journal is as it was and the recovery can begin again: nothing is changed until the
new database is whole, and the damaged one is moved, never deleted.
"""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

from modality_sdk.clock import Clock
from modality_sdk.errors import ConfigurationError, QueueCorrupt, QueueError, QueueFull, StateError
from modality_sdk.journal import durable
from modality_sdk.journal.admission import check_seal, mark_sealed
from modality_sdk.journal.backup import backups_in
from modality_sdk.journal.database import Database, Presence
from modality_sdk.journal.journal import Journal
from modality_sdk.journal.schema import APPLICATION_ID, VERSION
from modality_sdk.journal.sealing import PLAIN, AesGcmSeal, Seal
from modality_sdk.journal.spool import Spool

__all__ = ["Recovery", "recovering"]

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DATABASE = "journal.db"
_FILES = (_DATABASE, f"{_DATABASE}-wal", f"{_DATABASE}-shm", f"{_DATABASE}-journal")


class Recovery:
    """A recovery under way; made by `recovering`.

    Attributes
    ----------
    journal
        The new journal: the backup's database, or an empty one, over the files of the spool. Nobody else sees it.
    backup
        What it began with; None when there was no good backup.
    refused
        Backups that were newer, and damaged.
    """

    def __init__(self, journal: Journal, staging: Path, backup: Path | None, refused: Sequence[Path]) -> None:
        self.journal = journal
        self.backup = backup
        self.refused = tuple(refused)
        self._staging = staging

    def unknown_files(self) -> list[Path]:
        """Files of the spool that the new journal does not know, in the order in which they were written."""
        with self.journal.read() as tx:
            known = {row["path"] for row in tx.execute("SELECT path FROM instance")}
        return self.journal.spool.unknown(known)

    def check_seal_of(self, files: Sequence[Path]) -> None:
        """Refuse a key that opens none of the files: they would all be taken for damaged.

        Raises
        ------
        ConfigurationError
            Nothing was changed.
        """
        sealed = [path for path in files if path.suffix == AesGcmSeal.suffix]
        for path in sealed:
            try:
                with self.journal.spool.open_orphan(path) as content:
                    content.read(1)
            except (QueueCorrupt, OSError):
                continue
            return
        if sealed:
            raise ConfigurationError("encryption.key", "opens none of the files in the spool: give the journal's own")

    def missing_objects(self) -> list[str]:
        """SOP Instance UIDs of objects whose file should be in the spool and is not."""
        with self.journal.read() as tx:
            rows = tx.execute("SELECT uid, path FROM instance WHERE purged IS NULL ORDER BY id").fetchall()
        return [row["uid"] for row in rows if not (self.journal.spool.root / row["path"]).is_file()]

    def mark_as_attempted(self) -> int:
        """Note of all work that is left that it may have been done after the backup; returns the number of open jobs.

        A peer that has it done already then counts as our own success, and commitment is asked for anew. The same
        holds for what the steps that are open have still to tell.
        """
        with self.journal.transaction() as tx:
            for step in tx.open_steps():
                tx.set_recovered(step.sop_instance_uid)
            tx.execute("UPDATE job SET last_attempt = changed WHERE last_attempt IS NULL AND state <> 'COMPLETE'")
            row = tx.execute(
                "SELECT count(*) FROM job WHERE state IN ('PENDING', 'RETRYING', 'IN_FLIGHT') AND destination <> ''"
            ).fetchone()
        return int(row[0])

    def publish(self) -> Path | None:
        """Put the new database in its place; returns the directory that the damaged one was moved to, if there was one.

        The last step: from now on the journal opens.
        """
        data_dir = self.journal.data_dir
        made = self._staging / _DATABASE
        self.journal.close_database()
        _make_single(made)
        damaged = [path for name in _FILES if (path := data_dir / name).exists()]
        aside = _free_name(data_dir, self.journal.now.strftime("damaged-%Y%m%dT%H%M%S")) if damaged else None
        if aside is not None:
            durable.make_directory(aside)
            for path in damaged:
                durable.move(path, aside / path.name)
        # without an old log beside it, which would be taken for its own
        durable.publish(made, data_dir / _DATABASE)
        return aside


@contextmanager
def recovering(
    data_dir: Path,
    *,
    clock: Clock,
    backup_dir: Path | None = None,
    backup: Path | None = None,
    seal: Seal = PLAIN,
) -> Iterator[Recovery]:
    """Begin to rebuild the database of a journal that does not open.

    Parameters
    ----------
    data_dir
        Of the journal.
    backup_dir
        Where its backups lie; ``backup`` in ``data_dir`` when None.
    backup
        The one to begin with, in place of the newest good one.
    seal
        Of the journal.

    Raises
    ------
    ConfigurationError
        When the seal is not that of the backup.
    StateError
        When the database is healthy, or nothing is there to recover.
    QueueError
        When another process has the journal open, or a backup cannot be read.
    QueueFull
        When there is no room for the new database.
    QueueCorrupt
        When it is the journal of a newer version, which is not damaged; or ``backup`` is no good.
    """
    data_dir = data_dir.absolute()
    backup_dir = backup_dir or data_dir / "backup"
    traces = (data_dir / _DATABASE).exists() or (data_dir / "spool").is_dir() or backups_in(backup_dir)
    if not traces and backup is None:
        raise StateError(f"{data_dir}: there is no journal to recover")
    durable.make_directory(data_dir)
    presence = Presence(data_dir / "journal.lock")
    try:
        if not presence.alone:
            raise QueueError(f"{data_dir}: another process has the journal open; stop it first")
        _refuse_if_healthy(data_dir / _DATABASE)
        staging = data_dir / "recovering"
        try:
            _clear(staging)
            used, refused, database = _begin(staging / _DATABASE, backup_dir, backup, seal)
            spool = Spool(data_dir / "spool", orphans=data_dir / "orphans", seal=seal)
            durable.make_directory(spool.root)
            journal = Journal(data_dir, clock=clock, database=database, spool=spool, presence=presence, seal=seal)
            try:
                with journal.transaction() as tx:
                    mark_sealed(tx)
                yield Recovery(journal, staging, used, refused)
            finally:
                journal.close_database()
        finally:
            # scratch: what an interruption leaves of it is cleared by the next attempt
            shutil.rmtree(staging, ignore_errors=True)
    finally:
        presence.close()


def _clear(staging: Path) -> None:
    shutil.rmtree(staging, ignore_errors=True)
    durable.make_directory(staging)


def _refuse_if_healthy(path: Path) -> None:
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path)) as connection:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            problems = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _DAMAGED:
            return
        raise QueueError(
            f"{path}: {error}: it cannot be told whether the journal is healthy. If it is lost for sure, move it away, "
            "then recover again"
        ) from error
    if application != APPLICATION_ID or problems != ["ok"]:
        return
    if version > VERSION:
        raise QueueCorrupt(f"{path}: the journal is of a newer version and not damaged: install the newer software")
    raise StateError(f"{path}: the journal is healthy, there is nothing to recover. Nothing was changed")


def _begin(path: Path, backup_dir: Path, backup: Path | None, seal: Seal) -> tuple[Path | None, list[Path], Database]:
    """Make a database of the first good backup, else an empty one."""
    refused = []
    for candidate in [backup] if backup else backups_in(backup_dir):
        try:
            _copy(candidate, path)
            database = Database(path)
            database.check(lambda connection: check_seal(connection, seal, backup_dir, alone=True))
            _check_thoroughly(path)
        except (QueueCorrupt, sqlite3.DatabaseError):
            refused.append(candidate)
            _clear(path.parent)
        except OSError as error:
            # a good backup that cannot be had now must not be passed over for an older one
            if error.errno in durable.FULL:
                raise QueueFull(f"{path.parent}: no room to recover; nothing was changed") from error
            if error.errno != errno.EIO:
                raise QueueError(f"{candidate}: cannot be read ({error.strerror}); nothing was changed") from error
            refused.append(candidate)
            _clear(path.parent)
        else:
            return candidate, refused, database
    if backup is not None:
        raise QueueCorrupt(f"{backup}: is no good backup of a journal. Nothing was changed")
    database = Database(path)
    database.create()
    return None, refused, database


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as content, durable.create(target) as copy:
        shutil.copyfileobj(content, copy)
        durable.flush(copy)


def _check_thoroughly(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise QueueCorrupt(f"{path}: the database is damaged")


def _make_single(path: Path) -> None:
    """Bring what the log of a closed database holds into its one file, and the file to the disk."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    with path.open("rb+") as file:
        durable.flush(file)


def _free_name(directory: Path, name: str) -> Path:
    path = directory / name
    return path if not os.path.lexists(path) else directory / f"{name}-{uuid4().hex[:8]}"
