"""Grayscale presentation states, against PS3.3 A.33.1."""

import io
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import DigitalXRayImageStorageForPresentation

from modality_sdk.errors import InvalidValue, IodError, MissingAttribute
from modality_sdk.iod import GrayscalePresentationState, referenced_image, side_marker
from modality_sdk.model import (
    Annotation,
    AnnotationUnits,
    DisplayedArea,
    DisplayShutter,
    Graphic,
    GraphicLayer,
    GraphicType,
    ImageRotation,
    ModalityRescale,
    Patient,
    PhotometricInterpretation,
    PresentationLutShape,
    PresentationSizeMode,
    ReferencedImage,
    SoftcopyVoiLut,
    SopReference,
    TextAnnotation,
    VoiLutFunction,
)

pytestmark = pytest.mark.req("IOD-GSPS")

Make = Callable[..., Any]
DX = DigitalXRayImageStorageForPresentation


def an_image(number: int = 4, **changes: Any) -> ReferencedImage:
    """An image of 30 columns and 40 rows of the step's study."""
    values: dict[str, Any] = {
        "sop": SopReference(sop_class_uid=DX, sop_instance_uid=f"2.25.{number}"),
        "study_instance_uid": "2.25.2",
        "series_instance_uid": "2.25.3",
        "rows": 40,
        "columns": 30,
        "pixel_spacing": (0.15, 0.15),
        "patient_orientation": ("L", "F"),
        "body_part": "CHEST",
        "laterality": "U",
    }
    return ReferencedImage(**(values | changes))


IMAGE = an_image()
OTHER = an_image(5, rows=20, columns=60)
FOREIGN = SopReference(sop_class_uid=DX, sop_instance_uid="2.25.99")
LINE = Graphic(type=GraphicType.POLYLINE, places=((1, 2), (3, 4)))


@pytest.fixture
def state(step: Make, series: Make) -> Make:
    """Builds a state of IMAGE, but for the changes."""

    def build(**changes: Any) -> GrayscalePresentationState:
        values: dict[str, Any] = {
            "step": step(),
            "series": series(series_instance_uid="2.25.6", modality="PR", presentation_intent=None),
            "images": [IMAGE],
            "sop_instance_uid": "2.25.7",
            "instance_number": 1,
            "created_at": step().started,
        }
        return GrayscalePresentationState(**(values | changes))

    return build


def drawn(*graphics: Graphic, **values: Any) -> list[Annotation]:
    return [Annotation(layer="A", graphics=graphics, **values)]


def worded(**values: Any) -> list[Annotation]:
    return [Annotation(layer="A", texts=(TextAnnotation(**({"text": "here"} | values)),))]


def test_an_image_is_described_as_it_says_itself(build: Make) -> None:
    described = referenced_image(build())
    assert described == replace(IMAGE, sop=described.sop)
    assert described.sop.sop_instance_uid == "2.25.4"


@pytest.mark.parametrize("missing", ["Rows", "SOPInstanceUID", "SeriesInstanceUID", "PhotometricInterpretation"])
def test_what_is_no_whole_image_is_not_described(build: Make, missing: str) -> None:
    image = build()
    del image[missing]
    with pytest.raises(IodError):
        referenced_image(image)


def test_a_state_that_says_nothing_shows_the_whole_image(state: Make) -> None:
    built = state()
    assert (built.Modality, built.ContentLabel, built.PresentationLUTShape) == ("PR", "PRESENTATION", "IDENTITY")
    (area,) = built.DisplayedAreaSelectionSequence
    assert area.DisplayedAreaTopLeftHandCorner == [1, 1]
    assert area.DisplayedAreaBottomRightHandCorner == [30, 40]
    assert area.PresentationSizeMode == "SCALE TO FIT"
    assert area.PresentationPixelAspectRatio == [1, 1]
    for absent in ("ImageRotation", "ShutterShape", "SoftcopyVOILUTSequence", "GraphicLayerSequence", "RescaleSlope"):
        assert absent not in built
    assert "ReferencedImageSequence" not in area


