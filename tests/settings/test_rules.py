"""Every rule of the settings: broken, it names the setting, the rule and the value."""

import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import TlsOptions
from modality_sdk.settings import Settings

pytestmark = pytest.mark.req("FR-DICOM-01")

PEER: dict[str, Any] = {"ae_title": "PACS", "host": "127.0.0.1", "port": 104}
GOOD: dict[str, Any] = {"ae_title": "XRAY1", "peers": {"pacs": PEER}}
SPACING = [0.1, 0.1]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MODALITY_")]:
        monkeypatch.delenv(name)


def with_peer(**changes: Any) -> dict[str, Any]:
    return {"peers": {"pacs": PEER | changes}}


def refused(changes: dict[str, Any]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        Settings(**GOOD | changes)
    # nothing of the library underneath, whose text repeats whatever was given
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"ae_title": ""}, "ae_title", ""),
        ({"ae_title": "A" * 17}, "ae_title", "A" * 17),
        ({"ae_title": "A\\B"}, "ae_title", "A\\B"),
        ({"ae_title": ["A"]}, "ae_title", ["A"]),
        ({"station_name": "S" * 17}, "station_name", "S" * 17),
        ({"institution": "a\\b"}, "institution", "a\\b"),
        ({"manufacturer": "a\nb"}, "manufacturer", "a\nb"),
        ({"model": "m" * 65}, "model", "m" * 65),
        ({"serial_number": "\x7f"}, "serial_number", "\x7f"),
        ({"software_versions": ["1.0", "v" * 65]}, "software_versions", "v" * 65),
        ({"software_versions": 5}, "software_versions", 5),
        ({"modality": "dx"}, "modality", "dx"),
        ({"modality": " "}, "modality", " "),
        ({"uid_root": "2.25"}, "uid_root", "2.25"),
        ({"implementation_class_uid": "1.02"}, "implementation_class_uid", "1.02"),
        ({"uid_root": "1.02"}, "uid_root", "1.02"),
        ({"uid_root": "1.2." + "3" * 40}, "uid_root", "1.2." + "3" * 40),
        ({"data_dir": 5}, "data_dir", 5),
        ({"worklist": "ris"}, "worklist", "ris"),
        ({"mpps": ["ris"]}, "mpps", "ris"),
        ({"storage": ["pacs", "other"]}, "storage", "other"),
        ({"storage": ["pacs", "pacs"]}, "storage", ["pacs", "pacs"]),
        ({"dose": ["ris"]}, "dose", "ris"),
        ({"query_retrieve": "ris"}, "query_retrieve", "ris"),
        ({"printing": "film"}, "printing", "film"),
        ({"listen": {"port": 65536}}, "listen.port", 65536),
        ({"listen": {"port": "high"}}, "listen.port", "high"),
        ({"listen": {"maximum_associations": 0}}, "listen.maximum_associations", 0),
        ({"listen": 11112}, "listen", 11112),
        ({"detector": {"imager_pixel_spacing": [0, 0.1]}}, "detector.imager_pixel_spacing", (0.0, 0.1)),
        ({"detector": {"imager_pixel_spacing": [0.1]}}, "detector.imager_pixel_spacing", None),
        ({"detector": {"imager_pixel_spacing": [1, 2, 3]}}, "detector.imager_pixel_spacing", [1, 2, 3]),
        ({"detector": {"bits_stored": 14}}, "detector.imager_pixel_spacing", None),
        ({"detector": {"imager_pixel_spacing": SPACING, "bits_stored": 17}}, "detector.bits_stored", 17),
        (
            {"detector": {"imager_pixel_spacing": SPACING, "photometric_interpretation": "RGB"}},
            "detector.photometric_interpretation",
            "RGB",
        ),
        (
            {"detector": {"imager_pixel_spacing": SPACING, "pixel_intensity_relationship_sign": 0}},
            "detector.pixel_intensity_relationship_sign",
            0,
        ),
        ({"detector": {"imager_pixel_spacing": SPACING, "detector_type": "CCD"}}, "detector.detector_type", "CCD"),
        ({"retry": {"attempts": -1}}, "retry.attempts", -1),
        ({"retry": {"attempts": 1.5}}, "retry.attempts", 1.5),
        ({"retry": {"initial": float("inf")}}, "retry.initial", float("inf")),
        ({"retry": {"unreachable_attempts": 0}}, "retry.unreachable_attempts", 0),
        ({"commitment": {"initial_delay": -1}}, "commitment.initial_delay", -1),
        ({"commitment": {"linger": -1}}, "commitment.linger", -1),
        ({"commitment": {"request_timeout": 0}}, "commitment.request_timeout", 0),
        ({"commitment": {"maximum_references": 0}}, "commitment.maximum_references", 0),
        ({"commitment": {"re_requests": [60, 0]}}, "commitment.re_requests", (60, 0)),
        ({"pool": {"maximum": 0}}, "pool.maximum", 0),
        ({"send": {"objects": "never"}}, "send.objects", "never"),
        ({"timeouts": {"connect": 0}}, "timeouts.connect", 0),
        ({"timeouts": {"connect": "soon"}}, "timeouts.connect", "soon"),
        ({"tls": {"profile": "none"}}, "tls.profile", "none"),
        ({"tls": {"certificate": "there.pem"}}, "tls.key", None),
        ({"tls": {"key": "there.key"}}, "tls.certificate", None),
        ({"peers": {"a b": PEER}}, "peers", "a b"),
        ({"peers": {"a__b": PEER}}, "peers", "a__b"),
        ({"peers": {"pacs": "PACS"}}, "peers.pacs", None),
        ({"peers": ["pacs"]}, "peers", ["pacs"]),
        (with_peer(ae_title="A" * 17), "peers.pacs.ae_title", "A" * 17),
        (with_peer(host=" "), "peers.pacs.host", " "),
        (with_peer(port=0), "peers.pacs.port", 0),
        (with_peer(port="x"), "peers.pacs.port", "x"),
        (with_peer(commitment="ris"), "peers.pacs.commitment", "ris"),
        (with_peer(commitment=2), "peers.pacs.commitment", 2),
        (with_peer(timeouts={"find": -1}), "peers.pacs.timeouts.find", -1),
        (with_peer(timeouts=5), "peers.pacs.timeouts", 5),
        (with_peer(tls="perhaps"), "peers.pacs.tls", None),
        (with_peer(tls={"profile": "x"}), "peers.pacs.tls.profile", "x"),
        (with_peer(transfer_syntaxes=["JPEG9000"]), "peers.pacs.transfer_syntaxes", "JPEG9000"),
        (with_peer(transfer_syntaxes=5), "peers.pacs.transfer_syntaxes", 5),
        (with_peer(query_charset="UTF-8"), "peers.pacs.query_charset", "UTF-8"),
        (with_peer(assume_charset="latin1"), "peers.pacs.assume_charset", "latin1"),
        (with_peer(maximum_pdu=100), "peers.pacs.maximum_pdu", 100),
    ],
)
def test_a_broken_rule_names_setting_and_value(changes: dict[str, Any], field: str, value: object) -> None:
    error = refused(changes)
    assert (error.field, error.value) == (field, value)
    assert error.rule
    assert str(error).startswith(f"{field}: {error.rule}")


