"""``modality queue show``."""

import json
from dataclasses import dataclass
from pathlib import Path

import click

from modality_sdk.cli.console import make_console, make_table
from modality_sdk.cli.options import config_option, json_option
from modality_sdk.cli.queue.forms import (
    commitment_json,
    delivery_json,
    entry_json,
    instance_json,
    job_json,
    job_table,
    local,
)
from modality_sdk.cli.queue.opening import opened
from modality_sdk.errors import StateError
from modality_sdk.journal import (
    CommitmentRecord,
    HistoryEntry,
    InstanceRecord,
    Transaction,
    find_deliveries,
    find_instances,
    history_of,
    knows_step,
)
from modality_sdk.model import Delivery
from modality_sdk.queue import Job, JobFilter, TransmissionQueue
from modality_sdk.uid import is_uid

__all__ = ["show"]

_DIGITS = 18
"""A longer number is no job's, but may be a UID."""


@dataclass(frozen=True, kw_only=True)
class _Story:
    """Everything that is known of a job, an object, a step or a commitment transaction."""

    jobs: list[Job]
    instances: list[InstanceRecord]
    deliveries: list[Delivery]
    commitments: list[CommitmentRecord]
    history: list[HistoryEntry]


@click.command()
@click.argument("subject", metavar="ID|UID")
@config_option
@json_option
def show(subject: str, config: Path | None, as_json: bool) -> int:
    """Show all about a job, or about the object, step or commitment transaction of a UID, with its history."""
    is_number = subject.isascii() and subject.isdecimal() and len(subject) <= _DIGITS
    if not is_number and not is_uid(subject):
        raise click.BadParameter(f"is the number of a job or a UID, not {subject!r}", param_hint="ID|UID")
    with opened(config) as modality, modality.journal.read() as tx:
        story = _of_job(tx, modality.queue.get(int(subject))) if is_number else _of_uid(tx, modality.queue, subject)
    if as_json:
        answer = {
            "jobs": [job_json(job) for job in story.jobs],
            "instances": [instance_json(record) for record in story.instances],
            "deliveries": [delivery_json(delivery) for delivery in story.deliveries],
            "commitments": [commitment_json(record) for record in story.commitments],
            "history": [entry_json(entry) for entry in story.history],
        }
        click.echo(json.dumps(answer, indent=2))
    else:
        _print(story)
    return 0


def _of_uid(tx: Transaction, queue: TransmissionQueue, subject: str) -> _Story:
    if commitment := tx.get_commitment(subject):
        uids = {sop.sop_instance_uid for sop in commitment.references}
        jobs = [j for j in queue.jobs(step_uid=commitment.step_uid) if j.transaction_uid == subject]
        chain = _chains(tx.commitments_of(commitment.step_uid), {subject})
        return _complete(tx, jobs, find_instances(tx, uids=uids), chain, {}, commitment.destination)
    if instances := find_instances(tx, uids={subject}):
        commitments = [
            record
            for record in tx.commitments_of(instances[0].step_uid)
            if any(sop.sop_instance_uid == subject for sop in record.references)
        ]
        jobs = queue.operations.find(JobFilter(sop_instance_uid=subject))
        own = {"instance": {subject}, "instance_purged": {subject}}
        return _complete(tx, jobs, instances, commitments, own)
    if knows_step(tx, subject):
        own = {kind: {subject} for kind in ("step", "step_archived")}
        own["mpps"] = {f"{subject} {name}" for name in tx.mpps_status_of(subject)}
        jobs = queue.jobs(step_uid=subject)
        return _complete(tx, jobs, tx.instances_of(subject), tx.commitments_of(subject), own)
    raise StateError(f"no object, step or commitment transaction of this journal has the UID {subject}")


def _of_job(tx: Transaction, job: Job) -> _Story:
    known = tx.commitments_of(job.step_uid)
    if job.transaction_uid:
        chain = _chains(known, {job.transaction_uid})
        uids = {sop.sop_instance_uid for record in chain for sop in record.references}
        return _complete(tx, [job], find_instances(tx, uids=uids), chain, {}, chain[0].destination if chain else None)
    if job.sop_instance_uid:
        uid, place = job.sop_instance_uid, job.destination
        chain = [r for r in known if r.destination == place and any(s.sop_instance_uid == uid for s in r.references)]
        return _complete(tx, [job], find_instances(tx, uids={uid}), chain, {}, place)
    return _complete(tx, [job], [], [], {"mpps": {f"{job.step_uid} {job.destination}"}})


def _chains(records: list[CommitmentRecord], uids: set[str]) -> list[CommitmentRecord]:
    """The transactions named, those that they repeat, and those that repeat them; oldest first."""
    by_uid = {record.transaction_uid: record for record in records}
    linked = set(uids)
    for record in reversed(records):
        if record.transaction_uid in linked and record.predecessor:
            linked.add(record.predecessor)
    for record in records:
        if record.predecessor in linked:
            linked.add(record.transaction_uid)
    return [record for uid, record in by_uid.items() if uid in linked]


def _complete(
    tx: Transaction,
    jobs: list[Job],
    instances: list[InstanceRecord],
    commitments: list[CommitmentRecord],
    entities: dict[str, set[str]],
    destination: str | None = None,
) -> _Story:
    """Add the deliveries and the history of all that is named."""
    uids = {record.sop.sop_instance_uid for record in instances}
    deliveries = find_deliveries(tx, uids=uids, destination=destination)
    named = {
        **entities,
        "job": {str(job.id) for job in jobs},
        "delivery": {f"{d.sop.sop_instance_uid} {d.destination}" for d in deliveries},
        "commitment": {record.transaction_uid for record in commitments},
    }
    return _Story(
        jobs=jobs,
        instances=instances,
        deliveries=deliveries,
        commitments=commitments,
        history=history_of(tx, named),
    )


def _print(story: _Story) -> None:
    console = make_console()
    console.print(job_table(story.jobs))
    for record in story.instances:
        purged = f", file deleted {local(record.purged)}" if record.purged else ""
        click.echo(f"object {record.sop.sop_instance_uid} {record.state.value}{purged}")
    for delivery in story.deliveries:
        why = f": {delivery.reason}" if delivery.reason else ""
        click.echo(f"{delivery.sop.sop_instance_uid} at {delivery.destination}: {delivery.state.value}{why}")
    for each in story.commitments:
        again = f", repeats {each.predecessor}" if each.predecessor else ""
        click.echo(
            f"commitment {each.transaction_uid} of {len(each.references)} at {each.peer}: {each.state.value}{again}"
        )
    table = make_table("When", "What", "From", "To", "Why")
    for entry in story.history:
        table.add_row(local(entry.at), f"{entry.kind} {entry.entity}", entry.before, entry.after, entry.detail)
    console.print(table)
