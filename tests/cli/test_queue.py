"""``modality queue`` as an operator types it, beside a program that has the store open."""

import io
import json
from datetime import timedelta

import pytest

from modality_sdk.model import DestinationState, JobState
from modality_sdk.testing.fake_site import FakeSite, scheduled_item

pytestmark = pytest.mark.req("FR-DICOM-08")


def ids(out: str) -> list[int]:
    return [job["id"] for job in json.loads(out)["jobs"]]


def states(site: FakeSite) -> dict[int, JobState]:
    return {job.id: job.state for job in site.modality.queue.jobs()}


# list


def test_list_tells_jobs_destinations_and_the_delivery_of_every_object(half_sent, run_queue) -> None:
    code, out, err = run_queue("list", "--json")
    answer = json.loads(out)
    assert (code, err, answer["total"], answer["truncated"]) == (0, "", 3, False)
    jobs = {(job["destination"], job["state"], job["reason"]) for job in answer["jobs"]}
    assert ("pacs", "FAILED", "STATUS_A900") in jobs
    assert ("backup", "PENDING", "ConnectError") in jobs
    backup, pacs, ris = answer["destinations"]
    assert (backup["name"], backup["state"], backup["waiting"]) == ("backup", "HELD", 2)
    assert "refused" in backup["cause"]
    assert backup["since"] < backup["next_probe"]
    assert (pacs["state"], pacs["waiting"], pacs["jobs"]) == ("OPEN", 0, {"COMPLETE": 2, "FAILED": 1})
    assert ris["jobs"] == {"COMPLETE": 2}
    first, second = half_sent.first.ref.sop_instance_uid, half_sent.second.ref.sop_instance_uid
    assert {(d["sop_instance_uid"], d["destination"]): d["state"] for d in answer["deliveries"]} == {
        (first, "backup"): "WAITING",
        (first, "pacs"): "FAILED",
        (second, "backup"): "WAITING",
        (second, "pacs"): "COMMITTED",
    }


def test_list_for_people_names_the_cause_and_the_next_question(half_sent, run_queue) -> None:
    code, out, _ = run_queue("list")
    assert code == 0
    assert "backup is HELD since" in out
    assert "2 wait, 0 failed, asked again" in out
    assert out.index("no connection to 127.0.0.1:104: refused") > 0
    half_sent.site.modality.queue.cancel(half_sent.job(image=half_sent.first))
    assert "nothing waits" in run_queue("list", "--destination", "pacs")[1]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--all"], 9),
        (["--state", "complete"], 4),
        (["--state", "complete", "--state", "FAILED"], 5),
        (["--destination", "backup"], 2),
        (["--destination", "ris"], 0),
        (["--destination", "ris", "--all"], 2),
        (["--kind", "c-store"], 3),
        (["--kind", "PURGE"], 0),
        (["--since", "1h"], 3),
        (["--since", "2999-01-01"], 0),
        (["--older-than", "0s"], 3),
        (["--older-than", "1h"], 0),
        (["--limit", "2"], 2),
        (["--limit", "0"], 3),
    ],
)
def test_list_filters(half_sent, run_queue, words: list[str], found: int) -> None:
    code, out, _ = run_queue("list", "--json", *words)
    assert code == 0
    assert len(ids(out)) == found
    if "2" in words:
        assert (json.loads(out)["total"], json.loads(out)["truncated"]) == (3, True)
        assert "2 of 3 are shown" in run_queue("list", *words)[1]


def test_list_filters_by_step_and_object(half_sent, run_queue) -> None:
    uid = half_sent.second.ref.sop_instance_uid
    _, out, _ = run_queue("list", "--json", "--instance", uid)
    assert ids(out) == [half_sent.job(destination="backup", image=half_sent.second)]
    assert {d["sop_instance_uid"] for d in json.loads(out)["deliveries"]} == {uid}
    assert len(ids(run_queue("list", "--json", "--step", half_sent.step.uid)[1])) == 3
    assert ids(run_queue("list", "--json", "--step", "1.2.3")[1]) == []


