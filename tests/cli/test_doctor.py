"""``modality doctor`` as it is typed, against the simulator, DCMTK and peers that are not well."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
)
from pynetdicom import AE
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    BasicGrayscalePrintManagementMeta,
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from modality_sdk.cli import main
from modality_sdk.model import ListenerOptions
from modality_sdk.network import HandlerTable, Listener
from modality_sdk.settings import write_key_file
from modality_sdk.simulator import Hospital, Pacs
from modality_sdk.uid import IMPLEMENTATION_CLASS_UID

pytestmark = pytest.mark.req("FR-DICOM-09")

Doctor = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Write a configuration and run the command with ``--json``; gives the exit code and what it told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODALITY_CONFIG", raising=False)

    def doctor(config: str, *words: str) -> tuple[int, dict[str, Any]]:
        (tmp_path / "site.toml").write_text(f'ae_title = "XRAY1"\n{config}', encoding="utf-8")
        with pytest.raises(SystemExit) as left:
            main(["doctor", "--config", "site.toml", "--json", "--timeout", "2", *words])
        return int(left.value.code or 0), json.loads(capsys.readouterr().out)

    return doctor


def table(name: str, ae_title: str, port: int, further: str = "", host: str = "127.0.0.1") -> str:
    return f'[peers.{name}]\nae_title = "{ae_title}"\nhost = "{host}"\nport = {port}\n{further}\n'


def outcomes(checks: list[dict[str, str]]) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in checks}


def this_machine(told: dict[str, Any]) -> dict[str, str]:
    """Outcomes of the checks of this machine, without that of its time service, which is as it is."""
    found = outcomes(told["machine"])
    assert found.pop("time service") in ("ok", "warning", "not run")
    return found


def named(checks: list[dict[str, str]], name: str) -> dict[str, str]:
    (check,) = [check for check in checks if check["name"] == name]
    return check


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextlib.contextmanager
def web_server(ahead: float | None) -> Iterator[tuple[str, list[str]]]:
    """Address of a web server whose clock is ``ahead`` of ours in s, or that sends no Date, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.send_response_only(302)
            self.send_header("Location", "/elsewhere")
            if ahead is not None:
                self.send_header("Date", formatdate(time.time() + ahead, usegmt=True))
            self.end_headers()

        do_GET = do_HEAD  # noqa: N815 - of the base class

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the base class
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def acceptor(*sop_classes: str) -> Iterator[int]:
    """Port of a program of another make that takes any called AE title, and one association at a time."""
    ae = AE("OTHER")
    ae.maximum_associations = 1
    for sop_class in (Verification, *sop_classes):
        ae.add_supported_context(sop_class)
    server = ae.start_server(("127.0.0.1", 0), block=False)
    assert server is not None
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


LISTEN = '[listen]\nhost = "127.0.0.1"\nport = 0\n'


