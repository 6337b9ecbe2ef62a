"""Local files are deleted when the archives have committed them, by policy or by hand, and never otherwise."""

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modality_sdk.errors import DimseFailure, StateError
from modality_sdk.journal import durable, mark_purged
from modality_sdk.model import (
    CommitmentReport,
    DeliveryState,
    FailedReference,
    JobState,
    RejectionReason,
    RetentionPolicy,
)
from modality_sdk.testing.fake_site import FakeSite, scheduled_item
from modality_sdk.workflow import Instance, PerformedStep

pytestmark = [pytest.mark.req("FR-DICOM-05"), pytest.mark.req("NFR-REL-01")]

MakeSite = Callable[..., FakeSite]
DAY = 86_400
POLICY = RetentionPolicy(delete_files="when_committed", keep_days=7)


def perform(site: FakeSite, shots: int = 1) -> tuple[PerformedStep, list[Instance]]:
    with site.modality.start(scheduled_item()) as step:
        images = [site.expose(step) for _ in range(shots)]
    site.run_until_idle()
    return step, images


def pass_days(site: FakeSite, days: float) -> None:
    site.clock.advance(days * DAY)
    site.run_until_idle()


def files(site: FakeSite) -> set[str]:
    return {path.name for path in (site.data_dir / "spool").rglob("*.dcm")}


def purge_jobs(site: FakeSite) -> list[JobState]:
    return [job.state for job in site.modality.queue.jobs(kind="PURGE")]


@pytest.fixture
def site(make_site: MakeSite) -> FakeSite:
    return make_site(overrides={"retention": POLICY})


def test_a_committed_file_is_kept_for_its_days_and_then_deleted(site: FakeSite) -> None:
    step, (image,) = perform(site)
    assert step.report().archived
    path = image.path
    pass_days(site, 6.999)
    assert path.exists()
    pass_days(site, 0.001)
    assert not path.exists()
    with pytest.raises(StateError, match=r"deleted here on 2024-03-08"):
        _ = image.path
    assert [d.state for d in step.report().deliveries] == [DeliveryState.COMMITTED]
    assert purge_jobs(site) == [JobState.COMPLETE]
    (entry,) = [e for e in site.modality.history(site.clock.now()) if e.kind == "instance_purged"]
    assert (entry.entity, entry.after) == (image.ref.sop_instance_uid, "PURGED")


def test_by_default_nothing_is_ever_deleted(make_site: MakeSite) -> None:
    site = make_site()
    perform(site)
    pass_days(site, 10_000)
    assert len(files(site)) == 1
    assert purge_jobs(site) == []
    with pytest.raises(StateError, match="delete_files"):
        site.modality.purge()
    assert len(files(site)) == 1


def test_a_destination_that_does_not_commit_never_frees_a_file(make_site: MakeSite) -> None:
    site = make_site(
        storage_destinations=("pacs", "backup"), commitment_of={"pacs": True}, overrides={"retention": POLICY}
    )
    step, _ = perform(site)
    assert step.report().archived
    assert {d.state for d in step.report().deliveries} == {DeliveryState.COMMITTED, DeliveryState.STORED}
    pass_days(site, 100)
    assert site.modality.purge(older_than=timedelta(0)).objects == ()
    assert len(files(site)) == 1


def test_a_step_that_is_not_archived_keeps_even_what_is_committed(site: FakeSite) -> None:
    with site.modality.start(scheduled_item()) as step:
        lost, kept = site.expose(step), site.expose(step)
    site.commitment.failing[lost.ref] = deque([0x0119])
    site.run_until_idle()
    assert {d.state for d in lost.deliveries + kept.deliveries} == {DeliveryState.FAILED, DeliveryState.COMMITTED}
    pass_days(site, 100)
    assert site.modality.purge(older_than=timedelta(0)).objects == ()
    assert len(files(site)) == 2


def test_a_rejected_object_is_kept_unless_it_has_a_rule_of_its_own(make_site: MakeSite) -> None:
    site = make_site(overrides={"retention": POLICY})
    own = make_site(
        overrides={
            "retention": RetentionPolicy(delete_files="when_committed", keep_days=7, keep_rejected_days=30),
        }
    )
    for each in (site, own):
        with each.modality.start(scheduled_item()) as step:
            blurred, sharp = each.expose(step), each.expose(step)
            step.reject(blurred, RejectionReason.MOTION_BLUR)
        each.run_until_idle()
        assert step.report().archived
        pass_days(each, 29)
        assert files(each) == {f"{blurred.ref.sop_instance_uid}.dcm"}
        assert sharp.ref.sop_instance_uid != blurred.ref.sop_instance_uid
        pass_days(each, 1)
    assert len(files(site)) == 1
    assert files(own) == set()
    assert site.modality.purge(older_than=timedelta(0)).objects == ()


