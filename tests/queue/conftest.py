"""A queue on a fake clock over a journal in a temporary directory."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modality_sdk.journal import Journal
from modality_sdk.model import RetryPolicy
from modality_sdk.queue import JobRequest, Outcome, OutcomeKind, TransmissionQueue
from modality_sdk.testing.clock import FakeClock

DONE, RETRY, PARK, HOLD, RELEASE = (Outcome(kind=kind, reason=f"R_{kind}", message="said no") for kind in OutcomeKind)
Submit = Callable[..., int]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2024, 3, 1, 22, 0, tzinfo=UTC))


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def journal(data_dir: Path, clock: FakeClock) -> Iterator[Journal]:
    with_clock = Journal.open(data_dir, clock=clock)
    yield with_clock
    with_clock.close()


@pytest.fixture
def queue(journal: Journal, clock: FakeClock) -> TransmissionQueue:
    return TransmissionQueue(journal, clock=clock, retry=RetryPolicy())


@pytest.fixture
def submit(journal: Journal, queue: TransmissionQueue) -> Submit:
    """Submits one job; what is not given is chosen."""

    def one(unique_key: str = "a", **values: object) -> int:
        request = {"kind": "C-STORE", "destination": "pacs", "unique_key": unique_key, **values}
        with journal.transaction() as tx:
            return queue.submit(tx, JobRequest(**request))

    return one
