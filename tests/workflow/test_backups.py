"""A copy of the database after every step, off the path of the exam."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from modality_sdk.model import JobState, JournalPolicy
from modality_sdk.testing.fake_site import FakeSite, scheduled_item
from modality_sdk.workflow.delivery import JobKind

pytestmark = pytest.mark.req("NFR-REL-01")

MakeSite = Callable[..., FakeSite]


def statuses(path: Path) -> list[str]:
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        return [row[0] for row in connection.execute("SELECT status FROM step ORDER BY id")]
    finally:
        connection.close()


def perform(site: FakeSite) -> None:
    with site.modality.start(scheduled_item()) as step:
        site.expose(step)


def test_the_end_of_a_step_is_in_the_backup_once_the_worker_has_run(site: FakeSite) -> None:
    perform(site)
    assert not (site.data_dir / "backup").exists()
    site.run_until_idle()
    assert statuses(site.data_dir / "backup" / "journal.db") == ["COMPLETED"]


def test_one_backup_serves_all_steps_that_ended_before_it(site: FakeSite) -> None:
    for _ in range(3):
        perform(site)
    site.run_until_idle()
    assert [path.name for path in (site.data_dir / "backup").iterdir()] == ["journal.db"]
    assert statuses(site.data_dir / "backup" / "journal.db") == ["COMPLETED"] * 3
    assert {j.state for j in site.modality.queue.jobs(kind=JobKind.BACKUP)} == {JobState.COMPLETE}


def test_a_backup_that_fails_is_logged_and_tried_again_and_harms_no_step(
    make_site: MakeSite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "copies"
    blocked.write_bytes(b"")
    site = make_site(overrides={"journal": JournalPolicy(backup_dir=blocked)})
    with caplog.at_level(logging.ERROR):
        with site.modality.start(scheduled_item()) as step:
            site.expose(step)
        site.run_until_idle()
    assert step.report().archived
    assert "backup failed" in caplog.text
    blocked.unlink()
    site.clock.advance(31)
    site.run_until_idle()
    assert statuses(blocked / "journal.db") == ["COMPLETED"]


def test_a_backup_that_never_succeeds_is_given_up_without_a_failed_job(make_site: MakeSite, tmp_path: Path) -> None:
    blocked = tmp_path / "copies"
    blocked.write_bytes(b"")
    site = make_site(overrides={"journal": JournalPolicy(backup_dir=blocked)})
    perform(site)
    for _ in range(7):
        site.run_until_idle()
        site.clock.advance(3601)
    assert [j.state for j in site.modality.queue.jobs(kind=JobKind.BACKUP)] == [JobState.COMPLETE]
