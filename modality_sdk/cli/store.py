"""``modality store``: send DICOM files, now."""

import json
from pathlib import Path

import click

from modality_sdk.cli.options import Connection, config_option, connection_options, json_option, split_peer
from modality_sdk.errors import InvalidValue
from modality_sdk.journal import FileRendition
from modality_sdk.model import StoreResult
from modality_sdk.workflow import Modality

__all__ = ["store"]


@click.command()
@click.argument("words", metavar="PEER FILE...", nargs=-1, required=True)
@config_option
@json_option
@connection_options
def store(words: tuple[str, ...], config: Path | None, as_json: bool, connection: Connection) -> int:
    """Send FILEs (or all DICOM files below folders) to PEER by C-STORE over one association."""
    settings = connection.settings(config)
    peer_words, names = split_peer(words, settings)
    if not names:
        raise click.UsageError("name at least one file")
    target = connection.peer(peer_words, settings)
    renditions, refused = _read(_files(names))
    for path, why in refused:
        click.echo(f"not sent {path}: {why}", err=True)
    if not renditions:
        return 1

    def progress(result: StoreResult) -> None:
        if not as_json:
            mark = "stored" if result.stored else "FAILED"
            status = "----" if result.status is None else f"{result.status:04X}"
            click.echo(f"{mark} {status} {result.sop.sop_instance_uid}  {result.meaning}")

    results = Modality(settings).storage.store(target, renditions, progress=progress)
    if as_json:
        rows = [
            {
                "sop_class_uid": r.sop.sop_class_uid,
                "sop_instance_uid": r.sop.sop_instance_uid,
                "status": r.status,
                "stored": r.stored,
                "meaning": r.meaning,
                "transfer_syntax_uid": r.transfer_syntax_uid,
            }
            for r in results
        ]
        click.echo(json.dumps(rows, indent=2))
    return 0 if all(r.stored for r in results) and not refused else 1


def _read(paths: list[Path]) -> tuple[list[FileRendition], list[tuple[Path, str]]]:
    """What can be sent, and why the rest cannot."""
    renditions, refused = [], []
    for path in paths:
        try:
            renditions.append(FileRendition.from_file(path))
        except InvalidValue as error:
            refused.append((path, error.rule))
        except OSError as error:
            refused.append((path, error.strerror or type(error).__name__))
    return renditions, refused


def _files(names: tuple[str, ...]) -> list[Path]:
    files: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            files += sorted(p for p in path.rglob("*") if p.is_file() and _is_dicom(p))
        elif path.is_file():
            files.append(path)
        else:
            raise click.BadParameter(f"no such file: {name}")
    if not files:
        raise click.BadParameter("no DICOM file found")
    return files


def _is_dicom(path: Path) -> bool:
    try:
        FileRendition.from_file(path)
    except (InvalidValue, OSError):
        return False
    return True
