"""How an exposure comes into the journal: objects built, files made durable, then all of it in one transaction."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from numpy.typing import NDArray
from pydicom import Dataset

from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.iod import CrImage, DxImage
from modality_sdk.journal import InstanceRecord, SpoolFile, Transaction
from modality_sdk.model import (
    Acquisition,
    Detector,
    InstanceState,
    IrradiationEvent,
    PerformedProcedureStep,
    PerformedSeries,
    PresentationIntent,
    SopReference,
)
from modality_sdk.workflow.series import choose_series
from modality_sdk.workflow.step_services import StepServices

__all__ = ["ImageIntake"]


@dataclass(frozen=True, kw_only=True)
class _Built:
    dataset: Dataset
    series: PerformedSeries
    number: int

    @property
    def sop(self) -> SopReference:
        return SopReference(
            sop_class_uid=str(self.dataset.SOPClassUID), sop_instance_uid=str(self.dataset.SOPInstanceUID)
        )


class ImageIntake:
    """Builds the images of one exposure and plans their series; keeps files and records.

    Parameters
    ----------
    step
        As it stands now; the caller holds the step's lock from here to `record`.
    acquired
        Aware time of the exposure.
    """

    def __init__(
        self, services: StepServices, step: PerformedProcedureStep, acquisition: Acquisition, acquired: datetime
    ) -> None:
        self._services, self._step, self._acquisition, self._acquired = services, step, acquisition, acquired
        self._uids = services.context.uids
        self._event_uid = self._uids.new()
        self._built: list[_Built] = []

    def build(
        self,
        tx: Transaction,
        pixels: NDArray[Any],
        *,
        intent: PresentationIntent = PresentationIntent.FOR_PRESENTATION,
        wanted: str | None = None,
    ) -> None:
        """Build one image; one for presentation refers to the one for processing that was built before it.

        Raises
        ------
        IodError
            When the values do not make a valid object.
        """
        for_processing = intent is PresentationIntent.FOR_PROCESSING
        if for_processing and self._step.modality == "CR":
            raise InvalidValue("for_processing", "needs a modality with that class; CR has one class only (PS3.3 A.2)")
        planned = [built.series for built in self._built]
        series, number = choose_series(
            tx, self._step, self._acquisition, wanted, self._uids, intent=intent, planned=planned
        )
        values: dict[str, Any] = {
            "step": self._step,
            "series": series,
            "acquisition": self._acquisition,
            "detector": self._detector(),
            "sop_instance_uid": self._uids.new(),
            "instance_number": number,
            "irradiation_event_uid": self._event_uid,
            "acquired_at": self._acquired,
        }
        if series.modality == "CR":
            image: Dataset = CrImage(pixels, **values)
        else:
            image = DxImage(pixels, source=self._built[0].sop if self._built else None, **values)
        self._built.append(_Built(dataset=image, series=series, number=number))

    def write(self) -> list[SpoolFile]:
        """Make the files durable: all of them, or none."""
        files = list[SpoolFile]()
        try:
            for built in self._built:
                files.append(self._services.durable.journal.write(built.dataset))
        except BaseException:
            self.discard(files)
            raise
        return files

    def discard(self, files: Sequence[SpoolFile]) -> None:
        """Take back what `write` has made."""
        for file in files:
            with suppress(OSError):  # what stays is set aside at the next opening
                self._services.durable.journal.spool.discard(file)

    def record(self, tx: Transaction, files: Sequence[SpoolFile]) -> list[InstanceRecord]:
        """Note series, objects and the one irradiation event, whose image is the last one built."""
        known = {series.series_instance_uid for series in tx.series_of(self._step.sop_instance_uid)}
        records = []
        for built, file in zip(self._built, files, strict=True):
            if built.series.series_instance_uid not in known:
                tx.add_series(self._step.sop_instance_uid, built.series)
            record = InstanceRecord(
                sop=built.sop,
                step_uid=self._step.sop_instance_uid,
                series_instance_uid=built.series.series_instance_uid,
                instance_number=built.number,
                file=file,
                state=InstanceState.ACQUIRED,
                irradiation_event_uid=self._event_uid,
                created=self._acquired,
            )
            tx.add_instance(record)
            records.append(record)
        event = IrradiationEvent(uid=self._event_uid, started=self._acquired, acquisition=self._acquisition)
        tx.add_irradiation_event(self._step.sop_instance_uid, replace(event, image=records[-1].sop))
        return records

    def _detector(self) -> Detector:
        detector = self._acquisition.detector or self._services.context.settings.detector_default
        if detector is None:
            raise MissingAttribute("ImagerPixelSpacing", "name a detector in the acquisition or in the settings")
        return detector