def test_a_clock_that_was_set_back_deletes_nothing_early(site: FakeSite) -> None:
    perform(site)
    site.clock.set(site.clock.now() - timedelta(days=365))
    site.run_until_idle()
    assert len(files(site)) == 1
    assert purge_jobs(site) == [JobState.COMPLETE, JobState.PENDING]
    pass_days(site, 365 + 6.99)
    assert len(files(site)) == 1
    pass_days(site, 0.02)
    assert files(site) == set()


def test_a_policy_that_became_longer_or_was_switched_off_counts(site: FakeSite) -> None:
    perform(site)
    site.overrides = {"retention": RetentionPolicy(delete_files="when_committed", keep_days=20)}
    site.restart()
    pass_days(site, 19)
    assert len(files(site)) == 1
    site.overrides = {}
    site.restart()
    pass_days(site, 1)
    assert len(files(site)) == 1
    assert purge_jobs(site) == [JobState.COMPLETE, JobState.COMPLETE]


@pytest.mark.parametrize("restart", [True, False])
def test_a_file_that_a_crash_left_after_its_mark_goes_later(
    site: FakeSite, restart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (image,) = perform(site)
    path = image.path

    def crash(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(durable, "remove", crash)
        with pytest.raises(KeyboardInterrupt):
            site.modality.purge(older_than=timedelta(0))
    assert path.exists()
    with pytest.raises(StateError, match="deleted here"):
        _ = image.path
    if restart:
        site.restart()
        assert not path.exists()
        assert not (site.data_dir / "orphans").exists()
    report = site.modality.purge()
    assert (report.objects, report.finished) == ((), 0 if restart else 1)
    assert not path.exists()


def test_a_file_that_cannot_be_deleted_is_tried_again(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    perform(site)

    def busy(_: Path) -> None:
        raise PermissionError(13, "in use by another program")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "remove", busy)
        pass_days(site, 7)
    (job,) = site.modality.queue.jobs(kind="PURGE")
    assert (job.state, job.reason) == (JobState.RETRYING, "NOT_DELETED")
    assert "in use" in job.last_error
    pass_days(site, 0.01)
    assert files(site) == set()
    assert purge_jobs(site) == [JobState.COMPLETE]


@pytest.mark.req("FR-DICOM-08")
def test_a_purged_object_is_not_sent_again_and_stays_committed(site: FakeSite) -> None:
    step, _ = perform(site)
    pass_days(site, 7)
    (job,) = site.modality.queue.jobs(kind="C-STORE")
    with pytest.raises(StateError, match="COMPLETE"):
        site.modality.queue.retry(job.id)
    with (
        site.modality.journal.transaction() as tx,
        pytest.raises(StateError, match="cannot be sent again: its file was deleted here"),
    ):
        site.modality.queue.reopen(tx, job.unique_key)
    _, uid, (sop,) = site.commitment.requests[0]
    failed = CommitmentReport(transaction_uid=uid, failed=(FailedReference(sop=sop, failure_reason=0x0112),))
    assert site.modality.apply_commitment_report(failed)
    assert [d.state for d in step.report().deliveries] == [DeliveryState.COMMITTED]
    assert step.report().archived
    assert len(site.storage.received) == 1


@pytest.mark.req("FR-DICOM-08")
def test_a_queued_object_without_its_file_fails_at_once_and_says_why(make_site: MakeSite) -> None:
    site = make_site()
    with site.modality.start(scheduled_item()) as step:
        image = site.expose(step)
    with site.modality.journal.transaction() as tx:
        mark_purged(tx, tx.get_instance(image.ref.sop_instance_uid))
    site.run_until_idle()
    (job,) = site.modality.queue.jobs(kind="C-STORE")
    assert (job.state, job.reason, job.attempts) == (JobState.FAILED, "PURGED", 1)
    assert "deleted here on" in job.last_error
    assert site.storage.received == []
    with (
        site.modality.journal.transaction() as tx,
        pytest.raises(StateError, match="deleted before"),
    ):
        mark_purged(tx, tx.get_instance(image.ref.sop_instance_uid))


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.PENDING])
def test_an_object_that_is_still_to_be_sent_anywhere_keeps_its_file(site: FakeSite, state: JobState) -> None:
    perform(site)
    with site.modality.journal.transaction() as tx:
        tx.execute("UPDATE job SET state = ? WHERE kind = 'C-STORE'", (state,))
    assert site.modality.purge(older_than=timedelta(0)).objects == ()
    assert len(files(site)) == 1
    with site.modality.journal.transaction() as tx:
        tx.execute("UPDATE job SET state = ? WHERE kind = 'C-STORE'", (JobState.COMPLETE,))
    assert len(site.modality.purge(older_than=timedelta(0)).objects) == 1