def test_our_own_reminders_are_listed_only_when_asked_for(make_queue_site, run_queue) -> None:
    site = make_queue_site()
    site.commitment.report_to = None
    with site.modality.start(scheduled_item()) as step:
        site.expose(step)
    site.run_until_idle()
    assert ids(run_queue("list", "--json")[1]) == []
    _, out, _ = run_queue("list", "--json", "--kind", "COMMITMENT-DEADLINE")
    (reminder,) = json.loads(out)["jobs"]
    assert (reminder["destination"], reminder["state"]) == ("", "PENDING")
    assert reminder["id"] in ids(run_queue("list", "--json", "--all")[1])


# show


def test_show_tells_the_history_of_a_job_with_its_reasons(half_sent, run_queue) -> None:
    job_id = half_sent.job(image=half_sent.first)
    code, out, _ = run_queue("show", job_id, "--json")
    answer = json.loads(out)
    assert code == 0
    assert [job["id"] for job in answer["jobs"]] == [job_id]
    steps = [(e["before"], e["after"], e["detail"]) for e in answer["history"] if e["kind"] == "job"]
    assert steps == [
        ("", "PENDING", "C-STORE pacs"),
        ("PENDING", "IN_FLIGHT", ""),
        ("IN_FLIGHT", "FAILED", "STATUS_A900"),
    ]
    assert [d["state"] for d in answer["deliveries"]] == ["FAILED"]
    assert answer["instances"][0]["sop_class"] == "Digital X-Ray Image Storage - For Presentation"
    code, out, _ = run_queue("show", job_id)
    assert code == 0
    assert "STATUS_A900" in out


def test_show_tells_the_chain_of_commitment_requests(make_queue_site, run_queue) -> None:
    site = make_queue_site()
    site.commitment.report_to = None
    with site.modality.start(scheduled_item()) as step:
        image = site.expose(step)
    site.run_until_idle()
    for seconds in (300, 300):
        site.clock.advance(seconds)
        site.run_until_idle()
    first, second = (uid for _, uid, _ in site.commitment.requests)
    (action,) = [j.id for j in site.modality.queue.jobs(kind="N-ACTION") if j.transaction_uid == first]
    for subject in (image.ref.sop_instance_uid, step.uid, first, second, action):
        code, out, _ = run_queue("show", subject, "--json")
        answer = json.loads(out)
        assert code == 0
        chain = [(c["transaction_uid"], c["predecessor"], c["state"]) for c in answer["commitments"]]
        assert chain == [(first, "", "TIMED_OUT"), (second, first, "REQUESTED")]
        assert [i["sop_instance_uid"] for i in answer["instances"]] == [image.ref.sop_instance_uid]
        assert any(e["kind"] == "commitment" and e["after"] == "TIMED_OUT" for e in answer["history"])
        assert f"repeats {first}" in run_queue("show", subject)[1]


@pytest.mark.parametrize(
    ("subject", "code", "words"),
    [
        ("99", 1, "no job 99"),
        ("1.2.3", 1, "no object, step or commitment transaction"),
        ("9" * 30, 1, "no object"),
        ("Müll", 2, "the number of a job or a UID"),
        ("0", 1, "no job 0"),
        ("-1", 2, ""),
    ],
)
def test_show_of_what_is_not_there(half_sent, run_queue, subject: str, code: int, words: str) -> None:
    if subject == "Müll":
        subject = "../x"
    found, out, err = run_queue("show", subject)
    assert (found, out) == (code, "")
    assert words in err


# retry and cancel


def test_retry_says_of_each_job_what_happened_and_leaves_none_half_done(half_sent, run_queue) -> None:
    failed, waits = half_sent.job(image=half_sent.first), half_sent.job(destination="backup", image=half_sent.first)
    code, out, err = run_queue("retry", waits, failed, 99)
    assert code == 1
    assert f"{failed} C-STORE pacs: back in the queue" in out
    assert out.endswith("1 back in the queue, 2 not\n")
    assert f"job {waits} is PENDING; only a FAILED or CANCELLED one is tried again" in err
    assert "there is no job 99" in err
    assert states(half_sent.site)[failed] is JobState.PENDING
    code, out, _ = run_queue("retry", failed, "--json")
    assert code == 1
    (row,) = json.loads(out)["jobs"]
    assert (row["id"], row["done"], row["state"]) == (failed, False, None)
    half_sent.site.run_until_idle()
    assert states(half_sent.site)[failed] is JobState.COMPLETE


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--failed"], 1),
        (["--destination", "pacs"], 1),
        (["--destination", "backup"], 0),
        (["--failed", "--step", "1.2.3"], 0),
    ],
)
def test_retry_by_filters(half_sent, run_queue, words: list[str], count: int) -> None:
    code, out, _ = run_queue("retry", "--json", *words)
    assert code == 0
    assert [row["state"] for row in json.loads(out)["jobs"]] == ["PENDING"] * count


