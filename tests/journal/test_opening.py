"""Opening: new, again, by several at once, after a crash, and when something is damaged."""

import logging
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from modality_sdk.errors import QueueCorrupt, QueueError
from modality_sdk.journal import Journal
from modality_sdk.journal.schema import VERSION
from modality_sdk.testing.clock import FakeClock

Reopen = Callable[[], Journal]
pytestmark = pytest.mark.req("NFR-REL-01")


def snapshot(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith("journal.lock")
    }


@pytest.fixture
def filled(data_dir: Path, clock: FakeClock, values) -> Path:
    """The directory of a journal with a step and an object; closed."""
    journal = Journal.open(data_dir, clock=clock)
    step, series, dataset = values.step(), values.series(), values.dataset(bytes(200))
    record = values.instance(step, series, file=journal.spool.write(dataset), sop_instance_uid=dataset.SOPInstanceUID)
    with journal.transaction() as tx:
        tx.add_step(step)
        tx.add_series(step.sop_instance_uid, series)
        tx.add_instance(record)
        for number in range(200):
            tx.record("filler", str(number), "", "x" * 100)
    journal.close()
    return data_dir


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 1000)


def scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)


def foreign(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.commit()
    connection.close()


def newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("damage", [truncate, empty, garbage, scribble, foreign, newer, Path.unlink])
def test_a_damaged_database_is_refused_and_left_as_it_is(
    filled: Path, clock: FakeClock, damage: Callable[[Path], None]
) -> None:
    damage(filled / "journal.db")
    before = snapshot(filled)
    for _ in range(2):
        with pytest.raises(QueueCorrupt, match=r"(?s)journal\.db.*`modality queue recover`.*backup"):
            Journal.open(filled, clock=clock)
    assert snapshot(filled) == before


def test_a_journal_of_an_older_version_is_brought_up_to_date_and_keeps_what_it_holds(
    filled: Path, clock: FakeClock
) -> None:
    connection = sqlite3.connect(filled / "journal.db", isolation_level=None)
    connection.execute("DROP TABLE property")
    connection.execute("ALTER TABLE instance DROP COLUMN purged")
    connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'second'")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    journal = Journal.open(filled, clock=clock)
    with journal.transaction() as tx:
        (step,) = tx.open_steps()
        assert len(tx.instances_of(step.sop_instance_uid)) == 1
        tx.set_property("kept", b"1")
        assert (tx.get_property("kept"), tx.get_property("other")) == (b"1", None)
    journal.close()


def test_damage_that_shows_while_working_is_told_as_such(filled: Path, clock: FakeClock) -> None:
    journal = Journal.open(filled, clock=clock)
    connection = sqlite3.connect(filled / "journal.db", isolation_level=None)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    scribble(filled / "journal.db")
    with pytest.raises(QueueCorrupt), journal.transaction() as tx:
        tx.execute("SELECT * FROM history").fetchall()
    journal.close()


def test_a_content_that_cannot_be_read_is_told_as_damage(reopen: Reopen, values) -> None:
    step = values.step()
    journal = reopen()
    with journal.transaction() as tx:
        tx.add_step(step)
        tx.execute("UPDATE step SET content = x'7b'")
    with pytest.raises(QueueCorrupt, match="PerformedProcedureStep"), journal.read() as tx:
        tx.get_step(step.sop_instance_uid)


def test_files_that_nobody_knows_are_set_aside_and_unfinished_ones_removed(
    reopen: Reopen, filled: Path, values, caplog: pytest.LogCaptureFixture
) -> None:
    journal = reopen()
    known = list(journal.spool.root.rglob("*.dcm"))
    orphan = journal.spool.write(values.dataset())
    content = journal.spool.absolute(orphan).read_bytes()
    unfinished = known[0].with_name("1.2.dcm.0.part")
    unfinished.write_bytes(b"half")
    with caplog.at_level(logging.INFO, "modality_sdk.journal"):
        reopen()
    assert not unfinished.exists()
    assert known[0].exists()
    (kept,) = (filled / "orphans").iterdir()
    assert kept.read_bytes() == content
    assert "1 files that the journal does not know" in caplog.text


def test_orphans_of_one_name_are_all_kept(reopen: Reopen, filled: Path, values) -> None:
    dataset = values.dataset()
    for _ in range(2):
        reopen().spool.write(dataset)
    reopen()
    assert len(list((filled / "orphans").iterdir())) == 2


def test_nothing_is_set_aside_while_another_one_has_the_journal_open(
    journal: Journal, data_dir: Path, clock: FakeClock, values
) -> None:
    file = journal.spool.write(values.dataset())
    Journal.open(data_dir, clock=clock).close()
    program = (
        "import sys; from pathlib import Path; from modality_sdk.clock import SystemClock;"
        "from modality_sdk.journal import Journal; Journal.open(Path(sys.argv[1]), clock=SystemClock()).close()"
    )
    subprocess.run([sys.executable, "-c", program, str(data_dir)], check=True)
    assert journal.spool.absolute(file).exists()
    assert not (data_dir / "orphans").exists()


CRASH = """
import os, sys
from pathlib import Path
from pydicom import Dataset
from modality_sdk.clock import SystemClock
from modality_sdk.journal import Journal

journal = Journal.open(Path(sys.argv[1]), clock=SystemClock())
dataset = Dataset()
dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.3", sys.argv[2]
with journal.transaction() as tx:
    tx.next_number("x")
with journal.transaction() as tx:
    tx.next_number("x")
    journal.spool.write(dataset)
    os._exit(9)
"""


def test_a_crash_between_file_and_commit_loses_neither_the_image_nor_what_was_committed(
    data_dir: Path, reopen: Reopen
) -> None:
    uid = str(generate_uid())
    assert subprocess.run([sys.executable, "-c", CRASH, str(data_dir), uid], check=False).returncode == 9
    journal = reopen()
    with journal.transaction() as tx:
        assert tx.next_number("x") == 2
    assert (data_dir / "orphans" / f"{uid}.dcm").exists()
    assert list(journal.spool.root.rglob("*.dcm")) == []


def test_several_processes_may_make_the_journal_at_the_same_time(data_dir: Path, reopen: Reopen) -> None:
    program = (
        "import sys; from pathlib import Path; from modality_sdk.clock import SystemClock\n"
        "from modality_sdk.journal import Journal\n"
        "journal = Journal.open(Path(sys.argv[1]), clock=SystemClock())\n"
        "for _ in range(20):\n"
        "    with journal.transaction() as tx: tx.next_number('x')\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(data_dir)]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    with reopen().transaction() as tx:
        assert tx.next_number("x") == 61


def test_every_write_is_on_the_disk_when_it_returns(journal: Journal) -> None:
    with journal.read() as tx:
        settings = {
            name: tx.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_half_made_database_of_a_first_opening_is_no_obstacle(data_dir: Path, reopen: Reopen) -> None:
    data_dir.mkdir()
    half = data_dir / "journal.db.0.part"
    half.write_bytes(b"half")
    with reopen().transaction() as tx:
        assert tx.next_number("x") == 1
    assert not half.exists()


def test_opening_again_changes_nothing(filled: Path, reopen: Reopen, values) -> None:
    with reopen().read() as tx:
        (step,) = tx.open_steps()
        assert step == replace(step)
        before = tx.history(step.started)
    with reopen().read() as tx:
        assert tx.open_steps() == [step]
        assert tx.history(step.started) == before


def test_a_database_that_somebody_else_keeps_locked_is_told_after_a_while(
    journal: Journal, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modality_sdk.journal.database._BUSY_TIMEOUT", 0.05)
    connection = sqlite3.connect(data_dir / "journal.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(QueueError, match="locked"), journal.transaction():
        pass
    connection.execute("COMMIT")
    connection.close()
    with journal.transaction() as tx:
        assert tx.next_number("x") == 1