@pytest.mark.parametrize("field", ["ae_title", "host", "port"])
def test_what_a_peer_lacks_is_named(field: str) -> None:
    peer = {key: value for key, value in PEER.items() if key != field}
    error = refused({"peers": {"pacs": peer}})
    assert (error.field, error.rule) == (f"peers.pacs.{field}", "is required")


def test_an_ae_title_of_our_own_is_required() -> None:
    with pytest.raises(ConfigurationError, match=r"^ae_title: is required$"):
        Settings()


@pytest.mark.parametrize(
    ("changes", "field", "meant"),
    [
        ({"storag": ["pacs"]}, "storag", "storage"),
        ({"listen": {"prot": 1}}, "listen.prot", "port"),
        ({"retry": {"atempts": 1}}, "retry.atempts", "attempts"),
        ({"detector": {"bit_stored": 1}}, "detector.bit_stored", "bits_stored"),
        ({"tls": {"trusted": []}}, "tls.trusted", "trust"),
        (with_peer(ae_titel="X"), "peers.pacs.ae_titel", "ae_title"),
        (with_peer(timeouts={"respond": 1}), "peers.pacs.timeouts.respond", "response"),
        (with_peer(tls={"server": "x"}), "peers.pacs.tls.server", "server_name"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(changes: dict[str, Any], field: str, meant: str) -> None:
    error = refused(changes)
    assert error.field == field
    assert error.rule == f"is not a setting (did you mean '{meant}'?)"


def test_a_misspelled_key_is_reported_before_the_one_that_is_then_missing() -> None:
    with pytest.raises(ConfigurationError, match=r"^ae_titel: is not a setting \(did you mean 'ae_title'\?\)"):
        Settings(ae_titel="XRAY1")


def test_a_key_like_no_other_is_refused_without_a_guess() -> None:
    assert refused({"zzzz": 1}).rule == "is not a setting"
    assert refused(with_peer(name="other")).field == "peers.pacs.name"


def test_a_misspelled_peer_is_guessed() -> None:
    assert "(did you mean 'pacs'?), not 'pasc'" in str(refused({"storage": ["pasc"]}))
    assert "(did you mean 'pacs'?), not 'pasc'" in str(refused(with_peer(commitment="pasc")))
    with pytest.raises(ConfigurationError, match=r"did you mean 'pacs'\?"):
        Settings(**GOOD).peer("pasc")
    with pytest.raises(ConfigurationError, match="peer"):
        Settings(**GOOD).peer("")


def problem(changes: dict[str, Any]) -> ConfigurationError | None:
    try:
        Settings(**GOOD | changes)
    except ConfigurationError as error:
        return error
    return None


@hypothesis.settings(max_examples=40, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4))
def test_whatever_stands_in_a_setting_the_error_is_ours(value: object) -> None:
    for name in Settings.model_fields:
        found = problem({name: value})
        assert found is None or found.field.partition(".")[0] == name
    for name in ("ae_title", "host", "port", "commitment", "tls", "timeouts", "transfer_syntaxes", "query_charset"):
        found = problem(with_peer(**{name: value}))
        assert found is None or found.field.startswith(f"peers.pacs.{name}")


@pytest.mark.parametrize(
    ("given_as", "means"),
    [(True, True), (False, False), ("true", True), ("NO", False), ("", False), ("pacs", True), ("ris", "ris")],
)
def test_commitment_is_a_truth_or_another_peer(given_as: bool | str, means: bool | str) -> None:
    settings = Settings(ae_title="XRAY1", peers={"ris": PEER, "pacs": PEER | {"commitment": given_as}})
    assert settings.peer("pacs").commitment == means


@pytest.mark.req("FR-DICOM-10")
def test_a_peer_takes_the_tls_of_the_site_with_changes_of_its_own(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("ca.pem", "our.pem", "our.key")}
    for path in files.values():
        path.touch()
    site = {"trust": str(files["ca.pem"]), "certificate": files["our.pem"], "key": files["our.key"]}
    settings = Settings(
        ae_title="XRAY1",
        listen={"tls": True},
        tls=site,
        peers={
            "plain": PEER,
            "off": PEER | {"tls": False},
            "on": PEER | {"tls": True},
            "named": PEER | {"tls": {"server_name": "pacs.example"}},
        },
    )
    options = TlsOptions(trust=(files["ca.pem"],), certificate=files["our.pem"], key=files["our.key"])
    assert settings.peer("plain").tls is settings.peer("off").tls is None
    assert settings.peer("on").tls == settings.listener_options.tls == options
    assert settings.peer("named").tls == TlsOptions(
        trust=options.trust, certificate=options.certificate, key=options.key, server_name="pacs.example"
    )


@pytest.mark.req("FR-DICOM-10")
def test_a_file_of_tls_must_exist(tmp_path: Path) -> None:
    error = refused({"tls": {"trust": [str(tmp_path / "ca.pem")]}})
    assert (error.field, error.value) == ("tls.trust", str(tmp_path / "ca.pem"))


@pytest.mark.req("FR-DICOM-10")
@pytest.mark.req("NFR-SEC-01")
@pytest.mark.parametrize("key", ["-----BEGIN PRIVATE KEY-----\nMIIE\n", ["MIIE"], {"pem": "MIIE"}])
def test_a_key_pasted_into_the_configuration_is_refused_and_not_repeated(key: object, tmp_path: Path) -> None:
    error = refused({"tls": {"certificate": "our.pem", "key": key}})
    assert error.field == "tls.key"
    assert "MIIE" not in f"{error!r} {error} {error.value}"
    if isinstance(key, str):
        (tmp_path / "m.toml").write_text(f'ae_title = "A"\n[tls]\ncertificate = "c"\nkey = """{key}"""')
        with pytest.raises(ConfigurationError, match=r"tls\.key: names a file") as caught:
            Settings.load(tmp_path / "m.toml")
        assert "MIIE" not in str(caught.value)


@pytest.mark.req("NFR-REL-01")
def test_the_data_directory_is_made_with_its_parents(tmp_path: Path) -> None:
    settings = Settings(ae_title="XRAY1", data_dir=tmp_path / "a" / "b")
    settings.check_data_dir()
    settings.check_data_dir()
    assert settings.data_dir.is_dir()
    assert list(settings.data_dir.iterdir()) == []


@pytest.mark.req("NFR-REL-01")
@pytest.mark.parametrize("below", ["file", "file/data", "file/a/b"])
def test_a_data_directory_that_cannot_be_is_refused_by_name(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError) as caught:
        Settings(ae_title="XRAY1", data_dir=tmp_path / below).check_data_dir()
    assert (caught.value.field, caught.value.value) == ("data_dir", str(tmp_path / below))
