"""An archive that answers what it already has with a status of its own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from modality_sdk.model import DeliveryState, JobState, Peer, Quirks
from modality_sdk.testing.fake_site import FakeSite, scheduled_item

pytestmark = pytest.mark.req("FR-DICOM-08")

C000 = Quirks(duplicate_statuses=(0xC000,))


def peers(quirks: Quirks, commitment: bool) -> dict[str, Peer]:
    pacs = Peer(name="pacs", ae_title="PACS", host="127.0.0.1", port=104, commitment=commitment, quirks=quirks)
    return {"pacs": pacs, "ris": replace(pacs, name="ris", ae_title="RIS", commitment=False, quirks=Quirks())}


@pytest.mark.parametrize(
    ("quirks", "commitment", "answers", "done"),
    [
        (C000, True, [0xC000, 0xC000], True),  # the second attempt: it has it, as its commitment will prove
        (C000, True, [0xC000], False),  # the first attempt cannot be a duplicate of ours
        (C000, False, [0xC000, 0xC000], False),  # nothing would prove it
        (Quirks(), True, [0xC000, 0xC000], False),  # without the quirk it is a failure
    ],
)
def test_it_counts_as_stored_on_a_repetition_that_commitment_will_prove(
    make_site: Callable[..., FakeSite], quirks: Quirks, commitment: bool, answers: list[int], done: bool
) -> None:
    site = make_site(overrides={"peers": peers(quirks, commitment)})
    site.storage.answers.extend(answers)
    with site.modality.start(scheduled_item()) as step:
        site.expose(step)
    site.run_until_idle()
    for _ in answers[1:]:
        site.clock.advance(30)
        site.run_until_idle()
    (job,) = site.modality.queue.jobs(kind="C-STORE")
    (delivery,) = step.report().deliveries
    assert (job.state is JobState.COMPLETE) is done
    assert (delivery.state in (DeliveryState.STORED_WITH_WARNING, DeliveryState.COMMITTED)) is done
    assert len(site.storage.received) == len(answers)