def test_a_state_comes_back_byte_for_byte(state: Make) -> None:
    built = state(
        voi_luts=[SoftcopyVoiLut(table=(0, 5, 65535), first_value_mapped=-2)],
        shutter=DisplayShutter(circle=(10, 20, 5)),
        annotations=[side_marker("R", IMAGE)],
    )
    first, second = io.BytesIO(), io.BytesIO()
    built.save_as(first, enforce_file_format=True)
    first.seek(0)
    dcmread(first).save_as(second)
    assert first.getvalue() == second.getvalue()


def test_images_of_several_series_are_listed_by_series(state: Make) -> None:
    built = state(images=[IMAGE, an_image(5, series_instance_uid="2.25.33"), an_image(6)])
    listed = [
        (item.SeriesInstanceUID, [sop.ReferencedSOPInstanceUID for sop in item.ReferencedImageSequence])
        for item in built.ReferencedSeriesSequence
    ]
    assert listed == [("2.25.3", ["2.25.4", "2.25.6"]), ("2.25.33", ["2.25.5"])]


def test_body_part_and_side_are_those_of_the_images(state: Make, series: Make) -> None:
    left = [an_image(number, body_part="HAND", laterality="L") for number in (4, 5)]
    assert (state(images=left).BodyPartExamined, state(images=left).Laterality) == ("HAND", "L")
    mixed = state(images=[left[0], an_image(5, body_part="FOOT", laterality="R")])
    assert "BodyPartExamined" not in mixed
    assert "Laterality" not in mixed
    named = series(series_instance_uid="2.25.6", modality="PR", presentation_intent=None, body_part="WRIST")
    assert state(images=left, series=named).BodyPartExamined == "WRIST"


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"images": []}, "ReferencedSeriesSequence"),
        ({"images": [IMAGE, IMAGE]}, "ReferencedImageSequence"),
        ({"images": [an_image(study_instance_uid="2.25.22")]}, "StudyInstanceUID"),
        ({"images": [an_image(rows=0)]}, "Rows"),
        ({"images": [an_image(series_instance_uid="")]}, "SeriesInstanceUID"),
        ({"images": [an_image(sop=SopReference(sop_class_uid="2.25.1", sop_instance_uid="2.25.4"))]}, "Referenced"),
        ({"content_label": ""}, "ContentLabel"),
        ({"content_label": "small"}, "ContentLabel"),
        ({"rotation": 45}, "ImageRotation"),
        ({"rescale": ModalityRescale(slope=0, intercept=1)}, "RescaleSlope"),
        ({"rescale": ModalityRescale(slope=1, intercept=1, type="")}, "RescaleType"),
        ({"presentation_lut_shape": "LIN OD"}, "PresentationLUTShape"),
    ],
)
def test_what_no_state_is_made_of_is_refused_by_name(state: Make, changes: Any, attribute: str) -> None:
    with pytest.raises(IodError, match=f"^{attribute}"):
        state(**changes)


def test_a_state_is_in_a_series_of_its_own(state: Make, series: Make) -> None:
    with pytest.raises(InvalidValue, match="Modality"):
        state(series=series())


def test_polarity_follows_the_images(state: Make) -> None:
    inverse = an_image(5, photometric_interpretation=PhotometricInterpretation.MONOCHROME1)
    assert state(images=[inverse]).PresentationLUTShape == "INVERSE"
    with pytest.raises(MissingAttribute, match="PresentationLUTShape"):
        state(images=[IMAGE, inverse])
    assert state(images=[IMAGE, inverse], presentation_lut_shape="IDENTITY").PresentationLUTShape == "IDENTITY"


def test_windows_and_tables_are_for_the_images_they_name(state: Make) -> None:
    first = SoftcopyVoiLut(window=(100, 50.5), function=VoiLutFunction.SIGMOID, images=(IMAGE.sop,))
    second = SoftcopyVoiLut(table=(0, 300, 65535), first_value_mapped=7, explanation="Bone", images=(OTHER.sop,))
    window, table = state(images=[IMAGE, OTHER], voi_luts=[first, second]).SoftcopyVOILUTSequence
    assert (window.WindowCenter, window.WindowWidth, window.VOILUTFunction) == (100, 50.5, "SIGMOID")
    assert window.ReferencedImageSequence[0].ReferencedSOPInstanceUID == IMAGE.sop.sop_instance_uid
    (lut,) = table.VOILUTSequence
    assert list(lut.LUTDescriptor) == [3, 7, 16]
    assert np.frombuffer(lut.LUTData, "<u2").tolist() == [0, 300, 65535]


