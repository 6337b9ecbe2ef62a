"""Images as a presentation state shows them, against PS3.4 N.2 and PS3.3 C.10 and C.11."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
)

from modality_sdk.errors import InvalidValue
from modality_sdk.rendering import render, visible, write_png

pytestmark = pytest.mark.req("IOD-GSPS")

ROWS, COLUMNS = 8, 12
PIXELS = np.arange(ROWS * COLUMNS, dtype=np.uint16).reshape(ROWS, COLUMNS) * 40
SHOWN = np.rint(PIXELS / 4095 * 255).astype(np.uint8)


def dataset(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def image(pixels: Any = PIXELS, **attributes: Any) -> Dataset:
    made = dataset(
        SOPClassUID=DigitalXRayImageStorageForPresentation,
        SOPInstanceUID="2.25.4",
        StudyInstanceUID="2.25.2",
        SeriesInstanceUID="2.25.3",
        PatientName="Generated^Patient",
        PatientID="G-1",
        PatientBirthDate="",
        PatientSex="",
        Modality="DX",
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=pixels.shape[0],
        Columns=pixels.shape[1],
        BitsAllocated=16,
        BitsStored=12,
        HighBit=11,
        PixelRepresentation=0,
        PixelData=pixels.tobytes(),
        WindowCenter=5,
        WindowWidth=10,
        **attributes,
    )
    made["PixelData"].VR = "OW"
    return made


def area(
    top_left: tuple[int, int] = (1, 1), bottom_right: tuple[int, int] = (COLUMNS, ROWS), **attributes: Any
) -> Dataset:
    return dataset(
        DisplayedAreaTopLeftHandCorner=list(top_left),
        DisplayedAreaBottomRightHandCorner=list(bottom_right),
        PresentationSizeMode="SCALE TO FIT",
        PresentationPixelAspectRatio=[1, 1],
        **attributes,
    )


def state(**attributes: Any) -> Dataset:
    reference = dataset(ReferencedSOPClassUID=DigitalXRayImageStorageForPresentation, ReferencedSOPInstanceUID="2.25.4")
    values: dict[str, Any] = {
        "ReferencedSeriesSequence": [dataset(SeriesInstanceUID="2.25.3", ReferencedImageSequence=[reference])],
        "DisplayedAreaSelectionSequence": [area()],
        "PresentationLUTShape": "IDENTITY",
    }
    return dataset(**values | attributes)


def window(center: float, width: float, **attributes: Any) -> dict[str, Any]:
    return {"SoftcopyVOILUTSequence": [dataset(WindowCenter=center, WindowWidth=width, **attributes)]}


def of(uid: str) -> dict[str, Any]:
    return {"ReferencedImageSequence": [dataset(ReferencedSOPInstanceUID=uid)]}


def show(**attributes: Any) -> np.ndarray[Any, Any]:
    return render(image(), presentation_state=state(**attributes))


def test_a_state_without_a_window_shows_the_whole_range_of_the_bits() -> None:
    assert np.array_equal(show(), SHOWN)


def test_polarity_is_that_of_the_state_alone() -> None:
    inverted = image()
    inverted.PhotometricInterpretation = "MONOCHROME1"
    assert np.array_equal(render(inverted, presentation_state=state()), SHOWN)
    assert np.array_equal(show(PresentationLUTShape="INVERSE"), np.rint((1 - PIXELS / 4095) * 255))


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        ("LINEAR", lambda x: np.clip((x - 1999.5) / 999 + 0.5, 0, 1)),
        ("LINEAR_EXACT", lambda x: np.clip((x - 2000) / 1000 + 0.5, 0, 1)),
        ("SIGMOID", lambda x: 1 / (1 + np.exp(-4 * (x - 2000) / 1000))),
    ],
)
def test_every_window_function_is_applied(function: str, formula: Any) -> None:
    shown = show(**window(2000, 1000, VOILUTFunction=function))
    assert np.array_equal(shown, np.rint(formula(PIXELS.astype(float)) * 255))


def test_the_window_is_that_of_this_image() -> None:
    foreign = dataset(WindowCenter=1, WindowWidth=1, **of("2.25.5"))
    own = dataset(WindowCenter=2000, WindowWidth=1, **of("2.25.4"))
    assert np.array_equal(show(SoftcopyVOILUTSequence=[foreign, own]), (PIXELS > 1999) * 255)
    assert np.array_equal(show(SoftcopyVOILUTSequence=[foreign]), SHOWN)


def table(data: list[int], first: int, bits: int = 16) -> Dataset:
    item = dataset(LUTDescriptor=[len(data), first, bits])
    item["LUTDescriptor"].VR = "US"
    item.add_new("LUTData", "OW", np.array(data, "<u2").tobytes())
    return item


def test_a_table_fills_the_range_of_its_bits() -> None:
    shown = show(SoftcopyVOILUTSequence=[dataset(VOILUTSequence=[table([0, 13107, 26214], 40)])])
    expected = np.full_like(SHOWN, 102)
    expected[0, :2] = 0
    assert np.array_equal(shown, expected)


def test_a_modality_table_and_a_rescale_come_first() -> None:
    shown = show(RescaleSlope=2, RescaleIntercept=-1000, RescaleType="US", **window(1000, 2000))
    values = PIXELS * 2.0 - 1000
    assert np.array_equal(shown, np.rint(np.clip((values - 999.5) / 1999 + 0.5, 0, 1) * 255))
    shown = show(ModalityLUTSequence=[table([7, 255], 0, 8)])
    assert shown[0].tolist() == [7, *[255] * 11]
    assert np.array_equal(show(RescaleSlope=-1, RescaleIntercept=5), 255 - SHOWN)


def test_a_presentation_table_comes_last() -> None:
    shown = show(PresentationLUTSequence=[table([65535, 0], 0)], **window(2000, 1))
    assert np.array_equal(shown, (PIXELS <= 1999) * 255)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", ["N", "Y"])
def test_rotation_is_clockwise_and_comes_before_the_flip(rotation: int, flip: str) -> None:
    shown = show(ImageRotation=rotation, ImageHorizontalFlip=flip)
    with Image.fromarray(SHOWN) as picture:
        turned = np.asarray(picture.rotate(-rotation, expand=True))
    assert np.array_equal(shown, np.fliplr(turned) if flip == "Y" else turned)


def test_the_displayed_area_is_cut_and_black_where_there_is_no_image() -> None:
    assert np.array_equal(show(DisplayedAreaSelectionSequence=[area((3, 2), (7, 5))]), SHOWN[1:5, 2:7])
    shown = show(DisplayedAreaSelectionSequence=[area((-1, 7), (2, 10))], PresentationLUTShape="INVERSE")
    assert shown.shape == (4, 4)
    assert not shown[:, :2].any()
    assert not shown[2:].any()
    assert shown[0, 2] == np.rint((1 - PIXELS[6, 0] / 4095) * 255)


def test_corners_of_a_turned_picture_say_the_same_area() -> None:
    turned = show(DisplayedAreaSelectionSequence=[area((3, 5), (7, 2))], ImageRotation=90, ImageHorizontalFlip="N")
    assert np.array_equal(turned, np.rot90(SHOWN[1:5, 2:7], -1))


def inside_rectangle(row: int, column: int) -> bool:
    return 2 <= row <= 6 and 3 <= column <= 9


def inside_circle(row: int, column: int) -> bool:
    return (row - 4) ** 2 + (column - 5) ** 2 <= 9


RECTANGLE = {
    "ShutterLeftVerticalEdge": 3,
    "ShutterRightVerticalEdge": 9,
    "ShutterUpperHorizontalEdge": 2,
    "ShutterLowerHorizontalEdge": 6,
}
CIRCLE = {"CenterOfCircularShutter": [4, 5], "RadiusOfCircularShutter": 3}


@pytest.mark.parametrize(
    ("shape", "attributes", "inside"),
    [
        ("RECTANGULAR", RECTANGLE, inside_rectangle),
        ("CIRCULAR", CIRCLE, inside_circle),
        (
            ["RECTANGULAR", "CIRCULAR"],
            RECTANGLE | CIRCLE,
            lambda row, column: inside_rectangle(row, column) and inside_circle(row, column),
        ),
        (
            "POLYGONAL",
            {"VerticesOfThePolygonalShutter": [2, 2, 2, 10, 7, 10, 7, 2]},
            lambda row, column: 2 <= row <= 7 and 2 <= column <= 10,
        ),
    ],
)
def test_the_shutter_fills_what_is_outside_of_its_shapes(shape: Any, attributes: Any, inside: Any) -> None:
    shown = show(ShutterShape=shape, ShutterPresentationValue=0x8000, **attributes)
    expected = [
        [SHOWN[row - 1, column - 1] if inside(row, column) else 128 for column in range(1, COLUMNS + 1)]
        for row in range(1, ROWS + 1)
    ]
    assert shown.tolist() == expected


def test_a_shutter_is_turned_with_the_image() -> None:
    values = {"ShutterShape": "RECTANGULAR", "ShutterPresentationValue": 0, **RECTANGLE}
    turned = show(ImageRotation=270, ImageHorizontalFlip="N", **values)
    assert np.array_equal(turned, np.rot90(show(**values)))


def test_everything_is_visible_without_a_shutter() -> None:
    assert visible(Dataset(), 3, 4).all()


LARGE = image(np.zeros((200, 300), np.uint16))


def annotated(*, graphics: Any = (), texts: Any = (), layers: Any = (), **attributes: Any) -> np.ndarray[Any, Any]:
    item = dataset(GraphicLayer="A")
    if graphics:
        item.GraphicObjectSequence = list(graphics)
    if texts:
        item.TextObjectSequence = list(texts)
    values = {"DisplayedAreaSelectionSequence": [area((1, 1), (300, 200))]} | attributes
    return render(
        LARGE,
        presentation_state=state(GraphicAnnotationSequence=[item], GraphicLayerSequence=list(layers), **values),
    )


def graphic(kind: str, data: list[float], units: str = "PIXEL", filled: str = "N") -> Dataset:
    return dataset(GraphicType=kind, GraphicData=data, GraphicAnnotationUnits=units, GraphicFilled=filled)


def extent(shown: np.ndarray[Any, Any]) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(shown)
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        (graphic("POLYLINE", [10.5, 20.5, 50.5, 20.5, 50.5, 80.5]), (10, 20, 50, 80)),
        (graphic("POINT", [100.5, 50.5]), (97, 47, 103, 53)),
        (graphic("CIRCLE", [100.5, 100.5, 130.5, 100.5]), (70, 70, 130, 130)),
        (graphic("ELLIPSE", [50.5, 60.5, 150.5, 60.5, 100.5, 40.5, 100.5, 80.5]), (50, 40, 150, 80)),
        (graphic("INTERPOLATED", [0.1, 0.1, 0.2, 0.5], "DISPLAY"), (30, 20, 60, 100)),
    ],
)
def test_graphics_are_drawn_where_they_are(drawing: Dataset, expected: tuple[int, int, int, int]) -> None:
    found = extent(annotated(graphics=[drawing]))
    assert np.abs(np.subtract(found, expected)).max() <= 1


def test_what_is_filled_is_filled_in_the_gray_of_its_layer() -> None:
    layer = dataset(GraphicLayer="A", GraphicLayerOrder=1, GraphicLayerRecommendedDisplayGrayscaleValue=0x8000)
    shown = annotated(graphics=[graphic("CIRCLE", [100.5, 100.5, 120.5, 100.5], filled="Y")], layers=[layer])
    assert shown[100, 100] == 128
    assert abs(int((shown > 0).sum()) - 3.14159 * 20**2) < 130


@pytest.mark.parametrize(
    ("rotation", "flip", "expected"),
    [(0, "N", (10, 20)), (90, "N", (179, 10)), (180, "N", (289, 179)), (270, "N", (20, 289)), (90, "Y", (20, 10))],
)
def test_annotations_in_pixels_turn_with_the_image(rotation: int, flip: str, expected: tuple[int, int]) -> None:
    shown = annotated(graphics=[graphic("POINT", [10.5, 20.5])], ImageRotation=rotation, ImageHorizontalFlip=flip)
    left, top, right, bottom = extent(shown)
    assert ((left + right) // 2, (top + bottom) // 2) == expected


def text(**attributes: Any) -> Dataset:
    values: dict[str, Any] = {
        "UnformattedTextValue": "R",
        "BoundingBoxAnnotationUnits": "PIXEL",
        "BoundingBoxTopLeftHandCorner": [20.0, 30.0],
        "BoundingBoxBottomRightHandCorner": [80.0, 70.0],
        "BoundingBoxTextHorizontalJustification": "LEFT",
    }
    return dataset(**values | attributes)


@pytest.mark.parametrize(("justification", "place"), [("LEFT", 0), ("CENTER", 1), ("RIGHT", 2)])
def test_a_text_fills_the_height_of_its_box(justification: str, place: int) -> None:
    shown = annotated(texts=[text(BoundingBoxTextHorizontalJustification=justification)])
    left, top, right, bottom = extent(shown)
    assert 26 <= top < 40
    assert 60 < bottom <= 74
    aside = (abs(left - 20), abs((left + right) / 2 - 50), abs(right - 80))
    assert aside[place] == min(aside)
    assert aside[place] < 8


def test_a_text_is_upright_in_a_turned_picture() -> None:
    corners = {"BoundingBoxTopLeftHandCorner": [20.0, 80.0], "BoundingBoxBottomRightHandCorner": [60.0, 20.0]}
    turned = annotated(texts=[text(**corners)], ImageRotation=90, ImageHorizontalFlip="N")
    plain = {"BoundingBoxTopLeftHandCorner": [120.0, 20.0], "BoundingBoxBottomRightHandCorner": [180.0, 60.0]}
    assert np.array_equal(turned[20:60, 120:180], annotated(texts=[text(**plain)])[20:60, 120:180])


def test_an_anchor_is_pointed_to_when_it_is_to_be_seen() -> None:
    anchor = {"AnchorPoint": [200.0, 150.0], "AnchorPointAnnotationUnits": "PIXEL"}
    assert extent(annotated(texts=[text(**anchor, AnchorPointVisibility="Y")]))[2] >= 199
    assert extent(annotated(texts=[text(**anchor, AnchorPointVisibility="N")]))[2] < 100
    alone = dataset(UnformattedTextValue="here\nand there", **anchor)
    left, top, *_ = extent(annotated(texts=[alone]))
    assert (left, top) >= (198, 148)


def test_higher_layers_are_drawn_over_lower_ones() -> None:
    disc = graphic("CIRCLE", [100.5, 100.5, 120.5, 100.5], filled="Y")
    items = [dataset(GraphicLayer=name, GraphicObjectSequence=[disc]) for name in ("TOP", "BASE")]
    layers = [
        dataset(GraphicLayer="TOP", GraphicLayerOrder=2, GraphicLayerRecommendedDisplayGrayscaleValue=0x4000),
        dataset(GraphicLayer="BASE", GraphicLayerOrder=1),
    ]
    values = {"DisplayedAreaSelectionSequence": [area((1, 1), (300, 200))]}
    shown = render(
        LARGE, presentation_state=state(GraphicAnnotationSequence=items, GraphicLayerSequence=layers, **values)
    )
    assert shown[100, 100] == 64


@pytest.mark.parametrize(
    ("change", "attribute"),
    [
        ({"ReferencedSeriesSequence": []}, "ReferencedSeriesSequence"),
        ({"DisplayedAreaSelectionSequence": []}, "DisplayedAreaSelectionSequence"),
        ({"DisplayedAreaSelectionSequence": [area((1, 1), (2**20, 2**20))]}, "DisplayedArea"),
        ({"DisplayedAreaSelectionSequence": [Dataset()]}, "presentation_state"),
        ({"ImageRotation": 45}, "ImageRotation"),
        ({"ShutterShape": "BITMAP"}, "ShutterShape"),
        ({"ShutterShape": "CIRCULAR"}, "ShutterShape"),
        (window(1, 0), "WindowWidth"),
        (window(1, 1, VOILUTFunction="CUBIC"), "VOILUTFunction"),
        ({"SoftcopyVOILUTSequence": [dataset(VOILUTSequence=[Dataset()])]}, "presentation_state"),
        ({"GraphicAnnotationSequence": [Dataset()]}, "presentation_state"),
    ],
)
def test_a_state_that_cannot_be_shown_is_refused(change: dict[str, Any], attribute: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{attribute}"):
        show(**change)


def test_the_png_file_shows_the_image_as_the_state_does(tmp_path: Path) -> None:
    write_png(image(), tmp_path / "a.png", presentation_state=state(ImageRotation=90, ImageHorizontalFlip="N"))
    with Image.open(tmp_path / "a.png") as picture:
        assert np.array_equal(np.asarray(picture), np.rot90(SHOWN, -1))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        window(2000, 3000),
        window(2000, 3000) | {"PresentationLUTShape": "INVERSE"},
        window(2000, 3000) | {"ImageRotation": 90, "ImageHorizontalFlip": "N"},
        window(2000, 3000) | {"ImageRotation": 270, "ImageHorizontalFlip": "Y"},
        {"RescaleSlope": 2, "RescaleIntercept": -100, "RescaleType": "US"} | window(3000, 5000),
        {"SoftcopyVOILUTSequence": [dataset(VOILUTSequence=[table([n * n // 4 for n in range(512)], 1000)])]},
    ],
)
def test_dcmtk_shows_the_same(tmp_path: Path, changes: dict[str, Any]) -> None:
    program = shutil.which("dcmp2pgm")
    if program is None:
        pytest.skip("not run: dcmp2pgm of DCMTK is not installed")
    shown, described = image(), state(**changes)
    for keyword in ("StudyInstanceUID", "PatientName", "PatientID", "PatientBirthDate", "PatientSex"):
        described.add(shown[keyword])
    for keyword, value in {
        "SOPClassUID": GrayscaleSoftcopyPresentationStateStorage,
        "SOPInstanceUID": "2.25.7",
        "SeriesInstanceUID": "2.25.6",
        "Modality": "PR",
        "InstanceNumber": 1,
        "ContentLabel": "TEST",
        "ContentDescription": "",
        "ContentCreatorName": "",
        "PresentationCreationDate": "20240506",
        "PresentationCreationTime": "120000",
        "StudyDate": "",
        "StudyTime": "",
        "StudyID": "",
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "SeriesNumber": 1,
        "Manufacturer": "",
    }.items():
        setattr(described, keyword, value)
    for made, name in ((shown, "image.dcm"), (described, "state.dcm")):
        made.file_meta = FileMetaDataset()
        made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        made.save_as(tmp_path / name, enforce_file_format=True)
    command = [program, "-p", "state.dcm", "image.dcm", "shown.pgm"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    with Image.open(tmp_path / "shown.pgm") as picture:
        theirs = np.asarray(picture).astype(int)
    ours = render(shown, presentation_state=described).astype(int)
    assert theirs.shape == ours.shape
    # they compute in steps of their own
    assert np.abs(ours - theirs).max() <= 1
