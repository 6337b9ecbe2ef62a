"""From the worklist to the performed step: which value goes where (PS3.17 Annex J, PS3.3 Tables 10-9 and 10-16).

The values are decided once, by `begin_step`; everything made in the step copies them, so that objects, MPPS and dose
report agree without anybody comparing them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from modality_sdk.dataset.character_sets import UNICODE, character_set_of, ensure_encodable
from modality_sdk.dataset.dictionary import assign, assign_known, conform
from modality_sdk.dataset.objects import common, distinct, step_attributes
from modality_sdk.dataset.patients import check_patient, one_patient
from modality_sdk.dataset.requests import scheduled_step_attributes
from modality_sdk.errors import InvalidValue, StateError
from modality_sdk.model import (
    Code,
    Equipment,
    Patient,
    PerformedProcedureStep,
    ProtocolChoice,
    WorklistItem,
)

__all__ = ["begin_step", "local_time", "offset_from_utc"]

_T = TypeVar("_T")

_OFFSET = re.compile(r"([+-])([01][0-9])([0-5][0-9])")


def begin_step(
    *,
    items: Sequence[WorklistItem],
    patient: Patient | None,
    sop_instance_uid: str,
    study_instance_uid: str,
    performed_procedure_step_id: str,
    modality: str,
    performed_station_ae_title: str,
    started: datetime,
    equipment: Equipment,
    performed_station_name: str = "",
    performed_location: str = "",
    protocol: ProtocolChoice | None = None,
    operators: Sequence[str] = (),
    performing_physicians: Sequence[str] = (),
    description: str = "",
    procedure_codes: Sequence[Code] = (),
    accession_number: str = "",
    comments: str = "",
    study_id: str = "",
) -> PerformedProcedureStep:
    """Decide every value that the objects and messages of a step have in common (PS3.17 J.2 to J.4).

    Parameters
    ----------
    items
        The scheduled steps performed: none for an unscheduled step, several for a group.
    patient
        Who is examined, if unscheduled. With items it must be their patient; what it says then goes before theirs.
    sop_instance_uid
        New UID of the performed step.
    study_instance_uid
        New UID, used if no item gives one and if grouped items belong to different requested procedures.
    performed_procedure_step_id
        Unique on this device, at most 16 characters.
    started
        Aware local time.
    protocol
        What was chosen at the console; the scheduled protocol codes stand when it names none.
    operators, performing_physicians
        Person names; the scheduled performing physicians stand when none is given.
    description
        The scheduled description stands when empty.
    procedure_codes
        The procedure performed, where it is another than the one requested, or none was requested.
    accession_number
        Of an unscheduled step, or of a scheduled one whose items have none.
    comments
        On the performed step.
    study_id
        The Requested Procedure ID that all items have stands when empty, else the ID of the performed step.

    Returns
    -------
    PerformedProcedureStep
        In status DRAFT. Its character set is that of the items where all text fits, else ISO_IR 192.

    Raises
    ------
    StateError
        The items, or the patient given, are different persons, or one item is given twice.
    MissingAttribute, InvalidValue
        A value is missing, or breaks the rules of its attribute.
    """
    if started.utcoffset() is None:
        raise InvalidValue("PerformedProcedureStepStartDateTime", "the start is a time with a zone (PS3.3 C.12.1.1.7)")
    _check_items(items, accession_number)
    examined = one_patient(([patient] if patient else []) + [item.patient for item in items])
    check_patient(examined)
    codes = _several("ProcedureCodeSequence", procedure_codes, Code)
    uids = {item.study_instance_uid for item in items}
    one_study = len(uids) == 1
    study_start = next(filter(None, (_study_start(item, started) for item in items if one_study)), started)
    description = description or _joined(item.scheduled_procedure_step_description for item in items)
    scheduled_codes = distinct(code for item in items for code in item.scheduled_protocol_codes)
    protocol_codes = protocol.codes if protocol and protocol.codes else scheduled_codes
    step = PerformedProcedureStep(
        sop_instance_uid=sop_instance_uid,
        performed_procedure_step_id=performed_procedure_step_id,
        patient=examined,
        items=tuple(items),
        study_instance_uid=uids.pop() if one_study else study_instance_uid,
        study_id=study_id or common((item.requested_procedure_id for item in items), "") or performed_procedure_step_id,
        study_date=study_start.date(),
        study_time=study_start.time(),
        accession_number=accession_number or common((item.accession_number for item in items), ""),
        referring_physician_name=common((item.referring_physician_name for item in items), ""),
        modality=modality,
        performed_station_ae_title=performed_station_ae_title,
        performed_station_name=performed_station_name or equipment.station_name,
        performed_location=performed_location,
        started=started,
        description=description,
        procedure_type_description=_joined(code.meaning for code in codes)
        or _joined(item.requested_procedure_description for item in items),
        procedure_codes=codes or distinct(code for item in items for code in item.requested_procedure_codes),
        performed_protocol_codes=protocol_codes,
        protocol_name=_protocol_name(protocol, protocol_codes, description, modality),
        comments=comments,
        operators=_several("OperatorsName", operators, str),
        performing_physicians=_several("PerformingPhysicianName", performing_physicians, str)
        or distinct(i.scheduled_performing_physician_name for i in items if i.scheduled_performing_physician_name),
        equipment=equipment,
    )
    return replace(step, specific_character_set=_character_set(step))


def local_time(step: PerformedProcedureStep, moment: datetime) -> datetime:
    """``moment`` in the zone that Timezone Offset From UTC of the step states (PS3.3 C.12.1.1.7).

    The offset is that of the start of the step: it must hold for every date and time in an object, also when the clocks
    are changed in the middle.
    """
    offset = step.started.utcoffset()
    if offset is None or moment.utcoffset() is None:
        raise InvalidValue("TimezoneOffsetFromUTC", "a time carries its zone (PS3.3 C.12.1.1.7)")
    return moment.astimezone(timezone(offset))


def offset_from_utc(text: str) -> timedelta:
    """The offset that Timezone Offset From UTC states as ``&ZZXX``, -1200 to +1400 (PS3.3 C.12.1.1.7).

    Raises
    ------
    InvalidValue
        It states none.
    """
    found = _OFFSET.fullmatch(text)
    offset = timedelta(hours=int(found[2]), minutes=int(found[3])) if found else timedelta(days=1)
    offset = -offset if text.startswith("-") else offset
    if not timedelta(hours=-12) <= offset <= timedelta(hours=14):
        raise InvalidValue("TimezoneOffsetFromUTC", "is &ZZXX between -1200 and +1400 (PS3.3 C.12.1.1.7)")
    return offset


def _check_items(items: Sequence[WorklistItem], accession_number: str) -> None:
    named = [(i.study_instance_uid, i.scheduled_procedure_step_id) for i in items if i.scheduled_procedure_step_id]
    nameless = [item for item in items if not item.scheduled_procedure_step_id]
    if len(set(named)) < len(named) or any(nameless.count(item) > 1 for item in nameless):
        raise StateError("one scheduled step is given twice: the same ScheduledProcedureStepID in the same study")
    if accession_number and any(item.accession_number not in ("", accession_number) for item in items):
        raise InvalidValue("AccessionNumber", "is that of the worklist item, which has one (PS3.17 J.2)")


def _several(keyword: str, values: object, kind: type[_T]) -> tuple[_T, ...]:
    # a single text is a sequence of texts, too: its characters
    several = None if isinstance(values, str) or not isinstance(values, Iterable) else tuple(values)
    if several is None or not all(isinstance(value, kind) for value in several):
        raise InvalidValue(keyword, f"is a sequence of {kind.__name__} values")
    return several


def _study_start(item: WorklistItem, started: datetime) -> datetime | None:
    """Study Date and Time that the worklist gave, at the offset that the objects state."""
    if item.study_date is None or item.study_time is None:
        return None
    moment = datetime.combine(item.study_date, item.study_time)
    if not item.timezone_offset_from_utc:
        return moment
    try:
        return moment - offset_from_utc(item.timezone_offset_from_utc) + (started.utcoffset() or timedelta())
    except OverflowError:
        return None


def _joined(texts: Iterable[str]) -> str:
    return conform("LO", ", ".join(text for text in distinct(texts) if text))


def _protocol_name(protocol: ProtocolChoice | None, codes: Sequence[Code], description: str, modality: str) -> str:
    """Protocol Name is Type 1 in the Performed Series Sequence: there always is one."""
    candidates = (protocol.name if protocol else "", *(code.meaning for code in codes), description, modality)
    return next((name for name in candidates if name), "")


def _character_set(step: PerformedProcedureStep) -> tuple[str, ...]:
    """The set of an item that holds all text of the step; the peer that gave it can read it."""
    text = step_attributes(step)
    assign_known(
        text,
        PerformedStationName=step.performed_station_name,
        PerformedLocation=step.performed_location,
        PerformedProcedureTypeDescription=step.procedure_type_description,
        ProtocolName=step.protocol_name,
        OperatorsName=step.operators,
        PerformingPhysicianName=step.performing_physicians,
        ScheduledStepAttributesSequence=scheduled_step_attributes(step),
    )
    assign(text, "PerformedStationAETitle", step.performed_station_ae_title)
    assign(text, "Modality", step.modality)
    for item in step.items:
        try:
            wanted = character_set_of(item.specific_character_set)
        except InvalidValue:
            continue  # a set that nobody knows, nobody can write
        if wanted and ensure_encodable(text, wanted) == wanted:
            return wanted
    return UNICODE
