"""The durable store: one directory with one database and the files of the objects."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from modality_sdk.clock import Clock
from modality_sdk.errors import ConfigurationError, QueueCorrupt
from modality_sdk.journal import durable
from modality_sdk.journal.admission import check_seal, mark_sealed
from modality_sdk.journal.database import Database, Presence
from modality_sdk.journal.sealing import PLAIN, Seal
from modality_sdk.journal.spool import Spool
from modality_sdk.journal.transaction import Transaction

__all__ = ["Journal"]


class Journal:
    """The one durable truth. Made by `open`; any thread and any number of processes may use the same directory.

    Attributes
    ----------
    data_dir
        The directory: ``journal.db``, ``spool/``, ``orphans/``.
    spool
        The files of the objects.
    """

    def __init__(
        self, data_dir: Path, *, clock: Clock, database: Database, spool: Spool, presence: Presence, seal: Seal = PLAIN
    ) -> None:
        self.data_dir = data_dir
        self.spool = spool
        self._seal = seal
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
        seal: Seal = PLAIN,
    ) -> Self:
        """Open the store, or make it where there is none; bring an older one up to date.

        Whoever opens it alone also puts in order what a crash has left: unfinished files go, files that the journal
        does not know move to ``orphans/``, and jobs that a dead process had begun become free.

        Parameters
        ----------
        data_dir
            Directory of the store, for its owner alone.
        implementation_class_uid, implementation_version_name
            Of the files' meta information (PS3.10 section 7.1).
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
        journal = cls(data_dir, clock=clock, database=database, spool=spool, presence=presence, seal=seal)
        try:
            journal._prepare()
        except BaseException:
            journal.close()
            raise
        return journal

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

    def close(self) -> None:
        """Close all threads' connections; safe to repeat."""
        self._database.close()
        self._presence.close()

    def _prepare(self) -> None:
        exists = self._database.path.exists()
        # the spool is made after the database, so one without the other is no crash of the first opening
        if not exists and (self.spool.root.exists() or not self._presence.alone):
            raise QueueCorrupt(
                f"{self._database.path} is gone but its spool is there. Nothing was changed. Restore the file from a "
                f"backup; to begin anew, move the whole directory {self.data_dir} away and keep it"
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
            known = {row["path"] for row in tx.execute("SELECT path FROM instance")}
        self.spool.tidy(known)
        self._presence.share()

    def _admit(self, connection: sqlite3.Connection) -> None:
        check_seal(connection, self._seal, self.data_dir, alone=self._presence.alone)
