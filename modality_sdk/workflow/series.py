"""Which series an image goes to: one for each protocol, body part and intent of a step, never shared by two steps."""

from collections.abc import Sequence
from dataclasses import replace

from modality_sdk.journal import Transaction
from modality_sdk.model import Acquisition, PerformedProcedureStep, PerformedSeries, PresentationIntent
from modality_sdk.uid import UidSource

__all__ = ["choose_series", "new_series"]


def choose_series(
    tx: Transaction,
    step: PerformedProcedureStep,
    acquisition: Acquisition,
    wanted: str | None,
    uids: UidSource,
    *,
    intent: PresentationIntent = PresentationIntent.FOR_PRESENTATION,
    planned: Sequence[PerformedSeries] = (),
) -> tuple[PerformedSeries, int]:
    """The series that an image goes to, and its Instance Number there.

    Parameters
    ----------
    wanted
        Series Instance UID of the series asked for; by protocol and body part when None. A series that does not exist
        yet is made, not stored.
    intent
        A series has one intent (PS3.3 C.8.11.1.1.1).
    planned
        Series that will be stored with this one.
    """
    protocol = acquisition.protocol_name or step.protocol_name or acquisition.body_part
    found = None
    for known in tx.series_of(step.sop_instance_uid):
        if wanted is not None:
            if known.series_instance_uid == wanted:
                found = known
        elif (known.protocol_name, known.body_part, known.presentation_intent) == (
            protocol,
            acquisition.body_part,
            intent,
        ):
            found = known
            break
    if found is None:
        made = new_series(tx, step, uids, protocol, acquisition.body_part, "", intent)
        taken = [series.series_number + 1 for series in planned]
        return replace(made, series_number=max(made.series_number, *taken, 0)), 1
    used = [
        record.instance_number
        for record in tx.instances_of(step.sop_instance_uid)
        if record.series_instance_uid == found.series_instance_uid
    ]
    return found, max(used, default=0) + 1


def new_series(
    tx: Transaction,
    step: PerformedProcedureStep,
    uids: UidSource,
    protocol: str,
    body_part: str,
    description: str,
    intent: PresentationIntent = PresentationIntent.FOR_PRESENTATION,
) -> PerformedSeries:
    """The next series of a step, not stored."""
    numbers = [series.series_number for series in tx.series_of(step.sop_instance_uid)]
    return PerformedSeries(
        series_instance_uid=uids.new(),
        series_number=max(numbers, default=0) + 1,
        modality=step.modality,
        presentation_intent=intent,
        # Protocol Name is Type 1 in the Performed Series Sequence (PS3.4 Table F.7.2-1)
        protocol_name=protocol or step.modality,
        description=description,
        operators=step.operators,
        performing_physicians=step.performing_physicians,
        body_part=body_part,
    )
