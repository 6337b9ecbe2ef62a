"""Body parts, sides, views and how they are hung."""

from collections.abc import Callable
from typing import Any

import pytest
from pydicom.sr.codedict import codes

from modality_sdk.errors import InvalidValue, IodError, MissingAttribute
from modality_sdk.iod.anatomy import BODY_PARTS, OWN_TERMS, anatomic_region
from modality_sdk.iod.views import VIEW_MODIFIERS, VIEW_POSITIONS, VIEWS, projection_code, view_code

pytestmark = pytest.mark.req("IOD-DX")

Build = Callable[..., Any]


@pytest.mark.parametrize("term", BODY_PARTS)
def test_every_body_part_is_coded_as_in_the_context_group(term: str) -> None:
    code = anatomic_region(term)
    group = {c.value: c for c in codes.cid4031.concepts.values()}
    assert (code.scheme, code.meaning) == ("SCT", group[code.value].meaning)
    assert not code.meaning.endswith(")")  # no fully specified name of SNOMED CT
    assert term == term.upper()
    assert len(term) <= 16


def test_all_of_the_context_groups_has_a_name() -> None:
    assert {part.concept for part in BODY_PARTS.values()} == set(codes.cid4031.concepts)
    assert {anatomic_region(term).value for term in BODY_PARTS} == {c.value for c in codes.cid4009.concepts.values()}
    assert set(VIEWS.values()) == set(codes.cid4010.concepts)
    assert set(VIEW_MODIFIERS.values()) == set(codes.cid4011.concepts)
    for concept in codes.cid4012.concepts.values():
        assert projection_code(concept.meaning).value == concept.value
    assert set(BODY_PARTS) >= OWN_TERMS


@pytest.mark.parametrize("name", ["", "Smith", "projection"])
def test_an_unknown_projection_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match="ProjectionEponymousName"):
        projection_code(name)


def test_no_code_stands_for_two_body_parts() -> None:
    assert len({anatomic_region(term) for term in BODY_PARTS}) == len(BODY_PARTS)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_coded_as_in_the_context_group(view: str) -> None:
    group = {c.value: c.meaning for c in codes.cid4010.concepts.values()}
    code = view_code(view)
    assert (code.scheme, code.meaning) == ("SCT", group[code.value])


def test_every_defined_term_of_view_position_is_a_view(build: Build) -> None:
    for view in VIEW_POSITIONS:
        image = build(acquisition={"view": view, "patient_orientation": ("L", "F")})
        assert image.ViewPosition == view


def test_other_views_are_told_by_their_code_alone(build: Build) -> None:
    image = build(acquisition={"view": "LAO", "patient_orientation": ("LA", "F")})
    assert "ViewPosition" not in image
    assert image.ViewCodeSequence[0].CodeMeaning == "left anterior oblique"


def test_an_image_without_view_tells_none(build: Build) -> None:
    image = build(acquisition={"view": "", "patient_orientation": ("L", "F")})
    assert not {"ViewPosition", "ViewCodeSequence"} & set(image.dir())


@pytest.mark.parametrize("side", ["R", "L", "B"])
def test_a_paired_body_part_tells_its_side(build: Build, side: str) -> None:
    image = build(acquisition={"body_part": "HAND", "laterality": side})
    assert image.ImageLaterality == side


@pytest.mark.parametrize("side", ["", "R", "L", "U", "B"])
def test_an_unpaired_body_part_may_tell_a_side(build: Build, side: str) -> None:
    assert build(acquisition={"laterality": side}).ImageLaterality == (side or "U")


@pytest.mark.parametrize(
    ("acquisition", "error", "attribute"),
    [
        ({"body_part": ""}, MissingAttribute, "BodyPartExamined"),
        ({"body_part": "TENTACLE"}, InvalidValue, "BodyPartExamined"),
        ({"body_part": "chest"}, InvalidValue, "BodyPartExamined"),
        ({"view": "SIDEWAYS", "patient_orientation": ("L", "F")}, InvalidValue, "ViewPosition"),
        ({"body_part": "HAND"}, MissingAttribute, "ImageLaterality"),
        ({"body_part": "HAND", "laterality": "U"}, InvalidValue, "ImageLaterality"),
        ({"laterality": "X"}, InvalidValue, "ImageLaterality"),
        ({"view": "LLO"}, MissingAttribute, "PatientOrientation"),
        ({"view": ""}, MissingAttribute, "PatientOrientation"),
        ({"body_part": "HAND", "laterality": "L", "view": "LATERAL"}, MissingAttribute, "PatientOrientation"),
        ({"patient_orientation": ("L", "X")}, InvalidValue, "PatientOrientation"),
        ({"patient_orientation": ("L", "R")}, InvalidValue, "PatientOrientation"),
        ({"patient_orientation": ("L", "L")}, InvalidValue, "PatientOrientation"),
        ({"patient_orientation": ("LR", "F")}, InvalidValue, "PatientOrientation"),
        ({"patient_orientation": ("", "F")}, InvalidValue, "PatientOrientation"),
        ({"patient_orientation": ("LAFH", "F")}, InvalidValue, "PatientOrientation"),
        ({"patient_orientation": ("L",)}, InvalidValue, "PatientOrientation"),
    ],
)
def test_anatomy_that_cannot_be_is_refused(
    build: Build, acquisition: dict[str, Any], error: type[IodError], attribute: str
) -> None:
    with pytest.raises(error) as caught:
        build(acquisition=acquisition)
    assert caught.value.attribute == attribute


@pytest.mark.parametrize(
    ("body_part", "view", "expected"),
    [
        ("CHEST", "AP", ["L", "F"]),
        ("CHEST", "LL", ["P", "F"]),
        ("SKULL", "RL", ["P", "F"]),
        ("KNEE", "AP", ["L", "F"]),
        ("HAND", "PA", ["L", "H"]),
        ("THUMB", "AP", ["R", "H"]),
        ("FOOT", "DP", ["R", "P"]),
    ],
)
def test_patient_orientation_follows_the_hanging_of_plain_views(
    build: Build, body_part: str, view: str, expected: list[str]
) -> None:
    image = build(acquisition={"body_part": body_part, "view": view, "laterality": "R"})
    assert list(image.PatientOrientation) == expected


def test_a_given_patient_orientation_goes_before_the_default(build: Build) -> None:
    image = build(acquisition={"patient_orientation": ("R", "F")})
    assert list(image.PatientOrientation) == ["R", "F"]
