"""``modality worklist``: the scheduled procedure steps."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter
from rich.table import Table

from modality_sdk.cli.console import make_console, make_table
from modality_sdk.cli.options import Connection, config_option, connection_options, json_option
from modality_sdk.dataset import with_keys
from modality_sdk.errors import InvalidValue
from modality_sdk.model import WorklistItem, WorklistQuery, WorklistResult
from modality_sdk.workflow import Modality

__all__ = ["items_table", "worklist"]

_NAMED_KEYS = 3


def _read_date(text: str | None) -> date | tuple[date | None, date | None] | None:
    if text in (None, "", "all"):
        return None
    try:
        if text == "today":
            return date.today()  # noqa: DTZ011 - the operator's day
        if "/" in text:
            first, last = text.split("/", 1)
            return (date.fromisoformat(first) if first else None, date.fromisoformat(last) if last else None)
        return date.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter("a date is YYYY-MM-DD, FIRST/LAST, today or all") from error


@click.command()
@click.argument("peer", nargs=-1)
@click.option("--date", "day", default="today", show_default=True, help="YYYY-MM-DD, FIRST/LAST, today or all.")
@click.option("--modality", "modality_", help="Only this modality (default: the configured one; 'all' for any).")
@click.option("--station", help="Only steps for this station AE title.")
@click.option("--name", "patient_name", default="", help="Patient's name, with * and ?.")
@click.option("--patient-id", default="")
@click.option("--accession", "accession_number", default="")
@click.option("--procedure", "requested_procedure_id", default="", help="Requested Procedure ID.")
@click.option("--timezone", "adjust_timezone", is_flag=True, help="Have days and times taken in our time zone.")
@click.option("--fuzzy", is_flag=True, help="Have names matched by their sound, where PEER can.")
@click.option(
    "-k",
    "typed",
    metavar="KEY=VALUE",
    multiple=True,
    help="Any key: PatientID=1, 0010,0020=1 or ScheduledProcedureStepSequence[0].Modality=DX. Repeatable.",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many items.")
@config_option
@json_option
@connection_options
def worklist(
    peer: tuple[str, ...],
    day: str,
    modality_: str | None,
    station: str | None,
    typed: tuple[str, ...],
    config: Path | None,
    as_json: bool,
    connection: Connection,
    **keys: Any,
) -> int:
    """Ask the worklist of PEER (default: the one in the configuration).

    A key given by -k goes before the option for the same attribute; the day and the modality asked for by default
    hold beside it.
    """
    settings = connection.settings(config)
    query = WorklistQuery(
        start_date=_read_date(day),
        modality="" if modality_ == "all" else modality_ or settings.modality,
        scheduled_station_ae_title=station or "",
        **keys,
    )
    target = connection.peer(peer or (settings.worklist,), settings)
    try:
        result = Modality(settings).worklist.query(with_keys(query, typed), peer=target)
    except InvalidValue as error:  # of a key; what the peer answers is read leniently
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(_as_json(result), ensure_ascii=False, indent=2))
    else:
        make_console().print(items_table(result))
        if result.truncated:
            click.echo("there may be more: the answer was truncated", err=True)
        if result.unsupported_keys:
            named, more = result.unsupported_keys[:_NAMED_KEYS], len(result.unsupported_keys) - _NAMED_KEYS
            rest = f" and {more} more, which --json lists" if more > 0 else ""
            click.echo(f"the peer does not support {', '.join(named)}{rest}", err=True)
        elif result.warned:
            click.echo("the peer does not support some keys, and does not show which", err=True)
        for problem in result.problems:
            what = "left out" if problem.fatal else "read leniently"
            click.echo(f"answer {problem.index + 1} {what}: {problem.attribute}: {problem.rule}", err=True)
    return 0


def _as_json(result: WorklistResult) -> dict[str, object]:
    return {
        "items": TypeAdapter(tuple[WorklistItem, ...]).dump_python(result.items, mode="json"),
        "truncated": result.truncated,
        "unsupported_keys": list(result.unsupported_keys),
        "warned": result.warned,
        "fuzzy": result.fuzzy,
        "timezone_adjusted": result.timezone_adjusted,
        "problems": [{"index": p.index, "attribute": p.attribute, "rule": p.rule} for p in result.problems],
    }


def items_table(items: WorklistResult) -> Table:
    """The items as a table for people; it shows patient data, that is its purpose."""
    table = make_table("Time", "Patient", "ID", "Born", "Sex", "Accession", "Procedure", "Modality", "Station")
    for item in items:
        start = item.scheduled_procedure_step_start_time
        patient = item.patient
        table.add_row(
            start.strftime("%H:%M") if start else "",
            patient.name,
            patient.patient_id,
            patient.birth_date.isoformat() if patient.birth_date else "",
            patient.sex,
            item.accession_number,
            item.scheduled_procedure_step_description or item.requested_procedure_description,
            item.modality,
            ", ".join(item.scheduled_station_ae_titles),
        )
    return table
