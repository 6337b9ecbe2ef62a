"""The durable store: one directory with one database and the files of the objects."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

from pydicom import Dataset

from modality_sdk.clock import Clock
from modality_sdk.errors import ConfigurationError, QueueCorrupt
from modality_sdk.journal import durable
from modality_sdk.journal.admission import check_seal, mark_sealed
from modality_sdk.journal.backup import back_up, backups_in
from modality_sdk.journal.capacity import Capacity, Fill
from modality_sdk.journal.database import Database, Presence
from modality_sdk.journal.records import SpoolFile
from modality_sdk.journal.sealing import PLAIN, Seal
from modality_sdk.journal.spool import Spool
from modality_sdk.journal.transaction import Transaction
from modality_sdk.model import JournalPolicy

__all__ = ["Journal"]


class Journal:
    """The one durable truth. Made by `open`; any thread and any number of processes may use the same directory.

    Attributes
    ----------
    data_dir
        The directory: ``journal.db``, ``spool/``, ``orphans/``, ``backup/``.
    spool
        The files of the objects.
    capacity
        How much more the spool may take.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        clock: Clock,
        database: Database,
        spool: Spool,
        presence: Presence,
        policy: JournalPolicy | None = None,
        nearly_full: Callable[[Fill], None] | None = None,
        seal: Seal = PLAIN,
    ) -> None:
        self.data_dir = data_dir
        self.spool = spool
        self._seal = seal
        self._policy = policy or JournalPolicy()
        self._backup_dir = self._policy.backup_dir or data_dir / "backup"
        self.capacity = Capacity(data_dir, self._policy, measure=self._usage, nearly_full=nearly_full)
        self._clock = clock
        self._database = database
        self._presence = presence

    @classmethod
    def open(
        cls,
        data_dir: Path,
        *,
        clock: Clock,
        implementation_class_uid: str | None = None,
        implementation_version_name: str = "MODALITY_SDK",
        policy: JournalPolicy | None = None,
        nearly_full: Callable[[Fill], None] | None = None,
        seal: Seal = PLAIN,
    ) -> Self:
        """Open the store, or make it where there is none; bring an older one up to date.

        Whoever opens it alone also puts in order what a crash has left: unfinished files and those marked as purged
        go, files that the journal does not know move to ``orphans/``, jobs that a dead process had begun become free.

        Parameters
        ----------
        data_dir
            Directory of the store, for its owner alone.
        implementation_class_uid, implementation_version_name
            Of the files' meta information (PS3.10 section 7.1).
        policy
            Limits and backups.
        nearly_full
            Told once whenever a limit comes near, and if it is near already.
        seal
            What files, and all columns that may identify a patient, are written and read through. A store is sealed
            with one key from its begin, or not at all.

        Raises
        ------
        QueueCorrupt
            When the database is damaged, foreign, of a newer version, or gone while files are there. Nothing is
            changed and nothing made anew.
        ConfigurationError
            When the directory belongs to somebody else, or the store was sealed with another key, is sealed and no key
            is given, or holds plain work and a key is given. Nothing is changed.
        """
        data_dir = data_dir.absolute()
        durable.make_directory(data_dir)
        try:
            durable.restrict(data_dir)
        except PermissionError:
            raise ConfigurationError("data_dir", "must belong to the user who runs this", os.fspath(data_dir)) from None
        database = Database(data_dir / "journal.db")
        spool = Spool(
            data_dir / "spool",
            orphans=data_dir / "orphans",
            implementation_class_uid=implementation_class_uid,
            implementation_version_name=implementation_version_name,
            seal=seal,
        )
        presence = Presence(data_dir / "journal.lock")
        journal = cls(
            data_dir,
            clock=clock,
            database=database,
            spool=spool,
            presence=presence,
            policy=policy,
            nearly_full=nearly_full,
            seal=seal,
        )
        try:
            journal._prepare()
            journal.capacity.look()
        except BaseException:
            journal.close()
            raise
        return journal

    def write(self, dataset: Dataset) -> SpoolFile:
        """Write an object as `Spool.write` does, within the limits of the store.

        Raises
        ------
        QueueFull
            When a limit of `JournalPolicy` is reached, or the disk is full.
        QueueError, InvalidValue, StateError
            As `Spool.write`.
        """
        self.capacity.admit(len(dataset.get("PixelData") or b""))
        return self.spool.write(dataset)

    def back_up(self) -> Path | None:
        """Copy the database, as it stands now, to the directory of the backups; nobody waits for it.

        Returns
        -------
        Path or None
            The copy; None when the policy keeps none.

        Raises
        ------
        QueueFull, QueueError
            When it cannot be made; the former copies are there still.
        """
        if not self._policy.backups:
            return None
        return back_up(
            self._database.path,
            self._backup_dir,
            kept=self._policy.backups,
            reserve=self._policy.minimum_free_bytes,
        )

    def _usage(self) -> tuple[int, int]:
        with self.read() as tx:
            return tx.spool_usage()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A write transaction: durable when the block is left, undone when it raises.

        Raises
        ------
        StateError
            When a rule of the schema is broken, or the thread has a transaction open.
        QueueFull
            When the disk is full.
        QueueCorrupt, QueueError
            When the database fails.
        """
        with self._database.write() as connection:
            transaction = Transaction(connection, self._clock.now(), self._seal)
            yield transaction
        transaction.committed()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent view of everything; inside a `transaction` of the thread, of that one."""
        with self._database.snapshot() as connection:
            yield Transaction(connection, self._clock.now(), self._seal)

    @property
    def now(self) -> datetime:
        """The present time of the journal's clock."""
        return self._clock.now()

    def close_database(self) -> None:
        """Close all threads' connections and stay present; safe to repeat."""
        self._database.close()

    def close(self) -> None:
        """Close all threads' connections; safe to repeat."""
        self.close_database()
        self._presence.close()

    def _prepare(self) -> None:
        exists = self._database.path.exists()
        # the spool is made after the database, so one without the other is no crash of the first opening
        if not exists and (self.spool.root.exists() or backups_in(self._backup_dir) or not self._presence.alone):
            raise QueueCorrupt(
                f"{self._database.path} is gone but its spool or a backup is there. Nothing was changed. "
                "`modality queue recover` rebuilds it from the newest backup and the objects in the spool; to begin "
                f"anew, move the whole directory {self.data_dir} away and keep it"
            )
        if exists:
            self._database.check(self._admit)
        else:
            self._database.create()
        durable.make_directory(self.spool.root)
        if not self._presence.alone:
            return
        for path in self.data_dir.glob("journal.db*"):
            durable.remove(path) if path.suffix == ".part" else durable.restrict(path)
        with self.transaction() as tx:
            mark_sealed(tx)
            # everybody who held a lease is gone
            tx.execute("UPDATE job SET lease_until = '' WHERE state = 'IN_FLIGHT'")
            known = {row["path"] for row in tx.execute("SELECT path FROM instance WHERE purged IS NULL")}
            purged = {row["path"] for row in tx.execute("SELECT path FROM instance WHERE purged IS NOT NULL")}
        self.spool.tidy(known, purged)
        self._presence.share()

    def _admit(self, connection: sqlite3.Connection) -> None:
        check_seal(connection, self._seal, self.data_dir, alone=self._presence.alone)
