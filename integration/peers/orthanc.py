"""Orthanc: storage, worklist and storage commitment, in a container or from the local program."""

import contextlib
import importlib.util
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modality_sdk.model import Peer

from .process import find_program, free_port, missing, running

__all__ = ["Orthanc", "orthanc_peer"]

IMAGE = "orthancteam/orthanc:26.8.1"
AE_TITLE = "ORTHANC"
WORKLIST_PLUGINS = (
    "/usr/share/orthanc/plugins/libModalityWorklists.so",
    "/usr/lib/orthanc/libModalityWorklists.so",
    "/usr/local/share/orthanc/plugins/libModalityWorklists.so",
)

# loopback is not to be reached through a proxy
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, kw_only=True)
class Orthanc:
    """A running Orthanc.

    Attributes
    ----------
    host, port
        Of DICOM.
    url
        Of its REST interface.
    worklists
        Directory of worklist files, ``*.wl``.
    callback_host
        The name by which it reaches a listener of ours.
    """

    host: str
    port: int
    url: str
    worklists: Path
    callback_host: str = "127.0.0.1"
    ae_title: str = AE_TITLE

    @property
    def peer(self) -> Peer:
        return Peer(name="orthanc", ae_title=self.ae_title, host=self.host, port=self.port, commitment=True)

    def request(self, path: str, method: str = "GET", body: object = None) -> bytes:
        """Ask the REST interface; a text goes as it is, anything else as JSON."""
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        data = None if text is None else text.encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        with _opener.open(request, timeout=10) as response:
            return bytes(response.read())

    def get(self, path: str) -> Any:
        return json.loads(self.request(path))

    def register(self, ae_title: str, port: int) -> None:
        """Tell it where a modality listens, for reports of storage commitment."""
        self.request(
            f"/modalities/{ae_title.lower()}",
            "PUT",
            {"AET": ae_title, "Host": self.callback_host, "Port": port},
        )

    def file(self, sop_instance_uid: str) -> bytes:
        """The stored object as a file (PS3.10)."""
        (found,) = json.loads(self.request("/tools/lookup", "POST", sop_instance_uid))
        return self.request(f"/instances/{found['ID']}/file")

    def clear(self) -> None:
        """Forget every study and every worklist file."""
        for study in self.get("/studies"):
            self.request(f"/studies/{study}", "DELETE")
        for file in self.worklists.glob("*.wl"):
            file.unlink()

    def serves(self) -> bool:
        try:
            self.get("/system")
        except (OSError, urllib.error.URLError):
            return False
        return True


def _settings(**more: object) -> dict[str, object]:
    return {
        "Name": "peer",
        "AuthenticationEnabled": False,
        "DicomAet": AE_TITLE,
        "DicomCheckCalledAet": False,
        "StrictAetComparison": False,
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowFindWorklist": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "UnknownSopClassAccepted": False,
        "DefaultEncoding": "Utf8",
        "MaximumPduLength": 16384,
        "StableAge": 1,
        "SaveJobs": False,
        "SyncStorageArea": False,
        **more,
    }


@contextlib.contextmanager
def orthanc_peer(directory: Path, **settings: object) -> Iterator[Orthanc]:
    """Orthanc in a container where a container engine answers, else from the local program.

    Parameters
    ----------
    settings
        Options of its configuration, like ``DefaultEncoding="Latin1"``.
    """
    with _container(directory, settings) if _engine_answers() else _local(directory, settings) as orthanc:
        yield orthanc


def _engine_answers() -> bool:
    docker = find_program("docker")
    if not docker or importlib.util.find_spec("testcontainers") is None:
        return False
    asked = subprocess.run([docker, "version"], capture_output=True, timeout=10, check=False)
    return asked.returncode == 0  # it asks the engine for its version too


@contextlib.contextmanager
def _local(directory: Path, settings: Mapping[str, object]) -> Iterator[Orthanc]:
    program = find_program("Orthanc", "/usr/sbin", "/usr/local/sbin")
    plugin = next((path for path in WORKLIST_PLUGINS if Path(path).exists()), "")
    if not program or not plugin:
        missing("Orthanc with its worklist plugin, or a container engine,", "orthanc")
    database, worklists = directory / "database", directory / "worklists"
    database.mkdir(parents=True)
    worklists.mkdir()
    dicom_port, http_port = free_port(), free_port()
    configuration = directory / "orthanc.json"
    configuration.write_text(
        json.dumps(
            _settings(
                StorageDirectory=str(database),
                IndexDirectory=str(database),
                Plugins=[plugin],
                HttpPort=http_port,
                RemoteAccessAllowed=False,
                DicomPort=dicom_port,
                Worklists={"Enable": True, "Database": str(worklists)},
                **settings,
            )
        )
    )
    orthanc = Orthanc(host="127.0.0.1", port=dicom_port, url=f"http://127.0.0.1:{http_port}", worklists=worklists)
    # its HTTP server comes up after the DICOM server, so one question waits for both
    with running([program, "--verbose", str(configuration)], directory / "orthanc.log", orthanc.serves):
        yield orthanc


@contextlib.contextmanager
def _container(directory: Path, more: Mapping[str, object]) -> Iterator[Orthanc]:
    from testcontainers.core.container import DockerContainer

    worklists = directory / "worklists"
    worklists.mkdir(parents=True)
    worklists.chmod(0o755)
    settings = _settings(
        Worklists={"Enable": True, "Database": "/worklists", "DeleteWorklistsOnStableStudy": False}, **more
    )
    container = (
        DockerContainer(os.environ.get("ORTHANC_IMAGE", IMAGE))
        .with_exposed_ports(4242, 8042)
        .with_volume_mapping(str(worklists), "/worklists", "ro")
        .with_env("ORTHANC_JSON", json.dumps(settings))
        .with_env("TCP_NODELAY", "1")
        .with_kwargs(extra_hosts={"host.docker.internal": "host-gateway"})
    )
    with container:
        host = container.get_container_host_ip()
        orthanc = Orthanc(
            host=host,
            port=int(container.get_exposed_port(4242)),
            url=f"http://{host}:{container.get_exposed_port(8042)}",
            worklists=worklists,
            callback_host="host.docker.internal",
        )
        end = time.monotonic() + 60
        while not orthanc.serves():
            if time.monotonic() > end:
                pytest.fail("Orthanc's container does not serve")
            time.sleep(0.1)
        yield orthanc
