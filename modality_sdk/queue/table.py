"""The job table: rows to values, and the two columns that keep the next job at the head of an index.

``waiting`` says that a job's time has not come, ``blocked`` that an earlier one of its ordering key is unfinished. Both
are kept true at every transition, so that a claim reads one entry of an index however many jobs wait.
"""

import sqlite3
from datetime import UTC, datetime, timedelta
from functools import partial

from modality_sdk.errors import StateError
from modality_sdk.journal import Transaction, from_text, to_text
from modality_sdk.model import JobState
from modality_sdk.queue.jobs import Job, JobRequest

__all__ = [
    "PREDECESSOR_FAILED",
    "change",
    "find",
    "head",
    "insert",
    "job_of",
    "next_due",
    "order",
    "ready_destinations",
    "ripen",
    "schedule",
]

PREDECESSOR_FAILED = "PREDECESSOR_FAILED"

_PAYLOAD = "job.payload"

# the literal terms of the partial index job_ready, else SQLite cannot use it
_READY = "state IN ('PENDING', 'RETRYING') AND waiting = 0 AND blocked = 0"


def job_of(tx: Transaction, row: sqlite3.Row) -> Job:
    """The value of a row; its payload is unsealed when it is asked for."""
    return Job(
        id=row["id"],
        kind=row["kind"],
        destination=row["destination"],
        step_uid=row["step_uid"] or "",
        sop_instance_uid=row["sop_instance_uid"] or "",
        transaction_uid=row["transaction_uid"] or "",
        ordering_key=row["ordering_key"] or "",
        sequence=row["sequence"],
        priority=row["priority"],
        read_payload=partial(tx.seal.unseal, _PAYLOAD, row["unique_key"], row["payload"]),
        state=JobState(row["state"]),
        attempts=row["attempts"],
        due_at=from_text(row["due_at"]),
        delay_s=row["delay_s"],
        last_attempt=from_text(row["last_attempt"]) if row["last_attempt"] else None,
        last_error=row["last_error"],
        reason=row["reason"],
        created=from_text(row["created"]),
        unique_key=row["unique_key"],
        lease=row["lease_owner"] or "",
    )


