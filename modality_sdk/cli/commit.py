"""``modality commit``: ask the archives once more whether they keep the objects of a step."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table

from modality_sdk.cli.console import make_console, make_table
from modality_sdk.cli.options import config_option, json_option
from modality_sdk.cli.queue.opening import opened
from modality_sdk.errors import StateError
from modality_sdk.model import DeliveryReport, DeliveryState
from modality_sdk.workflow import Modality, PerformedStep

__all__ = ["commit"]


@click.command()
@click.argument("step_uids", metavar="[STEP]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Ask for every step that has ended and is not archived.")
@click.option("--list", "listed", is_flag=True, help="Show the steps that are not archived; so does no STEP at all.")
@config_option
@json_option
def commit(step_uids: tuple[str, ...], everything: bool, listed: bool, config: Path | None, as_json: bool) -> int:
    """Ask for storage commitment of each STEP (UID) again: of what is stored and not yet answered for.

    The requests are queued, for the acquisition program or 'modality queue drain' to send; exits with 3 then, with 0
    when there is nothing to ask, and with 1 when a step is unknown or has not ended.
    """
    if listed and (step_uids or everything):
        raise click.UsageError("--list asks for nothing; leave the steps and --all out")
    with opened(config) as modality:
        steps = modality.unarchived_steps()
        if not step_uids and not everything:
            _show(steps, as_json)
            return 0
        chosen = step_uids or [step.uid for step in steps if step.status.is_final]
        asked, refused = _ask(modality, chosen)
    for why in refused:
        click.echo(f"error: {why}", err=True)
    if as_json:
        click.echo(json.dumps({"requests": asked}, indent=2))
    else:
        for uid, count in asked.items():
            click.echo(f"{uid}: " + (f"requests queued: {count}" if count else "nothing to ask, or asked already"))
    return 1 if refused else 3 if any(asked.values()) else 0


def _ask(modality: Modality, step_uids: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """How many requests were queued for each step, and why others cannot be asked for."""
    asked, refused = {}, []
    for uid in step_uids:
        try:
            asked[uid] = modality.request_commitment(uid)
        except StateError as error:
            refused.append(str(error))
    return asked, refused


def _show(steps: Sequence[PerformedStep], as_json: bool) -> None:
    rows = [(step.report(), step.record.started.astimezone()) for step in steps]
    if as_json:
        told = [
            {
                "step_uid": report.step_uid,
                "status": report.status.value,
                "started": started.isoformat(),
                "destinations": _destinations(report),
                "mpps": {name: status.value if status else None for name, status in report.mpps},
                "open_jobs": report.open_jobs,
                "failed_jobs": report.failed_jobs,
            }
            for report, started in rows
        ]
        click.echo(json.dumps({"steps": told}, indent=2))
        return
    table: Table = make_table("Step", "Started", "Status", "Objects", "To do", "Failed")
    for report, started in rows:
        objects = "; ".join(
            f"{name}: " + ", ".join(f"{count} {state}" for state, count in states.items())
            for name, states in _destinations(report).items()
        )
        when = started.strftime("%d %b %H:%M")
        table.add_row(
            report.step_uid, when, report.status.value, objects, str(report.open_jobs), str(report.failed_jobs)
        )
    make_console().print(table if rows else "every step is archived")


def _destinations(report: DeliveryReport) -> dict[str, dict[str, int]]:
    """Objects by destination and state, the states in the order of their way."""
    counts: dict[str, Counter[DeliveryState]] = {}
    for delivery in report.deliveries:
        counts.setdefault(delivery.destination, Counter())[delivery.state] += 1
    return {
        name: {state.value: found[state] for state in DeliveryState if found[state]} for name, found in counts.items()
    }
