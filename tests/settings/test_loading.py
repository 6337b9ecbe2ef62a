"""Where settings come from: file, environment, keywords; what wins; what is produced."""

import logging
import os
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import (
    CommitmentPolicy,
    Detector,
    Peer,
    PixelIntensityRelationship,
    RetryPolicy,
    SendPolicy,
    Timeouts,
)
from modality_sdk.settings import Settings

pytestmark = pytest.mark.req("FR-DICOM-01")

PLAN = """
ae_title = "XRAY1"
station_name = "ROOM 1"
institution = "Example Hospital"
manufacturer = "Example"
model = "DR-1"
serial_number = "0001"
software_versions = ["1.0", "2.0"]
modality = "DX"
uid_root = ""
data_dir = "./modality-data"
worklist = "ris"
mpps = ["ris"]
storage = ["pacs"]
dose = []
query_retrieve = "pacs"
printing = "film"

[listen]
host = "127.0.0.1"
port = 11113

[detector]
imager_pixel_spacing = [0.143, 0.144]
bits_stored = 14
pixel_intensity_relationship = "LIN"

[retry]
initial = 5

[send]
objects = "on_accept"

[timeouts]
response = 20

[peers.ris]
ae_title = "RIS"
host = "127.0.0.1"
port = 11120
query_charset = "ISO_IR 100"
assume_charset = "ISO_IR 144"

[peers.pacs]
ae_title = "ORTHANC"
host = "127.0.0.1"
port = 4242
commitment = true
transfer_syntaxes = ["JPEG2000Lossless", "1.2.840.10008.1.2.1"]
timeouts = { store_response = 300 }

[peers.film]
ae_title = "PRINTER"
host = "::1"
port = 10006
commitment = "pacs"
"""


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("MODALITY_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "modality.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


def test_the_file_of_the_plan_gives_plain_values(file: Path) -> None:
    settings = Settings.load(file)
    assert settings.ae_title == "XRAY1"
    assert (settings.worklist, settings.mpps, settings.storage, settings.dose) == ("ris", ("ris",), ("pacs",), ())
    assert settings.equipment.software_versions == ("1.0", "2.0")
    assert settings.equipment.institution_name == "Example Hospital"
    assert settings.equipment.manufacturer_model_name == "DR-1"
    assert settings.equipment.device_serial_number == "0001"
    assert settings.equipment.station_name == "ROOM 1"
    assert settings.equipment.manufacturer == "Example"
    options = settings.listener_options
    assert (options.ae_title, options.host, options.port, options.tls) == ("XRAY1", "127.0.0.1", 11113, None)
    assert settings.retry == RetryPolicy(initial=5)
    assert settings.send == SendPolicy(objects="on_accept")
    assert settings.timeouts == Timeouts(response=20)
    assert settings.pool.maximum == 4
    assert settings.detector_default == Detector(
        imager_pixel_spacing=(0.143, 0.144),
        bits_stored=14,
        pixel_intensity_relationship=PixelIntensityRelationship.LIN,
    )


def test_peers_inherit_the_timeouts_of_the_site_and_may_have_their_own(file: Path) -> None:
    settings = Settings.load(file)
    assert settings.peer("pacs") == Peer(
        name="pacs",
        ae_title="ORTHANC",
        host="127.0.0.1",
        port=4242,
        commitment=True,
        transfer_syntaxes=(JPEG2000Lossless, ExplicitVRLittleEndian),
        timeouts=Timeouts(response=20, store_response=300),
    )
    assert settings.peer("ris").timeouts == Timeouts(response=20)
    assert (settings.peer("ris").query_charset, settings.peer("ris").assume_charset) == ("ISO_IR 100", "ISO_IR 144")
    assert settings.peer("film").commitment == "pacs"
    assert set(settings.peers) == {"ris", "pacs", "film"}


def test_a_title_is_all_that_is_needed(tmp_path: Path) -> None:
    (tmp_path / "modality.toml").write_text('ae_title = "XRAY1"')
    settings = Settings.load()
    assert settings.detector_default is None
    assert settings.peers == {}
    assert settings.modality == "DX"
    assert settings.data_dir == tmp_path / "modality-data"


def test_the_argument_goes_before_the_variable_and_the_variable_before_the_working_directory(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ARGUMENT", "VARIABLE"):
        (tmp_path / f"{name}.toml").write_text(f'ae_title = "{name}"')
    assert Settings.load().ae_title == "XRAY1"
    monkeypatch.setenv("MODALITY_CONFIG", str(tmp_path / "VARIABLE.toml"))
    assert Settings.load().ae_title == "VARIABLE"
    assert Settings.load(tmp_path / "ARGUMENT.toml").ae_title == "ARGUMENT"
    assert Settings.load(str(tmp_path / "ARGUMENT.toml")).ae_title == "ARGUMENT"


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"^modality\.toml: cannot be read"):
        Settings.load()
    monkeypatch.setenv("MODALITY_CONFIG", str(tmp_path / "elsewhere.toml"))
    with pytest.raises(ConfigurationError, match=r"elsewhere\.toml: cannot be read"):
        Settings.load()


def test_a_directory_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=tmp_path.name):
        Settings.load(tmp_path)


@pytest.mark.parametrize("content", [b"ae_title = ", b"\xff\xfe", b"[a\n", b"a = 1\na = 2"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"broken\.toml: is not"):
        Settings.load(tmp_path / "broken.toml")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "modality.toml").write_bytes(b'\xef\xbb\xbfae_title = "XRAY1"\r\n')
    assert Settings.load().ae_title == "XRAY1"


