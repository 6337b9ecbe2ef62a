"""From starting the program to the first object sent, with 100,000 objects in spool and queue."""

from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from measuring import alternate, report

from modality_sdk.journal import InstanceRecord
from modality_sdk.model import DeliveryState
from modality_sdk.queue import JobRequest, Outcome, OutcomeKind
from modality_sdk.testing.fake_site import FakeSite
from modality_sdk.uid import UidGenerator

LENGTHS = (100, 100_000)
GOAL = 5.0


def fill(site: FakeSite, length: int) -> None:
    """Objects of one byte, each with its file, its row, its delivery and its job."""
    step = site.modality.start(site.worklist.items[0])
    model = site.expose(step)
    journal, queue, uids = site.modality._opened().durable.journal, site.modality.queue, UidGenerator("")
    with journal.transaction() as tx:
        record: InstanceRecord = tx.get_instance(model.ref.sop_instance_uid)
        for _ in range(length - 1):
            sop = replace(record.sop, sop_instance_uid=uids.new())
            path = str(journal.spool._path_of(sop.sop_instance_uid))
            target = journal.spool.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(b"\0")
            tx.add_instance(replace(record, sop=sop, file=replace(record.file, path=path)))
            tx.set_delivery(sop, "pacs", DeliveryState.WAITING)
            queue.submit(
                tx,
                JobRequest(
                    kind="C-STORE",
                    destination="pacs",
                    step_uid=record.step_uid,
                    sop_instance_uid=sop.sop_instance_uid,
                    priority=1,
                    unique_key=f"C-STORE|{sop.sop_instance_uid}|pacs",
                ),
            )


def first_sent(site: FakeSite) -> None:
    """Open the modality and claim the first C-STORE, as the worker does; put it back and close."""
    site.open()
    job = site.modality.queue.claim("pacs")
    assert job is not None
    journal = site.modality._opened().durable.journal
    with journal.read() as tx:
        record = tx.get_instance(job.sop_instance_uid)
    journal.spool.rendition(record.sop, record.file)
    site.modality.queue.finish(job, Outcome(kind=OutcomeKind.RELEASE))
    site.close()


def main() -> None:
    """Measure and print."""
    with TemporaryDirectory(dir=Path.cwd()) as name:
        sites = {}
        for length in LENGTHS:
            site = sites[f"{length:,} waiting"] = FakeSite(data_dir=Path(name) / str(length))
            fill(site, length)
            site.close()
        taken = alternate({label: lambda site=site: first_sent(site) for label, site in sites.items()}, runs=7)
    largest = median(taken[f"{LENGTHS[-1]:,} waiting"])
    report(
        "Opening, to the first object on its way",
        taken,
        f"{LENGTHS[0]:,} waiting",
        f"at most {GOAL:.0f} s with {LENGTHS[-1]:,} waiting",
        f"That is {largest / GOAL:.0%} of what it may take.",
    )


if __name__ == "__main__":
    main()