def test_a_table_of_all_values_is_written(state: Make) -> None:
    (item,) = state(voi_luts=[SoftcopyVoiLut(table=tuple(range(65536)))]).SoftcopyVOILUTSequence
    assert list(item.VOILUTSequence[0].LUTDescriptor) == [0, 0, 16]


@pytest.mark.parametrize(
    ("luts", "attribute"),
    [
        ([SoftcopyVoiLut()], "WindowCenter"),
        ([SoftcopyVoiLut(window=(1, 0.5))], "WindowWidth"),
        ([SoftcopyVoiLut(window=(1, 0), function=VoiLutFunction.SIGMOID)], "WindowWidth"),
        ([SoftcopyVoiLut(window=(1, 2), table=(1, 2))], "VOILUTSequence"),
        ([SoftcopyVoiLut(table=(1,))], "LUTData"),
        ([SoftcopyVoiLut(table=(1, 65536))], "LUTData"),
        ([SoftcopyVoiLut(table=(1, 2), first_value_mapped=-40000)], "LUTDescriptor"),
        ([SoftcopyVoiLut(table=(1, 2), first_value_mapped=70000)], "LUTDescriptor"),
        ([SoftcopyVoiLut(window=(1, 2), images=(FOREIGN,))], "SoftcopyVOILUTSequence"),
        ([SoftcopyVoiLut(window=(1, 2)), SoftcopyVoiLut(window=(3, 4), images=(IMAGE.sop,))], "SoftcopyVOILUTSequence"),
    ],
)
def test_windows_and_tables_that_cannot_be_are_refused(state: Make, luts: Any, attribute: str) -> None:
    with pytest.raises(IodError, match=f"^{attribute}"):
        state(voi_luts=luts)


def test_a_shutter_is_written_by_rows_and_columns(state: Make) -> None:
    shutter = DisplayShutter(
        rectangle=(2, 28, 3, 38), circle=(15, 20, 14), polygon=((1, 2), (30, 5), (20, 40)), presentation_value=300
    )
    built = state(shutter=shutter)
    assert built.ShutterShape == ["RECTANGULAR", "CIRCULAR", "POLYGONAL"]
    edges = [built[f"Shutter{name}Edge"].value for name in ("LeftVertical", "RightVertical", "UpperHorizontal")]
    assert [*edges, built.ShutterLowerHorizontalEdge] == [2, 28, 3, 38]
    assert (built.CenterOfCircularShutter, built.RadiusOfCircularShutter) == ([20, 15], 14)
    assert built.VerticesOfThePolygonalShutter == [2, 1, 5, 30, 40, 20]
    assert built.ShutterPresentationValue == 300


@pytest.mark.parametrize(
    ("shutter", "attribute"),
    [
        ({}, "ShutterShape"),
        ({"rectangle": (5, 5, 1, 9)}, "ShutterRightVerticalEdge"),
        ({"rectangle": (1, 9, 9, 5)}, "ShutterLowerHorizontalEdge"),
        ({"rectangle": (1, 9, 1)}, "ShutterLeftVerticalEdge"),
        ({"rectangle": (1.5, 9, 1, 9)}, "ShutterLeftVerticalEdge"),
        ({"rectangle": (31, 60, 1, 9)}, "ShutterShape"),
        ({"circle": (5, 5, 0)}, "RadiusOfCircularShutter"),
        ({"circle": (5, 5)}, "CenterOfCircularShutter"),
        ({"circle": (-50, 5, 10)}, "ShutterShape"),
        ({"polygon": ((1, 1), (9, 9))}, "VerticesOfThePolygonalShutter"),
        ({"polygon": ((1, 1), (5, 5), (9, 9))}, "VerticesOfThePolygonalShutter"),
        ({"polygon": ((1, 1), (9, 9), (9, 1), (1, 8))}, "VerticesOfThePolygonalShutter"),
        ({"polygon": ((1, 1), (9, 1), (1, 1), (1, 8))}, "VerticesOfThePolygonalShutter"),
        ({"rectangle": (1, 5, 1, 5), "circle": (20, 30, 4)}, "ShutterShape"),
        ({"circle": (5, 5, 3), "presentation_value": 65536}, "ShutterPresentationValue"),
    ],
)
def test_a_shutter_that_encloses_nothing_is_refused(state: Make, shutter: Any, attribute: str) -> None:
    with pytest.raises(IodError, match=f"^{attribute}"):
        state(shutter=DisplayShutter(**shutter))


