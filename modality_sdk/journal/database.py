"""Connections to the one SQLite file: how they are made, checked and shared out."""

import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from modality_sdk.crashpoints import around
from modality_sdk.errors import QueueCorrupt, QueueError, QueueFull, StateError
from modality_sdk.journal import durable
from modality_sdk.journal.schema import APPLICATION_ID, VERSION, migrate

__all__ = ["Database", "Presence"]

_BUSY_TIMEOUT = 30.0
"""Seconds to wait for another process' transaction; ours are short."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _connect(path: Path, timeout: float = _BUSY_TIMEOUT) -> sqlite3.Connection:
    # other threads never use it; `Database.close` alone closes it from elsewhere
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA fullfsync = ON")  # synchronous = FULL is the default, this is not
    return connection


def _corrupt(path: Path, what: str) -> QueueCorrupt:
    return QueueCorrupt(
        f"{path}: {what}. Nothing was changed. `modality queue recover` rebuilds it from the newest backup and the "
        f"objects in the spool; to begin anew, move the whole directory {path.parent} away and keep it"
    )


def _begin_immediate(connection: sqlite3.Connection) -> None:
    # SQLite's own waiting looks ever more rarely, up to every 100 ms, so that a busy process would starve the others
    deadline = time.monotonic() + _BUSY_TIMEOUT
    connection.execute("PRAGMA busy_timeout = 5")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_TIMEOUT * 1000)}")


def _roll_back(connection: sqlite3.Connection) -> None:
    # an error, or the commit, may have ended the transaction already
    if connection.in_transaction:
        connection.execute("ROLLBACK")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours. Its messages name tables, columns and rules, never values."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise StateError(f"the journal refuses this: {error}") from error
    except sqlite3.DatabaseError as error:
        extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        code = extended & 0xFF
        if code in _DAMAGED:
            raise _corrupt(path, f"the database is damaged ({error})") from error
        # the file that the processes share cannot grow: what an opening meets first on a full disk
        if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
            raise QueueFull(f"{path}: the database or its file system is full ({error})") from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise QueueError(f"{path}: {error}") from error
        raise


class Presence:
    """Tells whether another process, or another journal of this one, has the same directory open.

    Every open journal holds a shared lock on a file of its own; only who is alone gets it exclusively. SQLite does
    the locking, so that one piece of code serves all platforms, and the system drops it when a process dies.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            durable.create(path).close()
        with _translated(path):
            self._connection = _connect(path)
            self._connection.execute("PRAGMA busy_timeout = 0")
            try:
                self._connection.execute("BEGIN EXCLUSIVE")
                self.alone = True
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    self._connection.close()
                    raise
                self.alone = False
                self.share()
            except sqlite3.DatabaseError:
                self._connection.close()
                raise

    def share(self) -> None:
        """Give up the exclusive lock and stay present; waits while another one opens."""
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        self.alone = False
        self._connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_TIMEOUT * 1000)}")
        self._connection.execute("BEGIN")
        self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def close(self) -> None:
        """Be gone."""
        self._connection.close()


class _Handle:
    """One thread's connection; closed when the thread ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._close = weakref.finalize(self, connection.close)

    def close(self) -> None:
        self._close()


class Database:
    """The journal's database. Use `create` or `check` once before, then any thread may call.

    Parameters
    ----------
    path
        Of the SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._handles: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._registry = threading.Lock()
        # threads of one process queue here in order; SQLite's own waiting polls, and is for other processes
        self._writer = threading.Lock()
        self._closed = False

    def create(self) -> None:
        """Make the file: whole under its name or not at all."""
        temporary = self.path.with_name(f"{self.path.name}.{uuid4().hex}.part")
        durable.create(temporary).close()
        try:
            with _translated(self.path):
                connection = _connect(temporary)
                try:
                    migrate(connection)
                finally:
                    connection.close()
            with temporary.open("rb+") as file:
                durable.flush(file)
            durable.publish(temporary, self.path)
        finally:
            durable.remove(temporary)

    def check(self, admit: Callable[[sqlite3.Connection], None] = lambda _: None) -> None:
        """Refuse a file that is damaged, foreign or of a newer version; migrate one of an older.

        Parameters
        ----------
        admit
            Looks at a file that is sound, before anything of it is changed; what it raises is raised.

        Raises
        ------
        QueueCorrupt
            With the way out in its message; the file is as it was.
        """
        if self.path.stat().st_size == 0:
            raise _corrupt(self.path, "the database is empty")
        with _translated(self.path):
            connection = _connect(self.path)
            try:
                application = connection.execute("PRAGMA application_id").fetchone()[0]
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if application != APPLICATION_ID:
                    raise _corrupt(self.path, "the file is not a journal of this software")
                if version > VERSION:
                    raise _corrupt(
                        self.path,
                        f"the journal has version {version}, this software knows {VERSION}: install the newer",
                    )
                problems = [row[0] for row in connection.execute("PRAGMA quick_check")]
                if problems != ["ok"]:
                    raise _corrupt(self.path, f"the database is damaged ({len(problems)} findings)")
                admit(connection)
                if version < VERSION:
                    migrate(connection)
            finally:
                connection.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A write transaction of the calling thread: durable when the block is left, or undone."""
        connection = self._connection()
        if connection.in_transaction:
            raise StateError("this thread has a transaction open")
        with self._writer, _translated(self.path):
            self._refuse_if_closed()
            _begin_immediate(connection)
            try:
                yield connection
                with around("COMMIT"):
                    connection.execute("COMMIT")
            finally:
                _roll_back(connection)

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A read transaction; inside a write transaction of the same thread, that one."""
        connection = self._connection()
        if connection.in_transaction:
            yield connection
            return
        with _translated(self.path):
            connection.execute("BEGIN")
            connection.execute("PRAGMA query_only = ON")
            try:
                yield connection
            finally:
                _roll_back(connection)
                connection.execute("PRAGMA query_only = OFF")

    def close(self) -> None:
        """Close the connections of all threads, once the write transaction of another one has ended."""
        own: _Handle | None = getattr(self._local, "handle", None)
        if own is not None and not self._closed and own.connection.in_transaction:
            raise StateError("this thread has a transaction open")
        with self._writer, self._registry:
            self._closed = True
            for handle in list(self._handles):
                handle.close()

    def _connection(self) -> sqlite3.Connection:
        self._refuse_if_closed()
        handle: _Handle | None = getattr(self._local, "handle", None)
        if handle is None:
            with _translated(self.path):
                handle = _Handle(_connect(self.path))
                handle.connection.row_factory = sqlite3.Row
                for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                    handle.connection.execute(f"PRAGMA {setting}")
            with self._registry:
                self._refuse_if_closed()
                self._handles.add(handle)
            self._local.handle = handle
        return handle.connection

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise QueueError("the journal is closed")