def test_a_retried_job_of_a_closed_destination_says_that_it_waits(half_sent, run_queue) -> None:
    half_sent.site.modality.queue.pause("pacs")
    _, out, _ = run_queue("retry", "--step", half_sent.step.uid)
    assert "back in the queue; pacs is PAUSED" in out


def test_cancel_asks_first_and_says_what_is_lost(half_sent, run_queue, monkeypatch: pytest.MonkeyPatch) -> None:
    before = states(half_sent.site)
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody answers
    code, out, err = run_queue("cancel", "--destination", "backup")
    assert (code, out) == (1, "")
    assert "Cancel 2 C-STORE? Objects whose C-STORE is cancelled are NOT sent." in err
    assert "nothing was cancelled" in err
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    assert run_queue("cancel", "--failed")[0] == 1
    assert states(half_sent.site) == before
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    code, out, _ = run_queue("cancel", "--failed")
    assert (code, out.splitlines()[-1]) == (0, "1 cancelled")


def test_cancel_refuses_what_is_being_sent_and_names_the_rule(half_sent, run_queue) -> None:
    site = half_sent.site
    site.modality.queue.resume("backup")
    flying = site.modality.queue.claim("backup")
    assert flying is not None
    code, out, err = run_queue("cancel", "--step", half_sent.step.uid, "--yes")
    assert code == 1
    assert f"job {flying.id} is IN_FLIGHT and cannot be cancelled: what is being sent may have arrived" in err
    assert out.endswith("2 cancelled, 1 not\n")
    assert list(states(site).values()).count(JobState.CANCELLED) == 2
    code, out, _ = run_queue("cancel", 1, 99, "--yes", "--json")
    assert code == 1
    assert [row["done"] for row in json.loads(out)["jobs"]] == [False, False]


def test_a_cancelled_object_is_told_as_failed_and_can_be_retried(half_sent, run_queue) -> None:
    waits = half_sent.job(destination="backup", image=half_sent.second)
    assert run_queue("cancel", waits, "--yes")[0] == 0
    assert {d.destination: d.state.value for d in half_sent.second.deliveries}["backup"] == "FAILED"
    assert run_queue("retry", waits)[0] == 0
    assert {d.destination: d.state.value for d in half_sent.second.deliveries}["backup"] == "WAITING"


# pause and resume


def test_a_paused_destination_is_sent_nothing_until_it_is_resumed(half_sent, run_queue) -> None:
    site = half_sent.site
    code, out, _ = run_queue("pause", "pacs", "backup")
    assert code == 0
    assert "pacs is PAUSED since" in out
    assert "backup is PAUSED since" in out
    run_queue("retry", "--failed")
    received = len(site.storage.received)
    site.clock.advance(3600)
    site.run_until_idle()
    assert len(site.storage.received) == received
    code, out, _ = run_queue("resume", "--all", "--json")
    assert code == 0
    assert {d["state"] for d in json.loads(out)["destinations"]} == {"OPEN"}
    site.run_until_idle()
    assert half_sent.step.report().archived


def test_a_wrong_name_pauses_nothing_and_the_nearest_is_proposed(half_sent, run_queue) -> None:
    code, _, err = run_queue("pause", "ris", "pasc")
    assert code == 2
    assert "did you mean 'pacs'?" in err
    assert {d.name: d.state for d in half_sent.site.modality.queue.destinations()} == {
        "backup": DestinationState.HELD,
        "pacs": DestinationState.OPEN,
        "ris": DestinationState.OPEN,
    }


