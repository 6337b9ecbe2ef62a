"""The file that a new site starts from."""

import re
import tomllib
from pathlib import Path

import pytest

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import (
    CommitmentPolicy,
    JournalPolicy,
    PoolLimits,
    RetentionPolicy,
    RetryPolicy,
    SendPolicy,
    Timeouts,
)
from modality_sdk.settings import Settings, template, write_template

pytestmark = pytest.mark.req("FR-DICOM-01")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODALITY_CONFIG", raising=False)


def test_the_template_loads_as_it_stands(tmp_path: Path) -> None:
    write_template(tmp_path / "modality.toml")
    settings = Settings.load(tmp_path / "modality.toml")
    assert settings.ae_title == "XRAY1"
    assert settings.storage == ("pacs",)
    assert settings.peer("pacs").commitment is True
    assert settings.data_dir == tmp_path / "modality-data"
    assert settings.detector_default is not None


def test_the_template_shows_the_defaults(tmp_path: Path) -> None:
    write_template(tmp_path / "modality.toml")
    settings = Settings.load(tmp_path / "modality.toml")
    assert settings.retry == RetryPolicy()
    assert settings.commitment == CommitmentPolicy()
    assert settings.journal == JournalPolicy()
    assert settings.pool == PoolLimits()
    assert settings.retention == RetentionPolicy()
    assert settings.send == SendPolicy()
    assert settings.timeouts == Timeouts()
    assert settings.listen == Settings(ae_title="X").listen


def test_every_setting_stands_in_the_template() -> None:
    shown = set(re.findall(r"^(?:# )?\[?([a-z_]+)", template(), re.MULTILINE))
    assert set(Settings.model_fields) <= shown
    assert {"transfer_syntaxes", "query_charset", "assume_charset", "commitment", "unreachable_attempts"} <= shown


def test_what_is_commented_out_is_toml_too() -> None:
    lines = template().splitlines()
    for line in lines:
        found = re.match(r"# ([a-z_]+ = .*)", line)
        if found:
            assert tomllib.loads(found[1])


def test_titles_and_addresses_are_filled_in(tmp_path: Path) -> None:
    text = template(
        ae_title='ROOM "7"', worklist="MY RIS@10.0.0.1:104", storage="[::1] 4242", port=0, data_dir="C:\\data"
    )
    values = tomllib.loads(text)
    assert values["ae_title"] == 'ROOM "7"'
    assert values["data_dir"] == "C:\\data"
    assert values["listen"]["port"] == 0
    assert values["peers"]["ris"] == {"ae_title": "MY RIS", "host": "10.0.0.1", "port": 104}
    assert values["peers"]["pacs"] == {"ae_title": "ANY-SCP", "host": "::1", "port": 4242, "commitment": True}
    with pytest.raises(ConfigurationError, match="peer"):
        template(storage="nonsense")


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "modality.toml"
    path.write_text("mine")
    with pytest.raises(ConfigurationError, match=r"modality\.toml: exists already"):
        write_template(path)
    assert path.read_text() == "mine"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"modality\.toml: cannot be written"):
        write_template(tmp_path / "missing" / "modality.toml")
