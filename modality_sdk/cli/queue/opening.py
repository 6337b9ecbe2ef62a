"""The open store, and the words by which jobs, ages and destinations are named."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import click

from modality_sdk.cli.options import load_settings
from modality_sdk.errors import ConfigurationError
from modality_sdk.model import JobState
from modality_sdk.settings import Settings
from modality_sdk.settings.rules import nearest
from modality_sdk.uid import is_uid
from modality_sdk.workflow import Modality

__all__ = [
    "JOB_ID",
    "OPEN_STATES",
    "check_destinations",
    "known_destinations",
    "load_site",
    "opened",
    "parse_age",
    "parse_moment",
    "parse_uid",
]

OPEN_STATES = frozenset(state for state in JobState if state.is_open)
JOB_ID = click.IntRange(1, (1 << 63) - 1)

_AGE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=36_500)


def parse_age(text: str) -> timedelta:
    """A number and a unit: ``90s``, ``30m``, ``12h``, ``7d``."""
    match = _AGE.fullmatch(text)
    age = timedelta(**{_UNITS[match[2]]: float(match[1])}) if match else None
    if age is None or age > _LONGEST:
        raise click.BadParameter(f"is a number and a unit, like 90s, 30m, 12h or 7d, at most 100 years; not {text!r}")
    return age


def parse_moment(text: str) -> datetime:
    """A local date or time in ISO 8601, or an age before now."""
    if _AGE.fullmatch(text):
        return datetime.now().astimezone() - parse_age(text)
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise click.BadParameter(f"is a date, a time like 2024-03-01T08:00, or an age like 12h; not {text!r}") from None


def parse_uid(text: str) -> str:
    """A UID (PS3.5 section 9.1)."""
    if not is_uid(text):
        raise click.BadParameter(f"is a UID: digits and dots, at most 64 characters; not {text!r}")
    return text


def load_site(config: Path | None) -> Settings:
    """The configuration of a site that has a store already.

    Raises
    ------
    ConfigurationError
        When it has none: to look after a queue makes no new one.
    """
    settings = load_settings(config)
    if not settings.data_dir.is_dir():
        raise ConfigurationError("data_dir", "no modality has worked here yet", str(settings.data_dir))
    return settings


@contextmanager
def opened(config: Path | None) -> Iterator[Modality]:
    """The site's modality, beside the program that may run: it sends nothing and opens no port."""
    modality = Modality(load_site(config)).open(worker=False, listener=False)
    try:
        yield modality
    finally:
        modality.close()


def known_destinations(modality: Modality) -> list[str]:
    """Names of the peers that are configured, or that the queue knows from before."""
    return sorted({*modality.settings.peers, *(d.name for d in modality.queue.destinations())})


def check_destinations(modality: Modality, names: Collection[str]) -> None:
    """Refuse a name that is neither configured nor known to the queue, before anything is done."""
    known = known_destinations(modality)
    for name in names:
        if name not in known:
            raise ConfigurationError("destination", f"is the name of a peer{nearest(name, known)}", name)
