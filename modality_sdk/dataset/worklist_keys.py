"""Typed keys as worklist queries: those that `WorklistQuery` knows go to its fields, the others along with them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from modality_sdk.dataset.dictionary import assign, build
from modality_sdk.dataset.query_keys import add_key, parse_key
from modality_sdk.errors import InvalidValue
from modality_sdk.model import WorklistQuery

__all__ = ["with_keys"]

_STEP = "ScheduledProcedureStepSequence."
_FIELDS = {
    "PatientName": "patient_name",
    "PatientID": "patient_id",
    "AccessionNumber": "accession_number",
    "RequestedProcedureID": "requested_procedure_id",
    _STEP + "Modality": "modality",
    _STEP + "ScheduledStationAETitle": "scheduled_station_ae_title",
    _STEP + "ScheduledPerformingPhysicianName": "scheduled_performing_physician_name",
}
_DATE = _STEP + "ScheduledProcedureStepStartDate"
_TIME = _STEP + "ScheduledProcedureStepStartTime"
_TIME_FORMS = {2: "%H", 4: "%H%M", 6: "%H%M%S"}


def with_keys(query: WorklistQuery, keys: Iterable[str]) -> WorklistQuery:
    """``query`` with keys as people type them, for example ``ScheduledProcedureStepSequence[0].Modality=DX``.

    Parameters
    ----------
    query
        A key replaces what it says of the same attribute.
    keys
        In the forms of `parse_key`.

    Raises
    ------
    InvalidValue
        A key cannot be read, is given twice, or its value is none of its VR.
    """
    changes: dict[str, Any] = {}
    further: dict[str, str] = dict(query.further_keys)
    seen: set[str] = set()
    for text in keys:
        path, value = parse_key(text)
        if path in seen:
            raise InvalidValue(path, "is given twice")
        seen.add(path)
        if path in _FIELDS:
            changes[_FIELDS[path]] = "" if value == "*" else value  # both match everything (PS3.4 C.2.2.2.4)
        elif path == _DATE:
            changes["start_date"] = _dates(value)
        elif path == _TIME:
            changes["start_time"] = _times(value)
        else:
            add_key(build(), path, value)  # so that a bad value is told before anything else is done
            further[path] = value
    return replace(query, **changes, further_keys=tuple(further.items()))


def _ends(path: str, value: str) -> tuple[str, str] | None:
    """The ends of a range, the same text twice for a single value; None when the key matches everything."""
    if value in ("", "*"):
        return None
    first, dash, last = value.partition("-")
    for end in (first, last):
        assign(build(), path.removeprefix(_STEP), end)
    return (first, last) if dash else (first, first)


def _dates(value: str) -> date | tuple[date | None, date | None] | None:
    ends = _ends(_DATE, value)
    if ends is None:
        return None
    first, last = (date.fromisoformat(end) if end else None for end in ends)
    return first if first == last else (first, last)


def _times(value: str) -> tuple[time | None, time | None] | None:
    ends = _ends(_TIME, value)
    if ends is None:
        return None
    first, last = (_time(end) if end else None for end in ends)
    return first, last


def _time(text: str) -> time:
    whole, _, fraction = text.partition(".")
    whole = whole[:-2] + "59" if whole.endswith("60") else whole  # Python's clock has no leap second
    moment = datetime.strptime(whole, _TIME_FORMS[len(whole)])  # noqa: DTZ007 - a time of day
    return moment.time().replace(microsecond=int(fraction.ljust(6, "0")) if fraction else 0)
