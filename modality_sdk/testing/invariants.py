"""What must hold after every exam, whatever happened in between: one function for each rule, and all of them together.

An invariant takes an `Evidence` and returns what breaks it, as `Finding` values that name UIDs and attributes and never
a value of a patient. An empty list says that it holds. `check` asks all of `INVARIANTS`; a test of one rule may call
its function alone.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydicom import Dataset

from modality_sdk.model import DeliveryState, StepStatus
from modality_sdk.testing.evidence import ArchivedObject, Evidence, MppsMessage

__all__ = [
    "INVARIANTS",
    "Finding",
    "check",
    "commitment_asks_for_what_is_stored",
    "everything_stored_is_committed",
    "everything_taken_arrived_once",
    "final_messages_list_what_is_stored",
    "nothing_is_given_up",
    "objects_name_their_step",
    "scheduled_objects_carry_their_requests",
    "series_are_not_shared",
    "steps_are_told_to_their_end_once",
    "studies_have_one_patient_and_order",
    "unscheduled_objects_carry_no_request",
    "what_arrived_is_what_was_written",
    "worklist_values_are_copied",
]

_FINAL = tuple(status.value for status in StepStatus if status.is_final)
_STEP_VALUES = (
    "PerformedProcedureStepID",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
)
_REQUEST_VALUES = ("RequestedProcedureID", "ScheduledProcedureStepID")
_STUDY_VALUES = ("PatientID", "IssuerOfPatientID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber")
_SERIES_VALUES = ("Modality", "Manufacturer", "DeviceSerialNumber", "PresentationIntentType")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One violation.

    Attributes
    ----------
    rule
        Name of the invariant.
    subject
        UID of what breaks it.
    text
        What is wrong, free of patient data.
    """

    rule: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject}: {self.text}"


Invariant = Callable[[Evidence], list[Finding]]


def check(evidence: Evidence) -> list[Finding]:
    """Everything that is wrong, invariant by invariant; empty when all hold."""
    return [finding for invariant in INVARIANTS for finding in invariant(evidence)]


# ---- objects, steps and worklist ---------------------------------------------------------------------------------


def objects_name_their_step(evidence: Evidence) -> list[Finding]:
    """Objects refer to a step that was created, and have its ID and start (PS3.3 10.13, PS3.17 J.2)."""
    created = {message.step_uid: message.attributes for message in _creates(evidence)}
    found = _Findings("objects_name_their_step")
    for each in evidence.objects:
        step = created.get(_step_of(each))
        if step is None:
            if evidence.mpps_peers:
                found.add(_uid(each), "refers to no step that was created")
            continue
        for keyword in _STEP_VALUES:
            if each.attributes.get(keyword) != step.get(keyword):
                found.add(_uid(each), f"{keyword} is not that of its step")
    return found.all


def final_messages_list_what_is_stored(evidence: Evidence) -> list[Finding]:
    """The final N-SET lists every object of its step in every archive, and nothing else (PS3.4 F.7.2.2.2)."""
    found = _Findings("final_messages_list_what_is_stored")
    for message in _finals(evidence):
        listed = set(_references(message.attributes))
        for archive in evidence.archives:
            stored = {_uid(o) for o in evidence.objects if o.archive == archive and _step_of(o) == message.step_uid}
            for uid in sorted(stored - listed):
                found.add(uid, "is stored and not listed by the final message of its step")
            for uid in sorted(listed - stored):
                found.add(uid, "is listed by the final message of its step and not stored")
    return found.all


def scheduled_objects_carry_their_requests(evidence: Evidence) -> list[Finding]:
    """One Request Attributes item for each scheduled step, with its IDs and protocol codes (PS3.3 10.6, PS3.17 J.2)."""
    found = _Findings("scheduled_objects_carry_their_requests")
    for each, step in _with_steps(evidence):
        scheduled = _items(step, "ScheduledStepAttributesSequence")
        if not _is_scheduled(scheduled):
            continue
        requests = _items(each.attributes, "RequestAttributesSequence")
        for keyword in _REQUEST_VALUES:
            if not all(request.get(keyword) for request in requests):
                found.add(_uid(each), f"RequestAttributesSequence without {keyword}")
        if Counter(map(_request, requests)) != Counter(map(_request, scheduled)):
            found.add(_uid(each), "RequestAttributesSequence differs from ScheduledStepAttributesSequence")
    return found.all


