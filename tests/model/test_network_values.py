"""Peers, timeouts, limits and policies check themselves."""

import math
from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import ListenerOptions, Peer, PoolLimits, RetryPolicy, SendPolicy, Timeouts

PACS = Peer(name="pacs", ae_title="PACS", host="127.0.0.1", port=104)
AE_TITLES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\"), max_size=16)


@pytest.mark.req("FR-DICOM-09")
@given(AE_TITLES.filter(str.strip))
def test_an_ae_title_of_the_standard_is_taken(ae_title: str) -> None:
    assert replace(PACS, ae_title=ae_title).ae_title == ae_title


@pytest.mark.req("FR-DICOM-09")
@pytest.mark.parametrize("ae_title", ["", "  ", "A" * 17, "A\\B", "A\tB", "A\n", "PÄCS", "A\x7f"])
def test_an_illegal_ae_title_is_refused_by_peer_and_listener(ae_title: str) -> None:
    with pytest.raises(ConfigurationError) as peer:
        replace(PACS, ae_title=ae_title)
    with pytest.raises(ConfigurationError) as listener:
        ListenerOptions(ae_title=ae_title)
    assert peer.value.field == "peers.pacs.ae_title"
    assert listener.value.field == "ae_title"


@pytest.mark.req("FR-DICOM-09")
@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_a_peer_needs_a_real_port(port: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        replace(PACS, port=port)
    assert (caught.value.field, caught.value.value) == ("peers.pacs.port", port)


@pytest.mark.req("FR-DICOM-09")
def test_a_listener_may_leave_its_port_to_the_system_but_not_take_an_impossible_one() -> None:
    assert ListenerOptions(ae_title="XRAY1", port=0).port == 0
    with pytest.raises(ConfigurationError, match=r"listen\.port"):
        ListenerOptions(ae_title="XRAY1", port=65536)


@pytest.mark.req("FR-DICOM-09")
def test_a_peer_without_a_name_is_called_by_its_ae_title() -> None:
    assert Peer(ae_title="PACS", host="::1", port=104).name == "PACS"
    with pytest.raises(ConfigurationError, match=r"peer\.host"):
        Peer(ae_title="PACS", host=" ", port=104)


@pytest.mark.req("FR-DICOM-09")
@pytest.mark.parametrize("name", [field.name for field in fields(Timeouts)])
@pytest.mark.parametrize("seconds", [0, -1, math.nan])
def test_no_deadline_can_be_switched_off(name: str, seconds: float) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Timeouts(**{name: seconds})
    assert caught.value.field == f"timeouts.{name}"


@pytest.mark.req("FR-DICOM-08")
def test_the_default_delays_are_those_of_the_specification() -> None:
    policy = RetryPolicy()
    assert [policy.delay(retry) for retry in range(1, 6)] == [30, 60, 120, 240, 480]
    assert policy.attempts == 5
    assert policy.delay(8) == 3600


@pytest.mark.req("FR-DICOM-08")
@given(
    initial=st.floats(0.001, 1e6),
    multiplier=st.floats(1, 100),
    maximum=st.floats(0.001, 1e6),
    retry=st.integers(1, 10**9),
)
def test_delays_grow_up_to_the_maximum(initial: float, multiplier: float, maximum: float, retry: int) -> None:
    policy = RetryPolicy(initial=initial, multiplier=multiplier, maximum=maximum)
    assert policy.delay(1) == min(initial, maximum)
    assert policy.delay(retry) <= policy.delay(retry + 1) <= maximum


@pytest.mark.req("FR-DICOM-08")
def test_retries_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        RetryPolicy().delay(0)


@pytest.mark.req("FR-DICOM-08")
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"attempts": -1}, "retry.attempts"),
        ({"multiplier": 0.5}, "retry.multiplier"),
        ({"unreachable_attempts": 0}, "retry.unreachable_attempts"),
        ({"initial": 0}, "retry.initial"),
        ({"maximum": -1}, "retry.maximum"),
        ({"commitment_timeout": 0}, "retry.commitment_timeout"),
    ],
)
def test_an_impossible_retry_policy_is_refused(values: dict[str, float], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RetryPolicy(**values)
    assert caught.value.field == field


@pytest.mark.req("NFR-POOL-01")
@pytest.mark.parametrize(
    ("values", "field"),
    [({"maximum": 0}, "pool.maximum"), ({"acquire": 0}, "pool.acquire"), ({"idle": -1}, "pool.idle")],
)
def test_an_impossible_pool_is_refused(values: dict[str, float], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PoolLimits(**values)
    assert caught.value.field == field


@pytest.mark.req("FR-DICOM-04")
def test_a_send_policy_knows_its_words() -> None:
    assert SendPolicy(n_create="on_open", objects="on_complete").n_create == "on_open"
    with pytest.raises(ConfigurationError, match=r"send\.n_create"):
        SendPolicy(n_create="never")
    with pytest.raises(ConfigurationError, match=r"send\.objects"):
        SendPolicy(objects="sometime")


@pytest.mark.req("FR-DICOM-09")
def test_values_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PACS.port = 105  # type: ignore[misc]


@pytest.mark.req("FR-DICOM-09")
@pytest.mark.parametrize(
    "web", ["pacs:8042", "ftp://pacs/", "http://", "http://pacs:x/", "http://user:pw@pacs/", "http://a b/"]
)
def test_what_is_no_address_of_a_web_server_is_refused(web: str) -> None:
    with pytest.raises(ConfigurationError, match="web") as refused:
        Peer(ae_title="PACS", host="pacs", port=104, web=web)
    assert "pw" not in str(refused.value)


@pytest.mark.req("FR-DICOM-09")
@pytest.mark.parametrize("web", ["", "http://pacs:8042/", "https://pacs", "http://[::1]:8042/orthanc?x=1"])
def test_the_address_of_a_web_server_is_taken_as_it_is(web: str) -> None:
    assert Peer(ae_title="PACS", host="pacs", port=104, web=web).web == web
