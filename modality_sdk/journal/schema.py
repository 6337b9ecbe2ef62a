"""Tables, their rules, and the migrations that lead to them.

Columns hold UIDs, states and times; whatever may identify a patient sits in a ``content`` column of its own,
or in the ``payload`` of a job, and passes through the transaction's `Seal` on its way in and out.
A migration is never changed once released: a new version appends one. Later versions add columns and values;
no table is ever replaced.
"""

import sqlite3

from sqlite_utils import Database, Migrations

__all__ = ["APPLICATION_ID", "VERSION", "migrate"]

APPLICATION_ID = 0x4D53444B
"""``MSDK`` in the file's header, so that no other program's database is taken for ours."""

_TABLES = (
    """
    CREATE TABLE step (
        id INTEGER PRIMARY KEY,
        uid TEXT NOT NULL UNIQUE,
        status TEXT NOT NULL CHECK (status IN ('DRAFT', 'IN PROGRESS', 'COMPLETED', 'DISCONTINUED')),
        study_instance_uid TEXT NOT NULL,
        started TEXT NOT NULL,
        ended TEXT,
        archived TEXT,
        content BLOB NOT NULL,
        CHECK (archived IS NULL OR status IN ('COMPLETED', 'DISCONTINUED'))
    )""",
    "CREATE INDEX step_open ON step (id) WHERE status IN ('DRAFT', 'IN PROGRESS')",
    "CREATE INDEX step_unarchived ON step (id) WHERE archived IS NULL",
    """
    CREATE TRIGGER step_final BEFORE UPDATE OF status ON step
    WHEN OLD.status IN ('COMPLETED', 'DISCONTINUED') AND NEW.status <> OLD.status
    BEGIN SELECT RAISE(ABORT, 'a final step does not change its status'); END""",
    """
    CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        uid TEXT NOT NULL UNIQUE,
        step_uid TEXT NOT NULL REFERENCES step (uid),
        series_number INTEGER NOT NULL,
        modality TEXT NOT NULL,
        presentation_intent TEXT CHECK (presentation_intent IN ('FOR PRESENTATION', 'FOR PROCESSING')),
        content BLOB NOT NULL,
        UNIQUE (uid, step_uid)
    )""",
    "CREATE INDEX series_step ON series (step_uid)",
    """
    CREATE TABLE instance (
        id INTEGER PRIMARY KEY,
        uid TEXT NOT NULL UNIQUE,
        sop_class_uid TEXT NOT NULL,
        step_uid TEXT NOT NULL REFERENCES step (uid),
        series_uid TEXT NOT NULL,
        instance_number INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('ACQUIRED', 'ACCEPTED', 'REJECTED')),
        rejection TEXT CHECK (rejection IS NULL OR state = 'REJECTED'),
        irradiation_event_uid TEXT NOT NULL DEFAULT '',
        created TEXT NOT NULL,
        path TEXT NOT NULL UNIQUE,
        size INTEGER NOT NULL CHECK (size >= 0),
        data_offset INTEGER NOT NULL CHECK (data_offset >= 0),
        transfer_syntax_uid TEXT NOT NULL,
        sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
        FOREIGN KEY (series_uid, step_uid) REFERENCES series (uid, step_uid)
    )""",
    "CREATE INDEX instance_step ON instance (step_uid)",
    "CREATE INDEX instance_series ON instance (series_uid, step_uid)",
    """
    CREATE TABLE irradiation_event (
        id INTEGER PRIMARY KEY,
        uid TEXT NOT NULL UNIQUE,
        step_uid TEXT NOT NULL REFERENCES step (uid),
        sop_instance_uid TEXT,
        started TEXT NOT NULL,
        content BLOB NOT NULL
    )""",
    "CREATE INDEX irradiation_event_step ON irradiation_event (step_uid)",
    """
    CREATE TABLE delivery (
        sop_instance_uid TEXT NOT NULL REFERENCES instance (uid),
        destination TEXT NOT NULL CHECK (destination <> ''),
        state TEXT NOT NULL CHECK (
            state IN ('WAITING', 'STORED', 'STORED_WITH_WARNING', 'COMMITTED', 'FAILED', 'REJECTED')),
        reason TEXT NOT NULL DEFAULT '',
        changed TEXT NOT NULL,
        PRIMARY KEY (sop_instance_uid, destination)
    ) WITHOUT ROWID""",
    """
    CREATE TABLE mpps_delivery (
        step_uid TEXT NOT NULL REFERENCES step (uid),
        destination TEXT NOT NULL CHECK (destination <> ''),
        status TEXT CHECK (status IN ('IN PROGRESS', 'COMPLETED', 'DISCONTINUED')),
        changed TEXT NOT NULL,
        PRIMARY KEY (step_uid, destination)
    ) WITHOUT ROWID""",
    """
    CREATE TABLE commitment (
        id INTEGER PRIMARY KEY,
        transaction_uid TEXT NOT NULL UNIQUE,
        step_uid TEXT REFERENCES step (uid),
        destination TEXT NOT NULL CHECK (destination <> ''),
        peer TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('REQUESTED', 'COMMITTED', 'PARTIAL', 'TIMED_OUT', 'REFUSED')),
        requested TEXT NOT NULL,
        finished TEXT,
        predecessor TEXT REFERENCES commitment (transaction_uid)
    )""",
    "CREATE INDEX commitment_step ON commitment (step_uid)",
    "CREATE INDEX commitment_predecessor ON commitment (predecessor) WHERE predecessor IS NOT NULL",
    """
    CREATE TABLE commitment_reference (
        transaction_uid TEXT NOT NULL REFERENCES commitment (transaction_uid),
        position INTEGER NOT NULL,
        sop_class_uid TEXT NOT NULL,
        sop_instance_uid TEXT NOT NULL,
        PRIMARY KEY (transaction_uid, position),
        UNIQUE (transaction_uid, sop_instance_uid)
    ) WITHOUT ROWID""",
    "CREATE INDEX commitment_reference_instance ON commitment_reference (sop_instance_uid)",
    """
    CREATE TABLE destination (
        name TEXT PRIMARY KEY,
        state TEXT NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'HELD', 'PAUSED')),
        cause TEXT NOT NULL DEFAULT '',
        since TEXT,
        next_probe TEXT,
        scheduled_at TEXT,
        probes INTEGER NOT NULL DEFAULT 0 CHECK (probes >= 0),
        CHECK ((state = 'HELD') = (next_probe IS NOT NULL)),
        CHECK ((next_probe IS NULL) = (scheduled_at IS NULL)),
        CHECK (name <> '' OR state = 'OPEN')
    ) WITHOUT ROWID""",
    # waiting: the time has not come; blocked: an earlier job of the ordering key is unfinished. Both are kept up to
    # date at every transition, so that the next job to run is the first entry of an index however many wait.
    # scheduled_at = due_at - delay_s: a time after now says that the clock was set back.
    """
    CREATE TABLE job (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        unique_key TEXT NOT NULL UNIQUE CHECK (unique_key <> ''),
        kind TEXT NOT NULL CHECK (kind <> ''),
        destination TEXT NOT NULL REFERENCES destination (name),
        step_uid TEXT REFERENCES step (uid) DEFERRABLE INITIALLY DEFERRED,
        sop_instance_uid TEXT REFERENCES instance (uid) DEFERRABLE INITIALLY DEFERRED,
        transaction_uid TEXT,
        ordering_key TEXT CHECK (ordering_key <> ''),
        sequence INTEGER NOT NULL DEFAULT 0,
        priority INTEGER NOT NULL DEFAULT 3,
        payload BLOB NOT NULL DEFAULT x'',
        state TEXT NOT NULL CHECK (
            state IN ('PENDING', 'IN_FLIGHT', 'RETRYING', 'COMPLETE', 'FAILED', 'CANCELLED')),
        waiting INTEGER NOT NULL DEFAULT 0 CHECK (waiting IN (0, 1)),
        blocked INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1)),
        attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
        due_at TEXT NOT NULL,
        delay_s REAL NOT NULL DEFAULT 0 CHECK (delay_s >= 0),
        scheduled_at TEXT NOT NULL,
        last_attempt TEXT,
        last_error TEXT NOT NULL DEFAULT '',
        reason TEXT NOT NULL DEFAULT '',
        lease_owner TEXT,
        lease_until TEXT,
        created TEXT NOT NULL,
        changed TEXT NOT NULL,
        CHECK ((state = 'IN_FLIGHT') = (lease_owner IS NOT NULL)),
        CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
        CHECK (ordering_key IS NOT NULL OR blocked = 0)
    )""",
    """CREATE INDEX job_ready ON job (destination, priority, id)
        WHERE state IN ('PENDING', 'RETRYING') AND waiting = 0 AND blocked = 0""",
    "CREATE INDEX job_due ON job (due_at) WHERE waiting = 1",
    "CREATE INDEX job_scheduled ON job (scheduled_at) WHERE waiting = 1",
    "CREATE INDEX job_lease ON job (lease_until) WHERE state = 'IN_FLIGHT'",
    """CREATE INDEX job_order ON job (ordering_key, sequence, id)
        WHERE ordering_key IS NOT NULL AND state NOT IN ('COMPLETE', 'CANCELLED')""",
    """CREATE INDEX job_free ON job (ordering_key)
        WHERE ordering_key IS NOT NULL AND blocked = 0 AND state IN ('PENDING', 'RETRYING')""",
    "CREATE INDEX job_stalled ON job (ordering_key) WHERE reason = 'PREDECESSOR_FAILED'",
    "CREATE UNIQUE INDEX job_one_in_flight ON job (ordering_key) WHERE state = 'IN_FLIGHT'",
    "CREATE INDEX job_step ON job (step_uid) WHERE step_uid IS NOT NULL",
    "CREATE INDEX job_instance ON job (sop_instance_uid) WHERE sop_instance_uid IS NOT NULL",
    "CREATE INDEX job_state ON job (destination, state)",
    """
    CREATE TABLE history (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        entity TEXT NOT NULL,
        before TEXT NOT NULL DEFAULT '',
        after TEXT NOT NULL DEFAULT '',
        detail TEXT NOT NULL DEFAULT ''
    )""",
    "CREATE INDEX history_at ON history (at)",
    """
    CREATE TABLE counter (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL CHECK (value > 0)
    ) WITHOUT ROWID""",
)

_migrations = Migrations("journal")


@_migrations()
def first(db: Database) -> None:
    """The tables of the first release."""
    for statement in _TABLES:
        db.conn.execute(statement)


@_migrations()
def second(db: Database) -> None:
    """What became of files that were no longer needed, and values that concern the journal as a whole."""
    for statement in (
        "ALTER TABLE instance ADD COLUMN purged TEXT",
        """
        CREATE TABLE property (
            name TEXT PRIMARY KEY,
            value BLOB NOT NULL
        ) WITHOUT ROWID""",
    ):
        db.conn.execute(statement)


VERSION = 2
"""Number of migrations; stands in the file's ``user_version``."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database up to date in one transaction: all of it or nothing.

    The transaction is ours and begins with ``BEGIN IMMEDIATE``; the migrations run as savepoints within it, so two
    processes that open an old database migrate it once.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        _migrations.apply(Database(connection, execute_plugins=False, recursive_triggers=False))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
