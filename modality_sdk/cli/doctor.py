"""``modality doctor``: what works, what does not, why, and what to do about it."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

import click
from pydicom import uid
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from modality_sdk.cli.console import make_console
from modality_sdk.cli.options import config_option, json_option, load_settings, split_peer
from modality_sdk.clock import is_synchronized
from modality_sdk.dataset import class_name
from modality_sdk.dataset.sop_classes import (
    BASIC_GRAYSCALE_PRINT,
    MODALITY_PERFORMED_PROCEDURE_STEP,
    MODALITY_WORKLIST,
    STORAGE_COMMITMENT_PUSH_MODEL,
    STUDY_ROOT_FIND,
)
from modality_sdk.errors import ConfigurationError
from modality_sdk.journal import AesGcmSeal
from modality_sdk.model import Peer, Timeouts
from modality_sdk.network import (
    Check,
    CheckOutcome,
    ContextProposal,
    Network,
    Probe,
    bearable_syntaxes,
    examine_listener,
    examine_peer,
)
from modality_sdk.settings import Settings, parse_peer
from modality_sdk.transcoding import UNCOMPRESSED, sendable_syntaxes
from modality_sdk.uid import IMPLEMENTATION_VERSION_NAME

__all__ = ["doctor"]

_COMPRESSED = (uid.JPEG2000Lossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.RLELossless)
_IMAGES = {
    "DX for presentation": uid.DigitalXRayImageStorageForPresentation,
    "DX for processing": uid.DigitalXRayImageStorageForProcessing,
    "CR": uid.ComputedRadiographyImageStorage,
    "secondary capture": uid.SecondaryCaptureImageStorage,
}
_DOCUMENTS = {
    "presentation state": uid.GrayscaleSoftcopyPresentationStateStorage,
    "dose report": uid.XRayRadiationDoseSRStorage,
}
_NEVER_MERELY_ASKED = ("query/retrieve", "printing")
_NEEDED_BY_MODALITY = {"CR": "CR"}
_NEEDED = "DX for presentation"
_GIGABYTE = 10**9
_LITTLE, _TOO_LITTLE = 10 * _GIGABYTE, _GIGABYTE / 2
_STYLES = {
    CheckOutcome.OK: "green",
    CheckOutcome.WARNING: "yellow",
    CheckOutcome.FAILED: "bold red",
    CheckOutcome.NOT_RUN: "dim",
}


@click.command()
@click.argument("peers", metavar="[PEER]...", nargs=-1)
@click.option("--timeout", type=click.FloatRange(min=0.1), metavar="S", help="Deadline of each step, below the peer's.")
@config_option
@json_option
def doctor(peers: tuple[str, ...], timeout: float | None, config: Path | None, as_json: bool) -> int:
    """Check this machine and each PEER (default: all of the configuration), from the name to the SOP classes.

    Nothing is stored or asked for, so it may run beside the acquisition program. Exits with 1 when a check failed.
    """
    settings = load_settings(config)
    chosen = _named(peers, settings) or list(settings.peers.values())
    ourselves = _examine_ourselves(settings)
    console = make_console(quiet=as_json)
    _show(console, f"{settings.ae_title}, this machine", ourselves)
    found: dict[str, list[Check]] = {}
    network = Network(
        ae_title=settings.ae_title,
        implementation_class_uid=settings.implementation_class_uid,
        implementation_version_name=IMPLEMENTATION_VERSION_NAME,
    )
    try:
        for peer in chosen:
            address = f"{peer.ae_title}@{peer.host}:{peer.port}"
            name, title = (
                (peer.name, f"{peer.name}, {address}") if settings.peers.get(peer.name) is peer else (address, address)
            )
            found[name] = _examine(network, peer if timeout is None else _hurried(peer, timeout), settings)
            _show(console, title, found[name])
    finally:
        network.close()
    checks = [*ourselves, *(check for checks in found.values() for check in checks)]
    failed = sum(check.outcome is CheckOutcome.FAILED for check in checks)
    warnings = sum(check.outcome is CheckOutcome.WARNING for check in checks)
    if as_json:
        told = {
            "ae_title": settings.ae_title,
            "failed": failed,
            "warnings": warnings,
            "machine": [asdict(check) for check in ourselves],
            "peers": {name: [asdict(check) for check in checks] for name, checks in found.items()},
        }
        click.echo(json.dumps(told, indent=2))
    else:
        click.echo(f"{failed} failed, {warnings} warnings")
        if not chosen:
            click.echo("no peer is configured; name one: modality doctor AET@host:port")
    return 1 if failed else 0


# ---- a peer --------------------------------------------------------------------------------------


def _named(words: tuple[str, ...], settings: Settings) -> list[Peer]:
    found = []
    while words:
        peer, words = split_peer(words, settings)
        found.append(parse_peer(" ".join(peer), settings))
    return found


def _hurried(peer: Peer, timeout: float) -> Peer:
    shorter = {f.name: min(getattr(peer.timeouts, f.name), timeout) for f in fields(Timeouts)}
    return replace(peer, timeouts=replace(peer.timeouts, **shorter))


def _examine(network: Network, peer: Peer, settings: Settings) -> list[Check]:
    checks = examine_peer(network, peer, _probes(peer, settings), calling=settings.ae_title)
    name = f"storage of {_needed_class(settings)}"
    stored = next((check for check in checks if check.name == name), None)
    return checks if stored is None else [*checks, _sent_as(peer, stored)]


def _needed_class(settings: Settings) -> str:
    return _NEEDED_BY_MODALITY.get(settings.modality, _NEEDED)


def _probes(peer: Peer, settings: Settings) -> list[Probe]:
    """The SOP classes of the peer's roles; those of an examination, as a mere question, when the site gave it none."""
    commits = peer.commitment is True or any(p.commitment == peer.name for p in settings.peers.values())
    roles = {
        "worklist": peer.name == settings.worklist,
        "MPPS": peer.name in settings.mpps,
        "storage": peer.name in (*settings.storage, *settings.dose),
        "commitment": commits,
        "query/retrieve": peer.name == settings.query_retrieve,
        "printing": peer.name == settings.printing,
    }
    asked = not any(roles.values())
    refused = CheckOutcome.WARNING if asked else CheckOutcome.FAILED
    services = {
        "worklist": MODALITY_WORKLIST,
        "MPPS": MODALITY_PERFORMED_PROCEDURE_STEP,
        "commitment": STORAGE_COMMITMENT_PUSH_MODEL,
        "query/retrieve": STUDY_ROOT_FIND,
        "printing": BASIC_GRAYSCALE_PRINT,
    }
    probes = [
        Probe(
            name=role,
            proposal=ContextProposal(abstract_syntax=sop_class, transfer_syntaxes=UNCOMPRESSED),
            refused=refused,
            cure=f"Have {peer.ae_title} offer it, or configure another peer for this role.",
        )
        for role, sop_class in services.items()
        if roles[role] or (asked and role not in _NEVER_MERELY_ASKED)
    ]
    if asked or roles["storage"]:
        needed = _needed_class(settings)
        for name, sop_class in (_IMAGES | _DOCUMENTS).items():
            syntaxes = (*_COMPRESSED, *UNCOMPRESSED) if name in _IMAGES else UNCOMPRESSED
            if peer.quirks.one_syntax:  # to be accepted in another than the one that is sent would tell nothing
                syntaxes = sendable_syntaxes(uid.ExplicitVRLittleEndian, peer.transfer_syntaxes)
            elif peer.transfer_syntaxes:
                syntaxes = tuple(s for s in peer.transfer_syntaxes if s in syntaxes)
            probes.append(
                Probe(
                    name=f"storage of {name}",
                    proposal=ContextProposal(abstract_syntax=sop_class, transfer_syntaxes=syntaxes),
                    refused=refused if name == needed and peer.name in settings.storage else CheckOutcome.WARNING,
                    cure=f"Objects of this class will wait: have {peer.ae_title} take it, if you make such.",
                )
            )
    return probes


