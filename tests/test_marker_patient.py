"""A patient whose every identifier is a marker goes through a whole exam; nothing of it may be heard of."""

import io
import logging
import traceback
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pydicom import Dataset

from modality_sdk.errors import ModalityError
from modality_sdk.events import Event
from modality_sdk.model import Acquisition, Detector, Peer, RetryPolicy
from modality_sdk.settings import Listen, Settings
from modality_sdk.simulator import Hospital, sample_worklist
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Modality

TIMEOUT = 20.0
MARKERS = (
    "ZZMARKERNAME",
    "ZZMARKERID",
    "ZZMARKERACC",
    "19010203",
    "1901-02-03",
    "ZZMARKERTEXT",
    "ZZMARKERRP",
    "ZZMARKERSPS",
)
CHEST = Acquisition(body_part="CHEST", view="PA")


def marked_item() -> Dataset:
    item = sample_worklist(today=date.today(), station_ae_title="XRAY1")[0]  # noqa: DTZ011 - the worklist's day is local
    item.PatientName, item.PatientID, item.PatientBirthDate = "ZZMARKERNAME^Zoë", "ZZMARKERID", "19010203"
    item.AccessionNumber, item.RequestedProcedureID = "ZZMARKERACC", "ZZMARKERRP"
    item.RequestedProcedureDescription = "ZZMARKERTEXT"
    (step,) = item.ScheduledProcedureStepSequence
    step.ScheduledProcedureStepID, step.ScheduledProcedureStepDescription = "ZZMARKERSPS", "ZZMARKERTEXT"
    return item


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    """Everything that any logger says at any level."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield heard
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.req("NFR-SEC-01")
@pytest.mark.parametrize(
    "refusal",
    [None, ("C-STORE", 0xA900), ("C-STORE", 0xC001), ("N-CREATE", 0x0106), ("N-SET", 0x0110), ("N-ACTION", 0x0213)],
    ids=str,
)
def test_no_identifier_is_in_logs_stderr_exceptions_events_or_last_error(
    refusal: tuple[str, int] | None, heard: io.StringIO, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    events: list[Event] = []
    said: list[str] = []
    with Hospital(worklist=[marked_item()]) as hospital:
        if refusal is not None:
            side = hospital.ris if refusal[0] in ("N-CREATE", "N-SET") else hospital.pacs
            side.refuse(*refusal, comment="ZZMARKERTEXT")
        with Modality(settings_for(hospital, tmp_path)) as modality:
            assert modality.listener is not None
            hospital.pacs.register("XRAY1", "127.0.0.1", modality.listener.port)
            modality.subscribe(events.append)
            (item,) = modality.worklist.today()
            assert item.patient.patient_id == "ZZMARKERID"
            said += [repr(item), str(item), repr(item.patient)]
            with modality.start(item, operators=["ZZMARKERNAME^Op"]) as step:
                instance = step.add_image(radiograph(64, 64, bits_stored=12), CHEST)
                said += errors_of(modality, step)
            try:
                step.wait_until_archived(TIMEOUT if refusal is None else 1.0)
            except TimeoutError as error:
                said.append(str(error))
            said += [repr(step), repr(step.record), repr(instance), repr(step.report())]
            said += [f"{j.last_error} {j.reason}" for j in modality.queue.jobs()]
            said += [f"{d.cause}" for d in modality.queue.destinations()]
            said += [str(entry) for entry in modality.history(step.record.started)]
    said += [str(event) for event in events]
    captured = capfd.readouterr()
    everything = "\n".join([heard.getvalue(), captured.out, captured.err, *said])
    assert "association with" in everything  # somebody did listen
    assert [marker for marker in MARKERS if marker in everything] == []


def errors_of(modality: Modality, step: object) -> list[str]:
    """What illegal calls and hostile values make the SDK say."""
    said = []
    pixels = radiograph(64, 64, bits_stored=12)
    for attempt in (
        lambda: step.add_image(pixels.astype("float32"), CHEST),  # type: ignore[attr-defined]
        lambda: step.add_image(pixels, Acquisition(body_part="ZZ\\" + "ZZMARKERTEXT" * 9)),  # type: ignore[attr-defined]
        lambda: modality.start(),
        lambda: modality.verification.echo(Peer(ae_title="NOBODY", host="127.0.0.1", port=9)),
    ):
        with pytest.raises(ModalityError) as caught:
            attempt()
        # the whole chain of causes, without the lines of source code that a traceback quotes
        chain = traceback.TracebackException.from_exception(caught.value)
        while chain is not None:
            said += chain.format_exception_only()
            chain = chain.__cause__ or chain.__context__
        said.append(repr(caught.value))
    return said


def settings_for(hospital: Hospital, data_dir: Path) -> Settings:
    return Settings(
        ae_title="XRAY1",
        manufacturer="Example",
        model="DR-1",
        serial_number="1",
        software_versions=("1",),
        data_dir=data_dir,
        worklist="ris",
        mpps=("ris",),
        storage=("pacs",),
        listen=Listen(host="127.0.0.1", port=0),
        detector=Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=12),
        retry=RetryPolicy(initial=0.1, multiplier=1.0),
        peers={
            "ris": Peer(name="ris", ae_title=hospital.ris.ae_title, host="127.0.0.1", port=hospital.ris.port),
            "pacs": Peer(
                name="pacs", ae_title=hospital.pacs.ae_title, host="127.0.0.1", port=hospital.pacs.port, commitment=True
            ),
        },
    )
