"""UIDs: form, root, uniqueness."""

import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydicom.uid import UID, ExplicitVRLittleEndian

from modality_sdk.errors import ConfigurationError
from modality_sdk.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, UidGenerator, is_uid

pytestmark = pytest.mark.req("FR-DICOM-11")

ARCS = st.one_of(st.integers(0, 99), st.integers(0, 10**8))
ROOTS = st.builds(
    lambda first, rest: ".".join(str(arc) for arc in (*first, *rest)),
    st.tuples(st.sampled_from([0, 1]), st.integers(0, 39)),
    st.lists(ARCS, max_size=4),
).filter(lambda root: not f"{root}.".startswith("1.2.840.10008."))


def test_without_a_root_a_uid_is_a_random_uuid_under_2_25() -> None:
    root, _, number = UidGenerator().new().rpartition(".")
    assert root == "2.25"
    made = uuid.UUID(int=int(number))
    assert made.version == 4
    assert made.variant == uuid.RFC_4122


@given(root=ROOTS, device=st.none() | st.integers(0, 99999))
def test_every_uid_is_legal_and_stands_under_its_root(root: str, device: int | None) -> None:
    prefix = root if device is None else f"{root}.{device}"
    assume(len(prefix) <= 38)  # longer ones leave no room and are refused
    for made in (UidGenerator(root, device).new() for _ in range(20)):
        assert is_uid(made)
        assert UID(made).is_valid
        assert made.startswith(prefix + ".")
        assert made.count(".") == prefix.count(".") + 1


@given(length=st.integers(30, 64))
def test_a_root_is_taken_exactly_when_80_random_bits_fit_behind_it(length: int) -> None:
    root = "1.2." + "9" * (length - 4)
    if length + len(".") + len(str(2**80 - 1)) <= 64:
        assert len(UidGenerator(root).new()) <= 64
    else:
        with pytest.raises(ConfigurationError, match="80 random bits"):
            UidGenerator(root)


def test_a_device_arc_counts_against_the_length() -> None:
    root = "1.2." + "9" * 34
    assert UidGenerator(root).new()
    with pytest.raises(ConfigurationError, match="80 random bits"):
        UidGenerator(root, device=1)


@pytest.mark.parametrize(
    "root",
    [
        "1.2.",
        ".1.2",
        "1..2",
        "1.02",
        "1.2.x",
        "1.2 ",
        "1.2\n",
        "1.2.٣",
        "1",
        "3.1",
        "1.40",
        "1.2." + "3" * 61,
        "2.25",
        "2.25.1",
        "1.2.840.10008",
        "1.2.840.10008.9",
    ],
)
def test_a_root_that_is_malformed_or_not_ours_is_refused(root: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        UidGenerator(root)
    assert caught.value.field == "uid_root"
    assert caught.value.value == root


def test_a_root_that_only_begins_like_a_reserved_one_is_taken() -> None:
    assert UidGenerator("2.251").new().startswith("2.251.")
    assert UidGenerator("1.2.840.100081").new().startswith("1.2.840.100081.")


def test_the_reason_against_2_25_is_given() -> None:
    with pytest.raises(ConfigurationError, match="one whole UUID"):
        UidGenerator("2.25")


@pytest.mark.parametrize(("root", "device"), [("", 1), ("1.2.3", -1)])
def test_a_device_needs_a_root_and_is_not_negative(root: str, device: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        UidGenerator(root, device)
    assert caught.value.field == "device"


def test_ten_restarts_of_a_hundred_uids_give_a_thousand() -> None:
    program = (
        "from modality_sdk.uid import UidGenerator as G\n"
        "print(*(g.new() for g in (G(), G('1.2.3', 7)) for _ in range(100)))"
    )
    runs = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(10)]
    made = [uid for run in runs for uid in run.communicate()[0].split()]
    assert len(set(made)) == len(made) == 2000


def test_threads_that_share_a_generator_never_get_the_same_uid() -> None:
    generator = UidGenerator("1.2.3")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: generator.new(), range(2000)))
    assert len(set(made)) == 2000


@pytest.mark.parametrize("text", ["0", "1.2.3", "2.25.0", "1." + "2" * 62, str(ExplicitVRLittleEndian)])
def test_a_uid_is_recognized(text: str) -> None:
    assert is_uid(text)


@pytest.mark.parametrize(
    "text", ["", ".", "1.", "01.2", "1.00", "1.2\0", " 1.2", "1/2", "../1", "1." + "2" * 63, "1.²"]
)
def test_what_is_no_uid_is_not_recognized(text: str) -> None:
    assert not is_uid(text)


@given(st.text(alphabet="0123456789. \0x", max_size=70))
def test_the_check_agrees_with_the_grammar(text: str) -> None:
    arcs = text.split(".")
    legal = all(arc.isascii() and arc.isdigit() and (arc == "0" or arc[0] != "0") for arc in arcs)
    assert is_uid(text) == (legal and len(text) <= 64)


def test_the_implementation_is_named_by_a_constant_legal_pair() -> None:
    assert is_uid(IMPLEMENTATION_CLASS_UID)
    assert uuid.UUID(int=int(IMPLEMENTATION_CLASS_UID.removeprefix("2.25."))).version == 4
    assert 1 <= len(IMPLEMENTATION_VERSION_NAME) <= 16
