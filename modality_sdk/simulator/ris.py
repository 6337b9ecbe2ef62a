"""The information system: worklist and performed procedure steps (PS3.4 Annexes K and F)."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepRetrieve,
    ModalityWorklistInformationFind,
)

from modality_sdk.model import StepStatus
from modality_sdk.simulator.answers import Answer, Status
from modality_sdk.simulator.matching import matches
from modality_sdk.simulator.mpps import RecordedStep, Violation, judge_create, judge_set
from modality_sdk.simulator.query import Matches, QueryProvider
from modality_sdk.simulator.scp import calling_ae_title
from modality_sdk.simulator.script import Reply
from modality_sdk.simulator.worklist import judge_identifier, optional_keys, project, unsupported_keys

__all__ = ["Ris"]


class Ris(QueryProvider):
    """Radiology information system: Verification, Modality Worklist and MPPS at one port.

    Parameters
    ----------
    worklist
        What is scheduled, one data set per Scheduled Procedure Step. The list `worklist` may be changed at any
        time.
    ae_title, host, port
        See `ServiceProvider`.
    match_optional
        False for a system that ignores the keys whose matching is optional, and says so with FF01.
    """

    def __init__(
        self,
        worklist: Iterable[Dataset] = (),
        *,
        ae_title: str = "RIS",
        host: str = "127.0.0.1",
        port: int = 0,
        match_optional: bool = True,
    ) -> None:
        super().__init__(ae_title=ae_title, host=host, port=port)
        self.worklist = list(worklist)
        self.match_optional = match_optional
        self._steps: dict[str, RecordedStep] = {}
        self._violations: list[str] = []

    @property
    def steps(self) -> dict[str, RecordedStep]:
        """The performed procedure steps by SOP Instance UID, as they stand now."""
        with self._lock:
            return dict(self._steps)

    @property
    def violations(self) -> list[str]:
        """Everything the judge of performed procedure steps found, oldest first: UID, message, status, attribute."""
        with self._lock:
            return list(self._violations)

    def forget(self, uid: str) -> None:
        """Lose a step, so that messages about it are answered 0112."""
        with self._lock:
            self._steps.pop(uid, None)

    def _supports(self, ae: AE) -> None:
        super()._supports(ae)
        for sop_class in (
            ModalityWorklistInformationFind,
            ModalityPerformedProcedureStep,
            ModalityPerformedProcedureStepRetrieve,
        ):
            ae.add_supported_context(sop_class)

    def _handlers(self) -> list[Any]:
        return [
            *super()._handlers(),
            (evt.EVT_C_FIND, self._find),
            (evt.EVT_N_CREATE, self._create),
            (evt.EVT_N_SET, lambda event: self._serve("N-SET", event, self._set)),
            (evt.EVT_N_GET, self._get),
        ]

    # worklist ---------------------------------------------------------------------------------------------

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        return self._list(event, self._search)

    def _search(self, identifier: Dataset) -> Answer | Matches:
        refusal = judge_identifier(identifier)
        if refusal is not None:
            return refusal
        unsupported = unsupported_keys(identifier)
        ignored = unsupported if self.match_optional else unsupported | optional_keys(identifier)
        status = Status.PENDING_WITH_WARNING if ignored else Status.PENDING
        found = [item for item in list(self.worklist) if matches(item, identifier, ignored)]
        return Matches(status=status, answers=tuple(project(item, identifier, unsupported) for item in found))

    # performed procedure steps ----------------------------------------------------------------------------

    def _create(self, event: evt.Event) -> tuple[int, Dataset | None]:
        request: Any = event.request
        requested = request.AffectedSOPInstanceUID
        uid = str(requested or generate_uid(prefix=None))
        status, _ = self._serve("N-CREATE", event, lambda event: self._created(event, uid))
        if requested is not None or status != Status.SUCCESS:
            return status, None
        # the SCP names the instance where the SCU did not (PS3.7 10.1.5.1.4)
        named = Dataset()
        named.AffectedSOPInstanceUID = uid
        return status, named

    def _created(self, event: evt.Event, uid: str) -> Answer:
        attributes: Dataset = event.attribute_list
        if not UID(uid).is_valid:
            return Answer(status=Status.INVALID_SOP_INSTANCE, comment="Affected SOP Instance UID is not a UID")
        with self._lock:
            if uid in self._steps:
                self._note(uid, "N-CREATE", f"{Status.DUPLICATE_SOP_INSTANCE:04X} the step exists")
                return Answer(status=Status.DUPLICATE_SOP_INSTANCE, comment="the step exists")
            answer, found = judge_create(attributes)
            if answer.status in (Status.SUCCESS, Status.ATTRIBUTE_LIST_ERROR):
                self._steps[uid] = RecordedStep(
                    uid=uid,
                    status=StepStatus.IN_PROGRESS,
                    create=attributes,
                    calling_ae_title=calling_ae_title(event),
                )
            self._blame(uid, "N-CREATE", found)
        return answer

    def _set(self, event: evt.Event) -> Answer:
        modifications: Dataset = event.modification_list
        request: Any = event.request
        uid = str(request.RequestedSOPInstanceUID)
        with self._lock:
            step = self._steps.get(uid)
            if step is None:
                self._note(uid, "N-SET", f"{Status.NO_SUCH_SOP_INSTANCE:04X} no such step")
                return Answer(status=Status.NO_SUCH_SOP_INSTANCE, comment="no such step")
            answer, found = judge_set(step, modifications)
            if answer.status == Status.SUCCESS:
                status = StepStatus(modifications.get("PerformedProcedureStepStatus") or step.status)
                self._steps[uid] = replace(step, status=status, sets=[*step.sets, modifications])
            self._blame(uid, "N-SET", found)
        return answer

    def _get(self, event: evt.Event) -> tuple[int, Dataset | None]:
        scripted = self._begin("N-GET", event)
        if not scripted.acts or isinstance(scripted, Reply):
            return self._explain(scripted.answer if isinstance(scripted, Reply) else Answer()), None
        request: Any = event.request
        step = self.steps.get(str(request.RequestedSOPInstanceUID))
        if step is None:
            return self._explain(Answer(status=Status.NO_SUCH_SOP_INSTANCE, comment="no such step")), None
        asked = request.AttributeIdentifierList or ()
        wanted = set(asked if isinstance(asked, list | tuple) else [asked])
        current = step.current
        for tag in list(current.keys()):
            if wanted and tag not in wanted and keyword_for_tag(tag) != "SpecificCharacterSet":
                del current[tag]
        return Status.SUCCESS, current

    def _blame(self, uid: str, message: str, found: Iterable[Violation]) -> None:
        for violation in found:
            self._note(uid, message, str(violation))

    def _note(self, uid: str, message: str, text: str) -> None:
        self._violations.append(f"{uid} {message} {text}")
        step = self._steps.get(uid)
        if step is not None:
            self._steps[uid] = replace(step, violations=[*step.violations, f"{message} {text}"])
