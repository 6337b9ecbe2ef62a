"""What became of a request: one value per service."""

from dataclasses import dataclass
from datetime import datetime

from modality_sdk.model.reference import SopReference
from modality_sdk.model.states import DeliveryState, StepStatus
from modality_sdk.status import Action, Category

__all__ = [
    "CommitmentReport",
    "Delivery",
    "DeliveryReport",
    "EchoResult",
    "FailedReference",
    "MppsResult",
    "StoreResult",
]


@dataclass(frozen=True, kw_only=True)
class EchoResult:
    """A C-ECHO that was answered.

    Attributes
    ----------
    association_seconds, echo_seconds
        Time until the association stood, and of the echo itself, in s.
    """

    ae_title: str
    status: int
    association_seconds: float
    echo_seconds: float


@dataclass(frozen=True, kw_only=True)
class StoreResult:
    """What became of one object of a C-STORE batch.

    Attributes
    ----------
    status
        Status of the response; None when there was none.
    action
        What to do about it.
    meaning
        In words, for the operator; free of patient data.
    ambiguous
        The peer may have stored it although no answer came.
    transfer_syntax_uid
        The syntax it was sent in; empty when nothing was sent.
    """

    sop: SopReference
    status: int | None
    category: Category | None
    action: Action
    meaning: str
    ambiguous: bool = False
    transfer_syntax_uid: str = ""

    @property
    def stored(self) -> bool:
        """Whether the peer says that it has the object."""
        return self.category in (Category.SUCCESS, Category.WARNING)


@dataclass(frozen=True, kw_only=True)
class MppsResult:
    """An N-CREATE or N-SET that the peer accepted.

    Attributes
    ----------
    attributes
        Keywords of attributes that the peer ignored or changed (warnings 0107 and 0116).
    """

    sop_instance_uid: str
    status: int
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FailedReference:
    """An object that was not committed; Failure Reason, (0008,1197), as in PS3.3 C.14.1.1."""

    sop: SopReference
    failure_reason: int


@dataclass(frozen=True, kw_only=True)
class CommitmentReport:
    """An N-EVENT-REPORT of storage commitment (PS3.4 section J.3.3).

    Attributes
    ----------
    calling_ae_title, called_ae_title
        Of the association on which it came.
    """

    transaction_uid: str
    committed: tuple[SopReference, ...] = ()
    failed: tuple[FailedReference, ...] = ()
    calling_ae_title: str = ""
    called_ae_title: str = ""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How far one object has come at one destination.

    Attributes
    ----------
    reason
        Why it waits or failed, in words; free of patient data.
    """

    sop: SopReference
    destination: str
    state: DeliveryState
    reason: str = ""
    changed: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class DeliveryReport:
    """The state of a whole step at the moment of asking.

    Attributes
    ----------
    mpps
        Status that each MPPS destination has accepted; None where nothing was accepted yet.
    open_jobs, failed_jobs
        Queued transmissions of the step that are still to do, and those given up.
    """

    step_uid: str
    status: StepStatus
    archived: bool
    deliveries: tuple[Delivery, ...] = ()
    mpps: tuple[tuple[str, StepStatus | None], ...] = ()
    open_jobs: int = 0
    failed_jobs: int = 0
