"""The files that forget, forget what a power failure takes and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crash.forgetful_files import ForgetfulFiles
from modality_sdk.journal import durable

pytestmark = pytest.mark.req("NFR-REL-01")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def files(tmp_path: Path, root: Path) -> Iterator[ForgetfulFiles]:
    forgetful = ForgetfulFiles(root, tmp_path / "shadows")
    with durable.using(forgetful):
        yield forgetful


def _write(path: Path, content: bytes, *, flushed: bool = True) -> None:
    with durable.create(path) as file:
        file.write(content)
        if flushed:
            durable.flush(file)


def _durable(path: Path, content: bytes = b"content") -> Path:
    _write(path, content)
    durable.sync_directory(path.parent)
    return path


def test_what_was_published_stays(root: Path, files: ForgetfulFiles) -> None:
    durable.make_directory(root / "a" / "b")
    _write(root / "a" / "b" / "file.part", b"content")
    durable.publish(root / "a" / "b" / "file.part", root / "a" / "b" / "file")
    files.lose_power()
    assert (root / "a" / "b" / "file").read_bytes() == b"content"
    assert not (root / "a" / "b" / "file.part").exists()


def test_content_is_lost_behind_the_last_flush(root: Path, files: ForgetfulFiles) -> None:
    with durable.create(root / "file") as file:
        file.write(b"flushed")
        durable.flush(file)
        file.write(b" and not")
    durable.sync_directory(root)
    files.lose_power()
    assert (root / "file").read_bytes() == b"flushed"


def test_content_that_was_never_flushed_is_lost_under_a_durable_name(root: Path, files: ForgetfulFiles) -> None:
    _write(root / "file.part", b"content", flushed=False)
    durable.publish(root / "file.part", root / "file")
    files.lose_power()
    assert (root / "file").read_bytes() == b""


def test_a_new_name_is_lost_until_its_directory_is_synced(root: Path, files: ForgetfulFiles) -> None:
    _write(root / "file", b"content")
    files.lose_power()
    assert list(root.iterdir()) == []


def test_a_new_directory_is_lost_with_all_that_is_in_it(root: Path, files: ForgetfulFiles) -> None:
    files.make_directory(root / "a")
    _durable(root / "a" / "file")
    files.lose_power()
    assert list(root.iterdir()) == []


def test_a_removed_name_is_back_until_its_directory_is_synced(root: Path, files: ForgetfulFiles) -> None:
    path = _durable(root / "file")
    files.unlink(path)
    assert not path.exists()
    files.lose_power()
    assert path.read_bytes() == b"content"


def test_a_removal_is_durable_once_its_directory_is_synced(root: Path, files: ForgetfulFiles) -> None:
    durable.remove(_durable(root / "file"))
    files.lose_power()
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    ("synced", "names"),
    [((), {"old"}), (("to",), {"old", "new"}), (("from",), set()), (("to", "from"), {"new"})],
    ids=["neither", "target", "source", "both"],
)
def test_a_move_is_two_changes(root: Path, files: ForgetfulFiles, synced: tuple[str, ...], names: set[str]) -> None:
    for name in ("from", "to"):
        durable.make_directory(root / name)
    files.rename(_durable(root / "from" / "old"), root / "to" / "new")
    for name in synced:
        durable.sync_directory(root / name)
    files.lose_power()
    assert {path.name for path in root.rglob("*") if path.is_file()} == names


def test_a_move_of_the_store_never_loses_the_file(root: Path, files: ForgetfulFiles) -> None:
    durable.make_directory(root / "to")
    durable.move(_durable(root / "old"), root / "to" / "new")
    files.lose_power()
    assert (root / "to" / "new").read_bytes() == b"content"
    assert not (root / "old").exists()


def test_other_files_are_back_after_the_block(root: Path) -> None:
    forgetful = ForgetfulFiles(root, root / "shadows")
    with durable.using(forgetful):
        pass
    _write(root / "file", b"content")
    forgetful.lose_power()
    assert (root / "file").read_bytes() == b"content"
