"""What a display shows of an image (PS3.4 section N.2), and as a PNG file."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset

from modality_sdk.errors import InvalidValue
from modality_sdk.rendering.decoding import decode
from modality_sdk.rendering.grayscale import displayed, per_stored_value
from modality_sdk.rendering.presentation import presented

__all__ = ["render", "write_png"]


def render(dataset: Dataset, *, presentation_state: Dataset | None = None) -> NDArray[np.uint8]:
    """Compute what a display shows of a grayscale image.

    Modality LUT or rescale (PS3.3 C.11.1), VOI LUT or first window (C.11.2; the whole range of the
    pixels where there is neither), then inversion for MONOCHROME1 or Presentation LUT Shape INVERSE (C.11.6).

    With a presentation state all of this is the state's instead, and what it does not mention is not done: rescale,
    window or table, Presentation LUT. Then come its shutter, displayed area, rotation and flip, and annotations. One
    pixel of the image stays one pixel of the picture, whatever the Presentation Size Mode; pixels that are not square
    stay so. Outside the image the displayed area is black. Letters beyond those of Latin languages are drawn as
    boxes, interpolated lines as straight ones.

    Parameters
    ----------
    dataset
        Any image of one sample per pixel, in any transfer syntax there is a decoder for. Of several
        frames the first is taken.
    presentation_state
        A Grayscale Softcopy Presentation State for this image (PS3.3 A.33.1).

    Returns
    -------
    ndarray
        ``(rows, columns)``, uint8, 0 black to 255 white; rows and columns are those of the displayed area.

    Raises
    ------
    IodError
        The image cannot be decoded, its window or tables are not as the standard demands, or the presentation state is
        not for it or cannot be shown.
    """
    pixels = decode(dataset)
    if presentation_state is not None:
        return presented(dataset, pixels, presentation_state)
    return per_stored_value(pixels, lambda stored: displayed(dataset, stored, pixels))


def write_png(
    dataset: Dataset, path: Path, *, maximum_side: int | None = None, presentation_state: Dataset | None = None
) -> None:
    """Write what `render` computes as an 8-bit PNG file, without a word about the patient in its headers.

    Parameters
    ----------
    maximum_side
        Reduce the picture so that neither side has more pixels; None keeps the size.
    presentation_state
        As in `render`.

    Raises
    ------
    IodError
        As `render`; or ``maximum_side`` is less than 1.
    OSError
        The file cannot be written.
    """
    if maximum_side is not None and maximum_side < 1:
        raise InvalidValue("maximum_side", "must be at least 1")
    picture = Image.fromarray(render(dataset, presentation_state=presentation_state))
    if maximum_side is not None:
        picture.thumbnail((maximum_side, maximum_side), Image.Resampling.BOX)
    picture.save(path, format="PNG")
