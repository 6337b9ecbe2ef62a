"""The quirks of a peer as a site writes them."""

from pathlib import Path
from typing import Any

import pytest

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import Quirks
from modality_sdk.settings import Settings

pytestmark = pytest.mark.req("FR-DICOM-09")

PEER: dict[str, Any] = {"ae_title": "PACS", "host": "127.0.0.1", "port": 104}


def settings(quirks: Any, **peer: Any) -> Settings:
    return Settings(ae_title="XRAY1", peers={"pacs": PEER | peer | {"quirks": quirks}})


def test_a_peer_has_no_quirks_unless_they_are_written_down() -> None:
    assert Settings(ae_title="XRAY1", peers={"pacs": PEER}).peer("pacs").quirks == Quirks()


def test_a_file_and_the_environment_set_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.toml").write_text(
        'ae_title = "XRAY1"\n[peers.pacs]\nae_title = "PACS"\nhost = "h"\nport = 104\n'
        "[peers.pacs.quirks]\nimplicit_only = true\nmaximum_pdu_sent = 16384\nmaximum_associations = 1\n"
        'duplicate_statuses = ["C000", 0xC001]\ncommitment_linger = 30\nretrieve_ae_title = "ARCHIVE"\n'
    )
    monkeypatch.setenv("MODALITY_PEERS__PACS__QUIRKS__ACCESSION_REQUIRED", "true")
    assert Settings.load(tmp_path / "m.toml").peer("pacs").quirks == Quirks(
        implicit_only=True,
        maximum_pdu_sent=16384,
        maximum_associations=1,
        duplicate_statuses=(0xC000, 0xC001),
        commitment_linger=30.0,
        retrieve_ae_title="ARCHIVE",
        accession_required=True,
    )
    monkeypatch.setenv("MODALITY_PEERS__PACS__QUIRKS__DUPLICATE_STATUSES", "C002, C003")
    assert Settings.load(tmp_path / "m.toml").peer("pacs").quirks.duplicate_statuses == (0xC002, 0xC003)


def test_an_unknown_quirk_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings({"implict_only": True})
    assert caught.value.field == "peers.pacs.quirks.implict_only"
    assert caught.value.rule == "is not a setting (did you mean 'implicit_only'?)"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("maximum_pdu_sent", 100, 100),
        ("maximum_associations", -1, -1),
        ("commitment_linger", -1.0, -1.0),
        ("commitment_linger", 4000.0, 4000.0),
        ("duplicate_statuses", [0x0000], "0000"),
        ("duplicate_statuses", [0xB000], "B000"),
        ("duplicate_statuses", [0x1C000], "1C000"),
        ("duplicate_statuses", ["never"], ["never"]),
        ("duplicate_statuses", 5, 5),
        ("retrieve_ae_title", "A" * 17, "A" * 17),
        ("one_syntax", "perhaps", "perhaps"),
    ],
)
def test_a_broken_rule_names_the_quirk(name: str, value: object, shown: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings({name: value})
    assert (caught.value.field, caught.value.value) == (f"peers.pacs.quirks.{name}", shown)


@pytest.mark.parametrize("quirks", [5, "implicit_only", ["implicit_only"]])
def test_quirks_are_a_table(quirks: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(quirks)
    assert caught.value.field == "peers.pacs.quirks"


def test_implicit_only_and_a_list_without_implicit_vr_contradict_each_other() -> None:
    with pytest.raises(ConfigurationError, match="contradicts transfer_syntaxes") as caught:
        settings({"implicit_only": True}, transfer_syntaxes=["JPEG2000Lossless"])
    assert caught.value.field == "peers.pacs.quirks.implicit_only"
    settings({"implicit_only": True}, transfer_syntaxes=["JPEG2000Lossless", "ImplicitVRLittleEndian"])
