"""pytest plugin: a hospital and a modality that works in it, as fixtures.

pytest loads this module at the start of every run of every project in whose environment the package is installed, so
it imports nothing of weight before a fixture is asked for.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from modality_sdk.settings import Settings
    from modality_sdk.simulator import Hospital
    from modality_sdk.workflow import Modality

__all__ = ["call_back_port", "hospital", "modality", "modality_settings"]

_HOST, _AE_TITLE = "127.0.0.1", "XRAY1"


@pytest.fixture
def call_back_port() -> int:
    """A free port of this machine, at which the modality takes its storage commitment reports."""
    with socket.create_server((_HOST, 0)) as reserved:
        port: int = reserved.getsockname()[1]
    return port


@pytest.fixture
def hospital(call_back_port: int) -> Iterator[Hospital]:
    """A running `Hospital` with today's sample worklist; it reports to ``XRAY1`` at `call_back_port`."""
    from modality_sdk.simulator import Hospital

    with Hospital(station_ae_title=_AE_TITLE) as hospital:
        hospital.pacs.register(_AE_TITLE, _HOST, call_back_port)
        yield hospital


@pytest.fixture
def modality_settings(hospital: Hospital, call_back_port: int, tmp_path: Path) -> Settings:
    """`Settings` of ``XRAY1`` in that hospital: data in a directory of its own, short deadlines, quick retries."""
    from modality_sdk.model import Detector, Peer, RetryPolicy, Timeouts
    from modality_sdk.settings import Listen, Settings

    timeouts = Timeouts(connect=2, association=2, release=1, idle=2, response=2, store_response=2, find=5)
    ris, pacs = hospital.ris, hospital.pacs
    return Settings(
        ae_title=_AE_TITLE,
        manufacturer="Example",
        model="DR-1",
        serial_number="1",
        software_versions=("1",),
        data_dir=tmp_path / "modality-data",
        worklist="ris",
        mpps=("ris",),
        storage=("pacs",),
        query_retrieve="pacs",
        listen=Listen(host=_HOST, port=call_back_port),
        detector=Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=12),
        retry=RetryPolicy(initial=0.1, multiplier=1.0, commitment_timeout=1.0),
        timeouts=timeouts,
        peers={
            "ris": Peer(name="ris", ae_title=ris.ae_title, host=_HOST, port=ris.port, timeouts=timeouts),
            "pacs": Peer(
                name="pacs", ae_title=pacs.ae_title, host=_HOST, port=pacs.port, commitment=True, timeouts=timeouts
            ),
        },
    )


@pytest.fixture
def modality(modality_settings: Settings) -> Iterator[Modality]:
    """A `Modality` with `modality_settings`, open for the time of the test."""
    from modality_sdk.workflow import Modality

    with Modality(modality_settings) as modality:
        yield modality
