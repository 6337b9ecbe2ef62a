"""``modality init``: write the commented configuration file, or a key."""

from pathlib import Path

import click

from modality_sdk.settings import write_key_file, write_template

__all__ = ["init"]


@click.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), default=Path("modality.toml"))
@click.option(
    "--encryption-key",
    "key_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a new key for the encryption at rest to FILE, and nothing else.",
)
def init(path: Path, key_file: Path | None) -> int:
    """Write a commented configuration file to PATH (default: modality.toml); never over an existing one."""
    if key_file is not None:
        write_key_file(key_file)
        click.echo(f"wrote {key_file}; name it in [encryption], and keep a copy in a safe place: nothing replaces it")
        return 0
    write_template(path)
    click.echo(f"wrote {path}; fill in your peers, then try: modality echo ris")
    return 0
