"""``modality queue``: what waits to be sent, what was given up, and doing something about it."""

import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table

from modality_sdk.cli.console import make_console, make_table
from modality_sdk.cli.options import config_option, json_option, load_settings
from modality_sdk.cli.recover import recover
from modality_sdk.errors import ConfigurationError
from modality_sdk.model import DestinationState, JobState
from modality_sdk.queue import Job
from modality_sdk.workflow import Modality

__all__ = ["open_modality", "queue"]


def open_modality(config: Path | None) -> Modality:
    """The modality that has worked here, open to look after its journal; nothing is sent and nobody is listened to.

    Raises
    ------
    ConfigurationError
        When there is no journal: none is made.
    """
    settings = load_settings(config)
    if not settings.data_dir.is_dir():
        raise ConfigurationError("data_dir", "no modality has worked here yet", str(settings.data_dir))
    return Modality(settings).open(worker=False, listener=False)


@click.group()
def queue() -> None:
    """Look after what waits to be sent."""


queue.add_command(recover)


@queue.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what is complete or cancelled.")
@click.option("--destination", help="Only this peer.")
@config_option
@json_option
def list_jobs(everything: bool, destination: str | None, config: Path | None, as_json: bool) -> int:
    """List open and failed transmissions."""
    states = None if everything else {s for s in JobState if s.is_open} | {JobState.FAILED}
    modality = open_modality(config)
    try:
        # jobs without a destination are our own reminders, nothing of them is to be sent
        jobs = [j for j in modality.queue.jobs(states=states, destination=destination) if everything or j.destination]
        held = {d.name: d for d in modality.queue.destinations()}
    finally:
        modality.close()
    if as_json:
        click.echo(json.dumps({"jobs": [_as_json(job) for job in jobs]}, indent=2))
        return 0
    make_console().print(_table(jobs) if jobs else "nothing waits")
    for status in held.values():
        if status.cause:
            click.echo(f"{status.name} is {status.state.value}: {status.cause}")
    return 0


@queue.command()
@click.argument("job_ids", metavar="[ID]...", nargs=-1, type=int)
@click.option("--failed", is_flag=True, help="All failed ones.")
@config_option
def retry(job_ids: tuple[int, ...], failed: bool, config: Path | None) -> int:
    """Put failed transmissions back into the queue."""
    if not job_ids and not failed:
        raise click.UsageError("name jobs, or --failed")
    modality = open_modality(config)
    try:
        chosen = [j.id for j in modality.queue.jobs(states={JobState.FAILED})] if failed else list(job_ids)
        for job_id in chosen:
            modality.queue.retry(job_id)
    finally:
        modality.close()
    click.echo(f"{len(chosen)} back in the queue")
    return 0


@queue.command()
@click.option("--timeout", default=60.0, show_default=True, help="Seconds.")
@config_option
def drain(timeout: float, config: Path | None) -> int:
    """Send what waits, now, in this process, also to held destinations; 3 when something is left."""
    settings = load_settings(config)
    try:
        modality = Modality(settings).open()
    except ConfigurationError as error:
        if error.field != "listen.port":
            raise
        # the acquisition program runs and hears the reports; this process only sends
        modality = Modality(settings).open(listener=False)
    for status in modality.queue.destinations():
        if status.state is DestinationState.HELD:
            modality.queue.resume(status.name)
    modality.close(drain=timeout)
    modality = open_modality(config)
    try:
        # jobs without a destination are our own reminders, there is nothing to send
        left = [j for j in modality.queue.jobs(states={s for s in JobState if s.is_open}) if j.destination]
        failed = modality.queue.jobs(states={JobState.FAILED})
    finally:
        modality.close()
    click.echo(f"{len(left)} left, {len(failed)} failed")
    return 3 if left else 1 if failed else 0


def _as_json(job: Job) -> dict[str, object]:
    return {
        "id": job.id,
        "kind": job.kind,
        "destination": job.destination,
        "state": job.state.value,
        "attempts": job.attempts,
        "due_at": job.due_at.isoformat(),
        "reason": job.reason,
        "last_error": job.last_error,
        "step_uid": job.step_uid,
        "sop_instance_uid": job.sop_instance_uid,
        "transaction_uid": job.transaction_uid,
    }


def _table(jobs: Sequence[Job]) -> Table:
    table = make_table("ID", "Kind", "Destination", "State", "Tries", "Due", "Why")
    for job in jobs:
        due = job.due_at.astimezone().strftime("%d %b %H:%M:%S") if job.state.is_open else ""
        why = job.last_error or job.reason
        table.add_row(str(job.id), job.kind, job.destination, job.state.value, str(job.attempts), due, why)
    return table
