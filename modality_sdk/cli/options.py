"""Options that several sub-commands share, spelt as users of DCMTK and pynetdicom type them."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import click

from modality_sdk.model import Peer
from modality_sdk.model.network import check_ae_title
from modality_sdk.settings import CONFIG_VARIABLE, DEFAULT_FILE, Settings, parse_peer

__all__ = ["Connection", "config_option", "connection_options", "json_option", "load_settings", "split_peer"]

_PDU = click.IntRange(4096, 1 << 24)

F = TypeVar("F", bound=Callable[..., object])

config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Configuration file (default: MODALITY_CONFIG, else modality.toml if it is there).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


@dataclass(frozen=True, kw_only=True)
class Connection:
    """What the connection options say; None where nothing was said."""

    calling: str | None
    called: str | None
    association_timeout: float | None
    response_timeout: float | None
    idle_timeout: float | None
    maximum_pdu: int | None

    def settings(self, config: Path | None) -> Settings:
        """The configuration, or a bare one when there is none, under the calling AE title asked for."""
        settings = load_settings(config)
        if self.calling is None:
            return settings
        check_ae_title("-aet", self.calling)
        return settings.model_copy(update={"ae_title": self.calling})

    def peer(self, words: Sequence[str], settings: Settings) -> Peer:
        """The peer meant by ``words``, with what the options change of it."""
        if not any(words):
            raise click.UsageError("name a peer, or give it this role in the configuration")
        peer = parse_peer(" ".join(words), settings)
        changes = {
            "association": self.association_timeout,
            "response": self.response_timeout,
            "store_response": self.response_timeout,
            "find": self.response_timeout,
            "idle": self.idle_timeout,
        }
        timeouts = replace(peer.timeouts, **{k: v for k, v in changes.items() if v is not None})
        return replace(
            peer,
            ae_title=self.called or peer.ae_title,
            timeouts=timeouts,
            maximum_pdu=self.maximum_pdu or peer.maximum_pdu,
        )


def connection_options(command: F) -> F:
    """Add the options of every command that opens an association; passes a `Connection` as ``connection``."""

    def gather(
        *args: object,
        calling: str | None,
        called: str | None,
        association_timeout: float | None,
        response_timeout: float | None,
        idle_timeout: float | None,
        maximum_pdu: int | None,
        verbosity: str,
        **kwargs: object,
    ) -> object:
        logging.basicConfig(level=verbosity, format="%(levelname).1s %(name)s: %(message)s")
        connection = Connection(
            calling=calling,
            called=called,
            association_timeout=association_timeout,
            response_timeout=response_timeout,
            idle_timeout=idle_timeout,
            maximum_pdu=maximum_pdu,
        )
        return command(*args, connection=connection, **kwargs)

    gather.__doc__, gather.__name__ = command.__doc__, command.__name__
    options = [
        click.option("-aet", "calling", metavar="AET", help="Our AE title."),
        click.option("-aec", "called", metavar="AET", help="AE title to call."),
        click.option("-ta", "association_timeout", type=float, metavar="S", help="Association timeout."),
        click.option("-td", "response_timeout", type=float, metavar="S", help="Response timeout."),
        click.option("-tn", "idle_timeout", type=float, metavar="S", help="Network timeout without any data."),
        click.option(
            "-pdu", "maximum_pdu", type=click.IntRange(4096, 1 << 24), metavar="BYTES", help="Largest PDU to receive."
        ),
        click.option("-v", "verbosity", flag_value="INFO", help="Tell of associations."),
        click.option("-d", "verbosity", flag_value="DEBUG", help="Tell of messages."),
        click.option("-q", "verbosity", flag_value="CRITICAL", default="WARNING", help="Only tell what went wrong."),
    ]
    decorated: Callable[..., object] = gather
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[return-value]  # click replaces keyword arguments by one value


def load_settings(config: Path | None) -> Settings:
    """The configuration asked for, or found; a bare one when there is none.

    Raises
    ------
    ConfigurationError
        When a file was asked for and is missing, or any file breaks a rule.
    """
    if config is None and not os.environ.get(CONFIG_VARIABLE) and not DEFAULT_FILE.exists():
        return Settings(**({} if "MODALITY_AE_TITLE" in os.environ else {"ae_title": "MODALITY"}))
    return Settings.load(config)


def split_peer(words: Sequence[str], settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a command's words into those of the peer and the rest: ``host port`` are two, all else is one."""
    if not words:
        raise click.UsageError("name a peer")
    is_pair = len(words) > 1 and words[0] not in settings.peers and "@" not in words[0] and words[1].isdecimal()
    count = 2 if is_pair else 1
    return tuple(words[:count]), tuple(words[count:])