def test_a_peer_that_the_configuration_no_longer_names_can_still_be_resumed(half_sent, run_queue, tmp_path) -> None:
    path = tmp_path / "modality.toml"
    text = path.read_text(encoding="utf-8").replace('storage = ["pacs", "backup"]', 'storage = ["pacs"]')
    path.write_text(text.replace("[peers.backup]", "[peers.vna]"), encoding="utf-8")
    code, out, _ = run_queue("resume", "backup")
    assert code == 0
    assert "backup is OPEN, 2 wait" in out


# purge


@pytest.mark.req("FR-DICOM-05")
def test_purge_frees_what_is_committed_and_says_how_much(make_queue_site, run_queue) -> None:
    more = '[retention]\ndelete_files = "when_committed"\nkeep_days = 1\n'
    site = make_queue_site(more, commitment_of={"pacs": True, "backup": "pacs"})
    site.clock.set(site.clock.now() - timedelta(days=2))
    with site.modality.start(scheduled_item()) as step:
        image = site.expose(step)
    site.run_until_idle()
    site.clock.advance(301)  # ends the last reminder
    site.run_until_idle()
    path, size = image.path, image.path.stat().st_size
    code, out, _ = run_queue("purge", "--dry-run", "--json")
    answer = json.loads(out)
    assert (code, answer["dry_run"], answer["files"], answer["bytes"]) == (0, True, 1, size)
    assert answer["sop_instance_uids"] == [image.ref.sop_instance_uid]
    assert run_queue("purge", "--older-than", "3d")[1].startswith("0 files deleted")
    assert run_queue("purge", "--dry-run", "--records")[1].startswith("1 files would be deleted")
    assert path.exists()
    code, out, _ = run_queue("purge", "--records")
    assert code == 0
    assert out.splitlines()[0].startswith("1 files deleted, ")
    assert "finished transmissions and" in out.splitlines()[1]
    assert not path.exists()
    assert site.modality.queue.jobs(step_uid=step.uid) == []
    assert "deleted" in run_queue("show", image.ref.sop_instance_uid)[1]


# wrong input


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["list", "--destination", "pasc"], "did you mean 'pacs'?"),
        (["list", "--state", "LOST"], "--state"),
        (["list", "--kind", "C-MOVE"], "--kind"),
        (["list", "--since", "yesterday"], "--since"),
        (["list", "--older-than", "7"], "--older-than"),
        (["list", "--older-than", "999999999d"], "--older-than"),
        (["list", "--limit", "-1"], "--limit"),
        (["list", "--step", "step one"], "--step"),
        (["list", "--instance", "1..2"], "--instance"),
        (["retry"], "--failed"),
        (["retry", "1", "--failed"], "not both"),
        (["retry", "one"], "one"),
        (["retry", "0"], "0"),
        (["retry", "99999999999999999999"], "9999"),
        (["retry", "--destination", "pasc"], "did you mean 'pacs'?"),
        (["cancel", "--yes"], "--failed"),
        (["cancel", "--destination", "pasc", "--yes"], "did you mean 'pacs'?"),
        (["pause"], "--all"),
        (["pause", "pacs", "--all"], "not both"),
        (["resume", ""], "destination"),
        (["drain", "--timeout", "0"], "--timeout"),
        (["drain", "--destination", "pasc"], "did you mean 'pacs'?"),
        (["purge"], "--older-than"),
        (["purge", "--older-than", "-1d"], "--older-than"),
        (["export", "out"], "--failed"),
        (["export", "out", "--instance", "x"], "--instance"),
    ],
)
def test_wrong_input_exits_2_names_what_is_wrong_and_changes_nothing(half_sent, run_queue, words, named) -> None:
    before = states(half_sent.site)
    code, out, err = run_queue(*words)
    assert (code, out) == (2, "")
    assert named in err
    assert states(half_sent.site) == before


@pytest.mark.parametrize("words", [["list"], ["show", "1"], ["drain"], ["purge", "--older-than", "1d"], ["pause", "p"]])
def test_where_no_modality_has_worked_nothing_is_made(run_queue, tmp_path, words: list[str]) -> None:
    code, _, err = run_queue(*words)
    assert code == 2
    assert "no modality has worked here yet" in err
    assert list(tmp_path.iterdir()) == []