def test_a_polygon_may_end_where_it_starts(state: Make) -> None:
    built = state(shutter=DisplayShutter(polygon=((1, 1), (20, 1), (20, 30), (1, 1))))
    assert built.VerticesOfThePolygonalShutter == [1, 1, 1, 20, 30, 20]


@pytest.mark.parametrize(
    ("rotation", "flip", "top_left", "bottom_right"),
    [
        (0, False, (2, 3), (20, 35)),
        (90, False, (2, 35), (20, 3)),
        (180, False, (20, 35), (2, 3)),
        (270, False, (20, 3), (2, 35)),
        (0, True, (20, 3), (2, 35)),
        (90, True, (2, 3), (20, 35)),
        (180, True, (2, 35), (20, 3)),
        (270, True, (20, 35), (2, 3)),
    ],
)
def test_corners_are_those_of_the_picture_as_it_is_seen(
    state: Make, rotation: int, flip: bool, top_left: Any, bottom_right: Any
) -> None:
    area = DisplayedArea(top_left=(2, 3), bottom_right=(20, 35))
    built = state(rotation=rotation, horizontal_flip=flip, displayed_areas=[area])
    (item,) = built.DisplayedAreaSelectionSequence
    # where the corners go when the image is turned as the attributes say, by NumPy's own means
    numbered = np.arange(40 * 30).reshape(40, 30)[2:35, 1:20]
    seen = np.rot90(numbered, -rotation // 90)
    seen = seen[:, ::-1] if flip else seen
    for place, corner in ((seen[0, 0], top_left), (seen[-1, -1], bottom_right)):
        assert (place % 30 + 1, place // 30 + 1) == corner
    assert tuple(item.DisplayedAreaTopLeftHandCorner) == top_left
    assert tuple(item.DisplayedAreaBottomRightHandCorner) == bottom_right
    if rotation or flip:
        assert (built.ImageRotation, built.ImageHorizontalFlip) == (rotation, "Y" if flip else "N")
    else:
        assert "ImageRotation" not in built


def test_images_of_the_same_size_share_an_area_and_others_do_not(state: Make) -> None:
    third = an_image(6)
    assert len(state(images=[IMAGE, third]).DisplayedAreaSelectionSequence) == 1
    items = state(images=[IMAGE, OTHER, third]).DisplayedAreaSelectionSequence
    named = [[r.ReferencedSOPInstanceUID for r in item.ReferencedImageSequence] for item in items]
    assert named == [["2.25.4", "2.25.6"], ["2.25.5"]]


@pytest.mark.parametrize(
    ("area", "spacing", "ratio"),
    [
        (DisplayedArea(size_mode=PresentationSizeMode.TRUE_SIZE), [0.15, 0.15], None),
        (DisplayedArea(pixel_spacing=(0.1, 0.2)), [0.1, 0.2], None),
        (DisplayedArea(pixel_aspect_ratio=(2, 1)), None, [2, 1]),
        (DisplayedArea(size_mode=PresentationSizeMode.MAGNIFY, magnification_ratio=2.5), None, [1, 1]),
    ],
)
def test_an_area_has_a_spacing_or_an_aspect_ratio(state: Make, area: Any, spacing: Any, ratio: Any) -> None:
    (item,) = state(displayed_areas=[area]).DisplayedAreaSelectionSequence
    assert item.get("PresentationPixelSpacing") == spacing
    assert item.get("PresentationPixelAspectRatio") == ratio
    assert item.get("PresentationPixelMagnificationRatio") == area.magnification_ratio


def test_pixels_that_are_not_square_keep_their_spacing(state: Make) -> None:
    (item,) = state(images=[an_image(pixel_spacing=(0.1, 0.2))]).DisplayedAreaSelectionSequence
    assert item.PresentationPixelSpacing == [0.1, 0.2]


@pytest.mark.parametrize(
    ("area", "attribute"),
    [
        ({"top_left": (31, 1)}, "DisplayedArea"),
        ({"top_left": (5, 5), "bottom_right": (4, 9)}, "DisplayedArea"),
        ({"bottom_right": (0, 9)}, "DisplayedArea"),
        ({"bottom_right": (5.5, 9)}, "DisplayedAreaBottomRightHandCorner"),
        ({"size_mode": "FIT"}, "PresentationSizeMode"),
        ({"size_mode": "MAGNIFY"}, "PresentationPixelMagnificationRatio"),
        ({"size_mode": "MAGNIFY", "magnification_ratio": 0}, "PresentationPixelMagnificationRatio"),
        ({"magnification_ratio": 2}, "PresentationPixelMagnificationRatio"),
        ({"pixel_spacing": (0.1, 0.1), "pixel_aspect_ratio": (1, 1)}, "PresentationPixelAspectRatio"),
        ({"pixel_aspect_ratio": (1, 1), "size_mode": "TRUE SIZE"}, "PresentationPixelAspectRatio"),
        ({"pixel_aspect_ratio": (0, 1)}, "PresentationPixelAspectRatio"),
        ({"pixel_spacing": (0, 1)}, "PresentationPixelSpacing"),
        ({"images": (FOREIGN,)}, "DisplayedAreaSelectionSequence"),
        ({"images": (IMAGE.sop, IMAGE.sop)}, "DisplayedAreaSelectionSequence"),
    ],
)
def test_an_area_that_cannot_be_shown_is_refused(state: Make, area: Any, attribute: str) -> None:
    with pytest.raises(IodError, match=f"^{attribute}"):
        state(displayed_areas=[DisplayedArea(**area)])


def test_true_size_needs_a_spacing(state: Make) -> None:
    with pytest.raises(MissingAttribute, match="PresentationPixelSpacing"):
        state(images=[an_image(pixel_spacing=None)], displayed_areas=[DisplayedArea(size_mode="TRUE SIZE")])


def test_an_image_has_one_area(state: Make) -> None:
    with pytest.raises(InvalidValue, match="DisplayedAreaSelectionSequence"):
        state(displayed_areas=[DisplayedArea(), DisplayedArea(images=(IMAGE.sop,))])


def test_layers_are_declared_in_the_order_of_use(state: Make) -> None:
    built = state(annotations=[Annotation(layer=name, graphics=(LINE,)) for name in ("B", "A", "B")])
    assert [(item.GraphicLayer, item.GraphicLayerOrder) for item in built.GraphicLayerSequence] == [("B", 1), ("A", 2)]
    assert [item.GraphicLayer for item in built.GraphicAnnotationSequence] == ["B", "A", "B"]


def test_graphics_are_written_as_their_type_demands(state: Make) -> None:
    graphics = [
        LINE,
        Graphic(type=GraphicType.POLYLINE, places=((1, 1), (5, 1), (5, 5), (1, 1)), filled=True),
        Graphic(type=GraphicType.CIRCLE, places=((10, 10), (12, 10))),
        Graphic(type=GraphicType.POINT, places=((0.5, 0.25),), units=AnnotationUnits.DISPLAY),
    ]
    (item,) = state(annotations=drawn(*graphics)).GraphicAnnotationSequence
    line, closed, circle, point = item.GraphicObjectSequence
    assert (line.GraphicData, line.NumberOfGraphicPoints, line.GraphicDimensions) == ([1, 2, 3, 4], 2, 2)
    assert [g.get("GraphicFilled") for g in (line, closed, circle, point)] == [None, "Y", "N", None]
    assert point.GraphicAnnotationUnits == "DISPLAY"


@pytest.mark.parametrize(
    ("values", "attribute"),
    [
        ({"places": ((1, 1),)}, "GraphicData"),
        ({"places": ((1, 1), (1, 1))}, "GraphicData"),
        ({"places": ((1, 1), (31, 1))}, "GraphicData"),
        ({"places": ((1, 1), (1, float("nan")))}, "GraphicData"),
        ({"places": ((0, 0), (1.5, 0)), "units": "DISPLAY"}, "GraphicData"),
        ({"type": "CIRCLE", "places": ((1, 1), (1, 1))}, "GraphicData"),
        ({"type": "CIRCLE", "places": ((1, 1), (2, 2), (3, 3))}, "GraphicData"),
        ({"type": "ELLIPSE", "places": ((1, 1), (9, 1), (5, 5), (5, 5))}, "GraphicData"),
        ({"type": "SQUARE"}, "GraphicType"),
        ({"units": "MM"}, "GraphicAnnotationUnits"),
        ({"filled": True}, "GraphicFilled"),
    ],
)
def test_graphics_that_cannot_be_drawn_are_refused(state: Make, values: Any, attribute: str) -> None:
    with pytest.raises(IodError, match=f"^{attribute}"):
        state(annotations=drawn(replace(LINE, **values)))


@pytest.mark.parametrize(
    ("values", "attribute"),
    [
        ({}, "BoundingBox"),
        ({"text": " ", "anchor": (1, 1)}, "UnformattedTextValue"),
        ({"anchor": (31, 1)}, "AnchorPoint"),
        ({"box": ((1, 1), (1, 9))}, "BoundingBox"),
        ({"box": ((1, 1), (9, 41))}, "BoundingBox"),
        ({"box": ((0, 0), (0.5, 2)), "units": "DISPLAY"}, "BoundingBox"),
        ({"box": ((1, 1), (9, 9)), "justification": "MIDDLE"}, "BoundingBoxTextHorizontalJustification"),
    ],
)
def test_texts_that_cannot_be_placed_are_refused(state: Make, values: Any, attribute: str) -> None:
    with pytest.raises(IodError, match=f"^{attribute}"):
        state(annotations=worded(**values))


def test_a_text_outside_of_what_is_displayed_is_refused(state: Make) -> None:
    area = DisplayedArea(top_left=(11, 11), bottom_right=(30, 40))
    with pytest.raises(InvalidValue, match="BoundingBox"):
        state(displayed_areas=[area], annotations=[side_marker("R", IMAGE)])
    built = state(displayed_areas=[area], annotations=[side_marker("R", IMAGE, area=area)])
    text = built.GraphicAnnotationSequence[0].TextObjectSequence[0]
    assert min(text.BoundingBoxTopLeftHandCorner) > 10


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"annotations": [Annotation(layer="A")]}, "GraphicObjectSequence"),
        ({"annotations": drawn(LINE, images=(FOREIGN,))}, "GraphicAnnotationSequence"),
        ({"annotations": drawn(LINE), "layers": [GraphicLayer(name="B", order=1)]}, "GraphicLayer"),
        ({"layers": [GraphicLayer(name="", order=1)]}, "GraphicLayer"),
        ({"layers": [GraphicLayer(name="small", order=1)]}, "GraphicLayer"),
        ({"layers": [GraphicLayer(name="A", order=1), GraphicLayer(name="A", order=2)]}, "GraphicLayerSequence"),
        ({"layers": [GraphicLayer(name="A", order=1), GraphicLayer(name="B", order=1)]}, "GraphicLayerSequence"),
    ],
)
def test_annotations_refer_to_what_is_declared(state: Make, changes: Any, attribute: str) -> None:
    with pytest.raises(IodError, match=f"^{attribute}"):
        state(**changes)


