"""``modality demo``: one whole exam, shown as it happens."""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
from pydicom import dcmread

from modality_sdk.cli.narration import Narrator
from modality_sdk.cli.options import config_option, json_option
from modality_sdk.errors import ConfigurationError
from modality_sdk.iod import suggest_acquisition
from modality_sdk.model import (
    Acquisition,
    DeliveryReport,
    DeliveryState,
    Detector,
    Exposure,
    Peer,
    StepStatus,
    WorklistItem,
    WorklistQuery,
)
from modality_sdk.rendering import PixelSource, read_pixels, write_png
from modality_sdk.settings import Listen, Settings
from modality_sdk.simulator import Hospital
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Instance, Modality, PerformedStep

__all__ = ["demo"]

_PHANTOM_SIZE = (1024, 1024)
_PREVIEW_SIDE = 768
_BITS = 14
_MESSAGES = 2.0
"""Seconds that the last MPPS message gets at least."""
_MARKER = ".modality-demo"
_FOLDERS = ("objects", "previews", "simulated-exam")


@dataclass(frozen=True, kw_only=True)
class _Shot:
    """One exposure to make."""

    source: PixelSource
    acquisition: Acquisition


@click.command()
@click.option(
    "--pixels",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Expose these pixels instead of the phantom: DICOM, 16-bit PNG or TIFF, .npy. Repeatable.",
)
@click.option("--item", "accession", help="Accession number of the worklist item to perform (default: the first).")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    help="Objects and PNG previews go here.",
)
@click.option("--timeout", default=60.0, show_default=True, help="Seconds to wait for the archive.")
@config_option
@json_option
def demo(
    files: tuple[Path, ...],
    accession: str | None,
    output: Path,
    timeout: float,
    config: Path | None,
    as_json: bool,
) -> int:
    """Run one exam from the worklist to the committed archive.

    Without --config it runs against a simulated hospital in this process; with it, against your peers.
    """
    narrator = Narrator(quiet=as_json)
    shots = [_shot_of(read_pixels(path)) for path in files] or _phantom_shots()
    _clear(output)
    with contextlib.ExitStack() as stack:
        if config is None:
            settings = stack.enter_context(_simulated_hospital(output, narrator))
        else:
            settings = Settings.load(config)
        modality = stack.enter_context(Modality(settings))
        stack.enter_context(narrator.listen_to(modality))
        step = _perform(modality, shots, accession, narrator)
        report = _wait(step, timeout, narrator)
        _save(step.instances, output, narrator)
        result = _result(step, report, output)
        narrator.close(step, report, output)
    if as_json:
        click.echo(json.dumps(result, indent=2))
    if report.failed_jobs or any(d.state is DeliveryState.FAILED for d in report.deliveries):
        return 1
    return 0 if report.archived and not report.open_jobs else 3


@contextlib.contextmanager
def _simulated_hospital(output: Path, narrator: Narrator) -> Iterator[Settings]:
    data_dir = output / "simulated-exam"
    with Hospital() as hospital:
        settings = Settings(
            ae_title="XRAY1",
            station_name="ROOM 1",
            institution="Example Hospital",
            manufacturer="Example",
            model="DR-1",
            serial_number="0001",
            software_versions=("1.0",),
            data_dir=data_dir,
            worklist="ris",
            mpps=("ris",),
            storage=("pacs",),
            listen=Listen(host="127.0.0.1", port=0),
            peers={
                "ris": Peer(name="ris", ae_title=hospital.ris.ae_title, host=hospital.ris.host, port=hospital.ris.port),
                "pacs": Peer(
                    name="pacs",
                    ae_title=hospital.pacs.ae_title,
                    host=hospital.pacs.host,
                    port=hospital.pacs.port,
                    commitment=True,
                ),
            },
        )
        narrator.say(f"a simulated hospital: RIS on port {hospital.ris.port}, PACS on port {hospital.pacs.port}")
        narrator.on_open(
            lambda modality: hospital.pacs.register(
                settings.ae_title, "127.0.0.1", modality.listener.port if modality.listener else 0
            )
        )
        yield settings


def _perform(modality: Modality, shots: list[_Shot], accession: str | None, narrator: Narrator) -> PerformedStep:
    item = _choose(modality, accession, narrator)
    step = modality.start(item, operators=["Doe^Jane"], on_error="discontinue")
    with step:
        narrator.say(f"performed procedure step {step.uid} started")
        for number, shot in enumerate(shots, start=1):
            instance = step.add_image(shot.source.pixels, shot.acquisition)
            rows, columns = shot.source.pixels.shape
            narrator.say(
                f"exposure {number}: {shot.acquisition.body_part} {shot.acquisition.view}".rstrip()
                + f", {columns} x {rows}; DX object on disk and queued ({instance.ref.sop_instance_uid})"
            )
    narrator.say("step completed; N-SET queued, storage commitment follows when all is stored")
    return step


