"""Printing for people: coloured and as wide as the terminal, or plain and wide enough for a log."""

from rich import box
from rich.console import Console
from rich.table import Table

__all__ = ["make_console", "make_table"]

_PLAIN_WIDTH = 160


def make_console(*, quiet: bool = False) -> Console:
    """The console of standard output; what is no terminal gets no colours and lines of 160 characters."""
    console = Console(quiet=quiet, highlight=False)
    return console if console.is_terminal else Console(quiet=quiet, highlight=False, width=_PLAIN_WIDTH)


def make_table(*headings: str) -> Table:
    """A table whose cells are cut rather than wrapped."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    return table
