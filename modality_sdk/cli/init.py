"""``modality init``: write the commented configuration file."""

from pathlib import Path

import click

from modality_sdk.settings import write_template

__all__ = ["init"]


@click.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), default=Path("modality.toml"))
def init(path: Path) -> int:
    """Write a commented configuration file to PATH (default: modality.toml); never over an existing one."""
    write_template(path)
    click.echo(f"wrote {path}; fill in your peers, then try: modality echo ris")
    return 0
