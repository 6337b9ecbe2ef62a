"""Peers as they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import Timeouts
from modality_sdk.settings import Settings, parse_peer

pytestmark = pytest.mark.req("FR-DICOM-09")

SETTINGS = Settings(
    ae_title="XRAY1",
    timeouts={"connect": 3},
    peers={"pacs": {"ae_title": "ORTHANC", "host": "10.0.0.1", "port": 4242, "commitment": True}},
)
TITLES = st.text("ABCXYZabc0189_-. @", min_size=1, max_size=16).filter(lambda title: title == title.strip())
HOSTS = st.sampled_from(["localhost", "127.0.0.1", "pacs.example.org", "[::1]", "[fe80::1%eth0]"])


@pytest.mark.parametrize(
    ("text", "ae_title", "host", "port"),
    [
        ("PACS@127.0.0.1:104", "PACS", "127.0.0.1", 104),
        ("  PACS@pacs.example.org:11112 ", "PACS", "pacs.example.org", 11112),
        ("MY PACS@host:104", "MY PACS", "host", 104),
        ("A@B@host:104", "A@B", "host", 104),
        ("AET@[::1]:104", "AET", "::1", 104),
        ("127.0.0.1 104", "ANY-SCP", "127.0.0.1", 104),
        ("host\t 104", "ANY-SCP", "host", 104),
        ("::1 104", "ANY-SCP", "::1", 104),
        ("[::1] 104", "ANY-SCP", "::1", 104),
        ("pacs 104", "ANY-SCP", "pacs", 104),
    ],
)
def test_every_spelling_is_understood(text: str, ae_title: str, host: str, port: int) -> None:
    peer = parse_peer(text, SETTINGS)
    assert (peer.ae_title, peer.host, peer.port) == (ae_title, host, port)
    assert peer.timeouts == Timeouts(connect=3)
    assert parse_peer(text) == parse_peer(text, None)


@given(ae_title=TITLES, host=HOSTS, port=st.integers(1, 65535))
def test_what_is_written_is_read_back(ae_title: str, host: str, port: int) -> None:
    peer = parse_peer(f"{ae_title}@{host}:{port}")
    assert (peer.ae_title, peer.host, peer.port) == (ae_title, host.strip("[]"), port)


def test_a_configured_name_means_that_peer() -> None:
    assert parse_peer("pacs", SETTINGS) is SETTINGS.peer("pacs")
    assert parse_peer(" pacs ", SETTINGS) is SETTINGS.peer("pacs")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "pacs",
        "host:104",
        "AET@host",
        "AET@host:",
        "AET@host:x",
        "AET@::1:104",
        "AET@[::1]",
        "@",
        "a b c",
        "AET@ho st:104",
        "AET@:104",
        "AET@[]:104",
        "host -1",
        "host 1o4",
        "AET@host:104:5",
        "AET@host:٣",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_peer(text)
    assert caught.value.field == "peer"
    assert caught.value.value == text.strip()


def test_a_misspelled_name_is_guessed() -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean 'pacs'\?"):
        parse_peer("pcas", SETTINGS)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("@host:104", "peer.ae_title"),
        ("A\\B@host:104", "peer.ae_title"),
        ("AET@host:0", "peer.port"),
        ("A234567890123456X@host:104", "peer.ae_title"),
        ("host 99999", "peer.port"),
    ],
)
def test_title_and_port_obey_their_rules(text: str, field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_peer(text)
    assert caught.value.field == field
