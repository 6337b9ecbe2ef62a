"""``modality queue`` in a process of its own while the acquisition program works, and draining in its place."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from modality_sdk.cli.queue import draining
from modality_sdk.model import Acquisition, DeliveryState, Exposure, JobState, StepStatus
from modality_sdk.settings import Settings
from modality_sdk.simulator import Commitment, Hospital
from modality_sdk.testing.fake_site import FakeSite, scheduled_item
from modality_sdk.workflow import Modality, PerformedStep

pytestmark = [pytest.mark.req("FR-DICOM-08"), pytest.mark.req("NFR-REL-01")]


CHEST = Acquisition(body_part="CHEST", view="PA", exposure=Exposure(kvp=125.0, mas=2.0))


@pytest.fixture
def hospital() -> Iterator[Hospital]:
    with Hospital(commitment=Commitment.SAME_ASSOCIATION) as hospital:
        yield hospital


def point_at(path: Path, hospital: Hospital) -> None:
    """Let the configuration name the hospital's ports; nobody listens at that of the backup."""
    text = path.read_text(encoding="utf-8")
    for title, port in (("RIS", hospital.ris.port), ("PACS", hospital.pacs.port), ("BACKUP", 9)):
        old = f'ae_title = "{title}"\nhost = "127.0.0.1"\nport = 104'
        assert old in text
        text = text.replace(old, old.replace("104", str(port)))
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def waiting(make_queue_site, hospital: Hospital, tmp_path: Path) -> FakeSite:
    """A step of two images of which nothing has left, and a configuration that leads to the hospital."""
    site = make_queue_site()
    with site.modality.start(scheduled_item()) as step:
        site.expose(step)
        site.expose(step)
    site.close()
    point_at(tmp_path / "modality.toml", hospital)
    return site


def command(*words: object) -> tuple[int, dict]:
    done = subprocess.run(
        [sys.executable, "-m", "modality_sdk.cli", "queue", *map(str, words), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pacs_state(step: PerformedStep) -> DeliveryState:
    (state,) = {d.state for d in step.report().deliveries if d.destination == "pacs"}
    return state


def test_a_second_process_stops_lists_decides_and_starts_a_running_program(
    waiting: FakeSite, hospital: Hospital
) -> None:
    with Modality(Settings.load()) as modality:
        wait_until(lambda: len(hospital.pacs.stored) == 2)
        code, answer = command("pause", "pacs")
        assert (code, answer["destinations"][0]["state"]) == (0, "PAUSED")
        with modality.start(scheduled_item()) as step:
            uid = step.add_image(waiting.pixels, CHEST).ref.sop_instance_uid
        wait_until(lambda: step.report().mpps == (("ris", StepStatus.COMPLETED),))
        assert uid not in hospital.pacs.stored
        code, answer = command("list", "--step", step.uid, "--destination", "pacs")
        (job,) = answer["jobs"]
        assert (code, job["state"], job["sop_instance_uid"]) == (0, "PENDING", uid)
        assert [d["state"] for d in answer["deliveries"]] == ["WAITING"]
        code, answer = command("cancel", job["id"], "--yes")
        assert (code, answer["jobs"][0]["state"]) == (0, "CANCELLED")
        code, answer = command("retry", job["id"])
        assert (code, answer["jobs"][0]["state"]) == (0, "PENDING")
        assert command("resume", "pacs")[0] == 0
        wait_until(lambda: pacs_state(step) is DeliveryState.COMMITTED)
        assert uid in hospital.pacs.stored


def test_a_listener_port_in_use_stops_no_command(
    waiting: FakeSite, hospital: Hospital, run_queue, tmp_path: Path
) -> None:
    with closing(Modality(Settings.load())) as modality:
        modality.open(worker=False)
        path = tmp_path / "modality.toml"
        port = modality.listener.port
        path.write_text(path.read_text(encoding="utf-8").replace("port = 0", f"port = {port}"), encoding="utf-8")
        assert run_queue("list")[0] == 0
        code, out, _ = run_queue("drain", "--timeout", "20", "--json")
        assert code == 3  # nobody is at the backup
        assert json.loads(out)["destinations"]["pacs"]["left"] == 0
        assert len(hospital.pacs.stored) == 2


# drain


def test_drain_sends_to_the_destinations_named_alone(waiting: FakeSite, hospital: Hospital, run_queue) -> None:
    code, out, err = run_queue("drain", "--destination", "pacs", "--json", "--timeout", "20")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert (answer["left"], answer["failed"]) == (0, 0)
    assert answer["destinations"] == {"pacs": {"done": 3, "left": 0, "failed": 0}}  # two images and their commitment
    assert len(hospital.pacs.stored) == 2
    assert hospital.ris.steps == {}
    rest = json.loads(run_queue("list", "--json")[1])
    assert {job["destination"] for job in rest["jobs"]} == {"ris", "backup"}


def test_drain_says_what_is_left_and_what_failed(waiting: FakeSite, hospital: Hospital, run_queue) -> None:
    code, out, _ = run_queue("drain", "--timeout", "20")
    assert (code, out) == (3, "2 left, 0 failed\n")
    assert run_queue("pause", "backup")[0] == 0
    assert run_queue("drain", "--timeout", "20")[:2] == (3, "2 left, 0 failed\n")
    assert run_queue("cancel", "--destination", "backup", "--yes")[0] == 0
    assert run_queue("drain")[:2] == (0, "0 left, 0 failed\n")


def test_drain_exits_1_when_something_failed(waiting: FakeSite, hospital: Hospital, run_queue) -> None:
    hospital.pacs.refuse("C-STORE", 0xA900, times=1)
    code, out, _ = run_queue("drain", "--destination", "pacs", "--timeout", "20")
    assert (code, out) == (1, "0 left, 1 failed\n")


def test_an_interrupted_drain_leaves_the_rest_queued(
    waiting: FakeSite, hospital: Hospital, run_queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(draining, "time", SimpleNamespace(monotonic=time.monotonic, sleep=interrupt))
        code, _, err = run_queue("drain", "--destination", "pacs")
    assert code == 130
    assert "interrupted" in err
    waiting.open()
    jobs = waiting.modality.queue.jobs(destination="pacs", kind="C-STORE")
    assert len(jobs) == 2
    assert {job.state for job in jobs} <= {JobState.PENDING, JobState.IN_FLIGHT, JobState.COMPLETE}
    waiting.close()
    assert run_queue("drain", "--destination", "pacs", "--timeout", "20")[:2] == (0, "0 left, 0 failed\n")
    assert len(hospital.pacs.stored) == 2
