"""What an exam left behind on both sides, as plain values: what `modality_sdk.testing.invariants` judges."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydicom import Dataset
from pydicom.filereader import read_file_meta_info

from modality_sdk.model import DeliveryReport, SopReference, WorklistItem
from modality_sdk.simulator import CommitmentTransaction, Hospital, RecordedStep, StoredObject
from modality_sdk.workflow import Instance

__all__ = [
    "ArchivedObject",
    "CommitmentExchange",
    "Evidence",
    "MppsMessage",
    "TakenObject",
    "data_set_digest",
    "hospital_evidence",
]

_META_BEGINS, _META_LENGTH = 140, 4


@dataclass(frozen=True, kw_only=True)
class TakenObject:
    """An object that the modality took over: `PerformedStep.add_image` returned, and nobody rejected it.

    Attributes
    ----------
    name
        What the acquisition program calls the image; one image has one name, whatever UIDs it is given.
    sop_instance_uid
        Of the object.
    digest
        `data_set_digest` of its file; empty when it is not to be compared.
    transfer_syntax_uid
        Of the file. Digests are compared with objects that arrived in the same one.
    """

    name: str
    sop_instance_uid: str
    digest: str = ""
    transfer_syntax_uid: str = ""

    @classmethod
    def of(cls, name: str, instance: Instance) -> Self:
        """The object that `PerformedStep.add_image` returned, with what its file holds now."""
        return cls(
            name=name,
            sop_instance_uid=instance.ref.sop_instance_uid,
            digest=data_set_digest(instance.path),
            transfer_syntax_uid=str(read_file_meta_info(instance.path).TransferSyntaxUID),
        )


@dataclass(frozen=True, kw_only=True)
class ArchivedObject:
    """An object as an archive holds it.

    Attributes
    ----------
    archive
        Name of the archive.
    attributes
        Its data set; Pixel Data may be left out.
    digest, transfer_syntax_uid
        See `TakenObject`.
    """

    archive: str
    attributes: Dataset
    digest: str = ""
    transfer_syntax_uid: str = ""

    @property
    def sop(self) -> SopReference:
        """Its SOP class and SOP instance."""
        return SopReference(
            sop_class_uid=str(self.attributes.get("SOPClassUID", "")),
            sop_instance_uid=str(self.attributes.get("SOPInstanceUID", "")),
        )


@dataclass(frozen=True, kw_only=True)
class MppsMessage:
    """One N-CREATE or N-SET, in the order in which the peer took them.

    Attributes
    ----------
    peer
        Name of the peer.
    service
        ``"N-CREATE"`` or ``"N-SET"``.
    step_uid
        SOP Instance UID of the step.
    attributes
        Its data set.
    accepted
        Whether the peer answered with success or warning; a repeated one that is refused changes nothing.
    """

    peer: str
    service: str
    step_uid: str
    attributes: Dataset
    accepted: bool = True


@dataclass(frozen=True, kw_only=True)
class CommitmentExchange:
    """One storage commitment request and what was reported on it.

    Attributes
    ----------
    archive
        Name of the archive.
    transaction_uid
        Transaction UID, (0008,1195).
    references
        What was asked for.
    committed
        SOP Instance UIDs that the report committed.
    """

    archive: str
    transaction_uid: str
    references: tuple[SopReference, ...]
    committed: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything about the exams that are judged together.

    Attributes
    ----------
    archives, mpps_peers
        Names of those who are owed every object, and every step.
    committing
        The archives among them that commit.
    worklist
        What was scheduled.
    taken
        What the acquisition program handed over for good.
    withheld
        SOP Instance UIDs of objects that were rejected before they left.
    objects, messages, commitments
        What the hospital holds and was told.
    reports
        What the modality says about its steps.
    """

    archives: tuple[str, ...] = ("PACS",)
    mpps_peers: tuple[str, ...] = ("RIS",)
    committing: tuple[str, ...] = ("PACS",)
    worklist: tuple[WorklistItem, ...] = ()
    taken: tuple[TakenObject, ...] = ()
    withheld: tuple[str, ...] = ()
    objects: tuple[ArchivedObject, ...] = ()
    messages: tuple[MppsMessage, ...] = ()
    commitments: tuple[CommitmentExchange, ...] = ()
    reports: tuple[DeliveryReport, ...] = ()


def data_set_digest(file: Path | bytes) -> str:
    """SHA-256 of a DICOM file without its preamble and file meta information, in hexadecimal digits.

    Every station on the way writes file meta information of its own; what follows is the object (PS3.10 section 7).
    """
    content = file.read_bytes() if isinstance(file, Path) else file
    # the first element is the group length (0002,0000), whose value says how far the meta information goes
    begins = _META_BEGINS + _META_LENGTH
    length = int.from_bytes(content[_META_BEGINS:begins], "little")
    return hashlib.sha256(content[begins + length :]).hexdigest()


def hospital_evidence(hospital: Hospital) -> Evidence:
    """What a simulated hospital holds: its objects, the messages that it accepted, its commitment transactions."""
    ris, pacs = hospital.ris, hospital.pacs
    return Evidence(
        archives=(pacs.ae_title,),
        mpps_peers=(ris.ae_title,),
        committing=(pacs.ae_title,),
        objects=tuple(_archived(pacs.ae_title, stored) for stored in pacs.stored.values()),
        messages=tuple(message for step in ris.steps.values() for message in _messages(ris.ae_title, step)),
        commitments=tuple(_exchange(pacs.ae_title, each) for each in pacs.transactions.values()),
    )


def _archived(archive: str, stored: StoredObject) -> ArchivedObject:
    return ArchivedObject(
        archive=archive,
        attributes=stored.dataset(pixels=False),
        digest=data_set_digest(stored.path or stored.content),
        transfer_syntax_uid=stored.transfer_syntax_uid,
    )


def _messages(peer: str, step: RecordedStep) -> list[MppsMessage]:
    create = MppsMessage(peer=peer, service="N-CREATE", step_uid=step.uid, attributes=step.create)
    return [create] + [
        MppsMessage(peer=peer, service="N-SET", step_uid=step.uid, attributes=modifications)
        for modifications in step.sets
    ]


def _exchange(archive: str, transaction: CommitmentTransaction) -> CommitmentExchange:
    failures = transaction.failures
    asked = [] if failures is None else [reference.sop_instance_uid for reference in transaction.references]
    return CommitmentExchange(
        archive=archive,
        transaction_uid=transaction.transaction_uid,
        references=transaction.references,
        committed=frozenset(uid for uid in asked if uid not in (failures or {})),
    )
