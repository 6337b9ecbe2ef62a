"""Real peers, each started on free loopback ports for the tests that ask for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .peers.dcmtk import DcmtkServer, storescp_peer, wlmscpfs_peer
from .peers.mpps import OdilMpps, odil_mpps_peer
from .peers.orthanc import Orthanc, orthanc_peer


@pytest.fixture(scope="session")
def _orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with orthanc_peer(tmp_path_factory.mktemp("orthanc")) as peer:
        yield peer


@pytest.fixture
def orthanc(_orthanc: Orthanc) -> Orthanc:
    """Orthanc, empty: storage, worklist, storage commitment."""
    _orthanc.clear()
    return _orthanc


@pytest.fixture
def storescp(tmp_path: Path) -> Iterator[DcmtkServer]:
    """DCMTK's storage server, empty."""
    with storescp_peer(tmp_path / "storescp") as peer:
        yield peer


@pytest.fixture
def wlmscpfs(tmp_path: Path) -> Iterator[DcmtkServer]:
    """DCMTK's worklist server, empty."""
    with wlmscpfs_peer(tmp_path / "wlmscpfs") as peer:
        yield peer


@pytest.fixture
def odil_mpps(tmp_path: Path) -> Iterator[OdilMpps]:
    """odil's performed procedure step server, empty."""
    with odil_mpps_peer(tmp_path / "odil") as peer:
        yield peer