@pytest.mark.parametrize(
    ("side", "orientation", "at_right", "at_bottom"),
    [
        ("R", ("L", "F"), False, False),
        ("L", ("L", "F"), True, False),
        ("R", ("R", "H"), True, False),
        ("L", ("LA", "F"), True, False),
        ("L", ("F", "R"), False, False),
        ("R", ("F", "R"), False, True),
        ("R", ("P", "F"), False, False),
        ("L", None, False, False),
    ],
)
def test_a_side_marker_stands_on_its_side(side: str, orientation: Any, at_right: bool, at_bottom: bool) -> None:
    marker = side_marker(side, an_image(patient_orientation=orientation))
    (text,) = marker.texts
    assert text.box is not None
    (left, top), (right, bottom) = text.box
    assert (left > 15, top > 20) == (at_right, at_bottom)
    assert 0 < left < right < 30
    assert 0 < top < bottom < 40
    assert (text.text, marker.images) == (side, (IMAGE.sop,))


@pytest.mark.parametrize(("side", "values"), [("B", {}), ("", {}), ("R", {"height": 0.98}), ("L", {"height": 0})])
def test_a_marker_without_side_or_room_is_refused(side: str, values: Any) -> None:
    with pytest.raises(InvalidValue):
        side_marker(side, IMAGE, **values)


