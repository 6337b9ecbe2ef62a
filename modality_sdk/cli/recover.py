"""``modality queue recover``: rebuild the journal when its database is damaged or gone."""

import json
from pathlib import Path

import click

from modality_sdk.cli.options import config_option, json_option, load_settings
from modality_sdk.workflow import Modality, RecoveryReport

__all__ = ["recover"]


@click.command()
@click.option(
    "--backup",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Begin with this copy of the database (default: the newest good one).",
)
@config_option
@json_option
def recover(backup: Path | None, config: Path | None, as_json: bool) -> int:
    """Rebuild a damaged or lost journal from its backup and the objects on the disk.

    Stop the acquisition program first. A healthy journal is left alone; nothing is deleted. 1 when an object could
    not be rebuilt, or is missing.
    """
    report = Modality(load_settings(config)).recover(backup=backup)
    if as_json:
        click.echo(json.dumps(_as_json(report), indent=2))
    else:
        click.echo("\n".join(_in_words(report)))
    return 1 if report.unreadable or report.missing else 0


def _in_words(report: RecoveryReport) -> list[str]:
    lines = [f"the backup {path} is damaged and was passed over" for path in report.refused_backups]
    lines.append(f"began with the backup {report.backup}" if report.backup else "began anew: there is no good backup")
    if report.damaged:
        lines.append(f"the damaged database lies in {report.damaged}")
    lines.append(f"{len(report.objects)} objects and {len(report.steps)} steps rebuilt from the files of the spool")
    lines.append(f"{report.open_jobs} transmissions to make, or to repeat in case they were made meanwhile")
    if report.open_steps:
        lines.append("steps to complete or to discontinue in the acquisition program:")
        lines += [f"  {uid}" for uid in report.open_steps]
    for file in report.unreadable:
        lines.append(f"not rebuilt, kept as {file.path}: {file.rule}")
    if report.missing:
        lines.append("objects whose file is gone; restore it from elsewhere, or they are not sent:")
        lines += [f"  {uid}" for uid in report.missing]
    return lines


def _as_json(report: RecoveryReport) -> dict[str, object]:
    return {
        "backup": str(report.backup) if report.backup else None,
        "refused_backups": [str(path) for path in report.refused_backups],
        "damaged": str(report.damaged) if report.damaged else None,
        "steps": list(report.steps),
        "open_steps": list(report.open_steps),
        "objects": [sop.sop_instance_uid for sop in report.objects],
        "open_jobs": report.open_jobs,
        "unreadable": [{"path": str(file.path), "rule": file.rule} for file in report.unreadable],
        "missing": list(report.missing),
    }
