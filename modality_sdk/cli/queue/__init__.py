"""``modality queue``: what waits to be sent, what was given up, and doing something about it."""

import click

from modality_sdk.cli.queue.deciding import cancel, retry
from modality_sdk.cli.queue.destinations import pause, resume
from modality_sdk.cli.queue.draining import drain
from modality_sdk.cli.queue.exporting import export
from modality_sdk.cli.queue.listing import list_jobs
from modality_sdk.cli.queue.purging import purge
from modality_sdk.cli.queue.showing import show
from modality_sdk.cli.recover import recover

__all__ = ["queue"]


@click.group()
def queue() -> None:
    """Look after what waits to be sent, also while the acquisition program runs."""


queue.add_command(list_jobs)
queue.add_command(show)
queue.add_command(retry)
queue.add_command(cancel)
queue.add_command(pause)
queue.add_command(resume)
queue.add_command(drain)
queue.add_command(purge)
queue.add_command(export)
queue.add_command(recover)