def unscheduled_objects_carry_no_request(evidence: Evidence) -> list[Finding]:
    """Nothing is made up where nothing was ordered: one item that names the study alone (PS3.4 F.7.2.1.2 note 3)."""
    found = _Findings("unscheduled_objects_carry_no_request")
    for message in _creates(evidence):
        scheduled = _items(message.attributes, "ScheduledStepAttributesSequence")
        if _is_scheduled(scheduled):
            continue
        if len(scheduled) != 1:
            found.add(message.step_uid, "ScheduledStepAttributesSequence has not one item")
        for item in scheduled:
            for element in item:
                if element.keyword not in ("StudyInstanceUID", "AccessionNumber") and not element.is_empty:
                    found.add(message.step_uid, f"{element.keyword} of a step that was not scheduled")
    for each, step in _with_steps(evidence):
        scheduled = _items(step, "ScheduledStepAttributesSequence")
        if not _is_scheduled(scheduled) and _items(each.attributes, "RequestAttributesSequence"):
            found.add(_uid(each), "RequestAttributesSequence of a step that was not scheduled")
    return found.all


def worklist_values_are_copied(evidence: Evidence) -> list[Finding]:
    """Scheduled steps are those of the worklist, for its patient and order (PS3.17 J.2, RAD TF-2 Appendix A)."""
    found = _Findings("worklist_values_are_copied")
    known = {(i.requested_procedure_id, i.scheduled_procedure_step_id): i for i in evidence.worklist}
    for message in _creates(evidence):
        scheduled = _items(message.attributes, "ScheduledStepAttributesSequence")
        for each in scheduled if _is_scheduled(scheduled) else ():
            item = known.get((_text(each, "RequestedProcedureID"), _text(each, "ScheduledProcedureStepID")))
            if item is None:
                found.add(message.step_uid, "performs what is not in the worklist")
                continue
            if _text(message.attributes, "PatientID") != item.patient.patient_id:
                found.add(message.step_uid, "PatientID is not that of the worklist item")
            if _text(each, "AccessionNumber") != item.accession_number:
                found.add(message.step_uid, "AccessionNumber is not that of the worklist item")
            # items of different requested procedures may get a study of their own (PS3.17 J.4.1)
            if len(scheduled) == 1 and _text(each, "StudyInstanceUID") != item.study_instance_uid:
                found.add(message.step_uid, "StudyInstanceUID is not that of the worklist item")
    return found.all


def studies_have_one_patient_and_order(evidence: Evidence) -> list[Finding]:
    """One Study Instance UID, one patient, one study date, ID and Accession Number (PS3.3 A.1.2, C.7.2.1)."""
    found = _Findings("studies_have_one_patient_and_order")
    for uid, keyword in _disagreements(evidence.objects, "StudyInstanceUID", _STUDY_VALUES):
        found.add(uid, f"{keyword} differs within the study")
    return found.all


def series_are_not_shared(evidence: Evidence) -> list[Finding]:
    """A series is of one step, modality, device and presentation intent (PS3.3 C.7.3.1, PS3.17 J.2)."""
    found = _Findings("series_are_not_shared")
    for uid, keyword in _disagreements(evidence.objects, "SeriesInstanceUID", _SERIES_VALUES):
        found.add(uid, f"{keyword} differs within the series")
    steps: defaultdict[str, set[str]] = defaultdict(set)
    for each in evidence.objects:
        steps[_text(each.attributes, "SeriesInstanceUID")].add(_step_of(each))
    for message in evidence.messages:
        for series in _items(message.attributes, "PerformedSeriesSequence"):
            steps[_text(series, "SeriesInstanceUID")].add(message.step_uid)
    for uid, sharing in steps.items():
        if len(sharing) > 1:
            found.add(uid, "is a series of several steps")
    return found.all


# ---- nothing lost, nothing doubled -------------------------------------------------------------------------------


