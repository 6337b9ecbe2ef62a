"""What follows when something of a step was settled: commitment, then the archive."""

from modality_sdk.events import StepArchived
from modality_sdk.journal import Transaction
from modality_sdk.model import Delivery, DeliveryState
from modality_sdk.workflow.commitment import CommitmentRequests
from modality_sdk.workflow.context import Context
from modality_sdk.workflow.retention import Retention

__all__ = ["StepProgress"]


class StepProgress:
    """Moves a final step on: requests commitment once nothing is pending, notes when it is archived."""

    def __init__(self, context: Context, commitments: CommitmentRequests, retention: Retention) -> None:
        self._context, self._commitments, self._retention = context, commitments, retention

    def advance(self, tx: Transaction, step_uid: str) -> None:
        """Do whatever is due for the step; harmless to repeat."""
        self._context.announce_change(tx)
        step = tx.get_step(step_uid)
        if not step.status.is_final or tx.is_archived(step_uid):
            return
        by_destination: dict[str, list[Delivery]] = {}
        for delivery in tx.deliveries_of(step_uid):
            by_destination.setdefault(delivery.destination, []).append(delivery)
        for destination, deliveries in by_destination.items():
            if not any(d.state is DeliveryState.WAITING for d in deliveries):
                self._commitments.request_due(tx, step_uid, destination)
        if all(self._is_kept(d) for ds in by_destination.values() for d in ds):
            tx.set_archived(step_uid)
            self._retention.step_archived(tx, step_uid)
            event = StepArchived(
                at=self._context.clock.now(), step_uid=step_uid, study_instance_uid=step.study_instance_uid
            )
            tx.after_commit(lambda: self._context.events.publish(event))

    def _is_kept(self, delivery: Delivery) -> bool:
        if delivery.state in (DeliveryState.COMMITTED, DeliveryState.REJECTED):
            return True
        return delivery.state.is_stored and self._context.committing_peer(delivery.destination) is None
