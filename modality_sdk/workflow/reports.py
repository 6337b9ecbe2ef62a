"""Storage commitment reports: what the archive's word changes (PS3.4 section J.3.3)."""

import logging

from modality_sdk.dataset import read_commitment_report
from modality_sdk.errors import IodError
from modality_sdk.journal import CommitmentRecord, Transaction
from modality_sdk.model import CommitmentReport, CommitmentState, DeliveryState, SopReference
from modality_sdk.network import EventReport
from modality_sdk.workflow.commitment import CommitmentRequests
from modality_sdk.workflow.context import Durable
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

_NO_SUCH_INSTANCE = 0x0112

# Failure Reason, (0008,1197) (PS3.3 C.14.1.1)
_FAILURE_REASONS = {
    0x0110: "processing failure",
    0x0112: "no such object instance",
    0x0119: "class and instance conflict",
    0x0122: "SOP class not supported",
    0x0131: "duplicate transaction UID",
    0x0213: "resource limitation",
}


class CommitmentReports:
    """Applies N-EVENT-REPORTs of storage commitment, on whichever association they come."""

    def __init__(
        self, durable: Durable, stores: StoreDelivery, requests: CommitmentRequests, progress: StepProgress
    ) -> None:
        self._durable, self._stores, self._requests, self._progress = durable, stores, requests, progress

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
        """Apply a report, however it came; False when the transaction is not ours. Harmless to repeat."""
        with self._durable.journal.transaction() as tx:
            record = tx.get_commitment(report.transaction_uid)
            if record is None:
                return False
            self._apply(tx, record, report)
            self._progress.advance(tx, record.step_uid)
        return True

    def _apply(self, tx: Transaction, record: CommitmentRecord, report: CommitmentReport) -> None:
        if record.state in (CommitmentState.COMMITTED, CommitmentState.PARTIAL):
            return  # told twice; the first report stands
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
        tx.set_commitment_state(record.transaction_uid, state)
        if failed:
            self._resend_or_fail(tx, record, failed, reasons)

    def _resend_or_fail(
        self, tx: Transaction, record: CommitmentRecord, failed: list[SopReference], reasons: dict[SopReference, int]
    ) -> None:
        rounds = sum(
            r.state is CommitmentState.PARTIAL and r.destination == record.destination
            for r in tx.commitments_of(record.step_uid)
        )
        words = set()
        for sop in failed:
            code = reasons.get(sop)
            reason = "not named in the report" if code is None else _FAILURE_REASONS.get(code, f"reason {code:04X}")
            words.add(reason)
            if code == _NO_SUCH_INSTANCE and rounds < _MAXIMUM_ROUNDS:
                self._stores.submit_again(tx, sop, record.destination)
            else:
                tx.set_delivery(sop, record.destination, DeliveryState.FAILED, f"not committed: {reason}")
        self._requests.failed(tx, record, failed, ", ".join(sorted(words)))
