"""The acquisition program of the harness: one exam that can be taken up again wherever it was left."""

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from crash.hospital import HospitalProcess
from modality_sdk.errors import StateError
from modality_sdk.model import (
    Acquisition,
    CommitmentPolicy,
    Detector,
    Exposure,
    IrradiationEvent,
    Peer,
    RejectionReason,
    RetryPolicy,
    Timeouts,
    WorklistItem,
)
from modality_sdk.settings import Listen, Settings
from modality_sdk.testing.evidence import Evidence, TakenObject, data_set_digest
from modality_sdk.testing.fake_site import scheduled_item
from modality_sdk.workflow import Instance, Modality, PerformedStep

__all__ = ["AE_TITLE", "Exam", "evidence", "settings", "steps"]

AE_TITLE = "XRAY1"

_HOST = "127.0.0.1"
_STEP, _REJECTED = "step", "rejected"
_VALUE_OF = {"first": 1, "second": 2, "bad": 3}
_CHEST = Acquisition(
    body_part="CHEST", view="PA", exposure=Exposure(kvp=125.0, mas=2.0), protocol_name="Chest standing"
)


def settings(
    data_dir: Path, hospital: HospitalProcess, *, commitment: CommitmentPolicy, retry: RetryPolicy | None = None
) -> Settings:
    """Settings of the modality in its hospital."""
    timeouts = Timeouts(connect=5, association=5, release=2, idle=5, response=5, store_response=5, find=5)
    return Settings(
        ae_title=AE_TITLE,
        manufacturer="Example",
        model="DR-1",
        serial_number="1",
        software_versions=("1",),
        data_dir=data_dir,
        mpps=("ris",),
        storage=("pacs",),
        listen=Listen(host=_HOST, port=0),
        detector=Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=12),
        commitment=commitment,
        retry=retry or RetryPolicy(),
        timeouts=timeouts,
        peers={
            "ris": Peer(name="ris", ae_title="RIS", host=_HOST, port=hospital.ris_port, timeouts=timeouts),
            "pacs": Peer(
                name="pacs", ae_title="PACS", host=_HOST, port=hospital.pacs_port, commitment=True, timeouts=timeouts
            ),
        },
    )


class Exam:
    """Two good images, one that the operator rejects before it leaves, a shot without an image.

    `run` does whatever is not done yet. The program has notes of its own, written when a call of the modality has
    returned; for a call that had not returned it looks into the open step first.

    Parameters
    ----------
    modality
        Open.
    notes
        File of the notes.
    deliver
        Sends what is due, in the middle of the exam; the worker does it when None.
    """

    def __init__(self, modality: Modality, notes: Path, deliver: Callable[[], object] | None = None) -> None:
        self._modality, self._file, self._deliver = modality, notes, deliver
        self.item = _item(notes.name)

    def run(self) -> None:
        """Do the exam up to the completed step."""
        step = self._step()
        if step is None:
            return
        self._image(step, "first")
        # once the bad image is there it would leave, too, before it is rejected
        if self._deliver is not None and len(step.instances) == 1:
            self._deliver()
        self._image(step, "second")
        bad = self._image(step, "bad")
        with contextlib.suppress(StateError):  # in spite of that it may have left, and then it counts as the others
            step.reject(bad, RejectionReason.POSITIONING)
            self._note(_REJECTED, bad.ref.sop_instance_uid)
        shot = IrradiationEvent(uid=f"{step.uid}.1", started=step.record.started, acquisition=_CHEST)
        with contextlib.suppress(StateError):  # which says that the call before the crash had come through
            step.record_exposure(shot)
        step.complete()

    @property
    def taken(self) -> list[TakenObject]:
        """What was handed over and not rejected."""
        notes = self._notes()
        return [
            TakenObject(
                name=f"{name} of {self._file.name}",
                sop_instance_uid=uid,
                digest=digest,
                transfer_syntax_uid=str(ExplicitVRLittleEndian),
            )
            for name, (uid, digest) in notes.items()
            if name in _VALUE_OF and uid != self.rejected
        ]

    @property
    def rejected(self) -> str:
        """The bad image, if it did not leave."""
        return self._notes().get(_REJECTED, ("", ""))[0]

    def _step(self) -> PerformedStep | None:
        """The step to go on with; None when it is final."""
        noted = self._notes().get(_STEP)
        found = next((step for step in self._modality.open_steps() if step.items == (self.item,)), None)
        if noted is not None:
            return found
        step = found or self._modality.start(self.item)
        self._note(_STEP, step.uid)
        return step

    def _image(self, step: PerformedStep, name: str) -> Instance:
        """Hand an image over, unless that was done."""
        notes = self._notes()
        instances = {each.ref.sop_instance_uid: each for each in step.instances}
        if name in notes:
            return instances[notes[name][0]]
        pattern = np.full((8, 8), _VALUE_OF[name], np.uint16)
        strange = [instances[uid] for uid in instances.keys() - {uid for uid, _ in notes.values()}]
        known = (each for each in strange if dcmread(each.path).PixelData == pattern.tobytes())
        instance = next(known, None) or step.add_image(pattern, _CHEST)
        self._note(name, instance.ref.sop_instance_uid, data_set_digest(instance.path))
        return instance

    def _notes(self) -> dict[str, tuple[str, str]]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return {name: (uid, digest) for name, uid, digest in map(json.loads, lines)}

    def _note(self, name: str, uid: str, digest: str = "") -> None:
        if name not in self._notes():
            with self._file.open("a") as file:
                file.write(json.dumps([name, uid, digest]) + "\n")


def steps(modality: Modality) -> list[PerformedStep]:
    """All steps of the journal."""
    assembly = modality._opened()
    with assembly.durable.journal.read() as tx:
        return [PerformedStep(assembly.steps, row["uid"]) for row in tx.execute("SELECT uid FROM step")]


def evidence(hospital: Evidence, modality: Modality, exams: Sequence[Exam]) -> Evidence:
    """What the hospital holds, together with what the program and the modality know."""
    return replace(
        hospital,
        worklist=tuple(exam.item for exam in exams),
        taken=tuple(taken for exam in exams for taken in exam.taken),
        withheld=tuple(exam.rejected for exam in exams if exam.rejected),
        reports=tuple(step.report() for step in steps(modality)),
    )


def _item(name: str) -> WorklistItem:
    return replace(
        scheduled_item(),
        study_instance_uid=f"1.2.826.0.1.{int.from_bytes(name.encode())}",
        accession_number=f"A{name}",
        requested_procedure_id=f"RP{name}",
        scheduled_procedure_step_id=f"SPS{name}",
    )
