"""Answers that were lost: what is repeated, and what the answer to the repetition means."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from modality_sdk.journal import CommitmentRecord
from modality_sdk.model import Acquisition, CommitmentPolicy, CommitmentState, DeliveryState, StepStatus
from modality_sdk.settings import Settings
from modality_sdk.simulator import Commitment, Hospital, LostResponse, Reply, Serve, Silence
from modality_sdk.testing.clock import FakeClock
from modality_sdk.testing.evidence import TakenObject, hospital_evidence
from modality_sdk.testing.fake_site import scheduled_item
from modality_sdk.testing.invariants import check
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Instance, Modality, PerformedStep

pytestmark = [pytest.mark.req("X-IDEMP"), pytest.mark.req("FR-DICOM-08")]

LOST = LostResponse(connection=True)
CHEST = Acquisition(body_part="CHEST", view="PA")


@dataclass
class Exam:
    """One image, one step; nothing is sent before `send`."""

    hospital: Hospital
    modality: Modality
    clock: FakeClock
    step: PerformedStep
    image: Instance

    def send(self) -> None:
        """Send, and repeat until nothing is left to send."""
        for _ in range(20):
            self.modality.run_due()
            if not self.step.report().open_jobs:
                return
            self.clock.advance(30)

    def answers(self, service: str) -> list[int]:
        """The statuses that the hospital gave, or wanted to give."""
        provider = self.hospital.ris if service in ("N-CREATE", "N-SET", "N-GET") else self.hospital.pacs
        return [each.status for each in provider.exchanges if each.service == service]

    @property
    def commitments(self) -> list[CommitmentRecord]:
        """The transactions as the journal has them, oldest first."""
        with self.modality._opened().durable.journal.read() as tx:
            return tx.commitments_of(self.step.uid)

    def findings(self) -> list[str]:
        """What breaks an invariant."""
        evidence = replace(
            hospital_evidence(self.hospital),
            worklist=self.step.items,
            taken=(TakenObject.of("image", self.image),),
            reports=(self.step.report(),),
        )
        return [str(finding) for finding in check(evidence)]


@pytest.fixture
def exam(hospital: Hospital, modality_settings: Settings) -> Iterator[Exam]:
    hospital.pacs.commitment = Commitment.SAME_ASSOCIATION
    clock = FakeClock()
    settings = modality_settings.model_copy(
        update={"commitment": CommitmentPolicy(linger=5, request_timeout=30, re_requests=(30,) * 5)}
    )
    modality = Modality(settings, clock=clock).open(worker=False, listener=False)
    with modality.start(scheduled_item()) as step:
        image = step.add_image(radiograph(48, 40, bits_stored=12), CHEST)
    yield Exam(hospital, modality, clock, step, image)
    modality.close()


def test_a_step_that_exists_at_the_second_attempt_was_created_by_the_first(exam: Exam) -> None:
    exam.hospital.ris.script("N-CREATE", LOST)
    exam.send()
    assert exam.answers("N-CREATE")[-1] == 0x0111
    assert exam.findings() == []


@pytest.mark.parametrize("readable", [True, False], ids=["which N-GET confirms", "where N-GET is not offered"])
def test_a_step_that_is_final_at_the_second_attempt_was_ended_by_the_first(exam: Exam, readable: bool) -> None:
    exam.hospital.ris.script("N-SET", LOST)
    if not readable:
        exam.hospital.ris.refuse("N-GET", 0x0122)
    exam.send()
    assert exam.answers("N-SET")[-1] == 0x0110
    assert exam.answers("N-GET") == [0x0000 if readable else 0x0122]
    assert dict(exam.step.report().mpps) == {"ris": StepStatus.COMPLETED}
    assert exam.findings() == []


def _lost(exam: Exam) -> None:
    exam.hospital.ris.forget(exam.step.uid)


def _lost_and_the_second_creation_unheard(exam: Exam) -> None:
    _lost(exam)
    exam.hospital.ris.script("N-CREATE", LOST)


def _not_found_for_once(exam: Exam) -> None:
    exam.hospital.ris.script("N-SET", Reply(status=0x0112))


@pytest.mark.parametrize("happens", [_lost, _lost_and_the_second_creation_unheard, _not_found_for_once])
def test_a_peer_that_does_not_know_the_step_is_told_all_of_it_again(
    exam: Exam, happens: Callable[[Exam], None]
) -> None:
    exam.hospital.ris.script("N-SET", Silence())
    created = exam.modality.queue.jobs(kind="N-CREATE")[0].payload
    exam.modality.run_due()
    first = exam.hospital.ris.steps[exam.step.uid].create
    happens(exam)
    exam.send()
    assert exam.hospital.ris.steps[exam.step.uid].create == first
    assert exam.modality.queue.jobs(kind="N-CREATE")[0].payload == created
    assert exam.findings() == []


def test_an_object_that_is_a_duplicate_at_the_second_attempt_is_stored_and_commitment_proves_it(exam: Exam) -> None:
    exam.hospital.pacs.script("C-STORE", LOST, Reply(status=0x0111))
    exam.send()
    (delivery,) = exam.step.report().deliveries
    assert delivery.state is DeliveryState.COMMITTED
    assert exam.answers("C-STORE")[-1] == 0x0111
    assert exam.findings() == []


def test_an_object_that_is_called_a_duplicate_and_is_not_there_is_sent_again(exam: Exam) -> None:
    exam.hospital.pacs.script("C-STORE", Silence(), Reply(status=0x0111), Serve())
    exam.send()
    assert exam.answers("C-STORE")[-2:] == [0x0111, 0x0000]
    assert [record.state for record in exam.commitments] == [CommitmentState.PARTIAL, CommitmentState.COMMITTED]
    assert exam.hospital.pacs.stored[exam.image.ref.sop_instance_uid].received == 1
    assert [finding for finding in exam.findings() if "commitment_asks" not in finding] == []


def test_a_request_for_commitment_is_repeated_under_another_transaction_uid_that_follows_the_first(exam: Exam) -> None:
    exam.hospital.pacs.script("N-ACTION", LOST)
    exam.send()
    first, second = exam.commitments
    assert second.predecessor == first.transaction_uid != second.transaction_uid
    assert set(exam.hospital.pacs.transactions) == {first.transaction_uid, second.transaction_uid}
    assert {first.state, second.state} == {CommitmentState.COMMITTED}
    assert exam.findings() == []
