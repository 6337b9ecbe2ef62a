"""Sealed files: whatever is written comes back, and nothing that was changed is ever given out."""

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modality_sdk.errors import QueueCorrupt
from modality_sdk.journal import AesGcmSeal
from modality_sdk.journal.sealed_file import CHUNK, HEADER

pytestmark = [pytest.mark.req("NFR-SEC-01"), pytest.mark.req("NFR-REL-01")]

SEAL = AesGcmSeal(bytes(range(32)))
UID = "1.2.3.4"
TAG = 16
NOISE = hashlib.shake_256(b"noise").digest(3 * CHUNK + 10)
LENGTHS = st.builds(lambda chunks, more: max(0, chunks * CHUNK + more), st.integers(0, 3), st.integers(-3, 3))


def sealed(plain: bytes, splits: Sequence[int] = (), uid: str = UID) -> bytes:
    file = io.BytesIO()
    output = SEAL.write(file, uid)
    for start, end in zip((0, *splits), (*splits, len(plain)), strict=True):
        output.write(plain[start:end])
    output.finish()
    return file.getvalue()


def opened(path: Path, content: bytes, length: int, uid: str = UID, seal: AesGcmSeal = SEAL) -> bytes:
    path.write_bytes(content)
    with seal.read(path, uid, length) as file:
        return file.read()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sealed") / "file"