def find(tx: Transaction, job_id: int) -> Job:
    """The job; `StateError` if there is none of this number."""
    row = tx.execute("SELECT * FROM job WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise StateError(f"there is no job {job_id}")
    return job_of(tx, row)


def insert(tx: Transaction, request: JobRequest) -> int:
    """A new job, or the number of the one that has its unique key already."""
    present = tx.execute("SELECT id FROM job WHERE unique_key = ?", (request.unique_key,)).fetchone()
    if present:
        return int(present["id"])
    tx.execute("INSERT INTO destination (name) VALUES (?) ON CONFLICT DO NOTHING", (request.destination,))
    values: dict[str, object] = {
        "unique_key": request.unique_key,
        "kind": request.kind,
        "destination": request.destination,
        "step_uid": request.step_uid or None,
        "sop_instance_uid": request.sop_instance_uid or None,
        "transaction_uid": request.transaction_uid or None,
        "ordering_key": request.ordering_key or None,
        "sequence": request.sequence,
        "priority": request.priority,
        "payload": tx.seal.seal(_PAYLOAD, request.unique_key, request.payload),
        "state": JobState.PENDING,
        "blocked": 0,
        "last_attempt": to_text(tx.now) if request.attempted else None,
        "created": to_text(tx.now),
        "changed": to_text(tx.now),
        **schedule(tx.now, request.delay),
    }
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    cursor = tx.execute(f"INSERT INTO job ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
    job_id = int(cursor.lastrowid or 0)
    tx.record("job", str(job_id), "", JobState.PENDING, f"{request.kind} {request.destination}")
    order(tx, request.ordering_key)
    return job_id


def change(tx: Transaction, job: Job, state: JobState, **values: object) -> Job:
    """Bring a job to another state: row, history, and order of its key."""
    values |= {"state": state, "changed": to_text(tx.now)}
    if state is not JobState.IN_FLIGHT:
        values |= {"lease_owner": None, "lease_until": None}
    names = ", ".join(f"{name} = ?" for name in values)
    tx.execute(f"UPDATE job SET {names} WHERE id = ?", (*values.values(), job.id))  # noqa: S608 - our own names
    tx.record("job", str(job.id), job.state, state, str(values.get("reason", "")))
    order(tx, job.ordering_key)
    return find(tx, job.id)


def schedule(now: datetime, delay: float) -> dict[str, object]:
    """Columns of a job that is due ``delay`` seconds after ``now``."""
    # the latest time that there is stands for whatever lies behind it
    delay = min(delay, (datetime.max.replace(tzinfo=UTC) - now).total_seconds() - 1)
    due = now + timedelta(seconds=delay)
    return {
        "due_at": to_text(due),
        "delay_s": delay,
        "scheduled_at": to_text(now),
        "waiting": int(delay > 0),
    }


def order(tx: Transaction, ordering_key: str) -> None:
    """Free the one job of a key that may run, block the others, and say why they wait."""
    if not ordering_key:
        return
    first = tx.execute(
        "SELECT id, state FROM job WHERE ordering_key = ? AND state = 'IN_FLIGHT'", (ordering_key,)
    ).fetchone()
    if first is None:
        first = tx.execute(
            "SELECT id, state FROM job WHERE ordering_key = ? AND state NOT IN ('COMPLETE', 'CANCELLED') "
            "ORDER BY sequence, id LIMIT 1",
            (ordering_key,),
        ).fetchone()
    if first is None:
        return
    tx.execute(
        "UPDATE job SET blocked = 1 WHERE ordering_key = ? AND blocked = 0 "
        "AND state IN ('PENDING', 'RETRYING') AND id <> ?",
        (ordering_key, first["id"]),
    )
    tx.execute("UPDATE job SET blocked = 0 WHERE id = ? AND blocked = 1", (first["id"],))
    if first["state"] == JobState.FAILED:
        tx.execute(
            "UPDATE job SET reason = ? WHERE ordering_key = ? AND state IN ('PENDING', 'RETRYING')",
            (PREDECESSOR_FAILED, ordering_key),
        )
    else:
        tx.execute(
            "UPDATE job SET reason = '' WHERE ordering_key = ? AND reason = 'PREDECESSOR_FAILED'", (ordering_key,)
        )


def ripen(tx: Transaction, set_back: datetime | None) -> None:
    """End the waiting of jobs whose time has come, or whose time was set before the clock was set back.

    Parameters
    ----------
    set_back
        From `StepWatch`; without it only a step over the whole wait shows.
    """
    now = to_text(tx.now)
    tx.execute("UPDATE job SET waiting = 0 WHERE waiting = 1 AND due_at <= ?", (now,))
    tx.execute("UPDATE job SET waiting = 0 WHERE waiting = 1 AND scheduled_at > ?", (now,))
    if set_back is not None:
        tx.execute("UPDATE job SET waiting = 0 WHERE waiting = 1 AND scheduled_at < ?", (to_text(set_back),))


def head(tx: Transaction, destination: str | None) -> Job | None:
    """The next job to run, at one destination or at any that is open."""
    # a destination's first entry of the index, then the first of those
    row = tx.execute(
        "SELECT job.* FROM destination CROSS JOIN job ON job.id = ("  # noqa: S608 - a constant
        f"SELECT id FROM job INDEXED BY job_ready WHERE destination = destination.name AND {_READY} "
        "ORDER BY priority, id LIMIT 1) "
        "WHERE destination.state = 'OPEN' AND (:name IS NULL OR destination.name = :name) "
        "ORDER BY job.priority, job.id LIMIT 1",
        {"name": destination},
    ).fetchone()
    return job_of(tx, row) if row else None


def ready_destinations(tx: Transaction) -> list[str]:
    """Open destinations that have a job to run now."""
    rows = tx.execute(
        "SELECT name FROM destination WHERE state = 'OPEN' "  # noqa: S608 - a constant
        f"AND EXISTS (SELECT 1 FROM job INDEXED BY job_ready WHERE destination = destination.name AND {_READY})"
    )
    return [row["name"] for row in rows]


def next_due(tx: Transaction) -> datetime | None:
    """When the next waiting job or held destination is due."""
    texts = [
        tx.execute("SELECT min(due_at) FROM job WHERE waiting = 1").fetchone()[0],
        tx.execute("SELECT min(next_probe) FROM destination WHERE state = 'HELD'").fetchone()[0],
    ]
    return min((from_text(text) for text in texts if text), default=None)