def test_a_box_is_named_by_the_corners_that_are_seen(state: Make) -> None:
    built = state(rotation=ImageRotation.CLOCKWISE, annotations=worded(box=((1, 2), (5, 9))))
    text = built.GraphicAnnotationSequence[0].TextObjectSequence[0]
    assert (text.BoundingBoxTopLeftHandCorner, text.BoundingBoxBottomRightHandCorner) == ([1, 9], [5, 2])


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [("Müller^Jörg", "Für den Chirurgen", "ISO_IR 192"), ("Yamada^Tarou=山田^太郎", "胸部", "ISO_IR 192")],
)
def test_text_of_any_script_is_written(state: Make, step: Make, name: str, description: str, expected: str) -> None:
    built = state(
        step=step(patient=Patient(name=name, patient_id="G-1")), content_description=description, content_creator=name
    )
    file = io.BytesIO()
    built.save_as(file, enforce_file_format=True)
    file.seek(0)
    back = dcmread(file)
    assert back.SpecificCharacterSet == expected
    assert (back.PatientName, back.ContentDescription, back.ContentCreatorName) == (name, description, name)


_JUNK: list[Any] = [None, object(), "x", b"x", -1, 1e308, float("nan"), True, (), (5,), [1, 2], ((None, 1),), {1: 2}]
_WRAP: dict[type, Callable[[Any], dict[str, Any]]] = {
    SoftcopyVoiLut: lambda value: {"voi_luts": [value]},
    DisplayShutter: lambda value: {"shutter": value},
    DisplayedArea: lambda value: {"displayed_areas": [value]},
    ModalityRescale: lambda value: {"rescale": value},
    Graphic: lambda value: {"annotations": [Annotation(layer="A", graphics=(value,))]},
    TextAnnotation: lambda value: {"annotations": [Annotation(layer="A", texts=(value,))]},
    Annotation: lambda value: {"annotations": [value]},
    GraphicLayer: lambda value: {"annotations": drawn(LINE), "layers": [value]},
}
_SAMPLES: dict[type, Any] = {
    SoftcopyVoiLut: SoftcopyVoiLut(window=(1, 2)),
    DisplayShutter: DisplayShutter(circle=(5, 5, 3)),
    DisplayedArea: DisplayedArea(),
    ModalityRescale: ModalityRescale(slope=1, intercept=0),
    Graphic: LINE,
    TextAnnotation: TextAnnotation(text="here", anchor=(1, 1)),
    Annotation: Annotation(layer="A", graphics=(LINE,)),
    GraphicLayer: GraphicLayer(name="A", order=1),
}


@pytest.mark.parametrize("kind", _SAMPLES)
def test_no_value_raises_anything_foreign(state: Make, kind: type) -> None:
    def named(value: Any) -> str:
        try:
            state(**_WRAP[kind](value))
        except IodError as error:
            return error.attribute
        return ""

    for field in fields(kind):
        outcomes = {named(replace(_SAMPLES[kind], **{field.name: junk})) for junk in _JUNK}
        assert all(outcome == "" or outcome[0].isupper() for outcome in outcomes)


@pytest.mark.parametrize("shape", PresentationLutShape)
def test_the_shape_given_is_written(state: Make, shape: PresentationLutShape) -> None:
    assert state(presentation_lut_shape=shape).PresentationLUTShape == shape.value
