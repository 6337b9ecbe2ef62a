"""Key Object Selection Documents: notes on objects, rejection notes among them (PS3.3 A.35.4, PS3.16 TID 2010)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, KeyObjectSelectionDocumentStorage

from modality_sdk.dataset import (
    assign,
    build,
    code_sequence,
    declare,
    ensure_encodable,
    is_image,
    key_object_title_code,
    local_time,
    object_attributes,
    referenced_requests,
    rejection_code,
)
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.iod.content_items import (
    code_content,
    concept,
    person_name_content,
    reference_content,
    text_content,
    uid_content,
)
from modality_sdk.iod.references import series_of
from modality_sdk.iod.terms import of_right_type, term
from modality_sdk.model import (
    Code,
    DeviceObserver,
    KeyObjectTitle,
    PerformedProcedureStep,
    PerformedSeries,
    PersonObserver,
    ReferencedInstance,
    RejectionReason,
)

__all__ = ["KeyObjectNote", "RejectionNote"]

_MODIFIER: Final = concept("113011", "Document Title Modifier")
_DESCRIPTION: Final = concept("113012", "Key Object Description")
_SET: Final = {
    code.value: code
    for code in (
        concept("113014", "Study"),
        concept("113015", "Series"),
        concept("113016", "Performed Procedure Step"),
        concept("113017", "Stage-View"),
    )
}
"""CID 7012: the set that the best is of."""
_FOREIGN: Final = (
    "BodyPartExamined",
    "CommentsOnThePerformedProcedureStep",
    "Laterality",
    "OperatorsName",
    "PerformedProcedureStepDescription",
    "PerformedProcedureStepID",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "PerformedProtocolCodeSequence",
    "PerformingPhysicianName",
    "ProtocolName",
    "RequestAttributesSequence",
)
"""What the series of images have and the Key Object Document Series Module has not (PS3.3 C.17.6.1)."""
_REASONED: Final = (KeyObjectTitle.REJECTED_FOR_QUALITY, KeyObjectTitle.QUALITY_ISSUE)
_REJECTIONS: Final = (
    KeyObjectTitle.REJECTED_FOR_QUALITY,
    KeyObjectTitle.REJECTED_FOR_PATIENT_SAFETY,
    KeyObjectTitle.INCORRECT_WORKLIST_ENTRY,
    KeyObjectTitle.DATA_RETENTION_POLICY_EXPIRED,
)


class KeyObjectNote(Dataset):
    """A Key Object Selection Document, valid once it is built: it singles objects out and says what for.

    Parameters
    ----------
    title
        What the objects are singled out for.
    step, series
        What the document belongs to. The series is of modality KO; it holds nothing else.
    instances
        The objects singled out: one or more, each once, images or others. One at least is of the step's study.
    sop_instance_uid
        A new UID.
    instance_number
        Number in the series, from 1.
    created_at
        Aware time; written in the time zone of the step.
    reason
        Document Title Modifier of REJECTED_FOR_QUALITY and QUALITY_ISSUE, which need one and are the only ones to.
    best_of
        Code value of CID 7012 for BEST_IN_SET, which needs one: ``113014`` study, ``113015`` series, ``113016``
        performed step, ``113017`` stage and view.
    description
        Free text for the reader.
    observer
        The person or the device that singled them out.
    identical_documents
        The same document in each of the other studies, where the objects are of several.

    Raises
    ------
    IodError
        A value is missing or outside what the standard allows; the error names attribute and rule.

    Examples
    --------
    ::

        KeyObjectNote(
            KeyObjectTitle.OF_INTEREST,
            step=step,
            series=series,
            instances=[referenced_instance(dx)],
            sop_instance_uid=uids.new(),
            instance_number=1,
            created_at=now,
            description="Compare with the other side",
        )
    """

    def __init__(
        self,
        title: KeyObjectTitle,
        *,
        step: PerformedProcedureStep,
        series: PerformedSeries,
        instances: Sequence[ReferencedInstance],
        sop_instance_uid: str,
        instance_number: int,
        created_at: datetime,
        reason: RejectionReason | None = None,
        best_of: str = "",
        description: str = "",
        observer: PersonObserver | DeviceObserver | None = None,
        identical_documents: Sequence[ReferencedInstance] = (),
    ) -> None:
        super().__init__()
        self.file_meta = FileMetaDataset()
        self.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        title = term(KeyObjectTitle, "ConceptNameCodeSequence", title)
        if series.modality != "KO":
            raise InvalidValue("Modality", "the series of a key object document must be KO (PS3.3 C.17.6.1)")
        with of_right_type("CurrentRequestedProcedureEvidenceSequence"):
            _check_instances(instances, step.study_instance_uid)
        self.update(object_attributes(step, series))
        for keyword in _FOREIGN:
            self.pop(keyword, None)
        assign(self, "SOPClassUID", KeyObjectSelectionDocumentStorage)
        assign(self, "SOPInstanceUID", sop_instance_uid)
        assign(self, "InstanceNumber", instance_number)
        created = local_time(step, created_at)
        assign(self, "ContentDate", created.date())
        assign(self, "ContentTime", created.time())
        if step.items:
            assign(self, "ReferencedRequestSequence", referenced_requests(step))
        assign(self, "CurrentRequestedProcedureEvidenceSequence", _by_study(instances))
        with of_right_type("IdenticalDocumentsSequence"):
            _assign_identical(self, instances, identical_documents, step.study_instance_uid)
        assign(self, "ValueType", "CONTAINER")
        assign(self, "ConceptNameCodeSequence", code_sequence([key_object_title_code(title)]))
        assign(self, "ContinuityOfContent", "SEPARATE")
        assign(self, "ContentTemplateSequence", [build(MappingResource="DCMR", TemplateIdentifier="2010")])
        with of_right_type("ContentSequence"):
            content = _modifiers(title, reason, best_of) + _observer(observer)
        if description:
            content.append(text_content("CONTAINS", _DESCRIPTION, description))
        for instance in instances:
            kind = "IMAGE" if is_image(instance.sop.sop_class_uid) else "COMPOSITE"
            content.append(reference_content("CONTAINS", kind, instance.sop))
        assign(self, "ContentSequence", content)
        declare(self, ensure_encodable(self, step.specific_character_set))


class RejectionNote(KeyObjectNote):
    """The key object document that rejects objects: archives hide what it names (IHE Imaging Object Change Management).

    Parameters
    ----------
    reason
        Why, for REJECTED_FOR_QUALITY; none for the other titles.
    title
        REJECTED_FOR_QUALITY, REJECTED_FOR_PATIENT_SAFETY, INCORRECT_WORKLIST_ENTRY or DATA_RETENTION_POLICY_EXPIRED.
    step, series, instances, sop_instance_uid, instance_number, created_at, description, observer, identical_documents
        As in `KeyObjectNote`.

    Raises
    ------
    IodError
        As `KeyObjectNote`; or the title is that of no rejection.
    """

    def __init__(
        self,
        reason: RejectionReason | None = None,
        *,
        step: PerformedProcedureStep,
        series: PerformedSeries,
        instances: Sequence[ReferencedInstance],
        sop_instance_uid: str,
        instance_number: int,
        created_at: datetime,
        title: KeyObjectTitle = KeyObjectTitle.REJECTED_FOR_QUALITY,
        description: str = "",
        observer: PersonObserver | DeviceObserver | None = None,
        identical_documents: Sequence[ReferencedInstance] = (),
    ) -> None:
        if title not in _REJECTIONS:
            raise InvalidValue("ConceptNameCodeSequence", "must be the title of a rejection (PS3.16 CID 7010)")
        super().__init__(
            title,
            step=step,
            series=series,
            instances=instances,
            sop_instance_uid=sop_instance_uid,
            instance_number=instance_number,
            created_at=created_at,
            reason=reason,
            description=description,
            observer=observer,
            identical_documents=identical_documents,
        )


def _check_instances(instances: Sequence[ReferencedInstance], study_instance_uid: str) -> None:
    if not instances:
        raise MissingAttribute("CurrentRequestedProcedureEvidenceSequence", "a document names an object (C.17.6.2)")
    if len({instance.sop.sop_instance_uid for instance in instances}) < len(instances):
        raise InvalidValue("ReferencedSOPSequence", "must name an object once (PS3.16 TID 2010)")
    if study_instance_uid not in {instance.study_instance_uid for instance in instances}:
        raise InvalidValue("StudyInstanceUID", "must be that of an object singled out (PS3.3 C.17.6.2.1)")


def _by_study(instances: Sequence[ReferencedInstance]) -> list[Dataset]:
    """Items of an evidence sequence: the objects by study and series (PS3.3 Table C.17-3)."""
    studies: dict[str, list[ReferencedInstance]] = {}
    for instance in instances:
        studies.setdefault(instance.study_instance_uid, []).append(instance)
    return [
        build(StudyInstanceUID=uid, ReferencedSeriesSequence=series_of(members, "ReferencedSOPSequence"))
        for uid, members in studies.items()
    ]


def _assign_identical(
    dataset: Dataset, instances: Sequence[ReferencedInstance], identical: Sequence[ReferencedInstance], own: str
) -> None:
    """Identical Documents (PS3.3 C.17.6.2.1): the same document stands once in every study that it refers to."""
    others = {instance.study_instance_uid for instance in instances} - {own}
    named = [document.study_instance_uid for document in identical]
    if any(document.sop.sop_class_uid != KeyObjectSelectionDocumentStorage for document in identical):
        raise InvalidValue("IdenticalDocumentsSequence", "must be of key object documents (PS3.3 C.17.6.2.1)")
    if others - set(named):
        raise MissingAttribute("IdenticalDocumentsSequence", "is required for objects of several studies (C.17.6.2)")
    if len(named) != len(others):
        raise InvalidValue("IdenticalDocumentsSequence", "must name one document in each other study (C.17.6.2.1)")
    if identical:
        assign(dataset, "IdenticalDocumentsSequence", _by_study(identical))


def _modifiers(title: KeyObjectTitle, reason: RejectionReason | None, best_of: str) -> list[Dataset]:
    values: list[Code] = []
    if (title in _REASONED) != (reason is not None):
        if reason is None:
            raise MissingAttribute("ConceptCodeSequence", "this title needs a reason of CID 7011 (PS3.16 TID 2010)")
        raise InvalidValue("ConceptCodeSequence", "this title takes no reason of CID 7011 (PS3.16 TID 2010)")
    if (title is KeyObjectTitle.BEST_IN_SET) != bool(best_of) or (best_of and best_of not in _SET):
        raise InvalidValue("ConceptCodeSequence", "Best In Set alone needs a set of CID 7012 (PS3.16 TID 2010)")
    if reason is not None:
        values.append(rejection_code(term(RejectionReason, "ConceptCodeSequence", reason)))
    if best_of:
        values.append(_SET[best_of])
    return [code_content("HAS CONCEPT MOD", _MODIFIER, value) for value in values]


def _observer(observer: PersonObserver | DeviceObserver | None) -> list[Dataset]:
    """Observer Context (PS3.16 TID 1002): a person is the default type, a device says that it is one."""
    relationship = "HAS OBS CONTEXT"
    if observer is None:
        return []
    kind = concept("121005", "Observer Type")
    if isinstance(observer, PersonObserver):
        if not observer.name:
            raise MissingAttribute("PersonName", "a person observer has a name (PS3.16 TID 1003)")
        items = [
            code_content(relationship, kind, concept("121006", "Person")),
            person_name_content(relationship, concept("121008", "Person Observer Name"), observer.name),
        ]
        texts = [("121009", "Person Observer's Organization Name", observer.organization)]
    else:
        if not observer.uid:
            raise MissingAttribute("UID", "a device observer has a UID (PS3.16 TID 1004)")
        items = [
            code_content(relationship, kind, concept("121007", "Device")),
            uid_content(relationship, concept("121012", "Device Observer UID"), observer.uid),
        ]
        texts = [
            ("121013", "Device Observer Name", observer.name),
            ("121014", "Device Observer Manufacturer", observer.manufacturer),
            ("121015", "Device Observer Model Name", observer.model_name),
            ("121016", "Device Observer Serial Number", observer.serial_number),
            ("121017", "Device Observer Physical Location During Observation", observer.location),
        ]
    items += [text_content(relationship, concept(code, name), text) for code, name, text in texts if text]
    return items
