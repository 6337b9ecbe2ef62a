"""What a run of the harness is asked, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Death", "Plan", "Result", "Sabotage"]


class Death(StrEnum):
    """How a modality ends."""

    EXIT = "exit"
    """The process is gone, the machine goes on."""
    POWER = "power"
    """The machine is gone: what was not durable is lost."""


class Sabotage(StrEnum):
    """What does nothing, so that the harness can be seen to notice."""

    NONE = ""
    FLUSH = "flush"
    SYNC_DIRECTORY = "sync_directory"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One run.

    Attributes
    ----------
    death
        At every point.
    listener
        Whether commitment is reported to the listener; on the association of the request otherwise.
    sabotage
        Of the first life.
    only
        The points to die at; all when empty.
    """

    death: Death = Death.EXIT
    listener: bool = False
    sabotage: Sabotage = Sabotage.NONE
    only: Sequence[str] = ()

    def chosen(self, points: Sequence[str]) -> list[str]:
        """The points to die at, among those of an exam."""
        return [point for point in points if not self.only or point in self.only]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was wrong after a death at ``point`` and the recovery; nothing, as a rule."""

    point: str
    problems: list[str]
