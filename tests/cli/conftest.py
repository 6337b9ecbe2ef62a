"""A site whose exam went half wrong, and the command that looks after its queue."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from modality_sdk.cli import main
from modality_sdk.errors import ConnectError
from modality_sdk.testing.clock import FakeClock
from modality_sdk.testing.fake_site import FakeSite, scheduled_item
from modality_sdk.workflow import Instance, PerformedStep

Run = Callable[..., tuple[int, str, str]]
MakeSite = Callable[..., FakeSite]

PATIENT = ("Müller", "Jürgen", "P1")

_CONFIG = """\
ae_title = "XRAY1"
station_name = "ROOM 1"
manufacturer = "Example"
model = "DR-1"
serial_number = "0001"
software_versions = ["1.0"]
data_dir = "site"
worklist = "ris"
mpps = ["ris"]
storage = ["pacs", "backup"]
{more}
[listen]
host = "127.0.0.1"
port = 0

[detector]
imager_pixel_spacing = [0.15, 0.15]
bits_stored = 12

[peers.ris]
ae_title = "RIS"
host = "127.0.0.1"
port = 104

[peers.pacs]
ae_title = "PACS"
host = "127.0.0.1"
port = 104
commitment = true

[peers.backup]
ae_title = "BACKUP"
host = "127.0.0.1"
port = 104
"""


@pytest.fixture
def run_queue(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``modality queue`` in the site's directory; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODALITY_CONFIG", raising=False)

    def run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["queue", *(str(word) for word in words)])
        captured = capsys.readouterr()
        for text in (captured.out, captured.err):
            assert not any(word in text for word in PATIENT), text
        return int(left.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def make_queue_site(tmp_path: Path, run_queue: Run) -> Iterator[MakeSite]:
    """An open site with two archives, and its configuration file; ``more`` are further lines of it."""
    sites: list[FakeSite] = []

    def make(more: str = "", **values: object) -> FakeSite:
        (tmp_path / "modality.toml").write_text(_CONFIG.format(more=more), encoding="utf-8")
        sites.append(
            FakeSite(
                data_dir=tmp_path / "site",
                storage_destinations=("pacs", "backup"),
                clock=FakeClock(datetime.now().astimezone()),
                **values,
            )
        )
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@dataclass(kw_only=True)
class HalfSent:
    """One exam of two images: the first is FAILED at pacs, the second committed there; backup is held, both wait."""

    site: FakeSite
    step: PerformedStep
    first: Instance
    second: Instance

    def job(self, kind: str = "C-STORE", destination: str = "pacs", image: Instance | None = None) -> int:
        """Number of a job."""
        (found,) = [
            job.id
            for job in self.site.modality.queue.jobs(kind=kind, destination=destination)
            if image is None or job.sop_instance_uid == image.ref.sop_instance_uid
        ]
        return found


@pytest.fixture
def half_sent(make_queue_site: MakeSite) -> HalfSent:
    site = make_queue_site()
    site.storage.answers.extend([0xA900, ConnectError("127.0.0.1", 104, "refused"), 0x0000])
    with site.modality.start(scheduled_item()) as step:
        first, second = site.expose(step), site.expose(step)
    site.run_until_idle()
    return HalfSent(site=site, step=step, first=first, second=second)