def test_a_healthy_site_has_no_failure(doctor: Doctor) -> None:
    with Hospital() as hospital:
        code, told = doctor(
            'worklist = "ris"\nmpps = ["ris"]\nstorage = ["pacs"]\n'
            + LISTEN
            + table("ris", "RIS", hospital.ris.port, host="localhost")
            + table("pacs", "PACS", hospital.pacs.port, "commitment = true")
        )
        assert hospital.pacs.stored == {}
        assert hospital.ris.steps == {}
    assert (code, told["failed"]) == (0, 0)
    assert outcomes(told["peers"]["ris"]) == dict.fromkeys(
        ("name", "TCP", "association", "C-ECHO", "worklist", "MPPS"), "ok"
    ) | {"clock": "not run"}
    assert "peers.ris.web" in named(told["peers"]["ris"], "clock")["cure"]
    pacs = told["peers"]["pacs"]
    assert named(pacs, "commitment")["outcome"] == "ok"
    assert named(pacs, "storage of DX for presentation")["accepted"] == [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
    assert "nothing is transcoded" in named(pacs, "sent as")["cause"]
    # a port that changes is no address for the archive's reports
    assert this_machine(told) == {"data directory": "ok", "free space": "ok", "listener": "warning"}
    assert "listen.port" in named(told["machine"], "listener")["cure"]


@pytest.mark.parametrize("quirk", ["implicit_only", "one_syntax"])
def test_it_probes_what_the_quirks_leave_and_tells_what_would_be_sent(doctor: Doctor, quirk: str) -> None:
    with Pacs(in_memory=True) as pacs:
        _, told = doctor(
            'storage = ["pacs"]\n' + LISTEN + table("pacs", "PACS", pacs.port, f"quirks = {{ {quirk} = true }}")
        )
    checks = told["peers"]["pacs"]
    assert named(checks, "storage of DX for presentation")["accepted"] == [ImplicitVRLittleEndian]
    assert "Implicit VR Little Endian" in named(checks, "sent as")["cause"]
    assert "headers are rewritten" in named(checks, "sent as")["cause"]


def test_of_one_syntax_it_probes_the_one_that_is_sent(doctor: Doctor) -> None:
    further = (
        f'quirks = {{ one_syntax = true }}\ntransfer_syntaxes = ["{JPEG2000Lossless}", "{ExplicitVRLittleEndian}"]'
    )
    with Pacs(in_memory=True, transfer_syntaxes=[JPEG2000Lossless, ExplicitVRLittleEndian]) as pacs:
        code, told = doctor('storage = ["pacs"]\n' + LISTEN + table("pacs", "PACS", pacs.port, further))
    checks = told["peers"]["pacs"]
    assert named(checks, "storage of DX for presentation")["accepted"] == [ExplicitVRLittleEndian]
    assert (code, named(checks, "sent as")["outcome"]) == (0, "ok")


def test_a_peer_of_one_association_is_not_blocked_by_the_doctor(doctor: Doctor) -> None:
    with acceptor() as port:
        code, told = doctor(LISTEN + table("other", "OTHER", port))
    checks = outcomes(told["peers"]["other"])
    assert (code, checks["TCP"], checks["association"], checks["C-ECHO"]) == (0, "ok", "ok", "ok")


@pytest.mark.parametrize(
    ("role", "name", "sop_class"),
    [
        ("query_retrieve", "query/retrieve", StudyRootQueryRetrieveInformationModelFind),
        ("printing", "printing", BasicGrayscalePrintManagementMeta),
    ],
)
def test_a_peer_is_asked_for_its_role_alone(doctor: Doctor, role: str, name: str, sop_class: str) -> None:
    layers = ("name", "TCP", "association", "C-ECHO")
    with acceptor(sop_class) as port:
        code, told = doctor(f'{role} = "other"\n' + LISTEN + table("other", "OTHER", port))
    assert code == 0
    assert outcomes(told["peers"]["other"]) == dict.fromkeys((*layers, name), "ok") | {"clock": "not run"}
    with acceptor() as port:
        code, told = doctor(f'{role} = "other"\n' + LISTEN + table("other", "OTHER", port))
    assert (code, named(told["peers"]["other"], name)["outcome"]) == (1, "failed")


def test_an_archive_that_takes_only_compressed_images_fails(doctor: Doctor) -> None:
    with Pacs(in_memory=True, transfer_syntaxes=[JPEG2000Lossless]) as pacs:
        code, told = doctor('storage = ["pacs"]\n' + LISTEN + table("pacs", "PACS", pacs.port))
    assert code == 1
    checks = told["peers"]["pacs"]
    assert named(checks, "storage of DX for presentation")["accepted"] == [JPEG2000Lossless]
    assert named(checks, "sent as")["outcome"] == "failed"
    assert named(checks, "sent as")["cure"]


def test_a_class_that_its_role_needs_and_the_peer_refuses_fails(doctor: Doctor) -> None:
    with Pacs(in_memory=True) as pacs:
        code, told = doctor('worklist = "pacs"\n' + LISTEN + table("pacs", "PACS", pacs.port))
    assert code == 1
    check = named(told["peers"]["pacs"], "worklist")
    assert check["outcome"] == "failed"
    assert "is not accepted in Explicit VR Little Endian" in check["cause"]
    assert check["cure"]


def test_a_peer_without_a_role_is_only_asked(doctor: Doctor) -> None:
    with Pacs(in_memory=True) as pacs:
        code, told = doctor(LISTEN, f"PACS@127.0.0.1:{pacs.port}", "127.0.0.1", str(pacs.port))
    checks = told["peers"][f"PACS@127.0.0.1:{pacs.port}"]
    assert named(checks, "worklist")["outcome"] == "warning"
    assert named(checks, "storage of CR")["outcome"] == "ok"
    # without its AE title it takes no association
    wrong = told["peers"][f"ANY-SCP@127.0.0.1:{pacs.port}"]
    assert named(wrong, "association")["outcome"] == "failed"
    assert code == 1


def test_a_name_that_nobody_knows(doctor: Doctor) -> None:
    code, told = doctor(LISTEN + table("pacs", "PACS", 104, host="no-such-host.invalid"))
    checks = told["peers"]["pacs"]
    assert code == 1
    assert named(checks, "name")["outcome"] == "failed"
    assert "peers.pacs.host" in named(checks, "name")["cure"]
    assert set(outcomes(checks).values()) == {"failed", "not run"}
    assert named(checks, "TCP")["cause"] == "name failed"


def test_a_port_where_nothing_listens(doctor: Doctor) -> None:
    with silent() as port:
        pass
    code, told = doctor(LISTEN + table("pacs", "PACS", port))
    check = named(told["peers"]["pacs"], "TCP")
    assert (code, check["outcome"]) == (1, "failed")
    assert "refused" in check["cause"]
    assert named(told["peers"]["pacs"], "association")["cause"] == "TCP failed"


def test_a_port_that_says_nothing(doctor: Doctor) -> None:
    with silent() as port:
        code, told = doctor(LISTEN + table("pacs", "PACS", port), "--timeout", "0.3")
    checks = told["peers"]["pacs"]
    assert (code, named(checks, "TCP")["outcome"]) == (1, "ok")
    assert named(checks, "association")["outcome"] == "failed"
    assert "did not answer the association request" in named(checks, "association")["cause"]
    assert "no DICOM" in named(checks, "association")["cure"]
    assert named(checks, "C-ECHO")["outcome"] == "not run"


def test_a_wrong_ae_title_is_told_with_its_cure(doctor: Doctor) -> None:
    with Pacs(in_memory=True) as pacs:
        code, told = doctor(LISTEN + table("pacs", "WRONG", pacs.port))
    check = named(told["peers"]["pacs"], "association")
    assert (code, check["outcome"]) == (1, "failed")
    assert "called AE title not recognized" in check["cause"]
    assert "WRONG as XRAY1" in check["cure"]


def test_an_echo_that_is_answered_with_a_failure(doctor: Doctor) -> None:
    with Pacs(in_memory=True) as pacs:
        pacs.refuse("C-ECHO", 0x0122)
        code, told = doctor('storage = ["pacs"]\n' + LISTEN + table("pacs", "PACS", pacs.port))
    checks = told["peers"]["pacs"]
    assert (code, named(checks, "C-ECHO")["outcome"]) == (1, "failed")
    assert "0122" in named(checks, "C-ECHO")["cause"]
    assert named(checks, "storage of DX for presentation")["outcome"] == "ok"


def test_the_port_of_a_running_acquisition_program_is_said_and_no_error(doctor: Doctor) -> None:
    options = ListenerOptions(ae_title="XRAY1", host="127.0.0.1", port=0)
    with Listener(options, HandlerTable(), implementation_class_uid=IMPLEMENTATION_CLASS_UID) as listener:
        code, told = doctor(f'[listen]\nhost = "127.0.0.1"\nport = {listener.port}\n')
    check = named(told["machine"], "listener")
    assert (code, check["outcome"]) == (0, "ok")
    assert "in use by a program that answers as XRAY1" in check["cause"]


def test_a_program_of_another_make_that_answers_to_any_title_is_not_said_to_be_ours(doctor: Doctor) -> None:
    with acceptor() as port:
        code, told = doctor(f'[listen]\nhost = "127.0.0.1"\nport = {port}\n')
    check = named(told["machine"], "listener")
    assert (code, check["outcome"]) == (0, "warning")
    assert "not ours" in check["cause"]
    assert "listen.port" in check["cure"]


def test_the_port_in_the_hands_of_another_program(doctor: Doctor) -> None:
    with Pacs(in_memory=True) as pacs:
        code, told = doctor(f'[listen]\nhost = "127.0.0.1"\nport = {pacs.port}\n')
    assert (code, named(told["machine"], "listener")["outcome"]) == (1, "failed")
    assert "listen.port" in named(told["machine"], "listener")["cure"]


def test_an_address_that_is_not_ours_cannot_be_listened_at(doctor: Doctor) -> None:
    code, told = doctor('[listen]\nhost = "192.0.2.1"\nport = 11112\n')
    check = named(told["machine"], "listener")
    assert (code, check["outcome"]) == (1, "failed")
    assert "listen.host" in check["cure"]


def test_a_data_directory_is_looked_at_and_not_made(doctor: Doctor, tmp_path: Path) -> None:
    _, told = doctor('data_dir = "new/data"\n' + LISTEN)
    assert named(told["machine"], "data directory")["outcome"] == "ok"
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    for below in ("file", "file/data"):
        code, told = doctor(f'data_dir = "{below}"\n' + LISTEN)
        assert code == 1
        assert this_machine(told) == {"data directory": "failed", "free space": "not run", "listener": "ok"}


@pytest.mark.req("NFR-SEC-01")
def test_a_key_is_looked_at_where_one_is_named(doctor: Doctor, tmp_path: Path) -> None:
    _, told = doctor(LISTEN)
    assert "encryption key" not in outcomes(told["machine"])
    encryption = '[encryption]\nkey_file = "journal.key"\n'
    code, told = doctor(LISTEN + encryption)
    assert (code, named(told["machine"], "encryption key")["outcome"]) == (1, "failed")
    write_key_file(tmp_path / "journal.key")
    code, told = doctor(LISTEN + encryption)
    assert (code, named(told["machine"], "encryption key")["outcome"]) == (0, "ok")


@pytest.mark.parametrize(("free", "outcome"), [(10**8, "failed"), (10**9, "warning"), (10**11, "ok")])
def test_little_space_is_a_warning_and_none_a_failure(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, free: int, outcome: str
) -> None:
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))
    code, told = doctor(LISTEN)
    assert named(told["machine"], "free space")["outcome"] == outcome
    assert code == (1 if outcome == "failed" else 0)


