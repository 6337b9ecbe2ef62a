"""``modality simulate``: a hospital in a box."""

import signal
import threading
from pathlib import Path

import click

from modality_sdk.settings import parse_peer
from modality_sdk.simulator import Hospital, Scenario

__all__ = ["simulate"]

_PORT = click.IntRange(0, 65535)


@click.command()
@click.option("--ris-port", type=_PORT, default=11120, show_default=True, help="Port of the RIS; 0 for any.")
@click.option("--pacs-port", type=_PORT, default=4242, show_default=True, help="Port of the PACS; 0 for any.")
@click.option("--ris-aet", "ris_ae_title", default="RIS", show_default=True, help="AE title of the RIS.")
@click.option("--pacs-aet", "pacs_ae_title", default="ORTHANC", show_default=True, help="AE title of the PACS.")
@click.option("--station", default="XRAY1", show_default=True, help="AE title for which the worklist is scheduled.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--store-dir", type=click.Path(file_okay=False, path_type=Path), help="Keep received objects here.")
@click.option(
    "--scenario",
    "scenario_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Worklist and misbehaviour from this TOML file.",
)
@click.option(
    "--modality",
    "call_backs",
    multiple=True,
    metavar="AET@HOST:PORT",
    default=["XRAY1@127.0.0.1:11112"],
    show_default=True,
    help="Where commitment reports go.",
)
def simulate(
    ris_port: int,
    pacs_port: int,
    ris_ae_title: str,
    pacs_ae_title: str,
    station: str,
    host: str,
    store_dir: Path | None,
    scenario_file: Path | None,
    call_backs: tuple[str, ...],
) -> int:
    """Run a RIS and a PACS until interrupted.

    Today's worklist is made up and everybody behaves, unless a scenario says otherwise (examples/scenarios).
    The defaults fit the configuration file that `modality init` writes.
    """
    stop = threading.Event()
    scenario = Scenario() if scenario_file is None else Scenario.load(scenario_file)
    hospital = Hospital(
        worklist=scenario.items(station_ae_title=station),
        host=host,
        ris_port=ris_port,
        pacs_port=pacs_port,
        ris_ae_title=ris_ae_title,
        pacs_ae_title=pacs_ae_title,
        store_dir=store_dir,
        station_ae_title=station,
    )
    scenario.direct(hospital)
    with hospital:
        for text in call_backs:
            peer = parse_peer(text, None)
            hospital.pacs.register(peer.ae_title, peer.host, peer.port)
        click.echo(f"RIS  {hospital.ris.ae_title}@{host}:{hospital.ris.port}   worklist, MPPS")
        click.echo(f"PACS {hospital.pacs.ae_title}@{host}:{hospital.pacs.port}   storage, commitment, Study Root")
        click.echo("Ctrl-C ends it")
        for name in ("SIGINT", "SIGTERM"):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
        # a wait without timeout cannot be interrupted on Windows
        while not stop.wait(0.5):
            pass
    return 0
