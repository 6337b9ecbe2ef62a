"""One transaction: everything that the journal can be asked and told, except jobs, which are the queue's."""

import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from modality_sdk.dataset.sop_classes import is_image
from modality_sdk.errors import StateError
from modality_sdk.journal.content import dump, load
from modality_sdk.journal.records import (
    CommitmentRecord,
    HistoryEntry,
    InstanceRecord,
    SpoolFile,
    from_text,
    to_text,
)
from modality_sdk.journal.sealing import PLAIN, Seal
from modality_sdk.model import (
    CommitmentState,
    Delivery,
    DeliveryState,
    InstanceState,
    IrradiationEvent,
    PerformedProcedureStep,
    PerformedSeries,
    RejectionReason,
    SopReference,
    StepStatus,
)

__all__ = ["Transaction", "delivery_of", "entry_of", "instance_of"]

_log = logging.getLogger("modality_sdk.journal")

_RECOVERED = "recovered."
_ENDED = (CommitmentState.COMMITTED, CommitmentState.PARTIAL, CommitmentState.REFUSED)


class Transaction:
    """Made by `Journal.transaction` and `Journal.read`; good until their block is left.

    Every ``add_*`` and ``set_*`` writes its own row of history. What breaks a rule of the schema raises `StateError`
    and undoes the whole transaction.

    Attributes
    ----------
    now
        The time of the transaction, aware and local; all its rows carry it.
    seal
        Every column that may identify a patient is written and read through it.
    """

    def __init__(self, connection: sqlite3.Connection, now: datetime, seal: Seal = PLAIN) -> None:
        self._connection = connection
        self.seal = seal
        self._after_commit: list[Callable[[], None]] = []
        self.now = now
        self._stamp = to_text(now)

    # steps

    def add_step(self, step: PerformedProcedureStep) -> None:
        """Keep a new step."""
        self.execute(
            "INSERT INTO step (uid, status, study_instance_uid, started, ended, content) VALUES (?, ?, ?, ?, ?, ?)",
            (step.sop_instance_uid, *self._columns(step)),
        )
        self.record("step", step.sop_instance_uid, "", step.status)

    def update_step(self, step: PerformedProcedureStep) -> None:
        """Replace a step by its present value; a final one keeps its status."""
        before = self._step_row(step.sop_instance_uid)["status"]
        if StepStatus(before).is_final and step.status != before:
            raise StateError(f"step {step.sop_instance_uid} is {before} and stays so")
        self.execute(
            "UPDATE step SET status = ?, study_instance_uid = ?, started = ?, ended = ?, content = ? WHERE uid = ?",
            (*self._columns(step), step.sop_instance_uid),
        )
        self.record("step", step.sop_instance_uid, before, step.status)

    def get_step(self, uid: str) -> PerformedProcedureStep:
        """The step; `StateError` if it is unknown."""
        return self._step(self._step_row(uid))

    def step_status(self, uid: str) -> StepStatus:
        """The step's status alone; `StateError` if the step is unknown."""
        return StepStatus(self._step_row(uid)["status"])

    def open_steps(self) -> list[PerformedProcedureStep]:
        """Steps that are not final, oldest first."""
        rows = self.execute("SELECT uid, content FROM step WHERE status IN ('DRAFT', 'IN PROGRESS') ORDER BY id")
        return [self._step(row) for row in rows]

    def unarchived_steps(self) -> list[str]:
        """UIDs of all steps, open or final, that are not archived, oldest first."""
        return [row["uid"] for row in self.execute("SELECT uid FROM step WHERE archived IS NULL ORDER BY id")]

    def set_archived(self, step_uid: str) -> None:
        """Say that a final step is delivered everywhere; saying it again changes nothing."""
        if self.is_archived(step_uid):
            return
        self.execute("UPDATE step SET archived = ? WHERE uid = ?", (self._stamp, step_uid))
        self.record("step_archived", step_uid, "", "ARCHIVED")

    def is_archived(self, step_uid: str) -> bool:
        """Whether `set_archived` was called for the step."""
        return self.archived_at(step_uid) is not None

    def archived_at(self, step_uid: str) -> datetime | None:
        """When `set_archived` was called for the step; None when it was not."""
        archived = self._step_row(step_uid)["archived"]
        return from_text(archived) if archived else None

    def next_number(self, name: str) -> int:
        """The next value of a counter, from 1; never given twice once the transaction is committed."""
        row = self.execute(
            "INSERT INTO counter (name, value) VALUES (?, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (name,),
        ).fetchone()
        return int(row["value"])

    def get_property(self, name: str) -> bytes | None:
        """A value that concerns the journal as a whole; None where there is none."""
        row = self.execute("SELECT value FROM property WHERE name = ?", (name,)).fetchone()
        return bytes(row["value"]) if row else None

    def set_property(self, name: str, value: bytes) -> None:
        """Keep a value that concerns the journal as a whole; it must be free of patient data."""
        self.execute(
            "INSERT INTO property (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def set_recovered(self, step_uid: str) -> None:
        """Note that the step is told of from before a loss: more may have been sent of it than the journal knows."""
        self.set_property(f"{_RECOVERED}{step_uid}", self._stamp.encode("ascii"))
        self.record("step_recovered", step_uid, "", "RECOVERED")

    def is_recovered(self, step_uid: str) -> bool:
        """Whether `set_recovered` was called for the step."""
        return self.get_property(f"{_RECOVERED}{step_uid}") is not None

    def advance_number(self, name: str, value: int) -> None:
        """Let `next_number` go on beyond ``value``, if it is not there yet."""
        self.execute(
            "INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value "
            "WHERE excluded.value > value",
            (name, value),
        )

    def has_step(self, uid: str) -> bool:
        """Whether the step is known."""
        return self.execute("SELECT 1 FROM step WHERE uid = ?", (uid,)).fetchone() is not None

    # series, instances, exposures

    def add_series(self, step_uid: str, series: PerformedSeries) -> None:
        """Keep a new series; the references in it are not, they come of the instances."""
        bare = replace(series, images=(), non_images=())
        self.execute(
            "INSERT INTO series (uid, step_uid, series_number, modality, presentation_intent, content) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                series.series_instance_uid,
                step_uid,
                series.series_number,
                series.modality,
                series.presentation_intent,
                self.seal.seal("series.content", series.series_instance_uid, dump(bare)),
            ),
        )
        self.record("series", series.series_instance_uid, "", "OPENED", step_uid)

    def series_of(self, step_uid: str) -> list[PerformedSeries]:
        """The step's series, each with its objects that are not rejected, both in the order of their making."""
        references: dict[str, list[SopReference]] = {}
        for row in self.execute(
            "SELECT * FROM instance WHERE step_uid = ? AND state <> 'REJECTED' ORDER BY id", (step_uid,)
        ):
            references.setdefault(row["series_uid"], []).append(_sop(row))
        return [
            replace(
                load(PerformedSeries, self.seal.unseal("series.content", row["uid"], row["content"])),
                images=tuple(sop for sop in references.get(row["uid"], ()) if is_image(sop.sop_class_uid)),
                non_images=tuple(sop for sop in references.get(row["uid"], ()) if not is_image(sop.sop_class_uid)),
            )
            for row in self.execute("SELECT * FROM series WHERE step_uid = ? ORDER BY id", (step_uid,))
        ]

    def add_instance(self, record: InstanceRecord) -> None:
        """Keep a new object, whose file is in the spool."""
        values = {
            "uid": record.sop.sop_instance_uid,
            "sop_class_uid": record.sop.sop_class_uid,
            "step_uid": record.step_uid,
            "series_uid": record.series_instance_uid,
            "instance_number": record.instance_number,
            "state": record.state,
            "rejection": record.rejection,
            "irradiation_event_uid": record.irradiation_event_uid,
            "created": to_text(record.created),
            "path": record.file.path,
            "size": record.file.size,
            "data_offset": record.file.offset,
            "transfer_syntax_uid": record.file.transfer_syntax_uid,
            "sha256": record.file.sha256,
        }
        names = ", ".join(values)
        self.execute(
            f"INSERT INTO instance ({names}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608 - our own names
            tuple(values.values()),
        )
        self.record("instance", record.sop.sop_instance_uid, "", record.state, record.step_uid)

    def get_instance(self, sop_instance_uid: str) -> InstanceRecord:
        """The object; `StateError` if it is unknown."""
        return instance_of(self._instance_row(sop_instance_uid))

    def instances_of(self, step_uid: str) -> list[InstanceRecord]:
        """The step's objects, rejected ones too, in the order of their making."""
        rows = self.execute("SELECT * FROM instance WHERE step_uid = ? ORDER BY id", (step_uid,))
        return [instance_of(row) for row in rows]

    def spool_usage(self) -> tuple[int, int]:
        """How many objects have a file in the spool, and bytes of all these files."""
        row = self.execute("SELECT count(*), coalesce(sum(data_offset + size), 0) FROM instance WHERE purged IS NULL")
        objects, length = row.fetchone()
        return int(objects), int(length)

    def set_instance_state(
        self, sop_instance_uid: str, state: InstanceState, rejection: RejectionReason | None = None
    ) -> None:
        """Keep what the operator says of an object."""
        before = self._instance_row(sop_instance_uid)["state"]
        self.execute("UPDATE instance SET state = ?, rejection = ? WHERE uid = ?", (state, rejection, sop_instance_uid))
        self.record("instance", sop_instance_uid, before, state, rejection or "")

    def add_irradiation_event(self, step_uid: str, event: IrradiationEvent) -> None:
        """Keep an exposure."""
        image = event.image.sop_instance_uid if event.image else None
        content = self.seal.seal("irradiation_event.content", event.uid, dump(event))
        self.execute(
            "INSERT INTO irradiation_event (uid, step_uid, sop_instance_uid, started, content) VALUES (?, ?, ?, ?, ?)",
            (event.uid, step_uid, image, to_text(event.started), content),
        )
        self.record("irradiation_event", event.uid, "", "RECORDED", step_uid)

    def irradiation_events_of(self, step_uid: str) -> list[IrradiationEvent]:
        """The step's exposures in the order of their recording."""
        rows = self.execute("SELECT uid, content FROM irradiation_event WHERE step_uid = ? ORDER BY id", (step_uid,))
        return [
            load(IrradiationEvent, self.seal.unseal("irradiation_event.content", row["uid"], row["content"]))
            for row in rows
        ]

    # deliveries

    def set_delivery(self, sop: SopReference, destination: str, state: DeliveryState, reason: str = "") -> None:
        """Keep how far an object has come at a destination; ``reason`` must be free of patient data."""
        present = self.delivery(sop.sop_instance_uid, destination)
        self.execute(
            "INSERT INTO delivery (sop_instance_uid, destination, state, reason, changed) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason, changed = excluded.changed",
            (sop.sop_instance_uid, destination, state, reason, self._stamp),
        )
        before = present.state if present else ""
        self.record("delivery", f"{sop.sop_instance_uid} {destination}", before, state, reason)

    def deliveries_of(self, step_uid: str) -> list[Delivery]:
        """Deliveries of the step's objects, in the order of the objects, then by destination."""
        rows = self.execute(
            "SELECT delivery.*, instance.uid, instance.sop_class_uid FROM instance JOIN delivery "
            "ON delivery.sop_instance_uid = instance.uid WHERE step_uid = ? ORDER BY instance.id, destination",
            (step_uid,),
        )
        return [delivery_of(row) for row in rows]

    def delivery(self, sop_instance_uid: str, destination: str) -> Delivery | None:
        """One delivery; None if the object was never meant for the destination."""
        row = self.execute(
            "SELECT delivery.*, instance.uid, instance.sop_class_uid FROM delivery JOIN instance "
            "ON instance.uid = delivery.sop_instance_uid WHERE sop_instance_uid = ? AND destination = ?",
            (sop_instance_uid, destination),
        ).fetchone()
        return delivery_of(row) if row else None

    def set_mpps_status(self, step_uid: str, destination: str, status: StepStatus | None) -> None:
        """Keep the status that an MPPS destination has accepted; None for a destination that accepted nothing yet."""
        before = self.mpps_status_of(step_uid).get(destination)
        self.execute(
            "INSERT INTO mpps_delivery (step_uid, destination, status, changed) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET status = excluded.status, changed = excluded.changed",
            (step_uid, destination, status, self._stamp),
        )
        self.record("mpps", f"{step_uid} {destination}", before or "", status or "")

    def mpps_status_of(self, step_uid: str) -> dict[str, StepStatus | None]:
        """What each MPPS destination of the step has accepted."""
        rows = self.execute(
            "SELECT destination, status FROM mpps_delivery WHERE step_uid = ? ORDER BY destination", (step_uid,)
        )
        return {row["destination"]: StepStatus(row["status"]) if row["status"] else None for row in rows}

    # storage commitment

    def add_commitment(self, record: CommitmentRecord) -> None:
        """Register a transaction; before its request is sent, since the report may be quick."""
        self.execute(
            "INSERT INTO commitment (transaction_uid, step_uid, destination, peer, state, requested, finished, "
            "predecessor) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.transaction_uid,
                record.step_uid or None,
                record.destination,
                record.peer,
                record.state,
                to_text(record.requested),
                to_text(record.finished) if record.finished else None,
                record.predecessor or None,
            ),
        )
        for position, sop in enumerate(record.references):
            self.execute(
                "INSERT INTO commitment_reference (transaction_uid, position, sop_class_uid, sop_instance_uid) "
                "VALUES (?, ?, ?, ?)",
                (record.transaction_uid, position, sop.sop_class_uid, sop.sop_instance_uid),
            )
        self.record("commitment", record.transaction_uid, "", record.state, record.destination)

    def get_commitment(self, transaction_uid: str) -> CommitmentRecord | None:
        """The transaction; None if it is not ours."""
        row = self.execute("SELECT * FROM commitment WHERE transaction_uid = ?", (transaction_uid,)).fetchone()
        return self._commitment(row) if row else None

    def set_commitment_state(self, transaction_uid: str, state: CommitmentState) -> None:
        """Keep what became of a transaction."""
        row = self.execute("SELECT state FROM commitment WHERE transaction_uid = ?", (transaction_uid,)).fetchone()
        if row is None:
            raise StateError(f"storage commitment transaction {transaction_uid} is unknown")
        finished = self._stamp if state in _ENDED else None
        self.execute(
            "UPDATE commitment SET state = ?, finished = ? WHERE transaction_uid = ?",
            (state, finished, transaction_uid),
        )
        self.record("commitment", transaction_uid, row["state"], state)

    def commitments_of(self, step_uid: str) -> list[CommitmentRecord]:
        """The step's transactions, oldest first."""
        rows = self.execute("SELECT * FROM commitment WHERE step_uid = ? ORDER BY id", (step_uid,)).fetchall()
        return [self._commitment(row) for row in rows]

    # history

    def record(self, kind: str, entity: str, before: str, after: str, detail: str = "") -> None:
        """Write a row of history. UIDs, names of peers, states and reasons only: history is never encrypted."""
        self.execute(
            "INSERT INTO history (at, kind, entity, before, after, detail) VALUES (?, ?, ?, ?, ?, ?)",
            (self._stamp, kind, entity, before, after, detail),
        )

    def history(self, since: datetime) -> list[HistoryEntry]:
        """Everything that happened at or after ``since``, in its order."""
        rows = self.execute("SELECT * FROM history WHERE at >= ? ORDER BY id", (to_text(since),))
        return [entry_of(row) for row in rows]

    # for the queue, whose tables lie in the same file

    def execute(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> sqlite3.Cursor:
        """Run one SQL statement within the transaction."""
        return self._connection.execute(statement, parameters)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once the transaction is durable; never if it is undone. What it raises is logged."""
        self._after_commit.append(callback)

    def committed(self) -> None:
        """Run what waits for the commit; called by `Journal.transaction`."""
        for callback in self._after_commit:
            try:
                callback()
            except Exception as error:
                # the caller's work is durable: it must not look as if it had failed
                _log.error("a callback after a commit raised %s", type(error).__name__)

    def _columns(self, step: PerformedProcedureStep) -> tuple[object, ...]:
        ended = to_text(step.ended) if step.ended else None
        content = self.seal.seal("step.content", step.sop_instance_uid, dump(step))
        return step.status, step.study_instance_uid, to_text(step.started), ended, content

    def _step(self, row: sqlite3.Row) -> PerformedProcedureStep:
        return load(PerformedProcedureStep, self.seal.unseal("step.content", row["uid"], row["content"]))

    def _step_row(self, uid: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self.execute("SELECT * FROM step WHERE uid = ?", (uid,)).fetchone()
        if row is None:
            raise StateError(f"step {uid} is unknown")
        return row

    def _instance_row(self, uid: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self.execute("SELECT * FROM instance WHERE uid = ?", (uid,)).fetchone()
        if row is None:
            raise StateError(f"instance {uid} is unknown")
        return row

    def _commitment(self, row: sqlite3.Row) -> CommitmentRecord:
        references = self.execute(
            "SELECT * FROM commitment_reference WHERE transaction_uid = ? ORDER BY position", (row["transaction_uid"],)
        )
        return CommitmentRecord(
            transaction_uid=row["transaction_uid"],
            step_uid=row["step_uid"] or "",
            destination=row["destination"],
            peer=row["peer"],
            state=CommitmentState(row["state"]),
            references=tuple(
                SopReference(sop_class_uid=each["sop_class_uid"], sop_instance_uid=each["sop_instance_uid"])
                for each in references
            ),
            requested=from_text(row["requested"]),
            finished=from_text(row["finished"]) if row["finished"] else None,
            predecessor=row["predecessor"] or "",
        )


def _sop(row: sqlite3.Row) -> SopReference:
    return SopReference(sop_class_uid=row["sop_class_uid"], sop_instance_uid=row["uid"])


def delivery_of(row: sqlite3.Row) -> Delivery:
    """The delivery of a row of ``delivery`` joined with its object's."""
    return Delivery(
        sop=_sop(row),
        destination=row["destination"],
        state=DeliveryState(row["state"]),
        reason=row["reason"],
        changed=from_text(row["changed"]),
    )


def entry_of(row: sqlite3.Row) -> HistoryEntry:
    """The entry of a row of ``history``."""
    return HistoryEntry(
        id=row["id"],
        at=from_text(row["at"]),
        kind=row["kind"],
        entity=row["entity"],
        before=row["before"],
        after=row["after"],
        detail=row["detail"],
    )


def instance_of(row: sqlite3.Row) -> InstanceRecord:
    """The object of a row of ``instance``."""
    return InstanceRecord(
        sop=_sop(row),
        step_uid=row["step_uid"],
        series_instance_uid=row["series_uid"],
        instance_number=row["instance_number"],
        file=SpoolFile(
            path=row["path"],
            size=row["size"],
            offset=row["data_offset"],
            transfer_syntax_uid=row["transfer_syntax_uid"],
            sha256=row["sha256"],
        ),
        state=InstanceState(row["state"]),
        irradiation_event_uid=row["irradiation_event_uid"],
        created=from_text(row["created"]),
        rejection=RejectionReason(row["rejection"]) if row["rejection"] else None,
        purged=from_text(row["purged"]) if row["purged"] else None,
    )