def test_less_space_than_the_journal_keeps_free_is_a_failure(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10**9))
    code, told = doctor(LISTEN + "[journal]\nminimum_free_bytes = 2_000_000_000\n")
    assert (code, named(told["machine"], "free space")["outcome"]) == (1, "failed")


def test_people_get_a_table_and_a_wrong_configuration_exits_2(
    capsys: pytest.CaptureFixture[str], doctor: Doctor, tmp_path: Path
) -> None:
    with Hospital(worklist=[]) as hospital:
        doctor(LISTEN + table("ris", "RIS", hospital.ris.port))
        with pytest.raises(SystemExit) as left:
            main(["doctor", "--config", "site.toml", "ris"])
    out = capsys.readouterr().out
    assert left.value.code == 0
    assert f"ris, RIS@127.0.0.1:{hospital.ris.port}" in out
    assert "answered 0000" in out
    assert "\x1b[" not in out
    with pytest.raises(SystemExit) as left:
        main(["doctor", "--config", "site.toml", "rsi"])
    assert left.value.code == 2
    assert "did you mean 'ris'?" in capsys.readouterr().err


def test_nothing_of_the_worklist_is_told(doctor: Doctor) -> None:
    with Hospital() as hospital:
        _, told = doctor('worklist = "ris"\n' + LISTEN + table("ris", "RIS", hospital.ris.port))
        assert hospital.ris.worklist
        for item in hospital.ris.worklist:
            assert str(item.PatientID) not in json.dumps(told)


