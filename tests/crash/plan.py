"""What a run of the harness is asked, and what it answers."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self

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
    since
        The first point to die at; the exam's first when empty.
    part, parts
        Which part of these, from 0, and of how many.
    """

    death: Death = Death.EXIT
    listener: bool = False
    sabotage: Sabotage = Sabotage.NONE
    only: Sequence[str] = ()
    since: str = ""
    part: int = 0
    parts: int = 1

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; what is left out has its default."""
        values = json.loads(text)
        death, sabotage = Death(values.pop("death", Death.EXIT)), Sabotage(values.pop("sabotage", Sabotage.NONE))
        return cls(death=death, sabotage=sabotage, **values)

    def to_json(self) -> str:
        """The plan as one line."""
        return json.dumps(asdict(self))

    def chosen(self, points: Sequence[str]) -> list[str]:
        """The points to die at, among those of an exam."""
        first = points.index(self.since) if self.since else 0
        wanted = [point for point in points[first:] if not self.only or point in self.only]
        return wanted[self.part :: self.parts]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was wrong after a death at ``point`` and the recovery; nothing, as a rule."""

    point: str
    problems: list[str]
