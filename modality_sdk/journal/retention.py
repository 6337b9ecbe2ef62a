"""Which files may go, and the mark that says so before they do.

A file is deleted in three steps: its row is marked in a transaction that looks at everything that forbids it, the
transaction is durable, the file goes. A crash in between leaves a marked row whose file is still there; whoever opens
the store alone, or purges next, finishes it.
"""

from datetime import datetime

from modality_sdk.errors import StateError
from modality_sdk.journal.records import InstanceRecord, SpoolFile, to_text
from modality_sdk.journal.transaction import Transaction, instance_of

__all__ = ["mark_purged", "marked", "purgeable"]

_PURGEABLE = """
    FROM instance JOIN step ON step.uid = instance.step_uid
    WHERE instance.purged IS NULL
    AND (
        instance.state <> 'REJECTED' AND step.archived <= :committed
        AND EXISTS (SELECT 1 FROM delivery WHERE sop_instance_uid = instance.uid)
        AND NOT EXISTS (SELECT 1 FROM delivery WHERE sop_instance_uid = instance.uid AND state <> 'COMMITTED')
        OR
        instance.state = 'REJECTED' AND step.archived <= :rejected
        AND NOT EXISTS (SELECT 1 FROM delivery WHERE sop_instance_uid = instance.uid AND state <> 'REJECTED')
    )
    AND NOT EXISTS (
        SELECT 1 FROM job WHERE sop_instance_uid = instance.uid AND state NOT IN ('COMPLETE', 'CANCELLED')
    )
"""


def purgeable(
    tx: Transaction,
    *,
    committed: datetime | None,
    rejected: datetime | None,
    step_uid: str | None = None,
    limit: int = -1,
) -> list[InstanceRecord]:
    """Objects whose files may go, oldest first.

    Parameters
    ----------
    committed
        Objects that every storage destination has committed, of steps archived until then; None for none.
    rejected
        Objects that the operator rejected, of steps archived until then; None for none.
    step_uid
        Only of this step.
    limit
        At most so many; -1 for all.
    """
    # a comparison with NULL is never true: not of a step that is not archived, nor with a time that is not given
    values = {
        "committed": to_text(committed) if committed else None,
        "rejected": to_text(rejected) if rejected else None,
        "step": step_uid,
        "limit": limit,
    }
    rows = tx.execute(
        f"SELECT instance.* {_PURGEABLE} "
        f"{'AND instance.step_uid = :step' if step_uid else ''} ORDER BY instance.id LIMIT :limit",
        values,
    )
    return [instance_of(row) for row in rows]


def mark_purged(tx: Transaction, record: InstanceRecord) -> None:
    """Say that the file of an object goes, in the transaction in which `purgeable` named it.

    Raises
    ------
    StateError
        When it was said before.
    """
    uid = record.sop.sop_instance_uid
    done = tx.execute("UPDATE instance SET purged = ? WHERE uid = ? AND purged IS NULL", (to_text(tx.now), uid))
    if done.rowcount != 1:
        raise StateError(f"the file of {uid} was deleted before")
    tx.record("instance_purged", uid, record.state, "PURGED", record.step_uid)


def marked(tx: Transaction, step_uid: str | None = None) -> list[SpoolFile]:
    """Files that are gone, or go: of one step, or of all."""
    condition = "AND step_uid = :step" if step_uid else ""
    rows = tx.execute(
        f"SELECT * FROM instance WHERE purged IS NOT NULL {condition} ORDER BY id",  # noqa: S608 - a constant
        {"step": step_uid},
    )
    return [instance_of(row).file for row in rows]
