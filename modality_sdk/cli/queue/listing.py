"""``modality queue list``."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import click

from modality_sdk.cli.console import make_console
from modality_sdk.cli.options import config_option, json_option
from modality_sdk.cli.queue.forms import delivery_json, destination_json, destination_line, job_json, job_table
from modality_sdk.cli.queue.opening import OPEN_STATES, check_destinations, opened, parse_age, parse_moment, parse_uid
from modality_sdk.journal import find_deliveries
from modality_sdk.model import Delivery, JobState
from modality_sdk.queue import Job, JobFilter
from modality_sdk.workflow import Modality
from modality_sdk.workflow.delivery import JobKind

__all__ = ["list_jobs"]


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what is complete, cancelled, or our own reminder.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in JobState], case_sensitive=False),
    help="Only this state; may be repeated. Default: what waits, and FAILED.",
)
@click.option("--destination", help="Only this peer.")
@click.option(
    "--kind", type=click.Choice([kind.value for kind in JobKind], case_sensitive=False), help="Only this kind."
)
@click.option("--step", type=parse_uid, metavar="UID", help="Only this performed procedure step.")
@click.option("--instance", type=parse_uid, metavar="UID", help="Only this object.")
@click.option("--since", type=parse_moment, metavar="TIME", help="Only what changed since: a time, or 12h.")
@click.option("--older-than", type=parse_age, metavar="AGE", help="Only what was queued longer ago: 30m, 12h, 7d.")
@click.option("--limit", type=click.IntRange(min=0), default=100, show_default=True, help="At most so many; 0: all.")
@config_option
@json_option
def list_jobs(
    everything: bool,
    states: tuple[str, ...],
    destination: str | None,
    kind: str | None,
    step: str | None,
    instance: str | None,
    since: datetime | None,
    older_than: timedelta | None,
    limit: int,
    config: Path | None,
    as_json: bool,
) -> int:
    """List transmissions that wait or failed, oldest first, and the destinations.

    With --json also how far each object of the steps concerned has come at each destination.
    """
    chosen = {JobState(state.upper()) for state in states} or (None if everything else {*OPEN_STATES, JobState.FAILED})
    with opened(config) as modality:
        if destination is not None:
            check_destinations(modality, [destination])
        wanted = JobFilter(
            states=chosen,
            destination=destination,
            kind=kind,
            step_uid=step,
            sop_instance_uid=instance,
            since=since,
            before=datetime.now().astimezone() - older_than if older_than is not None else None,
            # jobs without a destination are our own reminders, nothing of them is to be sent
            sent=not everything and kind is None,
        )
        operations = modality.queue.operations
        jobs = operations.find(wanted, limit or None)
        total = operations.count(wanted) if len(jobs) == limit else len(jobs)
        tally = operations.tally()
        known = [d for d in modality.queue.destinations() if destination in (None, d.name)]
        deliveries = _deliveries(modality, jobs, step, instance, destination) if as_json else []
    if as_json:
        answer = {
            "jobs": [job_json(job) for job in jobs],
            "total": total,
            "truncated": total > len(jobs),
            "destinations": [destination_json(status, tally.get(status.name, {})) for status in known],
            "deliveries": [delivery_json(delivery) for delivery in deliveries],
        }
        click.echo(json.dumps(answer, indent=2))
        return 0
    make_console().print(job_table(jobs) if jobs else "nothing waits")
    if total > len(jobs):
        click.echo(f"{len(jobs)} of {total} are shown; --limit 0 shows all")
    for status in known:
        click.echo(destination_line(status, tally.get(status.name, {})))
    return 0


def _deliveries(
    modality: Modality, jobs: list[Job], step: str | None, instance: str | None, destination: str | None
) -> list[Delivery]:
    """Of the object or step asked for, else of the steps of the jobs."""
    steps = {step} if step is not None else None if instance is not None else {j.step_uid for j in jobs if j.step_uid}
    with modality.journal.read() as tx:
        return find_deliveries(
            tx, uids={instance} if instance is not None else None, steps=steps, destination=destination
        )
