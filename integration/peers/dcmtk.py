"""DCMTK's storage and worklist servers."""

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modality_sdk.model import Peer

from .process import accepts, find_program, free_port, missing, running

__all__ = ["DcmtkServer", "patient_name_in", "storescp_peer", "wlmscpfs_peer"]


@dataclass(frozen=True, kw_only=True)
class DcmtkServer:
    """A running server of DCMTK.

    Attributes
    ----------
    directory
        Where it puts what it receives, or finds its worklist files (``*.wl``).
    """

    ae_title: str
    port: int
    directory: Path

    @property
    def peer(self) -> Peer:
        return Peer(ae_title=self.ae_title, host="127.0.0.1", port=self.port)


def _program(name: str) -> str:
    found = find_program(name, "/usr/bin", version_says="dcmtk")
    if not found:
        missing(f"DCMTK's {name}", "dcmtk")
    return found


@contextlib.contextmanager
def storescp_peer(directory: Path, *options: str, port: int = 0) -> Iterator[DcmtkServer]:
    """``storescp``, which writes each object to a file named by its SOP Instance UID.

    Parameters
    ----------
    directory
        Of its log, and of what it receives, which stays there for the next one.
    options
        Of its command line.
    port
        0 for a free one.
    """
    program, port = _program("storescp"), port or free_port()
    received = directory / "received"
    received.mkdir(parents=True, exist_ok=True)
    arguments = [program, "--fork", "-aet", "STORESCP", "-od", str(received), "+B", *options, str(port)]
    with running(arguments, directory / "storescp.log", lambda: accepts(port)):
        yield DcmtkServer(ae_title="STORESCP", port=port, directory=received)


@contextlib.contextmanager
def wlmscpfs_peer(directory: Path) -> Iterator[DcmtkServer]:
    """``wlmscpfs``, which answers from worklist files and keeps their character set."""
    program, port = _program("wlmscpfs"), free_port()
    worklists = directory / "WLM"  # named by the called AE title
    worklists.mkdir(parents=True)
    (worklists / "lockfile").touch()
    arguments = [program, "-s", "-csk", "-dfp", str(directory), str(port)]
    with running(arguments, directory / "wlmscpfs.log", lambda: accepts(port)):
        yield DcmtkServer(ae_title="WLM", port=port, directory=worklists)


def patient_name_in(file: Path) -> str:
    """Patient's Name of a DICOM file as DCMTK reads it."""
    program = _program("dcmdump")
    asked = [program, "+U8", "-q", "+P", "PatientName", str(file)]
    said = subprocess.run(asked, capture_output=True, text=True, encoding="utf-8", timeout=10, check=True).stdout
    return said[said.index("[") + 1 : said.rindex("]")]
