"""The modality worklist: what is asked, what comes back (PS3.4 Annex K)."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from typing import overload

from modality_sdk.errors import ConfigurationError
from modality_sdk.model.code import Code
from modality_sdk.model.identifiers import Issuer, PersonIdentification
from modality_sdk.model.patient import Patient
from modality_sdk.model.reference import SopReference

__all__ = ["WorklistChange", "WorklistItem", "WorklistProblem", "WorklistQuery", "WorklistResult"]


@dataclass(frozen=True, kw_only=True, repr=False)
class WorklistItem:
    """One Scheduled Procedure Step with its Requested Procedure, order, visit and patient (Table K.6-1).

    Grouped as the standard groups it; empty strings and tuples stand for attributes that the worklist
    left empty or out. A text given for an issuer is taken for its local namespace.
    """

    patient: Patient = field(default_factory=Patient)

    # requested procedure
    study_instance_uid: str
    requested_procedure_id: str = ""
    requested_procedure_description: str = ""
    requested_procedure_codes: tuple[Code, ...] = ()
    requested_procedure_priority: str = ""
    requested_procedure_comments: str = ""
    reason_for_requested_procedure: str = ""
    reason_for_requested_procedure_codes: tuple[Code, ...] = ()
    patient_transport_arrangements: str = ""
    study_date: date | None = None
    study_time: time | None = None
    referenced_studies: tuple[SopReference, ...] = ()
    names_of_intended_recipients: tuple[str, ...] = ()

    # imaging service request
    accession_number: str = ""
    issuer_of_accession_number: Issuer = field(default_factory=Issuer)
    requesting_physician: str = ""
    requesting_physician_identification: PersonIdentification | None = None
    requesting_service: str = ""
    referring_physician_name: str = ""
    referring_physician_identification: PersonIdentification | None = None
    placer_order_number: str = ""
    order_placer_identifier: Issuer = field(default_factory=Issuer)
    filler_order_number: str = ""
    order_filler_identifier: Issuer = field(default_factory=Issuer)

    # visit
    admission_id: str = ""
    issuer_of_admission_id: Issuer = field(default_factory=Issuer)
    service_episode_id: str = ""
    issuer_of_service_episode_id: Issuer = field(default_factory=Issuer)
    current_patient_location: str = ""
    institution_name: str = ""
    institution_address: str = ""
    admitting_diagnoses_descriptions: tuple[str, ...] = ()
    admitting_diagnoses_codes: tuple[Code, ...] = ()

    # scheduled procedure step
    scheduled_procedure_step_id: str = ""
    scheduled_procedure_step_description: str = ""
    scheduled_protocol_codes: tuple[Code, ...] = ()
    scheduled_protocol_contexts: tuple[str, ...] = ()
    """Protocol Context Sequence of the protocol code at the same place, as a DICOM JSON array (PS3.18 Annex F); copied
    whatever it says. Empty texts, or a shorter tuple, where a code has none."""
    scheduled_procedure_step_start_date: date | None = None
    scheduled_procedure_step_start_time: time | None = None
    scheduled_procedure_step_status: str = ""
    scheduled_procedure_step_comments: str = ""
    scheduled_station_ae_titles: tuple[str, ...] = ()
    scheduled_station_name: str = ""
    scheduled_procedure_step_location: str = ""
    scheduled_performing_physician_name: str = ""
    modality: str = ""
    pre_medication: str = ""
    requested_contrast_agent: str = ""
    barcode_value: str = ""

    timezone_offset_from_utc: str = ""
    """``&ZZXX``, of all dates and times of the item, which stand here as they came; empty when they are local
    (PS3.3 C.12.1.1.7). `scheduled_start` takes it into account, and so do objects and messages made of the item."""
    specific_character_set: tuple[str, ...] = ()
    """Specific Character Set that the worklist used; kept for the objects and messages made from the item."""

    def __post_init__(self) -> None:
        for name in (
            "issuer_of_accession_number",
            "order_placer_identifier",
            "order_filler_identifier",
            "issuer_of_admission_id",
            "issuer_of_service_episode_id",
        ):
            object.__setattr__(self, name, Issuer.of(getattr(self, name)))

    @property
    def scheduled_start(self) -> datetime | None:
        """When the step is to start; aware where the worklist told the zone, None where it has no date or no time."""
        day, hour = self.scheduled_procedure_step_start_date, self.scheduled_procedure_step_start_time
        if day is None or hour is None:
            return None
        return datetime.combine(day, hour, _zone(self.timezone_offset_from_utc))

    def __repr__(self) -> str:
        return f"WorklistItem(study_instance_uid={self.study_instance_uid!r}, …)"


def _zone(offset: str) -> timezone | None:
    """The zone of a Timezone Offset From UTC; None when it is empty or malformed."""
    with suppress(ValueError):
        return timezone(datetime.strptime(offset, "%z").utcoffset() or timedelta())
    return None


@dataclass(frozen=True, kw_only=True, repr=False)
class WorklistQuery:
    """Matching keys of a worklist query; what is left out matches everything.

    Attributes
    ----------
    start_date
        A day, or a range ``(first, last)`` whose ends are inclusive and may be None for open.
    start_time
        A range ``(first, last)`` within the day.
    scheduled_station_ae_title
        Items of this station only. Items that were scheduled without a station are then not found
        (PS3.4 K.2.2.1.1.1).
    patient_name
        With wildcards ``*`` and ``?``.
    fuzzy
        Ask for fuzzy semantic matching of person names, where the peer offers it (PS3.4 K.5.1).
    adjust_timezone
        Ask for time zone query adjustment, where the peer offers it: dates and times of the keys are then told to be
        of our zone, whatever the zone of the peer (PS3.4 K.5.1).
    further_keys
        Keys of any other attributes: pairs of the keywords that lead to it, joined by dots, and the value as the
        standard writes it; an empty one asks for the attribute only.
    limit
        Stop after so many items; the result then says ``truncated``.
    """

    start_date: date | tuple[date | None, date | None] | None = None
    start_time: tuple[time | None, time | None] | None = None
    modality: str = ""
    scheduled_station_ae_title: str = ""
    scheduled_performing_physician_name: str = ""
    patient_name: str = ""
    patient_id: str = ""
    accession_number: str = ""
    requested_procedure_id: str = ""
    fuzzy: bool = False
    adjust_timezone: bool = False
    further_keys: tuple[tuple[str, str], ...] = ()
    limit: int | None = None

    def __repr__(self) -> str:
        shown = ("start_date", "start_time", "modality", "scheduled_station_ae_title", "limit")
        return f"WorklistQuery({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)}, …)"

    @classmethod
    def broad(
        cls, day: date, *, modality: str = "", scheduled_station_ae_title: str = "", limit: int | None = None
    ) -> "WorklistQuery":
        """The broad worklist query of IHE RAD-5: a day, and where given the modality and the station."""
        return cls(
            start_date=day, modality=modality, scheduled_station_ae_title=scheduled_station_ae_title, limit=limit
        )

    @classmethod
    def patient_based(
        cls,
        *,
        patient_name: str = "",
        patient_id: str = "",
        accession_number: str = "",
        requested_procedure_id: str = "",
        limit: int | None = None,
    ) -> "WorklistQuery":
        """The patient based query of IHE RAD-5, by any of its four keys.

        Raises
        ------
        ConfigurationError
            When no key is given: it would match every patient.
        """
        if not (patient_name or patient_id or accession_number or requested_procedure_id):
            raise ConfigurationError("query", "a patient based query has at least one key")
        return cls(
            patient_name=patient_name,
            patient_id=patient_id,
            accession_number=accession_number,
            requested_procedure_id=requested_procedure_id,
            limit=limit,
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class WorklistChange:
    """One value of an item that the worklist changed since it was asked before.

    Attributes
    ----------
    attribute
        Name of the field, dotted below the item: ``patient.name``.
    before, after
        The values; not shown by ``repr``.
    """

    attribute: str
    before: object
    after: object

    def __repr__(self) -> str:
        return f"WorklistChange({self.attribute!r}, …)"


@dataclass(frozen=True, kw_only=True)
class WorklistProblem:
    """One answer that could not be read as an item; it hides no other item.

    Attributes
    ----------
    index
        Position among the answers, from 0.
    attribute
        Keyword of the attribute in question.
    rule
        What is wrong, without any value.
    fatal
        Whether the answer is missing from the result (else it is there, read leniently).
    """

    index: int
    attribute: str
    rule: str
    fatal: bool


@dataclass(frozen=True)
class WorklistResult(Sequence[WorklistItem]):
    """The items that matched, as a sequence, with what else is to be said of the answer.

    Attributes
    ----------
    items
        In the order of the answers.
    truncated
        Whether there may be more: a limit of ours or of the peer ended the answer.
    problems
        Answers that were malformed.
    unsupported_keys
        What the peer does not support, by keyword, below a sequence as ``ScheduledProcedureStepSequence.Modality``:
        first keys that it evidently ignored, so that items had to be left out here; then, when it says that there are
        such keys, those that none of its answers holds.
    warned
        Whether the peer said so: FF01, at least one optional key is not supported (PS3.4 Table K.4-1). It need not
        show which, then ``unsupported_keys`` is empty.
    fuzzy
        Whether the peer granted to match names fuzzily, as it was asked to.
    timezone_adjusted
        Whether the peer granted to take dates and times of the keys in our zone, as it was asked to.
    """

    items: tuple[WorklistItem, ...] = ()
    truncated: bool = False
    problems: tuple[WorklistProblem, ...] = ()
    unsupported_keys: tuple[str, ...] = ()
    warned: bool = False
    fuzzy: bool = False
    timezone_adjusted: bool = False

    @overload
    def __getitem__(self, index: int) -> WorklistItem: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[WorklistItem]: ...
    def __getitem__(self, index: int | slice) -> WorklistItem | Sequence[WorklistItem]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)
