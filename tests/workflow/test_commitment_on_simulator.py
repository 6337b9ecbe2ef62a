"""Storage commitment and performed steps over real sockets, with peers that are late, brief or unwilling."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from modality_sdk.errors import ResponseTimeout
from modality_sdk.events import CommitmentTimedOut, Event, MppsRefused
from modality_sdk.model import (
    Acquisition,
    CommitmentPolicy,
    CommitmentState,
    Detector,
    Peer,
    RetryPolicy,
    StepStatus,
    Timeouts,
)
from modality_sdk.settings import Listen, Settings
from modality_sdk.simulator import Commitment, Hospital, Ris
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Modality, PerformedStep

pytestmark = pytest.mark.timeout(60)

TIMEOUT = 20.0
PIXELS = radiograph(96, 80, bits_stored=12)
CHEST = Acquisition(body_part="CHEST", view="PA")
TIMEOUTS = Timeouts(connect=2, association=2, release=1, idle=2, response=5, store_response=5, find=5)

Start = Callable[..., Modality]


@pytest.fixture
def hospital() -> Iterator[Hospital]:
    with Hospital() as hospital:
        yield hospital


@pytest.fixture
def start(hospital: Hospital, tmp_path: Path) -> Iterator[Start]:
    opened: list[Modality] = []

    def make(**changes: object) -> Modality:
        peers = {
            name: Peer(
                name=name, ae_title=ae, host="127.0.0.1", port=port, commitment=name == "pacs", timeouts=TIMEOUTS
            )
            for name, ae, port in (
                ("ris", hospital.ris.ae_title, hospital.ris.port),
                ("pacs", hospital.pacs.ae_title, hospital.pacs.port),
            )
        }
        peers |= changes.pop("more_peers", {})  # type: ignore[arg-type]
        values: dict[str, object] = {
            "ae_title": "XRAY1",
            "manufacturer": "Example",
            "model": "DR-1",
            "serial_number": "1",
            "software_versions": ("1",),
            "data_dir": tmp_path / "data",
            "worklist": "ris",
            "mpps": ("ris",),
            "storage": ("pacs",),
            "listen": Listen(host="127.0.0.1", port=0),
            "detector": Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=12),
            "retry": RetryPolicy(initial=0.1, multiplier=1.0),
            "peers": peers,
        }
        modality = Modality(Settings(**(values | changes))).open()
        opened.append(modality)
        assert modality.listener is not None
        hospital.pacs.register("XRAY1", "127.0.0.1", modality.listener.port)
        return modality

    yield make
    for modality in opened:
        modality.close()


def perform(modality: Modality, shots: int = 1) -> PerformedStep:
    with modality.start(modality.worklist.today()[0]) as step:
        for _ in range(shots):
            step.add_image(PIXELS, CHEST)
    return step


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.req("FR-DICOM-05")
def test_a_late_report_to_the_first_of_two_requests_archives_the_step(hospital: Hospital, start: Start) -> None:
    hospital.pacs.commitment = Commitment.NEVER
    modality = start(commitment=CommitmentPolicy(request_timeout=0.1, re_requests=(0.1,), linger=0))
    events: list[Event] = []
    modality.subscribe(events.append, CommitmentTimedOut)
    step = perform(modality)
    wait_for(lambda: len(hospital.pacs.transactions) == 2)
    first, second = hospital.pacs.transactions.values()
    assert first.transaction_uid != second.transaction_uid
    assert set(first.references) == set(second.references)
    wait_for(lambda: len(events) == 2)
    hospital.pacs.report(first.transaction_uid)
    assert step.wait_until_archived(TIMEOUT).archived
    hospital.pacs.report(second.transaction_uid)
    assert {t.report_status for t in hospital.pacs.transactions.values()} == {0x0000}


@pytest.mark.req("FR-DICOM-05")
def test_batches_are_committed_one_by_one(hospital: Hospital, start: Start) -> None:
    step = perform(start(commitment=CommitmentPolicy(maximum_references=2)), shots=3)
    assert step.wait_until_archived(TIMEOUT).archived
    assert sorted(len(t.references) for t in hospital.pacs.transactions.values()) == [1, 2]


@pytest.mark.req("FR-DICOM-05")
def test_closing_does_not_wait_for_a_report_that_may_come_on_the_association(hospital: Hospital, start: Start) -> None:
    hospital.pacs.commitment = Commitment.NEVER
    modality = start(commitment=CommitmentPolicy(linger=3600))
    step = perform(modality)
    wait_for(lambda: hospital.pacs.transactions)
    modality.close()
    again = start()
    with again._opened().durable.journal.read() as tx:
        assert [r.state for r in tx.commitments_of(step.uid)] == [CommitmentState.REQUESTED]
    (transaction_uid,) = hospital.pacs.transactions
    hospital.pacs.report(transaction_uid)
    with again._opened().durable.journal.read() as tx:
        assert tx.is_archived(step.uid)


@pytest.mark.req("FR-DICOM-04")
def test_of_two_information_systems_one_that_refuses_keeps_nothing_from_the_other(
    hospital: Hospital, start: Start
) -> None:
    with Ris(ae_title="RIS2") as second:
        second.refuse("N-CREATE", 0x0106)
        other = replace(hospital.ris.peer, name="other", port=second.port, ae_title="RIS2", timeouts=TIMEOUTS)
        modality = start(mpps=("ris", "other"), more_peers={"other": other})
        events: list[Event] = []
        modality.subscribe(events.append, MppsRefused)
        step = perform(modality)
        assert step.wait_until_archived(TIMEOUT).archived
        step.wait_until_sent(TIMEOUT)
        assert dict(step.report().mpps) == {"ris": StepStatus.COMPLETED, "other": None}
        assert hospital.ris.steps[step.uid].status is StepStatus.COMPLETED
        assert second.steps == {}
        modality.close()
        (refused,) = events
        assert isinstance(refused, MppsRefused)
        assert (refused.destination, refused.requested) == ("other", StepStatus.IN_PROGRESS)


@pytest.mark.req("X-IDEMP")
@pytest.mark.illegal_mpps
def test_a_lost_answer_to_the_final_n_set_is_confirmed_by_reading_the_step_back(
    hospital: Hospital, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    modality = start()
    tell = modality.mpps.set
    lost: list[object] = []

    def once_unheard(*arguments: object, **options: object) -> object:
        result = tell(*arguments, **options)  # type: ignore[arg-type]
        if not lost:
            lost.append(result)
            raise ResponseTimeout("no answer")
        return result

    monkeypatch.setattr(modality.mpps, "set", once_unheard)
    step = perform(modality)
    step.wait_until_sent(TIMEOUT)
    assert dict(step.report().mpps) == {"ris": StepStatus.COMPLETED}
    assert [e.service for e in hospital.ris.exchanges if e.service.startswith("N-")] == [
        "N-CREATE",
        "N-SET",
        "N-SET",
        "N-GET",
    ]
