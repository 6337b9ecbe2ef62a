"""Worklist matching on our side (PS3.4 sections C.2.2.2 and K.2.2.1.1).

A peer may ignore optional keys and answer with everything. What it returns is judged again, leniently: an item
is dropped only when it plainly does not match, for a peer that did match may see case, accents or
component groups differently.
"""

import re
import unicodedata
from collections.abc import Collection
from datetime import date, datetime, time
from typing import TypeVar

from modality_sdk.model import WorklistItem, WorklistQuery

__all__ = ["matches"]

_T = TypeVar("_T", date, time, datetime)


def matches(query: WorklistQuery, item: WorklistItem, unread: Collection[str] = ()) -> bool:
    """Whether ``item`` satisfies every key of ``query``.

    Parameters
    ----------
    query
        The keys that were sent.
    item
        One answer.
    unread
        Keywords of attributes that were there but could not be read; they are not held against the item.

    Returns
    -------
    bool
        An attribute that the answer leaves empty matches no key (PS3.4 K.2.2.1.1.1).
    """
    texts = (
        ("Modality", query.modality, (item.modality,)),
        ("ScheduledStationAETitle", query.scheduled_station_ae_title, item.scheduled_station_ae_titles),
        ("PatientID", query.patient_id, (item.patient.patient_id,)),
        ("AccessionNumber", query.accession_number, (item.accession_number,)),
        ("RequestedProcedureID", query.requested_procedure_id, (item.requested_procedure_id,)),
    )
    names = (
        ("PatientName", query.patient_name, item.patient.name),
        (
            "ScheduledPerformingPhysicianName",
            query.scheduled_performing_physician_name,
            item.scheduled_performing_physician_name,
        ),
    )
    return (
        all(keyword in unread or _text(key, values) for keyword, key, values in texts)
        and all(keyword in unread or _name(key, value) for keyword, key, value in names)
        and _start(query, item, unread)
    )


def _text(key: str, values: Collection[str]) -> bool:
    pattern = _fold(key)
    return pattern in ("", "*") or any(value.strip() and _like(pattern, _fold(value)) for value in values)


def _name(key: str, value: str) -> bool:
    """A name matches when one of its component groups does, or the whole (PS3.4 C.2.2.2.1)."""
    if _fold(key) in ("", "*"):
        return True
    patterns = [group for group in (_fold_name(part) for part in key.split("=")) if group]
    groups = [group for group in (_fold_name(part) for part in value.split("=")) if group]
    whole = _fold_name(value)
    return any(_like(pattern, group) for pattern in (*patterns, _fold_name(key)) for group in (*groups, whole))


def _start(query: WorklistQuery, item: WorklistItem, unread: Collection[str]) -> bool:
    day, hour = item.scheduled_procedure_step_start_date, item.scheduled_procedure_step_start_time
    first_day, last_day = query.start_date if isinstance(query.start_date, tuple) else (query.start_date,) * 2
    first, last = query.start_time or (None, None)
    day_judged = (first_day or last_day) is not None and "ScheduledProcedureStepStartDate" not in unread
    hour_judged = (first or last) is not None and "ScheduledProcedureStepStartTime" not in unread
    day_matches = not day_judged or _within(day, first_day, last_day)
    hour_matches = not hour_judged or _within(hour, first, last)
    if day_matches and hour_matches:
        return True
    # ranges of date and time together mean one interval (PS3.4 K.6.1.2.2); peers differ, so either reading passes
    if not (day_judged and hour_judged) or day is None or hour is None:
        return False
    return _within(
        datetime.combine(day, _plain(hour)),
        first_day and datetime.combine(first_day, _plain(first or time.min)),
        last_day and datetime.combine(last_day, _plain(last or time.max)),
    )


def _within(value: _T | None, first: _T | None, last: _T | None) -> bool:
    return value is not None and (first is None or first <= value) and (last is None or value <= last)


def _plain(value: time) -> time:
    return value.replace(tzinfo=None)


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.strip())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def _fold_name(text: str) -> str:
    return _fold(text).rstrip("^ ")


def _like(pattern: str, text: str) -> bool:
    """Wildcard matching: ``*`` any run, ``?`` one character (PS3.4 C.2.2.2.4)."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    expression = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None
