"""The points before and after durable effects."""

import pytest

from modality_sdk.crashpoints import around, observed, reached

pytestmark = pytest.mark.req("NFR-REL-01")


def test_nobody_looks_on_as_a_rule() -> None:
    seen: list[str] = []
    with observed(seen.append):
        reached("before this")
    reached("after this")
    assert seen == ["before this"]


def test_an_effect_that_fails_has_no_point_after_it() -> None:
    seen: list[str] = []
    with observed(seen.append):
        with around("success"):
            pass
        with pytest.raises(OSError, match="disk"), around("failure"):
            raise OSError("disk")
    assert seen == ["before success", "after success", "before failure"]


def test_the_observer_of_an_outer_block_is_back_after_an_inner_one() -> None:
    outer: list[str] = []
    inner: list[str] = []
    with observed(outer.append):
        with observed(inner.append):
            reached("in")
        reached("out")
    assert (outer, inner) == (["out"], ["in"])
