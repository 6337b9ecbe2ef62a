"""What is durable, when, and in which order."""

import sqlite3
from pathlib import Path

import pytest

from modality_sdk.crashpoints import observed
from modality_sdk.journal import Journal, database
from modality_sdk.journal.database import Database
from modality_sdk.testing.clock import FakeClock

pytestmark = pytest.mark.req("NFR-REL-01")

_FULL, _ON = 2, 1


def _setting(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_every_connection_brings_its_commits_to_the_disk(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, object, object]] = []
    connect = database._connect

    def noted(path: Path, timeout: float = 30.0) -> sqlite3.Connection:
        connection = connect(path, timeout)
        made.append((path.name, _setting(connection, "synchronous"), _setting(connection, "fullfsync")))
        return connection

    monkeypatch.setattr(database, "_connect", noted)
    for _ in range(2):
        Journal.open(tmp_path / "data", clock=clock).close()
    assert {"journal.db", "journal.lock"} < {name for name, *_ in made}
    assert {(synchronous, fullfsync) for _, synchronous, fullfsync in made} == {(_FULL, _ON)}


def test_transactions_run_in_full_synchronous_wal_mode(tmp_path: Path, clock: FakeClock) -> None:
    journal = Journal.open(tmp_path / "data", clock=clock)
    try:
        with journal.transaction() as tx:
            found = {n: tx.execute(f"PRAGMA {n}").fetchone()[0] for n in ("synchronous", "journal_mode", "fullfsync")}
        with journal.read() as tx:
            read = tx.execute("PRAGMA synchronous").fetchone()[0]
    finally:
        journal.close()
    assert found == {"synchronous": _FULL, "journal_mode": "wal", "fullfsync": _ON}
    assert read == _FULL


def test_a_database_that_is_made_is_flushed_before_it_has_its_name(tmp_path: Path) -> None:
    points: list[str] = []
    with observed(points.append):
        Database(tmp_path / "journal.db").create()
    order = ["after create", "after flush", "before link", "after link", "after sync directory"]
    assert [points.index(point) for point in order] == sorted(points.index(point) for point in order)