def _choose(modality: Modality, accession: str | None, narrator: Narrator) -> WorklistItem:
    if accession is None:
        items = modality.worklist.today()
        narrator.worklist(items)
    else:
        items = modality.worklist.query(WorklistQuery(accession_number=accession))
    if not items:
        rule = "no item of today for this station and modality" if accession is None else "no item has this number"
        raise ConfigurationError("--item" if accession else "worklist", rule)
    narrator.say("the first item is performed" if accession is None else "the item asked for is performed")
    return items[0]


def _wait(step: PerformedStep, timeout: float, narrator: Narrator) -> DeliveryReport:
    narrator.say("waiting for the archive's commitment")
    deadline = time.monotonic() + timeout
    with contextlib.suppress(TimeoutError):
        step.wait_until_archived(timeout)
        return step.wait_until_sent(max(deadline - time.monotonic(), _MESSAGES))
    return step.report()


def _shot_of(source: PixelSource) -> _Shot:
    suggested = suggest_acquisition(
        body_part=source.body_part,
        view=source.view,
        laterality=source.laterality,
        patient_orientation=source.patient_orientation,
    )
    acquisition = replace(
        suggested,
        detector=source.detector,
        window=source.window,
        burned_in_annotation=source.burned_in_annotation,
        lossy_compression=source.lossy_compression,
    )
    return _Shot(source=source, acquisition=acquisition)


def _phantom_shots() -> list[_Shot]:
    detector = Detector(imager_pixel_spacing=(0.4, 0.4), bits_stored=_BITS)
    shots = []
    for seed, (view, kvp, mas) in enumerate((("PA", 125.0, 2.0), ("LL", 125.0, 4.5))):
        exposure = Exposure(
            kvp=kvp,
            mas=mas,
            tube_current=320.0,
            exposure_time=1000 * mas / 320.0,
            distance_source_to_detector=1800.0,
            dose_area_product=0.8 * mas,
        )
        pixels = radiograph(*_PHANTOM_SIZE, bits_stored=_BITS, seed=seed)
        shots.append(
            _Shot(
                source=PixelSource(pixels=pixels, detector=detector),
                acquisition=Acquisition(body_part="CHEST", view=view, exposure=exposure, detector=detector),
            )
        )
    return shots


def _clear(output: Path) -> None:
    """Make our folders, for their owner only; replace those of an earlier demonstration and no others."""
    ours = output / _MARKER
    if not ours.exists() and (foreign := [name for name in _FOLDERS if (output / name).exists()]):
        rule = f"holds {foreign[0]} of another origin; nothing was touched"
        raise ConfigurationError("--output", rule, str(output))
    try:
        for folder in _FOLDERS:
            shutil.rmtree(output / folder, ignore_errors=True)
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
        ours.write_text(
            f"Made by `modality demo`, which replaces {', '.join(_FOLDERS)} when it is run again.\n", encoding="utf-8"
        )
        for folder in ("objects", "previews"):
            (output / folder).mkdir(mode=0o700)
    except OSError as error:
        raise ConfigurationError("--output", f"cannot be written to ({error.strerror})", str(output)) from None


def _save(instances: tuple[Instance, ...], output: Path, narrator: Narrator) -> None:
    """Copies for people to look at; the spool keeps what is sent."""
    for number, instance in enumerate(instances, start=1):
        preview = output / "previews" / f"{number:03d}.png"
        with instance.open() as source:
            with _copy(output, number).open("wb") as copy:
                shutil.copyfileobj(source, copy)
            source.seek(0)
            write_png(dcmread(source), preview, maximum_side=_PREVIEW_SIDE)
    narrator.say(f"objects and PNG previews are in {output}")


def _copy(output: Path, number: int) -> Path:
    return output / "objects" / f"{number:03d}.dcm"


def _why_not(report: DeliveryReport) -> str:
    if report.archived:
        return "ARCHIVED"
    reasons = sorted({f"{d.destination}: {d.state.value} {d.reason}".rstrip() for d in report.deliveries})
    return "; ".join(reasons) or "nothing was made"


def _mpps_status(report: DeliveryReport) -> str | None:
    """The status that every MPPS destination has accepted; our own where there is none."""
    accepted = {status for _, status in report.mpps}
    if not accepted:
        return report.status.value
    if None in accepted:
        return None
    return report.status.value if accepted == {report.status} else StepStatus.IN_PROGRESS.value


def _result(step: PerformedStep, report: DeliveryReport, output: Path) -> dict[str, object]:
    return {
        "status": _why_not(report),
        "study_instance_uid": step.record.study_instance_uid,
        "mpps": {"uid": step.uid, "status": _mpps_status(report)},
        "instances": [
            {
                "sop_class_uid": instance.ref.sop_class_uid,
                "sop_instance_uid": instance.ref.sop_instance_uid,
                "path": str(_copy(output, number)),
                "destinations": {d.destination: d.state.value for d in report.deliveries if d.sop == instance.ref},
            }
            for number, instance in enumerate(step.instances, start=1)
        ],
    }