@settings(deadline=None, max_examples=40)
@given(length=LENGTHS, data=st.data())
def test_any_length_written_in_any_pieces_comes_back(path: Path, length: int, data: st.DataObject) -> None:
    plain = NOISE[:length]
    splits = sorted(data.draw(st.lists(st.integers(0, length), max_size=4)))
    content = sealed(plain, splits)
    assert len(content) == HEADER + length + TAG * max(1, -(-length // CHUNK))
    assert opened(path, content, length) == plain


@settings(deadline=None, max_examples=40)
@given(
    length=LENGTHS,
    moves=st.lists(st.tuples(st.integers(0, 3 * CHUNK + 9), st.integers(0, CHUNK + 9)), min_size=1, max_size=4),
    near=st.booleans(),
)
def test_any_piece_is_read_from_any_place(path: Path, length: int, moves: list[tuple[int, int]], near: bool) -> None:
    plain = io.BytesIO(NOISE[:length])
    path.write_bytes(sealed(plain.getvalue()))
    with SEAL.read(path, UID, length) as file:
        for place, count in moves:
            start = max(0, round(place / CHUNK) * CHUNK - 5) if near else place
            assert file.seek(start) == plain.seek(start)
            into = bytearray(count)
            assert file.readinto(into) == plain.readinto(bytearray(count))  # type: ignore[attr-defined]
            assert into[: max(0, length - start)] == plain.getvalue()[start : start + count]
            assert file.tell() == plain.tell()
        assert file.seek(-min(3, length), io.SEEK_END) == max(0, length - 3)
        assert file.read() == plain.getvalue()[-3:]


def test_the_same_file_is_sealed_differently_each_time() -> None:
    one, other = sealed(bytes(100)), sealed(bytes(100))
    assert one[HEADER:] != other[HEADER:]


def test_seeking_before_the_begin_is_refused(path: Path) -> None:
    path.write_bytes(sealed(b"abc"))
    with SEAL.read(path, UID, 3) as file, pytest.raises(ValueError, match="negative"):
        file.seek(-4, io.SEEK_END)


PLAIN = NOISE[: 2 * CHUNK + 100]
CONTENT = sealed(PLAIN)
FULL = CHUNK + TAG


def flipped(place: int) -> bytes:
    changed = bytearray(CONTENT)
    changed[place] ^= 1
    return bytes(changed)


def with_header_of(other: bytes) -> bytes:
    return other[:HEADER] + CONTENT[HEADER:]


CHUNKS = [CONTENT[HEADER : HEADER + FULL], CONTENT[HEADER + FULL : HEADER + 2 * FULL], CONTENT[HEADER + 2 * FULL :]]
DAMAGE = {
    "magic": flipped(0),
    "version": flipped(8),
    "salt": flipped(9),
    "last byte of the header": flipped(HEADER - 1),
    "first byte of the first chunk": flipped(HEADER),
    "first byte of the first tag": flipped(HEADER + CHUNK),
    "middle of the second chunk": flipped(HEADER + FULL + CHUNK // 2),
    "second tag": flipped(HEADER + 2 * FULL - 1),
    "last chunk": flipped(HEADER + 2 * FULL),
    "last byte": flipped(len(CONTENT) - 1),
    "header of another file": with_header_of(sealed(PLAIN)),
    "chunks exchanged": CONTENT[:HEADER] + CHUNKS[1] + CHUNKS[0] + CHUNKS[2],
    "chunk repeated": CONTENT[:HEADER] + CHUNKS[0] + CHUNKS[0] + CHUNKS[2],
    "chunk of another file": CONTENT[:HEADER] + sealed(PLAIN)[HEADER : HEADER + FULL] + CHUNKS[1] + CHUNKS[2],
    "plain": bytes(HEADER) + PLAIN + bytes(3 * TAG),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_every_damage_is_an_error_that_names_the_object(path: Path, damage: str) -> None:
    with pytest.raises(QueueCorrupt, match=UID.replace(".", r"\.")):
        opened(path, DAMAGE[damage], len(PLAIN))


@pytest.mark.parametrize("told", [len(PLAIN), None], ids=["length as written", "length made to fit"])
@pytest.mark.parametrize(
    ("size", "plain"),
    [
        (0, None),
        (HEADER - 1, None),
        (HEADER, None),
        (HEADER + TAG - 1, None),
        (HEADER + TAG, 0),
        (HEADER + FULL - 1, CHUNK - 1),
        (HEADER + FULL, CHUNK),
        (HEADER + FULL + TAG + 1, CHUNK + 1),
        (HEADER + 2 * FULL, 2 * CHUNK),
        (len(CONTENT) - 1, len(PLAIN) - 1),
    ],
)
def test_a_file_that_was_cut_is_refused_also_when_the_journal_says_so_too(
    path: Path, size: int, plain: int | None, told: int | None
) -> None:
    length = told if told is not None else plain if plain is not None else 0
    with pytest.raises(QueueCorrupt, match=UID):
        opened(path, CONTENT[:size], length)


@pytest.mark.parametrize("more", [b"\0", bytes(TAG), bytes(CHUNK + TAG - 100)])
def test_a_file_that_has_grown_is_refused(path: Path, more: bytes) -> None:
    for length in (len(PLAIN), len(PLAIN) + len(more)):
        with pytest.raises(QueueCorrupt, match=UID):
            opened(path, CONTENT + more, length)


def test_the_parts_before_a_damage_are_good_and_the_others_are_not_given_out(path: Path) -> None:
    path.write_bytes(DAMAGE["middle of the second chunk"])
    with SEAL.read(path, UID, len(PLAIN)) as file:
        assert file.read(CHUNK) == PLAIN[:CHUNK]
        with pytest.raises(QueueCorrupt):
            file.read(1)
        file.seek(2 * CHUNK)
        assert file.read() == PLAIN[2 * CHUNK :]


@pytest.mark.parametrize(
    "read",
    [
        lambda path: opened(path, CONTENT, len(PLAIN), uid="1.2.3.5"),
        lambda path: opened(path, CONTENT, len(PLAIN), seal=AesGcmSeal(bytes(32))),
    ],
    ids=["object", "key"],
)
def test_the_file_of_another_object_or_key_is_refused(path: Path, read: Callable[[Path], bytes]) -> None:
    with pytest.raises(QueueCorrupt):
        read(path)


def test_a_file_that_is_gone_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SEAL.read(tmp_path / "absent", UID, 3)
