"""How jobs, destinations, deliveries and transactions look: as JSON, and in words. No patient stands in any of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.table import Table

from modality_sdk.cli.console import make_table
from modality_sdk.dataset import class_name
from modality_sdk.journal import CommitmentRecord, HistoryEntry, InstanceRecord
from modality_sdk.model import Delivery, DestinationState, JobState
from modality_sdk.queue import DestinationStatus, Job

__all__ = [
    "commitment_json",
    "delivery_json",
    "destination_json",
    "destination_line",
    "entry_json",
    "instance_json",
    "job_json",
    "job_table",
    "local",
    "reference",
    "waiting",
]

Tally = Mapping[JobState, int]


def reference(job: Job) -> str:
    """A job in a few words."""
    return f"{job.id} {job.kind} {job.destination}".rstrip()


def local(moment: datetime) -> str:
    """A time as the clock on the wall shows it."""
    return moment.astimezone().strftime("%d %b %H:%M:%S")


def job_json(job: Job) -> dict[str, object]:
    """A job, without its payload."""
    return {
        "id": job.id,
        "kind": job.kind,
        "destination": job.destination,
        "state": job.state.value,
        "attempts": job.attempts,
        "due_at": job.due_at.isoformat(),
        "reason": job.reason,
        "last_error": job.last_error,
        "created": job.created.isoformat(),
        "last_attempt": _iso(job.last_attempt),
        "step_uid": job.step_uid,
        "sop_instance_uid": job.sop_instance_uid,
        "transaction_uid": job.transaction_uid,
    }


def job_table(jobs: Sequence[Job]) -> Table:
    """Jobs for people."""
    table = make_table("ID", "Kind", "Destination", "State", "Tries", "Due", "Why")
    for job in jobs:
        due = local(job.due_at) if job.state.is_open else ""
        why = job.last_error or job.reason
        table.add_row(str(job.id), job.kind, job.destination, job.state.value, str(job.attempts), due, why)
    return table


def destination_json(status: DestinationStatus, tally: Tally) -> dict[str, object]:
    """A destination with the numbers of its jobs by state."""
    return {
        "name": status.name,
        "state": status.state.value,
        "cause": status.cause,
        "since": _iso(status.since),
        "next_probe": _iso(status.next_probe),
        "probes": status.probes,
        "waiting": waiting(tally),
        "jobs": {state.value: tally[state] for state in JobState if state in tally},
    }


def destination_line(status: DestinationStatus, tally: Tally) -> str:
    """A destination in one line."""
    words = f"{status.name} is {status.state.value}"
    if status.since is not None and status.state is not DestinationState.OPEN:
        words += f" since {local(status.since)}"
    words += f", {waiting(tally)} wait, {tally.get(JobState.FAILED, 0)} failed"
    if status.next_probe is not None:
        words += f", asked again {local(status.next_probe)}"
    return f"{words}: {status.cause}" if status.cause else words


def waiting(tally: Tally) -> int:
    """How many jobs are still to be done."""
    return sum(number for state, number in tally.items() if state.is_open)


def delivery_json(delivery: Delivery) -> dict[str, object]:
    """How far an object has come at a destination."""
    return {
        "sop_class_uid": delivery.sop.sop_class_uid,
        "sop_instance_uid": delivery.sop.sop_instance_uid,
        "destination": delivery.destination,
        "state": delivery.state.value,
        "reason": delivery.reason,
        "changed": _iso(delivery.changed),
    }


def instance_json(record: InstanceRecord) -> dict[str, object]:
    """An object of a step."""
    return {
        "sop_class_uid": record.sop.sop_class_uid,
        "sop_class": class_name(record.sop.sop_class_uid),
        "sop_instance_uid": record.sop.sop_instance_uid,
        "step_uid": record.step_uid,
        "state": record.state.value,
        "created": record.created.isoformat(),
        "purged": _iso(record.purged),
    }


def commitment_json(record: CommitmentRecord) -> dict[str, object]:
    """A storage commitment transaction; ``predecessor`` is the one that it repeats."""
    return {
        "transaction_uid": record.transaction_uid,
        "predecessor": record.predecessor,
        "destination": record.destination,
        "peer": record.peer,
        "state": record.state.value,
        "requested": record.requested.isoformat(),
        "finished": _iso(record.finished),
        "sop_instance_uids": [sop.sop_instance_uid for sop in record.references],
    }


def entry_json(entry: HistoryEntry) -> dict[str, object]:
    """One row of history."""
    return {
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "entity": entry.entity,
        "before": entry.before,
        "after": entry.after,
        "detail": entry.detail,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
