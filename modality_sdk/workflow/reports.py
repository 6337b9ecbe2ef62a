"""Storage commitment reports: what the archive's word changes (PS3.4 section J.3.3)."""

import logging

from modality_sdk.dataset import read_commitment_report
from modality_sdk.errors import IodError
from modality_sdk.journal import CommitmentRecord, Transaction
from modality_sdk.model import CommitmentReport, CommitmentState, DeliveryState, SopReference
from modality_sdk.network import EventReport
from modality_sdk.status import Action, commitment_failure
from modality_sdk.workflow.commitment import CommitmentRequests, is_settled
from modality_sdk.workflow.context import Context, Durable
from modality_sdk.workflow.delivery import StoreDelivery
from modality_sdk.workflow.progress import StepProgress

__all__ = ["CommitmentReports"]

_log = logging.getLogger("modality_sdk.workflow")

# an object that the archive does not know is sent again; after so many reports it is given up
_MAXIMUM_ROUNDS = 3

# statuses of the N-EVENT-REPORT response (PS3.7 section 10.1.1.1.8)
_SUCCESS, _NO_SUCH_EVENT_TYPE, _INVALID_ARGUMENT, _UNKNOWN_TRANSACTION = (
    0x0000,
    0x0113,
    0x0115,
    0x0211,
)


_GIVEN_UP = (DeliveryState.STORED, DeliveryState.STORED_WITH_WARNING, DeliveryState.FAILED)


class CommitmentReports:
    """Applies N-EVENT-REPORTs of storage commitment, on whichever association they come."""

    def __init__(
        self,
        context: Context,
        durable: Durable,
        stores: StoreDelivery,
        requests: CommitmentRequests,
        progress: StepProgress,
    ) -> None:
        self._context, self._durable = context, durable
        self._stores, self._requests, self._progress = stores, requests, progress

    def receive(self, report: EventReport) -> int:
        """Apply an N-EVENT-REPORT, on whichever association it came, and answer with a status."""
        if report.event_type not in (1, 2):
            return _NO_SUCH_EVENT_TYPE
        try:
            parsed = read_commitment_report(
                report.information,
                report.event_type,
                calling_ae_title=report.calling_ae_title,
                called_ae_title=report.called_ae_title,
            )
        except IodError as error:
            _log.error("commitment report from %s is malformed: %s", report.calling_ae_title, error)
            return _INVALID_ARGUMENT
        if not self.apply(parsed):
            _log.warning(
                "commitment report from %s for the unknown transaction %s",
                report.calling_ae_title,
                parsed.transaction_uid,
            )
            return _UNKNOWN_TRANSACTION
        return _SUCCESS

    def apply(self, report: CommitmentReport) -> bool:
        """Apply a report, however it came; False when the transaction is not ours. Harmless to repeat.

        The transaction UID decides, not who tells: some archives report under another AE title, or from another host.
        """
        with self._durable.journal.transaction() as tx:
            record = tx.get_commitment(report.transaction_uid)
            if record is None:
                return False
            self._note_origin(record, report)
            self._apply(tx, record, report)
            self._progress.advance(tx, record.step_uid)
        return True

    def _note_origin(self, record: CommitmentRecord, report: CommitmentReport) -> None:
        asked = self._context.settings.peers.get(record.peer)
        caller = report.calling_ae_title.strip()
        if asked is not None and caller and caller != asked.ae_title.strip():
            _log.info("%s was asked for commitment %s, %s reports", asked.ae_title, record.transaction_uid, caller)

    def _apply(self, tx: Transaction, record: CommitmentRecord, report: CommitmentReport) -> None:
        if is_settled(record):
            self._amend(tx, record, report)
            return
        asked = set(record.references)
        committed = asked & set(report.committed)
        reasons = {f.sop: f.failure_reason for f in report.failed if f.sop in asked}
        # the event type is not trusted: what the report does not name is not committed
        kept = {
            d.sop
            for d in tx.deliveries_of(record.step_uid)
            if d.destination == record.destination and d.state is DeliveryState.COMMITTED
        }
        failed = [sop for sop in record.references if sop not in kept and (sop not in committed or sop in reasons)]
        for sop in sorted(committed - set(failed)):
            tx.set_delivery(sop, record.destination, DeliveryState.COMMITTED)
        state = CommitmentState.PARTIAL if failed else CommitmentState.COMMITTED
        for each in self._requests.chain(tx, record.transaction_uid):
            if not is_settled(each):
                tx.set_commitment_state(each.transaction_uid, state)
        if failed:
            self._follow_up(tx, record, failed, reasons)

    def _amend(self, tx: Transaction, record: CommitmentRecord, report: CommitmentReport) -> None:
        """Take a further report on what was answered before: it may add what is kept, and takes nothing back."""
        added = set(record.references) & set(report.committed) - {f.sop for f in report.failed}
        for delivery in tx.deliveries_of(record.step_uid):
            if delivery.destination == record.destination and delivery.sop in added and delivery.state in _GIVEN_UP:
                self._stores.kept_after_all(tx, delivery.sop, record.destination)

    def _follow_up(
        self, tx: Transaction, record: CommitmentRecord, failed: list[SopReference], reasons: dict[SopReference, int]
    ) -> None:
        """Send again, ask again or give up, for each object by its Failure Reason."""
        words = set()
        for sop in failed:
            action, reason = _judged(reasons.get(sop))
            words.add(reason)
            rounds = self._rounds(tx, record, sop)
            if action is Action.RECREATE and rounds < _MAXIMUM_ROUNDS:
                self._stores.submit_again(tx, sop, record.destination)
            elif not (action is Action.RETRY and self._requests.put_off(tx, record, rounds)):
                self._stores.give_up(tx, sop, record.destination, f"not committed: {reason}")
        self._requests.failed(tx, record, failed, ", ".join(sorted(words)))

    @staticmethod
    def _rounds(tx: Transaction, record: CommitmentRecord, sop: SopReference) -> int:
        """How many reports did not commit the object, this one included; a chain of requests has one report."""
        return sum(
            r.state is CommitmentState.PARTIAL
            and not r.predecessor
            and r.destination == record.destination
            and sop in r.references
            for r in tx.commitments_of(record.step_uid)
        )


def _judged(failure_reason: int | None) -> tuple[Action, str]:
    """What to do about an object that was not committed, and why; None for one that the report does not name."""
    if failure_reason is None:
        return Action.PARK, "not named in the report"
    found = commitment_failure(failure_reason)
    return found.action, f"{found.meaning} ({failure_reason:04X})"
