"""``modality queue drain``: send what waits, now, in this process."""

import json
import time
from collections.abc import Collection
from contextlib import nullcontext
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from modality_sdk.cli.options import config_option, json_option
from modality_sdk.cli.queue.forms import waiting
from modality_sdk.cli.queue.opening import check_destinations, load_site, opened
from modality_sdk.errors import ConfigurationError
from modality_sdk.model import DestinationState, JobState
from modality_sdk.queue import TransmissionQueue
from modality_sdk.settings import Settings
from modality_sdk.workflow import Modality

__all__ = ["drain"]

_LOOK_AGAIN = 0.25


@click.command()
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True, help="Seconds."
)
@click.option("--destination", "names", multiple=True, help="Only this peer; may be repeated.")
@config_option
@json_option
def drain(timeout: float, names: tuple[str, ...], config: Path | None, as_json: bool) -> int:
    """Send what waits, now, in this process, also to held destinations; paused ones stay paused.

    Exits with 3 when something is left, else with 1 when something failed. Interrupted, it leaves the rest queued.
    """
    settings = load_site(config)
    with opened(config) as modality:
        check_destinations(modality, names)
        for status in modality.queue.destinations():
            if status.state is DestinationState.HELD and (not names or status.name in names):
                modality.queue.resume(status.name)
        before = _numbers(modality.queue, names)
    modality = _working(settings, names)
    try:
        _send(modality.queue, names, timeout, quiet=as_json)
    finally:
        modality.close()
    with opened(config) as modality:
        after = _numbers(modality.queue, names)
    left, failed = waiting(_sum(after)), _sum(after).get(JobState.FAILED, 0)
    if as_json:
        rows = {
            name: {
                "done": counts.get(JobState.COMPLETE, 0) - before.get(name, {}).get(JobState.COMPLETE, 0),
                "left": waiting(counts),
                "failed": counts.get(JobState.FAILED, 0),
            }
            for name, counts in sorted(after.items())
        }
        click.echo(json.dumps({"left": left, "failed": failed, "destinations": rows}, indent=2))
    else:
        click.echo(f"{left} left, {failed} failed")
    return 3 if left else 1 if failed else 0


def _working(settings: Settings, names: Collection[str]) -> Modality:
    worker = names or True
    try:
        return Modality(settings).open(worker=worker)
    except ConfigurationError as error:
        if error.field != "listen.port":
            raise
        # the acquisition program runs and hears the reports; this process only sends
        return Modality(settings).open(worker=worker, listener=False)


def _send(queue: TransmissionQueue, names: Collection[str], timeout: float, *, quiet: bool) -> None:
    """Wait for the worker until nothing is due, with a bar on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn())
    shown = console.is_terminal and not quiet
    progress = Progress(*columns, console=console, transient=True) if shown else None
    task = progress.add_task("sending", total=None) if progress else None
    most, deadline = 0, time.monotonic() + timeout
    with progress or nullcontext():
        while (due := queue.operations.due(names or None)) and time.monotonic() < deadline:
            most = max(most, due)
            if progress is not None and task is not None:
                progress.update(task, total=most, completed=most - due)
            time.sleep(_LOOK_AGAIN)


def _numbers(queue: TransmissionQueue, names: Collection[str]) -> dict[str, dict[JobState, int]]:
    """Jobs by destination and state; our own reminders have no destination, there is nothing to send."""
    return {name: counts for name, counts in queue.operations.tally().items() if name in (names or {name} - {""})}


def _sum(numbers: dict[str, dict[JobState, int]]) -> dict[JobState, int]:
    return {state: sum(counts.get(state, 0) for counts in numbers.values()) for state in JobState}