def _sent_as(peer: Peer, stored: Check) -> Check:
    """In which syntax an image of ours would go, and what that costs; it is spooled in Explicit VR Little Endian."""
    name = "sent as"
    if stored.outcome is not CheckOutcome.OK:
        return Check(name=name, outcome=CheckOutcome.NOT_RUN, cause=f"{stored.name}: {stored.outcome}")
    sendable = bearable_syntaxes(sendable_syntaxes(uid.ExplicitVRLittleEndian, peer.transfer_syntaxes), peer)
    syntax = next((s for s in sendable if s in stored.accepted), None)
    if syntax is None:
        taken = ", ".join(class_name(s) for s in stored.accepted)
        cause = f"taken only in {taken}, which this version does not write"
        cure = (
            f"Have {peer.ae_title} take Implicit VR Little Endian too, as every acceptor has to (PS3.5 section 10.1)."
        )
        return Check(name=name, outcome=CheckOutcome.FAILED, cause=cause, cure=cure)
    cost = (
        "as it is spooled, nothing is transcoded"
        if syntax == uid.ExplicitVRLittleEndian
        else "the headers are rewritten for each transmission, the pixels stay as they are"
    )
    return Check(name=name, outcome=CheckOutcome.OK, cause=f"{class_name(syntax)}, uncompressed: {cost}")


