"""odil's performed procedure step server, started from ``odil_mpps.py``."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset

from modality_sdk.model import Peer

from .process import accepts, free_port, missing, running
from .relay import Relay

__all__ = ["OdilMpps", "odil_mpps_peer"]

_PYTHON = "/usr/bin/python3"  # Debian builds odil for its own Python alone


@dataclass(frozen=True, kw_only=True)
class OdilMpps:
    """A running performed procedure step SCP."""

    port: int
    directory: Path
    ae_title: str = "ODIL"

    @property
    def peer(self) -> Peer:
        return Peer(ae_title=self.ae_title, host="127.0.0.1", port=self.port)

    def step(self, sop_instance_uid: str) -> Dataset:
        """The step as the peer holds it."""
        held: dict[str, Any] = json.loads((self.directory / f"{sop_instance_uid}.json").read_text())
        return Dataset.from_json(held)

    def knows(self, sop_instance_uid: str) -> bool:
        return (self.directory / f"{sop_instance_uid}.json").exists()


@contextlib.contextmanager
def odil_mpps_peer(directory: Path) -> Iterator[OdilMpps]:
    """The SCP behind a relay, for odil closes its port between two associations."""
    asks = [_PYTHON, "-c", "import odil"]
    if not Path(_PYTHON).exists() or subprocess.run(asks, capture_output=True, check=False).returncode:
        missing(f"odil for {_PYTHON}", "python3-odil")
    port, steps = free_port(), directory / "steps"
    steps.mkdir(parents=True)
    arguments = [_PYTHON, str(Path(__file__).with_name("odil_mpps.py")), str(port), str(steps)]
    with (
        running(arguments, directory / "odil.log", lambda: accepts(port)),
        Relay(("127.0.0.1", port)) as relay,
    ):
        yield OdilMpps(port=relay.port, directory=steps)
