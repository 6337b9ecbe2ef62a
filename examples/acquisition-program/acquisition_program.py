"""A small acquisition program: fetch the worklist, expose, hand everything to the hospital."""

from collections.abc import Callable

import numpy as np

from modality_sdk import (
    Acquisition,
    DeliveryState,
    Exposure,
    Modality,
    ModalityError,
    PerformedStep,
    WorklistItem,
)

CHEST = Acquisition(body_part="CHEST", view="PA", exposure=Exposure(kvp=125, mas=2.0, dose_area_product=1.6))

Detector = Callable[[], np.ndarray]


class AcquisitionRoom:
    """The X-ray room: one modality, one detector.

    Parameters
    ----------
    modality
        Open.
    detector
        Exposes and gives the pixels.
    """

    def __init__(self, modality: Modality, detector: Detector) -> None:
        self._modality, self._detector = modality, detector
        self._known: list[WorklistItem] = []

    def patients(self) -> list[WorklistItem]:
        """Today's list; the one known before when the RIS does not answer."""
        try:
            self._known = list(self._modality.worklist.today())
        except ModalityError as error:
            if not error.retryable:
                raise
        return self._known

    def examine(self, item: WorklistItem, exposures: int = 1) -> PerformedStep:
        """Take images of a patient and end the step; nothing here waits for the network."""
        with self._modality.start(item) as step:
            for _ in range(exposures):
                step.add_image(self._detector(), CHEST)
        return step


def lamp(step: PerformedStep) -> str:
    """What the operator sees beside an exam: green when the archive has taken it, red when it needs help."""
    report = step.report()
    if report.archived:
        return "green"
    failed = any(delivery.state is DeliveryState.FAILED for delivery in report.deliveries)
    return "red" if failed else "yellow"