def test_the_environment_wins_over_the_file_key_by_key(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALITY_AE_TITLE", "OTHER")
    monkeypatch.setenv("MODALITY_LISTEN__PORT", "0")
    monkeypatch.setenv("MODALITY_PEERS__PACS__HOST", "10.0.0.1")
    monkeypatch.setenv("MODALITY_PEERS__PACS__COMMITMENT", "false")
    monkeypatch.setenv("MODALITY_PEERS__RIS__TIMEOUTS__FIND", "7")
    monkeypatch.setenv("MODALITY_DETECTOR__IMAGER_PIXEL_SPACING", "[0.2, 0.3]")
    monkeypatch.setenv("MODALITY_STORAGE", "pacs, ris")
    monkeypatch.setenv("MODALITY_MPPS", '["pacs"]')
    settings = Settings.load(file)
    assert settings.ae_title == "OTHER"
    assert (settings.listen.host, settings.listen.port) == ("127.0.0.1", 0)
    assert (settings.peer("pacs").host, settings.peer("pacs").port) == ("10.0.0.1", 4242)
    assert settings.peer("pacs").commitment is False
    assert settings.peer("ris").timeouts == Timeouts(response=20, find=7)
    assert settings.detector_default is not None
    assert settings.detector_default.imager_pixel_spacing == (0.2, 0.3)
    assert settings.detector_default.bits_stored == 14
    assert settings.storage == ("pacs", "ris")
    assert settings.mpps == ("pacs",)


def test_the_environment_can_add_a_peer(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {
        "AE_TITLE": "ARCHIVE",
        "HOST": "h",
        "PORT": "104",
        "TRANSFER_SYNTAXES": "JPEG2000Lossless",
    }.items():
        monkeypatch.setenv(f"MODALITY_PEERS__BACKUP__{key}", value)
    backup = Settings.load(file).peer("backup")
    assert (backup.name, backup.ae_title, backup.port) == ("backup", "ARCHIVE", 104)
    assert backup.transfer_syntaxes == (JPEG2000Lossless,)


def test_a_peer_in_capitals_is_reached_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "modality.toml").write_text('ae_title = "A"\n[peers.PACS]\nae_title = "P"\nhost = "h"\nport = 1\n')
    monkeypatch.setenv("MODALITY_PEERS__PACS__PORT", "2")
    assert Settings.load().peer("PACS").port == 2


def test_the_environment_alone_names_a_value_it_cannot_hold(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALITY_PEERS", "{not json")
    with pytest.raises(ConfigurationError) as caught:
        Settings.load(file)
    assert caught.value.field == "peers"
    with pytest.raises(ConfigurationError):
        Settings(ae_title="XRAY1")


def test_an_unknown_variable_is_warned_of(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MODALITY_AE_TITEL", "secret value")
    with caplog.at_level(logging.WARNING, "modality_sdk.settings"):
        Settings.load(file)
    assert "MODALITY_AE_TITEL is no setting (did you mean 'ae_title'?)" in caplog.text
    assert "secret" not in caplog.text


def test_keywords_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALITY_AE_TITLE", "ENVIRONMENT")
    monkeypatch.setenv("MODALITY_MODALITY", "CR")
    settings = Settings(ae_title="KEYWORD")
    assert (settings.ae_title, settings.modality) == ("KEYWORD", "CR")


def test_keywords_take_the_values_themselves(tmp_path: Path) -> None:
    peer = Peer(ae_title="PACS", host="h", port=104)
    settings = Settings(
        ae_title="XRAY1", data_dir=tmp_path, peers={"pacs": peer}, storage=["pacs"], retry=RetryPolicy(attempts=1)
    )
    assert settings.peer("pacs").name == "pacs"
    assert settings.peer("pacs").ae_title == "PACS"
    assert settings.retry.attempts == 1


def test_relative_paths_of_a_file_are_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "ca.pem").touch()
    (site / "modality.toml").write_text('ae_title = "A"\ndata_dir = "data"\n[tls]\ntrust = ["ca.pem"]\n')
    settings = Settings.load("site/modality.toml")
    monkeypatch.chdir(site)
    assert settings.data_dir == site / "data"
    assert settings.tls is not None
    assert settings.tls.trust == (site / "ca.pem",)


def test_a_relative_path_of_the_environment_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "modality.toml").write_text('ae_title = "A"\ndata_dir = "data"\n')
    monkeypatch.setenv("MODALITY_DATA_DIR", "mine")
    assert Settings.load("site/modality.toml").data_dir == tmp_path / "mine"


def test_settings_cannot_be_changed(file: Path) -> None:
    settings = Settings.load(file)
    with pytest.raises(ValueError, match="frozen"):
        settings.ae_title = "OTHER"


@pytest.mark.req("NFR-SEC-01")
def test_the_repr_shows_titles_and_names_alone(file: Path) -> None:
    settings = Settings.load(file)
    assert repr(settings) == str(settings) == "Settings(ae_title='XRAY1', peers=['film', 'pacs', 'ris'], …)"


def test_the_table_of_commitment_is_read_from_file_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "site.toml"
    file.write_text('ae_title = "X"\n[commitment]\ninitial_delay = 20\nre_requests = [60, 600]\n', encoding="utf-8")
    assert Settings.load(file).commitment == CommitmentPolicy(initial_delay=20, re_requests=(60, 600))
    monkeypatch.setenv("MODALITY_COMMITMENT__RE_REQUESTS", "30, 40")
    monkeypatch.setenv("MODALITY_COMMITMENT__MAXIMUM_REFERENCES", "100")
    expected = CommitmentPolicy(initial_delay=20, re_requests=(30, 40), maximum_references=100)
    assert Settings.load(file).commitment == expected
