"""How long the files of objects are kept on this machine."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from modality_sdk.errors import ConfigurationError
from modality_sdk.model.reference import SopReference

__all__ = ["PurgeReport", "RetentionPolicy"]

_LONGEST = 36_500


@dataclass(frozen=True, kw_only=True)
class RetentionPolicy:
    """When local files may be deleted; nothing else of an object ever is.

    Attributes
    ----------
    delete_files
        ``never``, or ``when_committed``: once every storage destination of the object has committed it (PS3.4 Annex J).
        The success of a C-STORE is no proof, so a destination that does not commit never frees a file.
    keep_days
        Days between the archiving of the step and the deletion.
    keep_rejected_days
        The same for objects that the operator rejected, which exist nowhere else; None keeps them.
    """

    delete_files: Literal["never", "when_committed"] = "never"
    keep_days: float = 7.0
    keep_rejected_days: float | None = None

    def __post_init__(self) -> None:
        # a plain dataclass checks no Literal, and pydantic's words do not name the rule
        if self.delete_files not in ("never", "when_committed"):
            raise ConfigurationError("retention.delete_files", "is never or when_committed", self.delete_files)
        for name, days in (("keep_days", self.keep_days), ("keep_rejected_days", self.keep_rejected_days)):
            if days is not None and not 0 <= days <= _LONGEST:
                raise ConfigurationError(f"retention.{name}", f"lies between 0 and {_LONGEST} days", days)
        if self.delete_files == "never" and self.keep_rejected_days is not None:
            rule = 'needs delete_files = "when_committed"; with "never" nothing is deleted'
            raise ConfigurationError("retention.keep_rejected_days", rule, self.keep_rejected_days)

    @property
    def keep_committed(self) -> timedelta | None:
        """How long after the archiving committed objects are kept; None for ever."""
        return timedelta(days=self.keep_days) if self.delete_files == "when_committed" else None

    @property
    def keep_rejected(self) -> timedelta | None:
        """How long after the archiving rejected objects are kept; None for ever."""
        return timedelta(days=self.keep_rejected_days) if self.keep_rejected_days is not None else None


@dataclass(frozen=True, kw_only=True)
class PurgeReport:
    """What a purge deleted, or would delete.

    Attributes
    ----------
    objects
        Whose files went.
    size
        Bytes that they took.
    finished
        Files that an interrupted purge had left, and that went now.
    jobs, history
        Records of finished transmissions that were removed, and rows of their history.
    """

    objects: tuple[SopReference, ...] = ()
    size: int = 0
    finished: int = 0
    jobs: int = 0
    history: int = 0
