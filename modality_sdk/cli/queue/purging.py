"""``modality queue purge``: free the disk of what the archives have committed."""

import json
from datetime import timedelta
from pathlib import Path

import click
from rich.filesize import decimal

from modality_sdk.cli.options import config_option, json_option
from modality_sdk.cli.queue.opening import opened, parse_age

__all__ = ["purge"]


@click.command()
@click.option(
    "--older-than", type=parse_age, metavar="AGE", help="Archived longer ago than this, like 7d; default: keep_days."
)
@click.option("--records", is_flag=True, help="Also records and history of finished transmissions of steps as old.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@config_option
@json_option
def purge(older_than: timedelta | None, records: bool, dry_run: bool, config: Path | None, as_json: bool) -> int:
    """Delete the files of objects that every storage destination has committed, of archived steps alone.

    Rejected objects go only by the rule of [retention]. Failed and waiting transmissions keep their files and records.
    """
    with opened(config) as modality:
        if older_than is None and modality.settings.retention.keep_committed is None:
            raise click.UsageError('retention.delete_files is "never": give --older-than to delete by hand')
        report = modality.purge(older_than=older_than, records=records, dry_run=dry_run)
    if as_json:
        answer = {
            "dry_run": dry_run,
            "files": len(report.objects),
            "bytes": report.size,
            "finished": report.finished,
            "jobs": report.jobs,
            "history": report.history,
            "sop_instance_uids": [sop.sop_instance_uid for sop in report.objects],
        }
        click.echo(json.dumps(answer, indent=2))
        return 0
    would = "would be " if dry_run else ""
    click.echo(f"{len(report.objects)} files {would}deleted, {decimal(report.size)} {would}freed")
    if report.finished:
        click.echo(f"{report.finished} files deleted that an interrupted purge had left")
    if records:
        rows = "" if dry_run else f" and {report.history} rows of their history"
        click.echo(f"{report.jobs} finished transmissions{rows} {would}removed; the journal uses their space again")
    return 0