def everything_taken_arrived_once(evidence: Evidence) -> list[Finding]:
    """Each image that was taken over is in every archive under its one UID; nothing else is there."""
    found = _Findings("everything_taken_arrived_once")
    named = Counter(each.name for each in {(t.name, t.sop_instance_uid): t for t in evidence.taken}.values())
    for taken in evidence.taken:
        if named[taken.name] > 1:
            found.add(taken.sop_instance_uid, f"image {taken.name!r} has several UIDs")
    expected = {taken.sop_instance_uid for taken in evidence.taken}
    for archive in evidence.archives:
        held = Counter(_uid(each) for each in evidence.objects if each.archive == archive)
        for uid in sorted(expected - set(held)):
            found.add(uid, f"is not in {archive}")
        for uid, count in held.items():
            if uid in evidence.withheld:
                found.add(uid, f"was rejected and is in {archive}")
            elif uid not in expected:
                found.add(uid, f"is in {archive} and was never taken over")
            if count > 1:
                found.add(uid, f"is in {archive} {count} times")
    return found.all


def what_arrived_is_what_was_written(evidence: Evidence) -> list[Finding]:
    """In the transfer syntax of the file, an object arrives as it was written, to the last byte."""
    written = {taken.sop_instance_uid: taken for taken in evidence.taken if taken.digest}
    found = _Findings("what_arrived_is_what_was_written")
    for each in evidence.objects:
        taken = written.get(_uid(each))
        if taken is None or not each.digest:
            continue
        if (each.digest, each.transfer_syntax_uid) == (taken.digest, taken.transfer_syntax_uid):
            continue
        if each.transfer_syntax_uid == taken.transfer_syntax_uid:
            found.add(_uid(each), f"arrived at {each.archive} with other bytes")
    return found.all


def steps_are_told_to_their_end_once(evidence: Evidence) -> list[Finding]:
    """Every peer accepts one N-CREATE and one final N-SET of a step, and nothing after it (PS3.4 F.7.2.2.2)."""
    found = _Findings("steps_are_told_to_their_end_once")
    ended = {report.step_uid: report.status for report in evidence.reports}
    steps = sorted(ended.keys() | {message.step_uid for message in evidence.messages})
    for peer in evidence.mpps_peers:
        for uid in steps:
            accepted = [m for m in evidence.messages if m.peer == peer and m.step_uid == uid and m.accepted]
            if sum(m.service == "N-CREATE" for m in accepted) != 1:
                found.add(uid, f"was not created once at {peer}")
            finals = [m for m in accepted if _is_final(m)]
            if len(finals) != 1:
                found.add(uid, f"has {len(finals)} final messages at {peer}")
                continue
            if accepted[-1] is not finals[0]:
                found.add(uid, f"was changed at {peer} after its end")
            if uid in ended and _text(finals[0].attributes, "PerformedProcedureStepStatus") != ended[uid]:
                found.add(uid, f"ended at {peer} otherwise than here")
    return found.all


def commitment_asks_for_what_is_stored(evidence: Evidence) -> list[Finding]:
    """Commitment is asked for what is stored, each time under a new Transaction UID (PS3.4 J.3.2.1.3)."""
    found = _Findings("commitment_asks_for_what_is_stored")
    for archive in evidence.archives:
        stored = {each.sop for each in evidence.objects if each.archive == archive}
        for exchange in evidence.commitments:
            for sop in exchange.references if exchange.archive == archive else ():
                if sop not in stored:
                    found.add(sop.sop_instance_uid, f"commitment was asked for and {archive} does not hold it")
    used = Counter((exchange.archive, exchange.transaction_uid) for exchange in evidence.commitments)
    for (archive, uid), times in used.items():
        if times > 1:
            found.add(uid, f"was used {times} times at {archive}")
    return found.all


def everything_stored_is_committed(evidence: Evidence) -> list[Finding]:
    """An archive that commits has given its word on every object (PS3.4 J.1.1)."""
    found = _Findings("everything_stored_is_committed")
    for archive in evidence.committing:
        committed = {uid for each in evidence.commitments if each.archive == archive for uid in each.committed}
        for each in evidence.objects:
            if each.archive == archive and _uid(each) not in committed:
                found.add(_uid(each), f"is not committed by {archive}")
    return found.all


