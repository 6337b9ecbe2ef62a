"""``modality simulate`` in a process of its own, as it is typed."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modality_sdk.errors import DimseFailure
from modality_sdk.model import Peer
from modality_sdk.network import Network
from modality_sdk.scu import VerificationScu

pytestmark = pytest.mark.req("X-SIM")


@contextmanager
def _simulated(*words: str) -> Iterator[dict[str, Peer]]:
    command = [sys.executable, "-u", "-m", "modality_sdk.cli", "simulate", "--ris-port", "0", "--pacs-port", "0"]
    process = subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        peers: dict[str, Peer] = {}
        for line in process.stdout:
            if found := re.match(r"(RIS|PACS) +(\S+)@(\S+):(\d+)", line):
                name, ae_title, host, port = found.groups()
                peers[name] = Peer(name=name.lower(), ae_title=ae_title, host=host, port=int(port))
            if "Ctrl-C" in line:
                break
        yield peers
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) in (0, -signal.SIGTERM)
        process.stdout.close()


@pytest.fixture
def verification() -> Iterator[VerificationScu]:
    network = Network(ae_title="XRAY1")
    yield VerificationScu(network)
    network.close()


def test_a_scenario_is_played(tmp_path: Path, verification: VerificationScu) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('[[ris.C-ECHO]]\nstep = "reply"\nstatus = 0x0110\n', encoding="utf-8")
    with _simulated("--scenario", str(scenario)) as peers:
        with pytest.raises(DimseFailure) as failure:
            verification.echo(peers["RIS"])
        assert failure.value.status == 0x0110
        assert verification.echo(peers["RIS"]).status == 0x0000
        assert verification.echo(peers["PACS"]).status == 0x0000


def test_a_mistake_in_a_scenario_is_told_and_nothing_is_opened(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('[[ris.C-ECHO]]\nstep = "sing"\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "modality_sdk.cli", "simulate", "--scenario", str(scenario)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "ris.C-ECHO[0].step: is one of" in done.stderr
    assert done.stdout == ""
