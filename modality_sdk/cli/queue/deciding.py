"""``modality queue retry`` and ``cancel``: what the operator decides about single transmissions."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from modality_sdk.cli.options import config_option, json_option
from modality_sdk.cli.queue.forms import reference
from modality_sdk.cli.queue.opening import JOB_ID, OPEN_STATES, check_destinations, opened, parse_uid
from modality_sdk.errors import StateError
from modality_sdk.model import DestinationState, JobState
from modality_sdk.queue import Job, JobFilter
from modality_sdk.workflow import Modality
from modality_sdk.workflow.delivery import JobKind

__all__ = ["cancel", "retry"]


@click.command()
@click.argument("job_ids", metavar="[ID]...", nargs=-1, type=JOB_ID)
@click.option("--failed", is_flag=True, help="All failed ones.")
@click.option("--destination", help="The failed ones of this peer.")
@click.option("--step", type=parse_uid, metavar="UID", help="The failed ones of this performed procedure step.")
@config_option
@json_option
def retry(
    job_ids: tuple[int, ...],
    failed: bool,
    destination: str | None,
    step: str | None,
    config: Path | None,
    as_json: bool,
) -> int:
    """Put failed or cancelled transmissions back into the queue, now and with all their attempts.

    Exits with 1 when any of them cannot be; the others are back all the same.
    """
    _check_choice(job_ids, failed, destination, step)
    with opened(config) as modality:
        states = frozenset({JobState.FAILED})
        chosen = job_ids or _chosen(modality, states, destination, step)
        told = [_told(job_id, modality.queue.retry) for job_id in dict.fromkeys(chosen)]
        closed = {d.name: d.state.value for d in modality.queue.destinations() if d.state is not DestinationState.OPEN}
    return _tell(told, "back in the queue", as_json, closed)


@click.command()
@click.argument("job_ids", metavar="[ID]...", nargs=-1, type=JOB_ID)
@click.option("--failed", is_flag=True, help="Only failed ones; with nothing else, all of them.")
@click.option("--destination", help="What waits or failed for this peer.")
@click.option("--step", type=parse_uid, metavar="UID", help="What waits or failed of this performed procedure step.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
@json_option
def cancel(
    job_ids: tuple[int, ...],
    failed: bool,
    destination: str | None,
    step: str | None,
    yes: bool,
    config: Path | None,
    as_json: bool,
) -> int:
    """Give transmissions up for good; `retry` with their number takes it back.

    An object whose C-STORE is cancelled does not reach its destination, and its step is not archived. What is being
    sent cannot be cancelled. Exits with 1 when any of them cannot be; the others are cancelled all the same.
    """
    _check_choice(job_ids, failed, destination, step)
    with opened(config) as modality:
        states = frozenset({JobState.FAILED}) if failed else OPEN_STATES | {JobState.FAILED}
        chosen = tuple(dict.fromkeys(job_ids or _chosen(modality, states, destination, step)))
        if chosen and not yes and not _is_confirmed(modality, chosen):
            click.echo("nothing was cancelled; --yes answers the question", err=True)
            return 1
        told = [_told(job_id, modality.queue.cancel) for job_id in chosen]
    return _tell(told, "cancelled", as_json, {})


def _check_choice(job_ids: tuple[int, ...], *filters: object) -> None:
    if bool(job_ids) == any(filters):
        raise click.UsageError("name jobs, or choose them by --failed, --destination, --step; not both")


def _chosen(
    modality: Modality, states: frozenset[JobState], destination: str | None, step: str | None
) -> Iterable[int]:
    if destination is not None:
        check_destinations(modality, [destination])
    wanted = JobFilter(states=states, destination=destination, step_uid=step, sent=True)
    return [job.id for job in modality.queue.operations.find(wanted)]


def _is_confirmed(modality: Modality, job_ids: tuple[int, ...]) -> bool:
    """Ask, naming what is given up."""
    kinds: Counter[str] = Counter()
    for job_id in job_ids:
        try:
            kinds[modality.queue.get(job_id).kind] += 1
        except StateError:
            kinds["unknown"] += 1
    words = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    loss = " Objects whose C-STORE is cancelled are NOT sent." if kinds[JobKind.C_STORE] else ""
    try:
        return click.confirm(f"Cancel {words}?{loss}", err=True)
    except click.Abort:
        click.echo(err=True)
        return False


def _told(job_id: int, act: Callable[[int], Job]) -> tuple[int, Job | None, str]:
    """What became of one job; each has a transaction of its own, so that one refusal undoes no other."""
    try:
        return job_id, act(job_id), ""
    except StateError as error:
        return job_id, None, str(error)


def _tell(told: list[tuple[int, Job | None, str]], done: str, as_json: bool, closed: dict[str, str]) -> int:
    refused = sum(job is None for _, job, _ in told)
    if as_json:
        rows = [
            {"id": job_id, "done": job is not None, "state": job.state.value if job else None, "error": error}
            for job_id, job, error in told
        ]
        click.echo(json.dumps({"jobs": rows}, indent=2))
        return 1 if refused else 0
    for _, job, error in told:
        if job is None:
            click.echo(error, err=True)
        else:
            waits = f"; {job.destination} is {closed[job.destination]}" if job.destination in closed else ""
            click.echo(f"{reference(job)}: {done}{waits}")
    click.echo(f"{len(told) - refused} {done}" + (f", {refused} not" if refused else ""))
    return 1 if refused else 0
