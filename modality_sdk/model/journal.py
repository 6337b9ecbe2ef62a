"""What the durable store may take, and where its database is copied to."""

from dataclasses import dataclass
from pathlib import Path

from modality_sdk.errors import ConfigurationError

__all__ = ["JournalPolicy"]


@dataclass(frozen=True, kw_only=True)
class JournalPolicy:
    """Limits of the durable store, and backups of its database.

    Attributes
    ----------
    maximum_objects, maximum_bytes
        How many objects, and bytes of them, may lie in the spool; None for no limit. Files that were purged do not
        count.
    minimum_free_bytes
        Room on the file system that objects leave alone, so that MPPS messages, answers and the journal itself never
        lack it.
    warn_at
        Share of a limit from which `QueueNearlyFull` tells of it. The free room counts as near when
        ``minimum_free_bytes`` is ``1 - warn_at`` of it: 1000 MB as it stands.
    backup_dir
        Where the database is copied to whenever a step has ended; ``backup`` in the data directory when None. Another
        disk survives this one.
    backups
        Copies to keep; 0 makes none.
    """

    maximum_objects: int | None = None
    maximum_bytes: int | None = None
    minimum_free_bytes: int = 200_000_000
    warn_at: float = 0.8
    backup_dir: Path | None = None
    backups: int = 2

    def __post_init__(self) -> None:
        for name in ("maximum_objects", "maximum_bytes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigurationError(f"journal.{name}", "must be at least 1, or absent", value)
        for name in ("minimum_free_bytes", "backups"):
            if getattr(self, name) < 0:
                raise ConfigurationError(f"journal.{name}", "must not be negative", getattr(self, name))
        if not 0 < self.warn_at < 1:
            raise ConfigurationError("journal.warn_at", "lies between 0 and 1", self.warn_at)
