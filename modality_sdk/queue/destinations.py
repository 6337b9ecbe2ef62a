"""Destinations that are held because nobody can be reached there, and those the operator paused."""

import sqlite3
from collections.abc import Collection
from datetime import datetime, timedelta

from modality_sdk.errors import StateError
from modality_sdk.journal import Transaction, from_text, to_text
from modality_sdk.model import DestinationState, RetryPolicy
from modality_sdk.queue.jobs import DestinationStatus

__all__ = ["due_probe", "hold", "listing", "probe_failed", "put", "reopen", "ripen", "status_of"]

_PROBE_LEASE = 60.0
"""Seconds after which a probe whose process died is made again."""


def status_of(tx: Transaction, name: str) -> DestinationStatus:
    """The destination; open if nothing was ever sent there."""
    row = tx.execute("SELECT * FROM destination WHERE name = ?", (name,)).fetchone()
    return _status(row) if row else DestinationStatus(name=name, state=DestinationState.OPEN)


def listing(tx: Transaction) -> list[DestinationStatus]:
    """All peers for which there ever was a job, or which were paused."""
    return [_status(row) for row in tx.execute("SELECT * FROM destination WHERE name <> '' ORDER BY name")]


def hold(tx: Transaction, name: str, cause: str, retry: RetryPolicy) -> bool:
    """Hold an open destination; returns whether it was open."""
    if status_of(tx, name).state is not DestinationState.OPEN:
        return False
    put(tx, name, DestinationState.HELD, cause=cause, next_probe=retry.delay(1))
    return True


def due_probe(tx: Transaction, among: Collection[str] | None = None) -> str | None:
    """A held destination, of those named, whose probe is due; it is the caller's for a minute."""
    now = to_text(tx.now)
    rows = tx.execute(
        "SELECT name FROM destination WHERE state = 'HELD' AND (next_probe <= ? OR scheduled_at > ?) "
        "ORDER BY next_probe",
        (now, now),
    ).fetchall()
    row = next((row for row in rows if among is None or row["name"] in among), None)
    if row is None:
        return None
    _schedule(tx, row["name"], _PROBE_LEASE)
    return str(row["name"])


def ripen(tx: Transaction, set_back: datetime | None) -> None:
    """Make probes due whose time was set before the clock was set back (see `StepWatch`)."""
    if set_back is not None:
        tx.execute(
            "UPDATE destination SET next_probe = ? WHERE state = 'HELD' AND scheduled_at < ?",
            (to_text(tx.now), to_text(set_back)),
        )


def probe_failed(tx: Transaction, name: str, cause: str, retry: RetryPolicy) -> DestinationStatus:
    """Count a failed probe and set the time of the next."""
    probes = status_of(tx, name).probes + 1
    tx.execute("UPDATE destination SET probes = ?, cause = ? WHERE name = ?", (probes, cause, name))
    _schedule(tx, name, retry.delay(probes + 1))
    return status_of(tx, name)


def reopen(tx: Transaction, name: str) -> bool:
    """Open a destination; returns whether it was not."""
    if status_of(tx, name).state is DestinationState.OPEN:
        return False
    put(tx, name, DestinationState.OPEN)
    return True


def put(
    tx: Transaction, name: str, state: DestinationState, *, cause: str = "", next_probe: float | None = None
) -> None:
    """Bring a destination to a state; ``next_probe`` in seconds from now."""
    if not name:
        raise StateError("local work cannot be held or paused")
    before = status_of(tx, name).state
    due = to_text(tx.now + timedelta(seconds=next_probe)) if next_probe is not None else None
    now = to_text(tx.now)
    tx.execute(
        "INSERT INTO destination (name, state, cause, since, next_probe, scheduled_at) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET state = excluded.state, cause = excluded.cause, since = excluded.since, "
        "next_probe = excluded.next_probe, scheduled_at = excluded.scheduled_at, probes = 0",
        (name, state, cause, now, due, now if due else None),
    )
    tx.record("destination", name, before, state, cause)


def _schedule(tx: Transaction, name: str, delay: float) -> None:
    tx.execute(
        "UPDATE destination SET next_probe = ?, scheduled_at = ? WHERE name = ?",
        (to_text(tx.now + timedelta(seconds=delay)), to_text(tx.now), name),
    )


def _status(row: sqlite3.Row) -> DestinationStatus:
    return DestinationStatus(
        name=row["name"],
        state=DestinationState(row["state"]),
        cause=row["cause"],
        since=from_text(row["since"]) if row["since"] else None,
        next_probe=from_text(row["next_probe"]) if row["next_probe"] else None,
        probes=row["probes"],
    )
