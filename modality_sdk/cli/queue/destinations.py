"""``modality queue pause`` and ``resume``: whole destinations."""

import json
from collections.abc import Callable
from pathlib import Path

import click

from modality_sdk.cli.options import config_option, json_option
from modality_sdk.cli.queue.forms import destination_json, destination_line
from modality_sdk.cli.queue.opening import check_destinations, known_destinations, opened
from modality_sdk.queue import TransmissionQueue

__all__ = ["pause", "resume"]


@click.command()
@click.argument("names", metavar="[DESTINATION]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every peer.")
@config_option
@json_option
def pause(names: tuple[str, ...], everything: bool, config: Path | None, as_json: bool) -> int:
    """Send nothing to a destination until it is resumed, also after a restart; what is under way ends.

    A running program heeds it before its next transmission. Images are still taken and queued.
    """
    return _each(names, everything, config, as_json, TransmissionQueue.pause)


@click.command()
@click.argument("names", metavar="[DESTINATION]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every peer.")
@config_option
@json_option
def resume(names: tuple[str, ...], everything: bool, config: Path | None, as_json: bool) -> int:
    """Send to a paused or held destination again; a running program notices within a second."""
    return _each(names, everything, config, as_json, TransmissionQueue.resume)


def _each(
    names: tuple[str, ...],
    everything: bool,
    config: Path | None,
    as_json: bool,
    act: Callable[[TransmissionQueue, str], None],
) -> int:
    if bool(names) == everything:
        raise click.UsageError("name destinations, or --all; not both")
    with opened(config) as modality:
        check_destinations(modality, names)
        chosen = known_destinations(modality) if everything else names
        for name in chosen:
            act(modality.queue, name)
        tally = modality.queue.operations.tally()
        states = [status for status in modality.queue.destinations() if status.name in chosen]
    if as_json:
        rows = [destination_json(status, tally.get(status.name, {})) for status in states]
        click.echo(json.dumps({"destinations": rows}, indent=2))
        return 0
    for status in states:
        click.echo(destination_line(status, tally.get(status.name, {})))
    return 0
