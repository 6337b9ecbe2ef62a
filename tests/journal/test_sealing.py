"""A sealed store: what lies on the disk, which key opens it, and what is never given out."""

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import generate_uid

from modality_sdk.errors import ConfigurationError, QueueCorrupt
from modality_sdk.journal import PLAIN, AesGcmSeal, Journal, Seal
from modality_sdk.model import Acquisition, IrradiationEvent, RetryPolicy
from modality_sdk.queue import JobRequest, TransmissionQueue
from modality_sdk.testing.clock import FakeClock

pytestmark = pytest.mark.req("NFR-SEC-01")

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
Open = Callable[[Seal], Journal]


@pytest.fixture
def opened(data_dir: Path, clock: FakeClock) -> Iterator[Open]:
    """Opens the store, after closing it where it was open."""
    journals: list[Journal] = []

    def again(seal: Seal) -> Journal:
        while journals:
            journals.pop().close()
        journals.append(Journal.open(data_dir, clock=clock, seal=seal))
        return journals[0]

    yield again
    while journals:
        journals.pop().close()


def contents(directory: Path) -> dict[str, bytes]:
    """All files but those by which SQLite coordinates processes."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith("journal.lock") and not path.name.endswith(("-shm", "-wal"))
    }


def fill(journal: Journal, values) -> str:
    step = values.step()
    with journal.transaction() as tx:
        tx.add_step(step)
    return step.sop_instance_uid


# values


@given(column=st.text(max_size=20), key=st.text(max_size=20), value=st.binary(max_size=300))
@settings(deadline=None)
def test_any_value_comes_back(column: str, key: str, value: bytes) -> None:
    seal = AesGcmSeal(KEY)
    assert seal.unseal(column, key, seal.seal(column, key, value)) == value


def test_every_bit_of_a_sealed_value_counts() -> None:
    seal = AesGcmSeal(KEY)
    whole = seal.seal("step.content", "1.2", b"Jane")
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(QueueCorrupt, match=r"^step\.content of 1\.2 is damaged"):
            seal.unseal("step.content", "1.2", bytes(changed))
    for length in range(len(whole)):
        with pytest.raises(QueueCorrupt):
            seal.unseal("step.content", "1.2", whole[:length])


@pytest.mark.parametrize(
    ("column", "key", "master"),
    [("series.content", "1.2", KEY), ("step.content", "1.3", KEY), ("step.content", "1.2", OTHER)],
)
def test_a_value_of_another_column_row_or_key_is_refused(column: str, key: str, master: bytes) -> None:
    whole = AesGcmSeal(KEY).seal("step.content", "1.2", b"Jane")
    with pytest.raises(QueueCorrupt):
        AesGcmSeal(master).unseal(column, key, whole)


def test_the_same_value_is_sealed_differently_each_time() -> None:
    seal = AesGcmSeal(KEY)
    assert len({seal.seal("a", "b", b"") for _ in range(100)}) == 100


@pytest.mark.parametrize("key", [b"", KEY[:31], KEY + b"\0", KEY.hex(), None])
def test_a_key_of_another_length_is_refused(key: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^encryption\.key: has 32 bytes$"):
        AesGcmSeal(key)  # type: ignore[arg-type]


def test_a_seal_does_not_show_its_key() -> None:
    assert repr(AesGcmSeal(KEY)) == "AesGcmSeal(…)"


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ConfigurationError, match=r"^encryption: .*modality-sdk\[encryption\]"):
        AesGcmSeal(KEY)


# the journal


def test_what_was_kept_comes_back_after_a_restart(opened: Open, values) -> None:
    step, series = values.step(), values.series()
    event = IrradiationEvent(uid=str(generate_uid()), started=step.started, acquisition=Acquisition(body_part="CHEST"))
    with opened(AesGcmSeal(KEY)).transaction() as tx:
        tx.add_step(step)
        tx.add_series(step.sop_instance_uid, series)
        tx.add_irradiation_event(step.sop_instance_uid, event)
    changed = replace(step, comments="changed")
    with opened(AesGcmSeal(KEY)).transaction() as tx:
        assert tx.open_steps() == [step]
        tx.update_step(changed)
    with opened(AesGcmSeal(KEY)).read() as tx:
        assert tx.get_step(step.sop_instance_uid) == changed
        assert tx.series_of(step.sop_instance_uid) == [series]
        assert tx.irradiation_events_of(step.sop_instance_uid) == [event]


def test_rows_put_in_each_others_place_are_refused(opened: Open, values) -> None:
    journal = opened(AesGcmSeal(KEY))
    one, other = fill(journal, values), fill(journal, values)
    with journal.transaction() as tx:
        tx.execute("UPDATE step SET content = (SELECT content FROM step WHERE uid = ?)", (other,))
    with journal.read() as tx:
        tx.get_step(other)
        with pytest.raises(QueueCorrupt, match=one):
            tx.get_step(one)


def test_a_damaged_payload_harms_no_other_job(opened: Open, clock: FakeClock) -> None:
    journal = opened(AesGcmSeal(KEY))
    queue = TransmissionQueue(journal, clock=clock, retry=RetryPolicy())
    with journal.transaction() as tx:
        for key in ("a", "b"):
            queue.submit(tx, JobRequest(kind="N-SET", destination="ris", unique_key=key, payload=key.encode()))
        tx.execute("UPDATE job SET payload = x'' WHERE unique_key = 'a'")
    damaged, good = queue.claim(), queue.claim()
    assert damaged is not None
    assert good is not None
    with pytest.raises(QueueCorrupt, match=r"job\.payload of a"):
        _ = damaged.payload
    assert good.payload == b"b"


# which key opens what


@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize(
    ("seal", "field", "words"),
    [(AesGcmSeal(OTHER), "encryption.key", "is not the key"), (PLAIN, "encryption", "needs its key")],
    ids=["wrong", "missing"],
)
def test_a_sealed_store_opens_with_its_key_alone_and_is_left_as_it_is(
    opened: Open, data_dir: Path, clock: FakeClock, values, seal: Seal, field: str, words: str, used: bool
) -> None:
    journal = opened(AesGcmSeal(KEY))
    if used:
        fill(journal, values)
    journal.spool.write(values.dataset())  # an orphan, which an opening would move
    journal.close()
    before = contents(data_dir)
    with pytest.raises(ConfigurationError, match=words) as caught:
        opened(seal)
    assert caught.value.field == field
    assert contents(data_dir) == before
    opened(AesGcmSeal(KEY))


def test_a_plain_store_with_work_is_not_sealed_afterwards_and_left_as_it_is(
    opened: Open, data_dir: Path, values
) -> None:
    step = fill(opened(PLAIN), values)
    opened(PLAIN).close()
    before = contents(data_dir)
    with pytest.raises(ConfigurationError, match=r"^encryption: .*modality queue drain.*move the whole directory away"):
        opened(AesGcmSeal(KEY))
    assert contents(data_dir) == before
    with opened(PLAIN).read() as tx:
        assert tx.get_step(step)


def test_a_plain_store_that_was_never_used_may_be_sealed(opened: Open, values) -> None:
    opened(PLAIN)
    fill(opened(AesGcmSeal(KEY)), values)
    with pytest.raises(ConfigurationError):
        opened(PLAIN)


def test_a_plain_store_that_another_one_has_open_is_not_sealed(opened: Open, data_dir: Path, clock: FakeClock) -> None:
    opened(PLAIN)
    with pytest.raises(ConfigurationError, match="in use"):
        Journal.open(data_dir, clock=clock, seal=AesGcmSeal(KEY))


def test_two_open_a_sealed_store_with_its_key(opened: Open, data_dir: Path, clock: FakeClock, values) -> None:
    step = fill(opened(AesGcmSeal(KEY)), values)
    other = Journal.open(data_dir, clock=clock, seal=AesGcmSeal(KEY))
    try:
        with other.read() as tx:
            assert tx.get_step(step)
    finally:
        other.close()


def test_a_journal_of_the_first_version_is_refused_before_it_is_migrated(opened: Open, data_dir: Path, values) -> None:
    fill(opened(PLAIN), values)
    opened(PLAIN).close()
    connection = sqlite3.connect(data_dir / "journal.db")
    connection.executescript(
        "DROP TABLE property; ALTER TABLE instance DROP COLUMN purged; PRAGMA user_version = 1;"
        "DELETE FROM _sqlite_migrations WHERE name = 'second'"
    )
    connection.close()
    before = contents(data_dir)
    with pytest.raises(ConfigurationError, match="not encrypted and in use"):
        opened(AesGcmSeal(KEY))
    assert contents(data_dir) == before
    opened(PLAIN)


# the spool


def test_sizes_and_digest_are_those_of_the_plain_file(opened: Open, values, tmp_path: Path, clock: FakeClock) -> None:
    dataset = values.dataset(os.urandom(3 << 20))
    sealed = opened(AesGcmSeal(KEY)).spool
    other = Journal.open(tmp_path / "plain", clock=clock)
    try:
        plain_file = other.spool.write(dataset)
        plain = other.spool.absolute(plain_file).read_bytes()
    finally:
        other.close()
    file = sealed.write(dataset)
    assert replace(file, path="") == replace(plain_file, path="")
    sop = values.sop_of(dataset)
    with sealed.open_file(sop, file) as stream:
        assert stream.read() == plain
        stream.seek(0)
        assert dcmread(stream).PixelData == dataset.PixelData
    rendition = sealed.rendition(sop, file)
    with rendition.open() as stream:
        assert stream.read() == plain[file.offset :]
    assert rendition.size == len(plain) - file.offset
    assert dataset.PixelData[:1000] not in sealed.absolute(file).read_bytes()


def test_files_put_in_each_others_place_are_refused(opened: Open, values) -> None:
    spool = opened(AesGcmSeal(KEY)).spool
    one, other = values.dataset(bytes(100)), values.dataset(bytes(100))
    file, second = spool.write(one), spool.write(other)
    spool.absolute(second).replace(spool.absolute(file))
    with spool.rendition(values.sop_of(one), file).open() as stream, pytest.raises(QueueCorrupt, match="is damaged"):
        stream.read()


def test_a_file_that_was_cut_is_not_opened(opened: Open, values) -> None:
    spool = opened(AesGcmSeal(KEY)).spool
    dataset = values.dataset(bytes(100))
    file = spool.write(dataset)
    with spool.absolute(file).open("rb+") as stream:
        stream.truncate(file.size)
    for read in (
        spool.rendition(values.sop_of(dataset), file).open,
        lambda: spool.open_file(values.sop_of(dataset), file),
    ):
        with pytest.raises(QueueCorrupt, match=str(dataset.SOPInstanceUID)):
            read()


def test_orphans_and_unfinished_files_stay_sealed(
    opened: Open, data_dir: Path, values, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(AesGcmSeal(KEY)).spool
    dataset = values.dataset(b"ZZPIXELSZZ" * 300_000)
    spool.write(dataset)
    left: list[bytes] = []

    def fail(file: object) -> None:
        left.extend(path.read_bytes() for path in data_dir.rglob("*.part"))
        raise OSError(5, "flush failed")

    with monkeypatch.context() as patch:
        patch.setattr("modality_sdk.journal.durable.flush", fail)
        with pytest.raises(Exception, match="flush failed"):
            spool.write(values.dataset(b"ZZPIXELSZZ" * 300_000))
    assert len(left) == 1
    assert len(left[0]) > 2 << 20
    opened(AesGcmSeal(KEY))
    (orphan,) = (data_dir / "orphans").iterdir()
    for content in (*left, orphan.read_bytes()):
        assert b"ZZPIXELSZZ" not in content
        assert b"DICM" not in content
