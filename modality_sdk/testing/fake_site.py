"""A modality on fakes, whose clock and worker are turned by hand: for tests of acquisition programs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from modality_sdk.events import Event
from modality_sdk.model import Acquisition, Code, Detector, Exposure, Patient, Peer, WorklistItem
from modality_sdk.settings import Settings
from modality_sdk.testing.clock import FakeClock
from modality_sdk.testing.fakes import FakeCommitment, FakeMpps, FakeStorage, FakeVerification, FakeWorklist
from modality_sdk.workflow import Instance, Modality, PerformedStep, Services

__all__ = ["FakeSite", "scheduled_item"]

_CHEST_PA = Acquisition(
    body_part="CHEST", view="PA", exposure=Exposure(kvp=125.0, mas=2.0), protocol_name="Chest standing"
)


@dataclass
class FakeSite:
    """One modality and the fakes it talks to, without threads: nothing is sent until `run_until_idle`.

    Attributes
    ----------
    data_dir
        Of the journal; a new site on the same directory is the program after a restart.
    storage_destinations, commitment_of
        Names of the archives, and `Peer.commitment` of each peer.
    overrides
        Further keywords of `Settings`.
    encryption_key
        As `Modality` takes it.
    events
        What the modality has told; complete after `close`.
    """

    data_dir: Path
    storage_destinations: tuple[str, ...] = ("pacs",)
    commitment_of: dict[str, bool | str] = field(default_factory=lambda: {"pacs": True})
    overrides: dict[str, object] = field(default_factory=dict)
    encryption_key: Callable[[], bytes] | None = None
    clock: FakeClock = field(default_factory=FakeClock)
    verification: FakeVerification = field(default_factory=FakeVerification)
    worklist: FakeWorklist = field(default_factory=FakeWorklist)
    mpps: FakeMpps = field(default_factory=FakeMpps)
    storage: FakeStorage = field(default_factory=FakeStorage)
    commitment: FakeCommitment = field(default_factory=FakeCommitment)
    events: list[Event] = field(default_factory=list)
    pixels: NDArray[np.uint16] = field(default_factory=lambda: np.arange(3072, dtype=np.uint16).reshape(64, 48))
    modality: Modality = field(init=False)

    def __post_init__(self) -> None:
        self.worklist.items = [scheduled_item()]
        self.open()

    def open(self) -> Modality:
        """Start the program; needed only after `close`."""
        peers = {
            name: Peer(
                name=name,
                ae_title=name.upper(),
                host="127.0.0.1",
                port=104,
                commitment=self.commitment_of.get(name, False),
            )
            for name in {"ris", *self.storage_destinations, *self.commitment_of}
        }
        values: dict[str, object] = {
            "ae_title": "XRAY1",
            "manufacturer": "Example",
            "model": "DR-1",
            "serial_number": "0001",
            "software_versions": ("1.0",),
            "station_name": "ROOM 1",
            "data_dir": self.data_dir,
            "worklist": "ris",
            "mpps": ("ris",),
            "storage": self.storage_destinations,
            "peers": peers,
            "detector": Detector(imager_pixel_spacing=(0.15, 0.15), bits_stored=12),
        } | self.overrides
        self.modality = Modality(
            Settings(**values),
            services=Services(
                verification=self.verification,
                worklist=self.worklist,
                mpps=self.mpps,
                storage=self.storage,
                commitment=self.commitment,
            ),
            clock=self.clock,
            encryption_key=self.encryption_key,
        )
        self.modality.open(worker=False, listener=False)
        self.modality.subscribe(self.events.append)
        self.commitment.report_to = self.modality.apply_commitment_report
        return self.modality

    def restart(self) -> Modality:
        """Stop the program and start it again on the same data."""
        self.close()
        return self.open()

    def close(self) -> None:
        """Stop the program; all events published so far are in `events` afterwards."""
        self.modality.close()

    def run_until_idle(self) -> None:
        """Do all that is due at the clock's present time."""
        while self.modality.run_due():
            pass

    def expose(self, step: PerformedStep) -> Instance:
        """Add a small chest image to a step."""
        return step.add_image(self.pixels, _CHEST_PA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def scheduled_item() -> WorklistItem:
    """A chest examination of a made-up patient; vary it by ``dataclasses.replace``."""
    return WorklistItem(
        patient=Patient(name="Müller^Jürgen", patient_id="P1", birth_date=date(1960, 2, 29), sex="M"),
        study_instance_uid="1.2.826.0.1.1",
        accession_number="A1",
        requested_procedure_id="RP1",
        requested_procedure_description="Chest",
        requested_procedure_codes=(Code(value="36643-5", scheme="LN", meaning="XR Chest 2 Views"),),
        scheduled_procedure_step_id="SPS1",
        scheduled_procedure_step_description="Chest PA",
        scheduled_station_ae_titles=("XRAY1",),
        modality="DX",
    )
