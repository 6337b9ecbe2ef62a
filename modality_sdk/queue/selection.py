"""Which jobs an operator means, and how many there are; answered by SQL, so that a long queue is no burden."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from modality_sdk.journal import Transaction, to_text
from modality_sdk.model import JobState
from modality_sdk.queue.jobs import Job
from modality_sdk.queue.table import PREDECESSOR_FAILED, job_of

__all__ = ["JobFilter", "count", "due", "find", "tally"]


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Jobs that fit all that is given.

    Attributes
    ----------
    since
        Whose state changed then or later.
    before
        That were submitted before then.
    sent
        Only what goes to a peer: no local work, like the reminders of storage commitment.
    """

    states: Collection[JobState] | None = None
    destination: str | None = None
    kind: str | None = None
    step_uid: str | None = None
    sop_instance_uid: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    sent: bool = False

    def condition(self) -> tuple[str, list[object]]:
        """The WHERE clause, empty when everything fits, and its values."""
        equal = {
            "destination": self.destination,
            "kind": self.kind,
            "step_uid": self.step_uid,
            "sop_instance_uid": self.sop_instance_uid,
        }
        terms: list[tuple[str, object]] = [(f"{name} = ?", value) for name, value in equal.items() if value is not None]
        if self.since is not None:
            terms.append(("changed >= ?", to_text(self.since)))
        if self.before is not None:
            terms.append(("created < ?", to_text(self.before)))
        where, values = [term for term, _ in terms], [value for _, value in terms]
        if self.states is not None:
            where.append(f"state IN ({', '.join('?' * len(self.states))})")
            values.extend(self.states)
        if self.sent:
            where.append("destination <> ''")
        return (f"WHERE {' AND '.join(where)}" if where else ""), values


def find(tx: Transaction, wanted: JobFilter, limit: int | None = None) -> list[Job]:
    """The jobs, oldest first, at most ``limit``."""
    where, values = wanted.condition()
    rows = tx.execute(
        f"SELECT * FROM job {where} ORDER BY id LIMIT ?",  # noqa: S608 - our own names
        (*values, -1 if limit is None else limit),
    )
    return [job_of(tx, row) for row in rows]


def count(tx: Transaction, wanted: JobFilter) -> int:
    """How many jobs `find` would give without a limit."""
    where, values = wanted.condition()
    return int(tx.execute(f"SELECT count(*) FROM job {where}", values).fetchone()[0])  # noqa: S608 - our own names


def tally(tx: Transaction) -> dict[str, dict[JobState, int]]:
    """How many jobs of each state there are, by destination; that of local work is empty."""
    found: dict[str, dict[JobState, int]] = {}
    for row in tx.execute("SELECT destination, state, count(*) FROM job GROUP BY destination, state"):
        found.setdefault(row[0], {})[JobState(row[1])] = int(row[2])
    return found


def due(tx: Transaction, destinations: Collection[str] | None = None) -> int:
    """How many jobs could be worked on now, or are, at these destinations or at all.

    Not those whose destination is held or paused, whose time has not come, or that wait for a message that failed.
    """
    where, values = ("", []) if destinations is None else _among(destinations)
    row = tx.execute(
        "SELECT count(*) FROM job JOIN destination ON destination.name = job.destination "  # noqa: S608
        "WHERE destination.state = 'OPEN' AND job.state IN ('PENDING', 'IN_FLIGHT', 'RETRYING') "
        f"AND job.due_at <= ? AND job.reason <> ? {where}",
        (to_text(tx.now), PREDECESSOR_FAILED, *values),
    ).fetchone()
    return int(row[0])


def _among(destinations: Collection[str]) -> tuple[str, list[str]]:
    return f"AND job.destination IN ({', '.join('?' * len(destinations))})", list(destinations)