def test_purging_by_hand_says_what_goes_and_a_dry_run_does_nothing(make_site: MakeSite) -> None:
    site = make_site()
    _, images = perform(site, shots=3)
    size = sum(image.path.stat().st_size for image in images)
    site.clock.advance(DAY)
    assert site.modality.purge(older_than=timedelta(days=2)).objects == ()
    dry = site.modality.purge(older_than=timedelta(days=1), dry_run=True)
    assert (len(dry.objects), dry.size, len(files(site))) == (3, size, 3)
    done = site.modality.purge(older_than=timedelta(days=1))
    assert (done.objects, done.size) == (tuple(image.ref for image in images), size)
    assert files(site) == set()
    assert site.modality.purge(older_than=timedelta(days=1)).objects == ()


def test_records_of_finished_steps_go_and_those_of_others_stay(make_site: MakeSite) -> None:
    site = make_site()
    site.mpps.answers.append(DimseFailure("N-CREATE", 0x0106))  # refused: archived all the same
    refused, _ = perform(site)
    finished, (image,) = perform(site)
    site.clock.advance(DAY)
    recent, _ = perform(site)
    open_step = site.modality.start(scheduled_item())
    site.expose(open_step)
    assert refused.report().archived
    queue = site.modality.queue
    before = {step.uid: queue.jobs(step_uid=step.uid) for step in (refused, recent, open_step)}
    jobs = len(queue.jobs(step_uid=finished.uid))
    dry = site.modality.purge(older_than=timedelta(hours=1), records=True, dry_run=True)
    assert dry.jobs == jobs == len(queue.jobs(step_uid=finished.uid)) > 0
    report = site.modality.purge(older_than=timedelta(hours=1), records=True)
    assert report.jobs == jobs
    assert report.history > jobs
    assert queue.jobs(step_uid=finished.uid) == []
    assert {uid: queue.jobs(step_uid=uid) for uid in before} == before
    names = {e.entity.split()[0] for e in site.modality.history(site.clock.now() - timedelta(days=9))}
    assert not names & {finished.uid, image.ref.sop_instance_uid}
    assert set(before) <= names
    assert finished.report().archived
    assert [d.state for d in finished.report().deliveries] == [DeliveryState.COMMITTED]


ACTIONS = st.one_of(
    st.tuples(st.just("report"), st.integers(0, 9), st.sets(st.integers(0, 1)), st.sampled_from([0x0112, 0x0119, 272])),
    st.tuples(st.just("pass"), st.sampled_from([1, 400, DAY, 8 * DAY])),
    st.tuples(st.just("purge")),
    st.tuples(st.just("retry")),
    st.tuples(st.just("refuse"), st.sampled_from([0xA700, 0xC000, 0x0122])),
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(actions=st.lists(ACTIONS, max_size=10), backup=st.sampled_from(["pacs", False]))
def test_a_file_is_only_ever_deleted_when_every_destination_has_committed_it(
    actions: list[tuple], backup: str | bool
) -> None:
    with (
        TemporaryDirectory() as directory,
        FakeSite(
            data_dir=Path(directory) / "site",
            storage_destinations=("pacs", "backup"),
            commitment_of={"pacs": True, "backup": backup},
            overrides={"retention": POLICY},
        ) as site,
    ):
        site.commitment.report_to = None
        step, _ = perform(site, shots=2)
        for action in actions:
            match action:
                case "report", index, bad, reason if site.commitment.requests:
                    _, uid, references = site.commitment.requests[index % len(site.commitment.requests)]
                    failed = {references[i % len(references)] for i in bad}
                    site.modality.apply_commitment_report(
                        CommitmentReport(
                            transaction_uid=uid,
                            committed=tuple(r for r in references if r not in failed),
                            failed=tuple(FailedReference(sop=r, failure_reason=reason) for r in sorted(failed)),
                        )
                    )
                case "pass", seconds:
                    site.clock.advance(seconds)
                case ("purge",):
                    site.modality.purge(older_than=timedelta(0))
                case ("retry",):
                    for job in site.modality.queue.jobs(states={JobState.FAILED}):
                        site.modality.queue.retry(job.id)
                case "refuse", status:
                    site.storage.answers.append(status)
            site.run_until_idle()
            present = files(site)
            for image in step.instances:
                committed = all(d.state is DeliveryState.COMMITTED for d in image.deliveries)
                assert (committed and step.report().archived) or f"{image.ref.sop_instance_uid}.dcm" in present
