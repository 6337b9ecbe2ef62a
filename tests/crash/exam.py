"""The acquisition program of the harness: one exam that can be taken up again wherever it was left."""

import contextlib
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from modality_sdk.errors import StateError
from modality_sdk.model import (
    Acquisition,
    CommitmentPolicy,
    Detector,
    Exposure,
    IrradiationEvent,
    Peer,
    RejectionReason,
    Timeouts,
)
from modality_sdk.settings import Listen, Settings
from modality_sdk.testing.clock import FakeClock
from modality_sdk.testing.evidence import Evidence, TakenObject, data_set_digest
from modality_sdk.testing.fake_site import scheduled_item
from modality_sdk.workflow import Instance, Modality, PerformedStep

__all__ = ["AE_TITLE", "Exam", "settings"]

AE_TITLE = "XRAY1"

_HOST = "127.0.0.1"
_STEP, _GOOD, _BAD = "step", ("first", "second"), "bad"
_VALUE_OF = {"first": 1, "second": 2, "bad": 3}
_CHEST = Acquisition(
    body_part="CHEST", view="PA", exposure=Exposure(kvp=125.0, mas=2.0), protocol_name="Chest standing"
)
_SHOT = "2.25.4711"
_ROUND_S, _ROUNDS = 90.0, 40
_REPORT_S, _POLL_S = 0.2, 0.005


def settings(data_dir: Path, *, ris_port: int, pacs_port: int, linger: float) -> Settings:
    """Settings of the modality; reports are waited for on the association of the request for ``linger`` seconds."""
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
        commitment=CommitmentPolicy(linger=linger, request_timeout=60, re_requests=(60, 60, 60)),
        timeouts=timeouts,
        peers={
            "ris": Peer(name="ris", ae_title="RIS", host=_HOST, port=ris_port, timeouts=timeouts),
            "pacs": Peer(name="pacs", ae_title="PACS", host=_HOST, port=pacs_port, commitment=True, timeouts=timeouts),
        },
    )


class Exam:
    """Two good images, one that the operator rejects before it leaves, a shot without an image.

    `run` does whatever is not done yet. The program has notes of its own, written when a call of the modality has
    returned; for a call that had not returned it looks into the open step first.

    Parameters
    ----------
    modality
        Open, without a worker.
    clock
        Of the modality.
    notes
        File of the notes.
    """

    def __init__(self, modality: Modality, clock: FakeClock, notes: Path) -> None:
        self._modality, self._clock, self._file = modality, clock, notes
        self._waits = modality.listener is not None
        """Whether reports come on associations of their own, so that there is something to wait for."""

    def run(self) -> None:
        """Do the exam up to the completed step, and send what is due in the middle of it."""
        step = self._step()
        if step is None:
            return
        self._image(step, "first")
        if len(step.instances) == 1:  # else the bad image, which is there already, would leave before it is rejected
            self._modality.run_due()
        self._image(step, "second")
        step.reject(self._image(step, _BAD), RejectionReason.POSITIONING)
        # a shot that the modality knows already is refused, which is what the call is repeated for
        with contextlib.suppress(StateError):
            step.record_exposure(IrradiationEvent(uid=_SHOT, started=step.record.started, acquisition=_CHEST))
        step.complete()

    def deliver(self) -> None:
        """Let time pass until all is archived, or it is clear that this will not be."""
        for _ in range(_ROUNDS):
            self._modality.run_due()
            deadline = time.monotonic() + (_REPORT_S if self._waits else 0)
            while not (archived := self._is_archived()) and time.monotonic() < deadline:
                time.sleep(_POLL_S)
            if archived:
                return
            self._clock.advance(_ROUND_S)

    def evidence(self, hospital: Evidence) -> Evidence:
        """What the hospital holds, together with what the program and the modality know."""
        notes = self._notes()
        return replace(
            hospital,
            worklist=(scheduled_item(),),
            taken=tuple(
                TakenObject(
                    name=name, sop_instance_uid=uid, digest=digest, transfer_syntax_uid=str(ExplicitVRLittleEndian)
                )
                for name, (uid, digest) in notes.items()
                if name in _GOOD
            ),
            withheld=tuple(uid for name, (uid, _) in notes.items() if name == _BAD),
            reports=tuple(step.report() for step in self._steps()),
        )

    def _step(self) -> PerformedStep | None:
        """The step to go on with; None when it is final."""
        noted = self._notes().get(_STEP)
        open_steps = self._modality.open_steps()
        if noted is not None:
            return next((step for step in open_steps if step.uid == noted[0]), None)
        step = open_steps[0] if open_steps else self._modality.start(scheduled_item())
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

    def _steps(self) -> list[PerformedStep]:
        assembly = self._modality._opened()
        with assembly.durable.journal.read() as tx:
            return [PerformedStep(assembly.steps, row["uid"]) for row in tx.execute("SELECT uid FROM step")]

    def _is_archived(self) -> bool:
        return all(step.report().archived for step in self._steps())

    def _notes(self) -> dict[str, tuple[str, str]]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return {name: (uid, digest) for name, uid, digest in map(json.loads, lines)}

    def _note(self, name: str, uid: str, digest: str = "") -> None:
        if name not in self._notes():
            with self._file.open("a") as file:
                file.write(json.dumps([name, uid, digest]) + "\n")
