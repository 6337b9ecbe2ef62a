"""What a step works with, and the lock that all who hold the step share."""

import threading
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from modality_sdk.workflow.backups import Backups
from modality_sdk.workflow.context import Context, Durable
from modality_sdk.workflow.delivery import MppsDelivery, StoreDelivery
from modality_sdk.workflow.progress import StepProgress

__all__ = ["StepLock", "StepServices"]


class StepLock:
    """Lets one thread at a time change a step."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@dataclass(frozen=True, kw_only=True)
class StepServices:
    """What a step works with; made by `Modality`."""

    context: Context
    durable: Durable
    stores: StoreDelivery
    mpps: MppsDelivery
    progress: StepProgress
    backups: Backups
    locks: WeakValueDictionary[str, StepLock] = field(default_factory=WeakValueDictionary)

    def lock_of(self, step_uid: str) -> StepLock:
        """The lock of a step, the same for all who hold the step."""
        return self.locks.setdefault(step_uid, StepLock())
