"""From what went wrong to what the queue does about it."""

from modality_sdk.errors import (
    AssociationRejected,
    Cancelled,
    ConfigurationError,
    ConnectError,
    DimseFailure,
    ModalityError,
    NegotiationError,
    PoolTimeout,
    TlsError,
    TransportError,
)
from modality_sdk.queue import Outcome, OutcomeKind
from modality_sdk.status import Action

__all__ = ["outcome_of_action", "outcome_of_error"]

_KINDS = {
    Action.ACCEPT: OutcomeKind.DONE,
    Action.RETRY: OutcomeKind.RETRY,
    Action.PARK: OutcomeKind.PARK,
    Action.HOLD: OutcomeKind.HOLD,
    Action.VERIFY: OutcomeKind.PARK,
    Action.RECREATE: OutcomeKind.PARK,
}


def outcome_of_action(action: Action, reason: str, message: str) -> Outcome:
    """Outcome of an answer that was judged by the status tables."""
    return Outcome(kind=_KINDS[action], reason=reason, message=message)


def outcome_of_error(error: ModalityError) -> Outcome:
    """Outcome of an attempt that ended in an error.

    What a peer answered counts against the job. What kept us from reaching the peer, or from agreeing
    with it on anything, holds the destination and uses up nothing, so that a night without the archive
    fails no exam.
    """
    kind, reason = OutcomeKind.PARK, type(error).__name__
    match error:
        case DimseFailure():
            return outcome_of_action(error.verdict.action, f"STATUS_{error.status:04X}", str(error))
        case PoolTimeout():
            kind, reason = OutcomeKind.RELEASE, "POOL_EXHAUSTED"
        case Cancelled():
            kind = OutcomeKind.RELEASE
        case AssociationRejected() if error.retryable:
            kind = OutcomeKind.RETRY
        case ConnectError() | TlsError() | AssociationRejected() | NegotiationError() | ConfigurationError():
            kind = OutcomeKind.HOLD
        case TransportError():
            kind = OutcomeKind.RETRY
    return Outcome(kind=kind, reason=reason, message=str(error))
