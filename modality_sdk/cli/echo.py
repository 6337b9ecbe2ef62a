"""``modality echo``: is the peer there, and does it know us?"""

import json
from dataclasses import asdict
from pathlib import Path

import click

from modality_sdk.cli.options import Connection, config_option, connection_options, json_option
from modality_sdk.workflow import Modality

__all__ = ["echo"]


@click.command()
@click.argument("peer", nargs=-1, required=True)
@config_option
@json_option
@connection_options
def echo(peer: tuple[str, ...], config: Path | None, as_json: bool, connection: Connection) -> int:
    """Ask PEER for a C-ECHO."""
    settings = connection.settings(config)
    target = connection.peer(peer, settings)
    result = Modality(settings).verification.echo(target)
    if as_json:
        click.echo(json.dumps(asdict(result)))
    else:
        total = result.association_seconds + result.echo_seconds
        click.echo(
            f"{result.ae_title} at {target.host}:{target.port} answered {result.status:04X} in {total * 1000:.0f} ms "
            f"(association {result.association_seconds * 1000:.0f}, echo {result.echo_seconds * 1000:.0f})"
        )
    return 0
