"""Copies of the database while others work with it."""

import errno
import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from modality_sdk.errors import QueueError, QueueFull
from modality_sdk.journal import Journal, durable
from modality_sdk.journal.backup import backups_in
from modality_sdk.model import JournalPolicy

pytestmark = pytest.mark.req("NFR-REL-01")


def steps_in(path: Path) -> list[str]:
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in connection.execute("SELECT uid FROM step ORDER BY id")]
    finally:
        connection.close()


def add_step(journal: Journal, values) -> str:
    step = values.step()
    with journal.transaction() as tx:
        tx.add_step(step)
    return step.sop_instance_uid


def test_a_backup_holds_all_that_was_committed_and_the_former_ones_are_kept(
    journal: Journal, data_dir: Path, values
) -> None:
    uids = []
    for _ in range(4):
        uids.append(add_step(journal, values))
        made = journal.back_up()
    assert made == data_dir / "backup" / "journal.db"
    assert [path.name for path in sorted(made.parent.iterdir())] == ["journal.1.db", "journal.db"]
    assert steps_in(made) == uids
    assert steps_in(made.with_name("journal.1.db")) == uids[:3]
    assert backups_in(made.parent) == [made, made.with_name("journal.1.db")]
    if os.name == "posix":
        assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_a_backup_waits_for_no_writer_and_no_writer_for_it(journal: Journal, values) -> None:
    before = add_step(journal, values)
    with journal.transaction() as tx:
        tx.add_step(values.step())
        made: list[Path | None] = []
        thread = threading.Thread(target=lambda: made.append(journal.back_up()))
        thread.start()
        thread.join(20)
        assert made
    assert made[0] is not None
    assert steps_in(made[0]) == [before]


def test_no_backup_is_made_where_none_is_kept(data_dir: Path, clock) -> None:
    journal = Journal.open(data_dir, clock=clock, policy=JournalPolicy(backups=0))
    assert journal.back_up() is None
    journal.close()
    assert not (data_dir / "backup").exists()


@pytest.mark.parametrize("write", ["make_directory", "create", "flush", "replace"])
def test_a_backup_that_fails_leaves_the_former_ones(
    journal: Journal, data_dir: Path, values, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    uid = add_step(journal, values)
    journal.back_up()
    add_step(journal, values)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(durable, write, full)
        with pytest.raises(QueueFull, match="backup"):
            journal.back_up()
    assert [path.name for path in (data_dir / "backup").iterdir()] == ["journal.db"]
    assert steps_in(data_dir / "backup" / "journal.db") == [uid]


def test_a_backup_leaves_the_room_that_the_journal_itself_needs(data_dir: Path, clock) -> None:
    journal = Journal.open(data_dir, clock=clock, policy=JournalPolicy(minimum_free_bytes=1 << 62))
    with pytest.raises(QueueFull, match="no room"):
        journal.back_up()
    journal.close()


def test_what_an_interrupted_backup_left_is_removed_by_the_next(journal: Journal, data_dir: Path) -> None:
    (data_dir / "backup").mkdir()
    (data_dir / "backup" / "journal.db.0.part").write_bytes(b"half")
    journal.back_up()
    assert [path.name for path in (data_dir / "backup").iterdir()] == ["journal.db"]


def test_a_directory_that_cannot_be_written_is_told(data_dir: Path, clock, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    journal = Journal.open(data_dir, clock=clock, policy=JournalPolicy(backup_dir=tmp_path / "file" / "below"))
    with pytest.raises(QueueError, match="backup"):
        journal.back_up()
    journal.close()
