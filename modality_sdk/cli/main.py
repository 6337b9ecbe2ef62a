"""The group of sub-commands and what they have in common at the edge: exit codes and error messages."""

import importlib
import sys

import click

from modality_sdk.errors import ConfigurationError, ModalityError

__all__ = ["main"]

_COMMANDS = {
    "commit": "Ask the archives again to commit a step; list the steps that are not archived.",
    "demo": "Run one whole exam, by default against a simulated hospital.",
    "doctor": "Check every peer and this machine, with cause and cure.",
    "echo": "Ask a peer whether it is there and knows us.",
    "init": "Write a commented configuration file.",
    "queue": "Look after what waits to be sent.",
    "simulate": "Run a hospital in a box: RIS and PACS on local ports.",
    "store": "Send DICOM files to a peer.",
    "validate": "Judge DICOM files by the standard.",
    "worklist": "Ask the modality worklist.",
}


class _LazyGroup(click.Group):
    """Imports a sub-command's module when it is called, so that ``--help`` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(importlib.import_module(f"modality_sdk.cli.{cmd_name}"), cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(f"modality_sdk.cli.{cmd_name} does not define the command {cmd_name}")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="modality-sdk", prog_name="modality")
def _group() -> None:
    """A DICOM acquisition modality on the command line.

    A PEER is a name from the configuration file, or AET@host:port, or the two words host and port.

    Exit codes: 0 done; 1 the peer said no, could not be reached, or a check failed; 2 usage or
    configuration; 3 queued for later.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    try:
        code = _group.main(args=arguments, prog_name="modality", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ConfigurationError as error:
        click.echo(f"configuration: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        if isinstance(error, TimeoutError | ModalityError):
            message = str(error)
        else:
            message = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
        click.echo(f"error: {message}", err=True)
        sys.exit(1)
    except ModalityError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