def nothing_is_given_up(evidence: Evidence) -> list[Finding]:
    """Where the peers refuse nothing, no transmission fails and every final step is archived."""
    found = _Findings("nothing_is_given_up")
    for report in evidence.reports:
        if report.failed_jobs:
            found.add(report.step_uid, f"{report.failed_jobs} transmissions FAILED")
        for delivery in report.deliveries:
            if delivery.state is DeliveryState.FAILED:
                found.add(delivery.sop.sop_instance_uid, f"FAILED at {delivery.destination}")
        if not report.status.is_final:
            found.add(report.step_uid, "is not final")
        elif not report.archived:
            found.add(report.step_uid, f"is not archived, {report.open_jobs} transmissions are open")
    return found.all


INVARIANTS: tuple[Invariant, ...] = (
    objects_name_their_step,
    final_messages_list_what_is_stored,
    scheduled_objects_carry_their_requests,
    unscheduled_objects_carry_no_request,
    worklist_values_are_copied,
    studies_have_one_patient_and_order,
    series_are_not_shared,
    everything_taken_arrived_once,
    what_arrived_is_what_was_written,
    steps_are_told_to_their_end_once,
    commitment_asks_for_what_is_stored,
    everything_stored_is_committed,
    nothing_is_given_up,
)
"""All invariants; each holds for scheduled, unscheduled, grouped, appended and abandoned steps alike."""


# ---- reading -----------------------------------------------------------------------------------------------------


class _Findings:
    def __init__(self, rule: str) -> None:
        self._rule = rule
        self.all: list[Finding] = []

    def add(self, subject: str, text: str) -> None:
        self.all.append(Finding(rule=self._rule, subject=subject, text=text))


def _uid(each: ArchivedObject) -> str:
    return each.sop.sop_instance_uid


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value)


def _items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    return tuple(dataset.get(keyword) or ())


def _step_of(each: ArchivedObject) -> str:
    steps = _items(each.attributes, "ReferencedPerformedProcedureStepSequence")
    return _text(steps[0], "ReferencedSOPInstanceUID") if steps else ""


def _creates(evidence: Evidence) -> Iterator[MppsMessage]:
    return (m for m in evidence.messages if m.service == "N-CREATE" and m.accepted)


def _finals(evidence: Evidence) -> Iterator[MppsMessage]:
    return (m for m in evidence.messages if m.accepted and _is_final(m))


def _is_final(message: MppsMessage) -> bool:
    return message.service == "N-SET" and _text(message.attributes, "PerformedProcedureStepStatus") in _FINAL


def _with_steps(evidence: Evidence) -> Iterator[tuple[ArchivedObject, Dataset]]:
    """Each object with the N-CREATE of its step; those without one are found elsewhere."""
    created = {message.step_uid: message.attributes for message in _creates(evidence)}
    return ((each, created[_step_of(each)]) for each in evidence.objects if _step_of(each) in created)


def _is_scheduled(scheduled: Iterable[Dataset]) -> bool:
    return any(_text(item, keyword) for item in scheduled for keyword in _REQUEST_VALUES)


def _request(item: Dataset) -> Hashable:
    codes = tuple(
        (_text(code, "CodeValue"), _text(code, "CodingSchemeDesignator"))
        for code in _items(item, "ScheduledProtocolCodeSequence")
    )
    return *(_text(item, keyword) for keyword in _REQUEST_VALUES), codes


def _references(final: Dataset) -> Iterator[str]:
    for series in _items(final, "PerformedSeriesSequence"):
        for keyword in ("ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence"):
            for reference in _items(series, keyword):
                yield _text(reference, "ReferencedSOPInstanceUID")


def _disagreements(
    objects: Iterable[ArchivedObject], grouped_by: str, keywords: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Groups of objects, and the attributes of which such a group has more than one value."""
    groups: defaultdict[str, list[Dataset]] = defaultdict(list)
    for each in objects:
        groups[_text(each.attributes, grouped_by)].append(each.attributes)
    for uid, members in groups.items():
        for keyword in keywords:
            if len({_text(member, keyword) for member in members}) > 1:
                yield uid, keyword
