"""``modality queue export``: plain files and a list of them, for the day when the archive is gone for good."""

import json
from collections.abc import Collection
from datetime import datetime
from io import BytesIO
from pathlib import Path

import click

from modality_sdk.cli.options import config_option, json_option
from modality_sdk.cli.queue.forms import instance_json
from modality_sdk.cli.queue.opening import opened, parse_uid
from modality_sdk.errors import ConfigurationError, InvalidValue, ModalityError, StateError
from modality_sdk.journal import (
    FileRendition,
    InstanceRecord,
    Journal,
    copy_out,
    find_deliveries,
    find_instances,
    knows_step,
)
from modality_sdk.model import DeliveryState

__all__ = ["export"]

_MANIFEST = "manifest.json"

Row = dict[str, object]

_NOTHING: Row = {"file": None, "sha256": None, "intact": False, "problem": ""}


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--failed", is_flag=True, help="Objects that failed at a destination.")
@click.option("--waiting", is_flag=True, help="Objects that a destination does not have yet.")
@click.option("--step", "steps", type=parse_uid, metavar="UID", multiple=True, help="Objects of this step; repeatable.")
@click.option("--instance", "uids", type=parse_uid, metavar="UID", multiple=True, help="This object; repeatable.")
@click.option("--orphans", is_flag=True, help="Also files that the journal does not know.")
@config_option
@json_option
def export(
    folder: Path,
    failed: bool,
    waiting: bool,
    steps: tuple[str, ...],
    uids: tuple[str, ...],
    orphans: bool,
    config: Path | None,
    as_json: bool,
) -> int:
    """Copy objects as DICOM files, named by their UIDs, with a manifest.json to an empty or new FOLDER.

    The queue stays as it is. THE FILES NAME PATIENTS: keep them accordingly. Exits with 1 when an object is missing or
    damaged.
    """
    by_state = {DeliveryState.FAILED: failed, DeliveryState.WAITING: waiting}
    states = {state for state, wanted in by_state.items() if wanted}
    if not (states or steps or uids or orphans):
        raise click.UsageError("choose objects by --failed, --waiting, --step, --instance or --orphans")
    with opened(config) as modality:
        journal = modality.journal
        records = _records(journal, states, steps, uids) if states or steps or uids else []
        _prepare(folder, journal.data_dir)
        rows = [_copy(journal, record, folder) for record in records]
        rows += _copy_orphans(journal, folder / "orphans") if orphans else []
    missing = sum(row["file"] is None or not row["intact"] for row in rows)
    answer = {"created": datetime.now().astimezone().isoformat(), "objects": rows}
    text = json.dumps(answer, indent=2)
    copy_out(BytesIO(f"{text}\n".encode()), folder / _MANIFEST)
    if as_json:
        click.echo(text)
        return 1 if missing else 0
    for row in rows:
        if row["problem"]:
            click.echo(f"{row['sop_instance_uid']}: {row['problem']}", err=True)
    click.echo(f"{len(rows) - missing} objects exported to {folder}" + (f", {missing} not intact" if missing else ""))
    return 1 if missing else 0


def _records(
    journal: Journal, states: Collection[DeliveryState], steps: Collection[str], uids: Collection[str]
) -> list[InstanceRecord]:
    with journal.read() as tx:
        for uid in uids:
            tx.get_instance(uid)
        for uid in steps:
            if not knows_step(tx, uid):
                raise StateError(f"step {uid} is unknown")
        return find_instances(tx, uids=uids or None, steps=steps or None, states=states or None)


def _prepare(folder: Path, data_dir: Path) -> None:
    """Make the folder; refuse one that holds anything, or lies in the store, whose files are the journal's alone."""
    if folder.resolve().is_relative_to(data_dir.resolve()):
        raise ConfigurationError("FOLDER", "must not lie in data_dir", str(folder))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigurationError("FOLDER", "must be empty or new; nothing is overwritten", str(folder))


def _copy(journal: Journal, record: InstanceRecord, folder: Path) -> Row:
    uid = record.sop.sop_instance_uid
    with journal.read() as tx:
        states = {d.destination: d.state.value for d in find_deliveries(tx, uids={uid})}
    row = _NOTHING | instance_json(record) | {"destinations": states}
    if record.purged is not None:
        return row | {"problem": "its file was deleted here because it is committed, or was rejected"}
    try:
        with journal.spool.open_file(record.sop, record.file) as source:
            path, digest = copy_out(source, folder / f"{uid}.dcm", record.file.sha256)
    except FileNotFoundError:
        return row | {"problem": "its file is not in the spool"}
    except ModalityError as error:
        return row | {"problem": str(error)}
    intact = digest == record.file.sha256
    problem = "" if intact else "its file is damaged: another digest than when it was written"
    return row | {"file": path.name, "sha256": digest, "intact": intact, "problem": problem}


def _copy_orphans(journal: Journal, folder: Path) -> list[Row]:
    found = journal.spool.orphans()
    if found:
        folder.mkdir(mode=0o700)
    return [_copy_orphan(journal, path, folder, number) for number, path in enumerate(found, start=1)]


def _copy_orphan(journal: Journal, orphan: Path, folder: Path, number: int) -> Row:
    """Named by its UID and a number: an orphan may be a second file of an object."""
    row = _NOTHING | {"sop_instance_uid": "", "destinations": {}}
    try:
        with journal.spool.open_orphan(orphan) as source:
            path, digest = copy_out(source, folder / f"{number}.dcm")
    except ModalityError as error:
        return row | {"problem": f"orphan {number}: {error}"}
    try:
        sop = FileRendition.from_file(path).sop
    except InvalidValue as error:
        problem = f"orphan {number}: {error.rule}"
        return row | {"file": f"{folder.name}/{path.name}", "sha256": digest, "problem": problem}
    named = path.rename(path.with_name(f"{sop.sop_instance_uid}-{number}.dcm"))
    return row | {
        "sop_class_uid": sop.sop_class_uid,
        "sop_instance_uid": sop.sop_instance_uid,
        "file": f"{folder.name}/{named.name}",
        "sha256": digest,
        "intact": True,
    }
