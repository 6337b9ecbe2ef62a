"""Objects, deliveries and history across steps: what an operator asks, answered by SQL however much there is."""

import json
from collections.abc import Collection, Mapping

from modality_sdk.journal.records import HistoryEntry, InstanceRecord
from modality_sdk.journal.transaction import Transaction, delivery_of, entry_of, instance_of
from modality_sdk.model import Delivery, DeliveryState

__all__ = ["find_deliveries", "find_instances", "history_of", "knows_step"]


def find_instances(
    tx: Transaction,
    *,
    uids: Collection[str] | None = None,
    steps: Collection[str] | None = None,
    states: Collection[DeliveryState] | None = None,
) -> list[InstanceRecord]:
    """Objects that fit all that is given, oldest first.

    Parameters
    ----------
    uids, steps
        SOP Instance UIDs of the objects, and of their performed procedure steps.
    states
        Of the delivery to at least one destination.
    """
    where, values = _terms({"uid": uids, "step_uid": steps})
    if states is not None:
        where.append(
            "EXISTS (SELECT 1 FROM delivery WHERE sop_instance_uid = instance.uid "
            "AND delivery.state IN (SELECT value FROM json_each(?)))"
        )
        values.append(_listed(states))
    rows = tx.execute(f"SELECT * FROM instance {_condition(where)} ORDER BY id", values)  # noqa: S608 - our own names
    return [instance_of(row) for row in rows]


def find_deliveries(
    tx: Transaction,
    *,
    uids: Collection[str] | None = None,
    steps: Collection[str] | None = None,
    destination: str | None = None,
) -> list[Delivery]:
    """Deliveries that fit all that is given, in the order of their objects, then by destination."""
    where, values = _terms({"instance.uid": uids, "step_uid": steps})
    if destination is not None:
        where.append("destination = ?")
        values.append(destination)
    rows = tx.execute(
        "SELECT delivery.*, instance.uid, instance.sop_class_uid FROM instance JOIN delivery "  # noqa: S608
        f"ON delivery.sop_instance_uid = instance.uid {_condition(where)} ORDER BY instance.id, destination",
        values,
    )
    return [delivery_of(row) for row in rows]


def history_of(tx: Transaction, entities: Mapping[str, Collection[str]]) -> list[HistoryEntry]:
    """What happened to things of these kinds and names, in its order."""
    where = ["kind = ? AND entity IN (SELECT value FROM json_each(?))"] * len(entities)
    values = [value for kind, names in entities.items() for value in (kind, _listed(names))]
    rows = tx.execute(f"SELECT * FROM history WHERE {' OR '.join(where) or 0} ORDER BY id", values)  # noqa: S608
    return [entry_of(row) for row in rows]


def knows_step(tx: Transaction, uid: str) -> bool:
    """Whether there is such a step."""
    return tx.execute("SELECT 1 FROM step WHERE uid = ?", (uid,)).fetchone() is not None


def _terms(given: Mapping[str, Collection[str] | None]) -> tuple[list[str], list[object]]:
    named = {name: values for name, values in given.items() if values is not None}
    # one parameter however many values: SQLite bounds the number of parameters
    where = [f"{name} IN (SELECT value FROM json_each(?))" for name in named]  # noqa: S608 - our own names
    return where, [_listed(values) for values in named.values()]


def _listed(values: Collection[str]) -> str:
    return json.dumps(list(values))


def _condition(where: list[str]) -> str:
    return f"WHERE {' AND '.join(where)}" if where else ""