# ---- a toolkit that is not pynetdicom ------------------------------------------------------------


@pytest.fixture
def storescp(tmp_path: Path) -> Iterator[int]:
    """Port of DCMTK's storescp, which serves one association at a time."""
    command = shutil.which("storescp")
    if command is None:
        if os.environ.get("CI") == "true":
            pytest.fail("storescp of DCMTK has to be installed in CI")
        pytest.skip("not run: storescp of DCMTK is not installed")
    with silent() as port:
        pass
    process = subprocess.Popen(
        [command, "-od", str(tmp_path), str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(500):
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 1.0):
                break
            time.sleep(0.01)
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.mark.peer("dcmtk")
def test_dcmtk_stores_but_commits_nothing(doctor: Doctor, storescp: int) -> None:
    code, told = doctor('storage = ["pacs"]\n' + LISTEN + table("pacs", "STORESCP", storescp, "commitment = true"))
    checks = told["peers"]["pacs"]
    assert code == 1
    assert named(checks, "C-ECHO")["outcome"] == "ok"
    assert named(checks, "storage of DX for presentation")["outcome"] == "ok"
    assert named(checks, "sent as")["outcome"] == "ok"
    assert named(checks, "commitment")["outcome"] == "failed"
    assert told["failed"] == 1


@pytest.mark.req("X-TIME")
@pytest.mark.parametrize(
    ("seconds", "outcome", "words"),
    [(0, "ok", "tells our time"), (300, "warning", "5 min ahead"), (-7200, "warning", "2 h behind")],
)
def test_a_clock_that_differs_from_that_of_the_peer_is_told(
    doctor: Doctor, seconds: float, outcome: str, words: str
) -> None:
    with Hospital() as hospital, web_server(seconds) as (address, asked):
        further = f'web = "{address}"'
        code, told = doctor(LISTEN + table("pacs", "PACS", hospital.pacs.port, further))
    clock = named(told["peers"]["pacs"], "clock")
    assert code == 0
    assert clock["outcome"] == outcome
    assert words in clock["cause"]
    assert ("NTP" in clock["cure"]) is (outcome == "warning")
    assert asked == ["HEAD /"]


@pytest.mark.req("X-TIME")
def test_a_web_server_without_a_date_is_asked_by_get_too_and_named(doctor: Doctor) -> None:
    with web_server(None) as (address, asked):
        _, told = doctor(LISTEN + table("pacs", "PACS", 9, f'web = "{address}status?x=1"'))
    clock = named(told["peers"]["pacs"], "clock")
    assert (clock["outcome"], asked) == ("not run", ["HEAD /status?x=1", "GET /status?x=1"])
    assert "no Date" in clock["cause"]
    assert "another" in clock["cure"]


@pytest.mark.req("X-TIME")
def test_a_web_server_that_is_not_there_or_says_nothing_is_a_warning(doctor: Doctor) -> None:
    with silent() as port:
        _, told = doctor(LISTEN + table("pacs", "PACS", 9, f'web = "http://127.0.0.1:{port}"'), "--timeout", "0.2")
    assert "did not answer in time" in named(told["peers"]["pacs"], "clock")["cause"]
    _, told = doctor(LISTEN + table("pacs", "PACS", 9, f'web = "http://127.0.0.1:{port}"'))
    assert named(told["peers"]["pacs"], "clock")["outcome"] == "warning"
    assert "refused" in named(told["peers"]["pacs"], "clock")["cause"]


@pytest.mark.req("X-TIME")
def test_proxies_of_the_environment_are_not_used(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with web_server(0) as (address, asked):
        _, told = doctor(LISTEN + table("pacs", "PACS", 9, f'web = "{address}"'))
    assert named(told["peers"]["pacs"], "clock")["outcome"] == "ok"
    assert asked
