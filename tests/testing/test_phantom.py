"""The generated radiograph."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modality_sdk.errors import InvalidValue
from modality_sdk.testing.phantom import radiograph

pytestmark = pytest.mark.req("X-SIM")


@given(rows=st.integers(1, 40), columns=st.integers(1, 40), bits=st.integers(6, 16))
def test_it_has_the_size_and_depth_asked_for(rows: int, columns: int, bits: int) -> None:
    pixels = radiograph(rows, columns, bits_stored=bits)
    assert (pixels.shape, pixels.dtype) == ((rows, columns), np.uint16)
    assert int(pixels.max()) < 2**bits


def test_it_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    assert np.array_equal(radiograph(64, 48, seed=3), radiograph(64, 48, seed=3))
    assert not np.array_equal(radiograph(64, 48, seed=3), radiograph(64, 48, seed=4))


def test_it_looks_like_a_chest() -> None:
    pixels = radiograph(512, 512, bits_stored=14).astype(np.float64)

    def brightness(x: float, y: float) -> float:
        row, column = int((y + 1) * 255.5), int((x + 1) * 255.5)
        return float(pixels[row - 8 : row + 9, column - 8 : column + 9].mean())

    air, lung_right, lung_left = brightness(-0.9, 0.9), brightness(-0.4, 0.15), brightness(0.5, 0.15)
    spine, heart, abdomen = brightness(0.0, 0.85), brightness(0.15, 0.3), brightness(-0.3, 0.8)
    assert air < 0.01 * 2**14
    assert air < min(lung_right, lung_left) - 1000
    assert max(lung_right, lung_left) < abdomen - 2000
    assert abdomen < spine
    assert lung_left < heart


def test_its_noise_grows_where_fewer_quanta_arrive() -> None:
    difference = radiograph(512, 512, seed=1).astype(np.float64) - radiograph(512, 512, seed=2)
    lung, abdomen = difference[270:310, 130:170], difference[440:480, 160:200]
    assert 0 < lung.std() < abdomen.std()


@pytest.mark.parametrize(
    ("rows", "columns", "bits", "attribute"),
    [(0, 9, 14, "Rows"), (9, 65536, 14, "Columns"), (9, 9, 5, "BitsStored"), (9, 9, 17, "BitsStored")],
)
def test_sizes_out_of_range_are_refused(rows: int, columns: int, bits: int, attribute: str) -> None:
    with pytest.raises(InvalidValue, match=attribute):
        radiograph(rows, columns, bits_stored=bits)
