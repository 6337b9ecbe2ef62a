"""Limits of the store and its backups as values."""

import pytest

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import JournalPolicy
from modality_sdk.settings import Settings

pytestmark = pytest.mark.req("NFR-REL-01")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("maximum_objects", 0),
        ("maximum_bytes", -1),
        ("minimum_free_bytes", -1),
        ("backups", -1),
        ("warn_at", 0.0),
        ("warn_at", 1.0),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=rf"journal\.{field}"):
        JournalPolicy(**{field: value})


def test_the_table_of_the_file_is_read_and_its_directory_is_relative_to_the_file(tmp_path) -> None:
    path = tmp_path / "modality.toml"
    path.write_text('ae_title = "X"\n[journal]\nmaximum_objects = 7\nbackup_dir = "copies"\n', encoding="utf-8")
    settings = Settings.load(path)
    assert settings.journal == JournalPolicy(maximum_objects=7, backup_dir=tmp_path / "copies")
