"""How much the store may still take: asked before an object is written, told before a limit is reached."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from modality_sdk.errors import QueueFull
from modality_sdk.model import JournalPolicy

__all__ = ["Capacity", "Fill"]

_QUIET = 0.9
"""Share of the warning's threshold below which the next crossing is told again."""

_FREE = "minimum_free_bytes"


@dataclass(frozen=True, kw_only=True)
class Fill:
    """How far a limit is used.

    Attributes
    ----------
    limit
        Name of the setting in the table ``[journal]``.
    used
        Objects or bytes in the spool; for ``minimum_free_bytes`` what is free on its file system.
    maximum
        The limit; for ``minimum_free_bytes`` the least that has to stay free.
    """

    limit: str
    used: int
    maximum: int

    @property
    def is_exceeded(self) -> bool:
        """Whether nothing more may be written."""
        return self.used < self.maximum if self.limit == _FREE else self.used > self.maximum

    def level(self, warn_at: float) -> float:
        """1 where the warning begins, more beyond it."""
        if self.limit != _FREE:
            return self.used / (self.maximum * warn_at)
        return self.maximum / (1 - warn_at) / max(self.used, 1)


class Capacity:
    """Keeps a spool within its limits.

    Parameters
    ----------
    directory
        On the file system in question.
    policy
        The limits.
    measure
        Number of objects in the spool and of their bytes; asked only where they are limited.
    nearly_full
        Told once whenever a limit comes near; again only after there was room in between.
    """

    def __init__(
        self,
        directory: Path,
        policy: JournalPolicy,
        *,
        measure: Callable[[], tuple[int, int]],
        nearly_full: Callable[[Fill], None] | None = None,
    ) -> None:
        self._directory = directory
        self._policy = policy
        self._measure = measure
        self._nearly_full = nearly_full
        self._told: set[str] = set()

    def fills(self, objects: int = 0, size: int = 0) -> Sequence[Fill]:
        """How far each limit is used, or would be with so many further objects and bytes."""
        policy = self._policy
        fills = []
        if policy.maximum_objects is not None or policy.maximum_bytes is not None:
            held, length = self._measure()
            if policy.maximum_objects is not None:
                fills.append(Fill(limit="maximum_objects", used=held + objects, maximum=policy.maximum_objects))
            if policy.maximum_bytes is not None:
                fills.append(Fill(limit="maximum_bytes", used=length + size, maximum=policy.maximum_bytes))
        if policy.minimum_free_bytes:
            free = max(shutil.disk_usage(self._directory).free - size, 0)
            fills.append(Fill(limit=_FREE, used=free, maximum=policy.minimum_free_bytes))
        return fills

    def admit(self, size: int) -> None:
        """Refuse an object of ``size`` bytes that would break a limit; nothing was begun then.

        Raises
        ------
        QueueFull
            Names the limit, what is used of it, and its value.
        """
        fills = self.fills(1, size)
        self._tell(fills)
        for fill in fills:
            if fill.is_exceeded:
                verb = "would be free" if fill.limit == _FREE else "would be used"
                raise QueueFull(
                    f"journal.{fill.limit} is {fill.maximum}, {fill.used} {verb} with this object: nothing was kept. "
                    "Make room, or let what waits be sent"
                )

    def look(self) -> None:
        """Tell of limits that are near without anything being written."""
        self._tell(self.fills())

    def _tell(self, fills: Sequence[Fill]) -> None:
        for fill in fills:
            level = fill.level(self._policy.warn_at)
            if level < _QUIET:
                self._told.discard(fill.limit)
            elif level >= 1 and fill.limit not in self._told:
                self._told.add(fill.limit)
                if self._nearly_full is not None:
                    self._nearly_full(fill)
