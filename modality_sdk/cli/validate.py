"""``modality validate``: are these files what the standard demands?"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from pydicom import Dataset, dcmread

from modality_sdk.cli.options import json_option
from modality_sdk.iod.validation import validate as judge
from modality_sdk.iod.validation import validate_exam
from modality_sdk.model import Finding, Severity

__all__ = ["validate"]

_UNREADABLE = 2
_FOUND = 1


@click.command()
@click.argument("names", metavar="FILE...", nargs=-1, required=True)
@click.option("--exam", "as_exam", is_flag=True, help="The files are one exam: judge them together, too.")
@click.option("--warnings-as-errors", is_flag=True, help="Exit with 1 on warnings as well.")
@json_option
def validate(names: tuple[str, ...], as_exam: bool, warnings_as_errors: bool, as_json: bool) -> int:
    """Judge FILEs (or all DICOM files below folders) by the standard.

    Exit codes: 0 no errors; 1 errors found; 2 a FILE cannot be read. No value of a file is printed but UIDs.
    """
    read, refused = _read(names)
    for path, why in refused:
        click.echo(f"{path}: {why}", err=True)
    if not read and not refused:
        raise click.BadParameter("no DICOM file found")
    paths = {uid: path for path, dataset in read if (uid := _uid(dataset))}
    found: list[tuple[Path | None, Finding]] = []
    if as_exam:
        together = validate_exam(dataset for _, dataset in read)
        found += [(paths.get(finding.sop_instance_uid), finding) for finding in together]
    else:
        found += [(path, finding) for path, dataset in read for finding in judge(dataset)]
    _print_json(found) if as_json else _print(found, len(read))
    bad = [f for _, f in found if warnings_as_errors or f.severity is Severity.ERROR]
    return _UNREADABLE if refused else _FOUND if bad else 0


def _read(names: Sequence[str]) -> tuple[list[tuple[Path, Dataset]], list[tuple[Path, str]]]:
    """What can be read, and why the rest cannot."""
    read: list[tuple[Path, Dataset]] = []
    refused: list[tuple[Path, str]] = []
    for path in _files(names):
        try:
            read.append((path, dcmread(path)))
        except OSError as error:
            refused.append((path, error.strerror or type(error).__name__))
        except Exception as error:  # pydicom raises whatever the bytes provoke
            refused.append((path, f"is no DICOM file ({type(error).__name__})"))
    return read, refused


def _files(names: Sequence[str]) -> Iterator[Path]:
    for name in names:
        path = Path(name)
        if path.is_dir():
            yield from (file for file in sorted(path.rglob("*")) if file.is_file() and _is_dicom(file))
        else:
            yield path


def _is_dicom(path: Path) -> bool:
    """Whether a file has the prefix of PS3.10 section 7.1."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _uid(dataset: Dataset) -> str:
    try:
        return str(dataset.get("SOPInstanceUID") or "")
    except Exception:  # an object of unknown origin
        return ""


def _print(found: Sequence[tuple[Path | None, Finding]], count: int) -> None:
    for path, finding in found:
        click.echo(f"{path or finding.sop_instance_uid or 'exam'}: {finding}")
    errors = sum(finding.severity is Severity.ERROR for _, finding in found)
    click.echo(f"{count} objects: {errors} errors, {len(found) - errors} warnings")


def _print_json(found: Sequence[tuple[Path | None, Finding]]) -> None:
    rows = [
        {
            "file": str(path) if path else None,
            "sop_instance_uid": finding.sop_instance_uid,
            "severity": finding.severity.value,
            "attribute": finding.attribute,
            "rule": finding.rule,
            "section": finding.section,
        }
        for path, finding in found
    ]
    click.echo(json.dumps(rows, indent=2))
