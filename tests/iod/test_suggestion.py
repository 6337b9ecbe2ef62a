"""Terms of somebody else's file as an acquisition that a DX image takes."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modality_sdk.iod import suggest_acquisition
from modality_sdk.iod.anatomy import BODY_PARTS
from modality_sdk.iod.views import VIEWS

pytestmark = pytest.mark.req("IOD-DX")

_ORIENTATIONS = st.none() | st.tuples(*(st.sampled_from(["L", "R", "A", "P", "H", "F", "LA", "LR", "", "X"]),) * 2)


@given(
    body_part=st.sampled_from([*BODY_PARTS, "", "LUNG"]),
    view=st.sampled_from([*VIEWS, "", "LAT"]),
    laterality=st.sampled_from(["", "L", "R", "B", "U", "X"]),
    patient_orientation=_ORIENTATIONS,
)
def test_whatever_a_file_says_becomes_an_image(build: Callable[..., Any], **terms: Any) -> None:
    suggested = suggest_acquisition(**terms)
    image = build(
        acquisition={
            name: getattr(suggested, name) for name in ("body_part", "view", "laterality", "patient_orientation")
        }
    )
    assert image.BodyPartExamined == (terms["body_part"] if terms["body_part"] in BODY_PARTS else "WHOLEBODY")
    assert image.get("ViewPosition", "") in ("", terms["view"])
    assert image.ImageLaterality in "RLUB"


def test_terms_that_are_fine_stay_as_they_are() -> None:
    suggested = suggest_acquisition(body_part="HAND", view="PA", laterality="L", patient_orientation=("R", "H"))
    assert (suggested.body_part, suggested.view, suggested.laterality) == ("HAND", "PA", "L")
    assert suggested.patient_orientation == ("R", "H")


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({}, ("WHOLEBODY", "", "U", ("L", "F"))),
        ({"body_part": "LUNG", "view": "PA"}, ("WHOLEBODY", "PA", "U", ("L", "F"))),
        ({"body_part": "CHEST", "view": "LAT"}, ("CHEST", "", "U", ("L", "F"))),
        ({"body_part": "CHEST", "view": "LL", "patient_orientation": ("L", "L")}, ("CHEST", "LL", "U", ("P", "F"))),
        ({"body_part": "HAND", "view": "PA"}, ("HAND", "PA", "B", ("L", "H"))),
        ({"body_part": "HAND", "laterality": "U"}, ("HAND", "", "B", ("R", "H"))),
        ({"body_part": "FOOT", "view": "OBLIQUE", "laterality": "R"}, ("FOOT", "OBLIQUE", "R", ("R", "P"))),
    ],
)
def test_what_is_not_known_is_told_by_what_says_least(terms: dict[str, Any], expected: tuple[Any, ...]) -> None:
    suggested = suggest_acquisition(**terms)
    found = (suggested.body_part, suggested.view, suggested.laterality, suggested.patient_orientation)
    assert found == expected
