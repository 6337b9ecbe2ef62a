"""Where the key of the encryption at rest comes from, and that it is never repeated."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from modality_sdk.errors import ConfigurationError
from modality_sdk.settings import Encryption, Settings, write_key_file

pytestmark = pytest.mark.req("NFR-SEC-01")

KEY = bytes(range(200, 232))
TEXTS = (KEY.hex(), KEY.hex().upper(), base64.b64encode(KEY).decode())
SHORT = (KEY[:31].hex(), KEY.hex() + "00", base64.b64encode(KEY[:30]).decode(), "password", "")
posix = pytest.mark.skipif(os.name != "posix", reason="access lists are not looked at")


def key_file(directory: Path, content: bytes, mode: int = 0o600) -> Path:
    file = directory / "journal.key"
    file.write_bytes(content)
    file.chmod(mode)
    return file


def refused(**values: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        Settings(ae_title="A", **values)
    return caught.value


def read(settings: Settings) -> bytes:
    assert settings.encryption is not None
    return settings.encryption.read_key()


def test_nothing_is_encrypted_when_nothing_is_said() -> None:
    assert Settings(ae_title="A").encryption is None


def test_a_table_without_a_key_is_refused_since_somebody_counts_on_it(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text('ae_title = "A"\n[encryption]\n')
    with pytest.raises(ConfigurationError, match=r"^encryption: needs a key_file"):
        Settings.load(tmp_path / "m.toml")


def test_an_empty_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALITY_ENCRYPTION__KEY", "")
    assert refused().field == "encryption.key"


@pytest.mark.parametrize("text", TEXTS)
def test_a_key_comes_from_the_environment(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALITY_ENCRYPTION__KEY", text)
    assert read(Settings(ae_title="A")) == KEY


def test_a_key_of_digits_and_one_e_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALITY_ENCRYPTION__KEY", "12e5" + "0" * 60)
    assert read(Settings(ae_title="A")) == bytes.fromhex("12e5" + "0" * 60)


@pytest.mark.parametrize("content", [KEY, *(text.encode() + b"\n" for text in TEXTS)])
def test_a_key_comes_from_a_file_beside_the_configuration(content: bytes, tmp_path: Path) -> None:
    key_file(tmp_path, content)
    (tmp_path / "m.toml").write_text('ae_title = "A"\n[encryption]\nkey_file = "journal.key"\n')
    assert read(Settings.load(tmp_path / "m.toml")) == KEY


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODALITY_ENCRYPTION__KEY", KEY.hex())
    (tmp_path / "m.toml").write_text('ae_title = "A"\n[encryption]\nkey_file = "absent.key"\n')
    assert read(Settings.load(tmp_path / "m.toml")) == KEY


@pytest.mark.parametrize("text", SHORT)
def test_a_key_that_is_none_is_refused_and_not_repeated(text: str) -> None:
    error = refused(encryption={"key": text})
    assert error.field == "encryption.key"
    assert "64 digits" in error.rule
    assert not text or text not in str(error)


@pytest.mark.parametrize("content", [b"", KEY[:31], KEY + b"\n", b"password\n", *(text.encode() for text in SHORT)])
def test_a_file_that_holds_no_key_is_refused_and_not_repeated(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^encryption\.key_file: must hold a key") as caught:
        Encryption(key_file=key_file(tmp_path, content)).read_key()
    assert caught.value.value == str(tmp_path / "journal.key")


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_key_file_that_is_not_its_owners_alone_is_refused(mode: int, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^encryption\.key_file: must be its owner's alone"):
        Encryption(key_file=key_file(tmp_path, KEY, mode)).read_key()


def test_a_key_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^encryption\.key_file: cannot be read"):
        Encryption(key_file=tmp_path / "absent").read_key()


@pytest.mark.parametrize("line", ["[encryption]\nkey = {}", "[encryption]\nkey_file = {}", "encryption = {}"])
@pytest.mark.parametrize("text", TEXTS)
def test_a_key_in_the_configuration_file_is_refused_and_not_repeated(line: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(f'ae_title = "A"\n{line}\n'.format(f'"{text}"'))
    with pytest.raises(ConfigurationError, match=r"^encryption") as caught:
        Settings.load(tmp_path / "m.toml")
    assert text not in str(caught.value)


@pytest.mark.parametrize("variable", ["MODALITY_ENCRYPTION", "MODALITY_ENCRYPTION__KEY_FILE"])
@pytest.mark.parametrize("text", [*TEXTS, "1" * 64])
def test_a_key_in_the_wrong_variable_is_refused_and_not_repeated(
    variable: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    assert text not in str(refused())


def test_settings_never_show_the_key() -> None:
    settings = Settings(ae_title="A", encryption={"key": KEY.hex()})
    shown = f"{settings!r} {settings} {settings.encryption} {settings.model_dump()} {settings.model_dump_json()}"
    assert KEY.hex() not in shown


def test_a_new_key_file_is_read_back_and_never_overwritten(tmp_path: Path) -> None:
    write_key_file(tmp_path / "a.key")
    write_key_file(tmp_path / "b.key")
    first = Encryption(key_file=tmp_path / "a.key").read_key()
    assert first != Encryption(key_file=tmp_path / "b.key").read_key()
    with pytest.raises(ConfigurationError, match="exists already"):
        write_key_file(tmp_path / "a.key")
    assert Encryption(key_file=tmp_path / "a.key").read_key() == first


def test_a_key_file_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_key_file(tmp_path / "absent" / "a.key")