# ---- ourselves -----------------------------------------------------------------------------------


def _examine_ourselves(settings: Settings) -> list[Check]:
    listener = examine_listener(settings.listener_options, implementation_class_uid=settings.implementation_class_uid)
    if listener.outcome is CheckOutcome.OK and settings.listen.port == 0 and _reports_expected(settings):
        cure = "Set listen.port, and tell it to the archive: it cannot call back to a port that changes."
        listener = replace(listener, outcome=CheckOutcome.WARNING, cure=cure)
    return [*_examine_data_dir(settings), *_examine_key(settings), listener, _examine_time_service()]


def _examine_time_service() -> Check:
    name = "time service"
    synchronized = is_synchronized()
    if synchronized is None:
        return Check(name=name, outcome=CheckOutcome.NOT_RUN, cause="this system does not tell")
    if synchronized:
        return Check(name=name, outcome=CheckOutcome.OK, cause="the clock is kept by one")
    cause = "no time service keeps the clock, or it has not yet found the time"
    cure = "Run an NTP client against the server of the site (IHE Consistent Time)."
    return Check(name=name, outcome=CheckOutcome.WARNING, cause=cause, cure=cure)


def _reports_expected(settings: Settings) -> bool:
    return any(peer.commitment for peer in settings.peers.values())


def _examine_data_dir(settings: Settings) -> list[Check]:
    """Whether journal and spool can be written; a directory that is not there is not made."""
    directory = settings.data_dir
    name = "data directory"
    cure = "Set data_dir to a directory that the acquisition program owns."
    existing = next((path for path in (directory, *directory.parents) if path.exists()), directory)
    cause = problem = ""
    try:
        if directory.exists():
            settings.check_data_dir()
            cause = f"{directory} can be written"
        elif existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
            cause = f"{directory} is not there yet and will be made"
        else:
            problem = f"data_dir: {directory} cannot be made in {existing}"
        free = shutil.disk_usage(existing).free
    except ConfigurationError as error:
        problem = str(error)
    except OSError as error:
        problem = f"data_dir: {directory}: {error.strerror}"
    if problem:
        failed = Check(name=name, outcome=CheckOutcome.FAILED, cause=problem, cure=cure)
        return [failed, Check(name="free space", outcome=CheckOutcome.NOT_RUN, cause=f"{name} failed")]
    space = _examine_space(free, settings.journal.minimum_free_bytes)
    return [Check(name=name, outcome=CheckOutcome.OK, cause=cause), space]


def _examine_key(settings: Settings) -> list[Check]:
    """Whether there is a key where one is named; whether it is the journal's, only opening that would tell."""
    name = "encryption key"
    if settings.encryption is None:
        return []
    try:
        AesGcmSeal(settings.encryption.read_key())
    except ConfigurationError as error:
        cure = "Nothing can be opened without it: put it right, or bring the key back from where its copy is kept."
        return [Check(name=name, outcome=CheckOutcome.FAILED, cause=str(error), cure=cure)]
    return [Check(name=name, outcome=CheckOutcome.OK, cause="it can be read")]


def _examine_space(free: int, reserve: int) -> Check:
    cause = f"{free / _GIGABYTE:.1f} GB"
    if free >= max(_LITTLE, reserve):
        return Check(name="free space", outcome=CheckOutcome.OK, cause=cause)
    outcome = CheckOutcome.WARNING if free >= max(_TOO_LITTLE, reserve) else CheckOutcome.FAILED
    cure = "Free some, or set data_dir to a larger disk: what cannot be sent is kept here."
    return Check(name="free space", outcome=outcome, cause=cause, cure=cure)


# ---- printing ------------------------------------------------------------------------------------


def _show(console: Console, title: str, checks: Sequence[Check]) -> None:
    table = Table("Check", "Outcome", "What was found", "What to do", box=box.SIMPLE_HEAD, pad_edge=False)
    for check in checks:
        outcome = Text(check.outcome.value, style=_STYLES[check.outcome])
        table.add_row(Text(check.name), outcome, Text(check.cause), Text(check.cure))
    console.print(Text(title, style="bold"))
    console.print(table)
