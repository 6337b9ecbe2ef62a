"""From what went wrong to what the queue does about it."""

from modality_sdk.errors import (
    AssociationRejected,
    Cancelled,
    ConfigurationError,
    DimseFailure,
    ModalityError,
    NegotiationError,
    PoolTimeout,
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


def outcome_of_action(action: Action, reason: str, message: str, limit: int | None = None) -> Outcome:
    """Outcome of an answer that was judged by the status tables; ``limit`` as `Verdict.retries`."""
    return Outcome(kind=_KINDS[action], reason=reason, message=message, limit=limit, defer=action is Action.HOLD)


def outcome_of_error(error: ModalityError) -> Outcome:
    """Outcome of an attempt that ended in an error.

    What a peer was asked counts against the job: it answered, or may have acted. What ended before anything was asked
    holds the destination and uses up nothing, so that a night without the archive fails no exam. A peer that is there
    but will not speak of one SOP class is held too, but the job that met it waits longer than the hold, so that the
    others pass it.
    """
    kind, reason = OutcomeKind.PARK, type(error).__name__
    match error:
        case DimseFailure():
            found = error.verdict
            return outcome_of_action(found.action, f"STATUS_{error.status:04X}", str(error), found.retries)
        case PoolTimeout():
            kind, reason = OutcomeKind.RELEASE, "POOL_EXHAUSTED"
        case AssociationRejected() if error.retryable:
            kind = OutcomeKind.RETRY
        case NegotiationError() | ConfigurationError():
            return Outcome(kind=OutcomeKind.HOLD, reason=reason, message=str(error), defer=True)
        case TransportError() if not error.ambiguous:
            kind = OutcomeKind.HOLD
        case TransportError() | Cancelled():
            kind = OutcomeKind.RETRY
    return Outcome(kind=kind, reason=reason, message=str(error))
