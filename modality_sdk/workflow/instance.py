"""One object of a step, as the acquisition program sees it."""

from pathlib import Path
from typing import BinaryIO

from modality_sdk.errors import StateError
from modality_sdk.journal import SpoolFile
from modality_sdk.model import CancelToken, Delivery, DeliveryState, SopReference
from modality_sdk.workflow.context import Context, Durable
from modality_sdk.workflow.delivery import purged_words
from modality_sdk.workflow.waiting import wait_until

__all__ = ["Instance"]


class Instance:
    """An object that the journal has taken over: it will be delivered, whatever happens.

    Attributes
    ----------
    ref
        Its SOP class and SOP instance.
    """

    def __init__(self, context: Context, durable: Durable, step_uid: str, ref: SopReference) -> None:
        self._context, self._durable, self._step_uid = context, durable, step_uid
        self.ref = ref

    def __repr__(self) -> str:
        return f"Instance({self.ref.sop_instance_uid!r})"

    @property
    def path(self) -> Path:
        """The DICOM file in the spool; read it, never change it.

        Raises
        ------
        StateError
            When the file was deleted because the object is committed everywhere, or was rejected; and when the spool is
            encrypted, so that the file is no DICOM file: use `open`.
        """
        spool, file = self._durable.journal.spool, self._file()
        if spool.sealed:
            raise StateError("the spool is encrypted: its files are no DICOM files; read them with Instance.open()")
        return spool.absolute(file)

    def open(self) -> BinaryIO:
        """Open the DICOM file (PS3.10 section 7.1) for reading, plain also when the spool is encrypted.

        Returns
        -------
        BinaryIO
            At its first byte; the caller closes it.

        Raises
        ------
        StateError
            When the file was deleted because the object is committed everywhere, or was rejected.
        StateError, QueueCorrupt
            When the file is not as it was written. An encrypted one may raise `QueueCorrupt` in reading as well.
        """
        return self._durable.journal.spool.open_file(self.ref, self._file())

    def _file(self) -> SpoolFile:
        with self._durable.journal.read() as tx:
            record = tx.get_instance(self.ref.sop_instance_uid)
        if record.purged is not None:
            raise StateError(f"object {self.ref.sop_instance_uid} is not here any more: {purged_words(record.purged)}")
        return record.file

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """How far the object has come at each destination, now."""
        with self._durable.journal.read() as tx:
            return tuple(d for d in tx.deliveries_of(self._step_uid) if d.sop == self.ref)

    def wait(self, timeout: float, *, cancel: CancelToken | None = None) -> tuple[Delivery, ...]:
        """Wait until no destination is still to be sent the object.

        Parameters
        ----------
        timeout
            Seconds.
        cancel
            Ends the wait early.

        Returns
        -------
        tuple of Delivery
            Stored, failed or rejected, one for each destination; a failure is a result, not an error.

        Raises
        ------
        TimeoutError
            When a destination is still waiting after ``timeout``; the object stays queued.
        Cancelled
            When ``cancel`` was cancelled; the object stays queued.
        """

        def settled() -> tuple[Delivery, ...] | None:
            deliveries = self.deliveries
            return None if any(d.state is DeliveryState.WAITING for d in deliveries) else deliveries

        overdue = f"object {self.ref.sop_instance_uid} still waits to be sent"
        return wait_until(self._context.changes, settled, timeout, cancel, overdue)
