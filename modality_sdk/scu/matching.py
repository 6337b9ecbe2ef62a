"""Worklist matching on our side (PS3.4 sections C.2.2.2 and K.2.2.1.1).

A peer may ignore optional keys and answer with everything. What it returns is judged again, leniently: an item
is dropped only when it plainly does not match, for a peer that did match may see case, accents or
component groups differently.
"""

import re
import unicodedata
from collections.abc import Collection
from datetime import date, datetime, time, timezone
from typing import TypeVar

from modality_sdk.model import WorklistItem, WorklistQuery

__all__ = ["name_matches", "text_matches", "unmatched_keys"]

_T = TypeVar("_T", date, time, datetime)
_STEP = "ScheduledProcedureStepSequence."


def unmatched_keys(
    query: WorklistQuery, item: WorklistItem, unread: Collection[str] = (), *, zone: timezone | None = None
) -> tuple[str, ...]:
    """The keys of ``query`` that ``item`` does not satisfy; none when it matches.

    Parameters
    ----------
    query
        The keys that were sent.
    item
        One answer. An attribute that it leaves empty matches no key (PS3.4 K.2.2.1.1.1).
    unread
        Keywords of attributes that were there but could not be read; they are not held against the item.
    zone
        Of the dates and times of the keys, when the peer was told so; the item tells its own.

    Returns
    -------
    tuple of str
        By keyword, below a sequence as ``ScheduledProcedureStepSequence.Modality``.
    """
    texts = (
        (_STEP + "Modality", query.modality, (item.modality,)),
        (_STEP + "ScheduledStationAETitle", query.scheduled_station_ae_title, item.scheduled_station_ae_titles),
        ("PatientID", query.patient_id, (item.patient.patient_id,)),
        ("AccessionNumber", query.accession_number, (item.accession_number,)),
        ("RequestedProcedureID", query.requested_procedure_id, (item.requested_procedure_id,)),
    )
    names = (
        ("PatientName", query.patient_name, item.patient.name),
        (
            _STEP + "ScheduledPerformingPhysicianName",
            query.scheduled_performing_physician_name,
            item.scheduled_performing_physician_name,
        ),
    )
    found = [path for path, key, values in texts if not _is_unread(path, unread) and not text_matches(key, values)]
    found += [path for path, key, value in names if not _is_unread(path, unread) and not name_matches(key, value)]
    return (*found, *_unmatched_start(query, item, unread, zone))


def _is_unread(path: str, unread: Collection[str]) -> bool:
    return path.removeprefix(_STEP) in unread


def text_matches(key: str, values: Collection[str]) -> bool:
    """A text matches when one of its values does, with wildcards and whatever its case and accents."""
    pattern = _fold(key)
    return pattern in ("", "*") or any(value.strip() and _like(pattern, _fold(value)) for value in values)


def name_matches(key: str, value: str) -> bool:
    """A name matches when one of its component groups does, or the whole (PS3.4 C.2.2.2.1)."""
    if _fold(key) in ("", "*"):
        return True
    patterns = [group for group in (_fold_name(part) for part in key.split("=")) if group]
    groups = [group for group in (_fold_name(part) for part in value.split("=")) if group]
    whole = _fold_name(value)
    return any(_like(pattern, group) for pattern in (*patterns, _fold_name(key)) for group in (*groups, whole))


def _unmatched_start(
    query: WorklistQuery, item: WorklistItem, unread: Collection[str], zone: timezone | None
) -> list[str]:
    day, hour = item.scheduled_procedure_step_start_date, item.scheduled_procedure_step_start_time
    start = item.scheduled_start
    if zone is not None and item.timezone_offset_from_utc:
        if start is None or start.tzinfo is None:  # without a time the day in our zone is not known
            return []
        start = start.astimezone(zone)
        day, hour = start.date(), start.time()
    first_day, last_day = query.start_date if isinstance(query.start_date, tuple) else (query.start_date,) * 2
    first, last = query.start_time or (None, None)
    day_judged = (first_day or last_day) is not None and "ScheduledProcedureStepStartDate" not in unread
    hour_judged = (first or last) is not None and "ScheduledProcedureStepStartTime" not in unread
    found = []
    if day_judged and not _within(day, first_day, last_day):
        found.append(_STEP + "ScheduledProcedureStepStartDate")
    if hour_judged and not _within(hour, first, last):
        found.append(_STEP + "ScheduledProcedureStepStartTime")
    # ranges of date and time together mean one interval (PS3.4 K.6.1.2.2); peers differ, so either reading passes
    if found and day_judged and hour_judged and day is not None and hour is not None:
        within = _within(
            datetime.combine(day, _plain(hour)),
            first_day and datetime.combine(first_day, _plain(first or time.min)),
            last_day and datetime.combine(last_day, _plain(last or time.max)),
        )
        return [] if within else found
    return found


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
