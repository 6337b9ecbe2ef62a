"""Units, sums and the dose at the reference point: exact where decimals can be."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from dose_reader import Node, read_report
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset

from modality_sdk.iod import RadiationDoseReport
from modality_sdk.iod.dose.quantities import (
    decimal_string,
    gray_square_meters,
    grays,
    microampere_seconds,
    quantity,
    square_meters,
    total,
)
from modality_sdk.iod.dose.reference_point import air_kerma, distance_to_reference_point
from modality_sdk.model import IrradiationEvent, ReferencePoint

pytestmark = pytest.mark.req("IOD-RDSR")

Report = Callable[..., RadiationDoseReport]
Event = Callable[..., IrradiationEvent]

few = settings(max_examples=20, deadline=None)  # each builds and reads a whole report
meter_readings = st.decimals(min_value=0, max_value=100_000, places=4).map(float)
lengths = st.decimals(min_value=1, max_value=5000, places=1)


def parts(report: Dataset) -> tuple[Node, list[Node]]:
    root = read_report(report)
    return root.all("Accumulated X-Ray Dose Data")[0], root.all("Irradiation Event X-Ray Data")


@few
@given(readings=st.lists(st.tuples(meter_readings, meter_readings), min_size=1, max_size=8))
def test_totals_are_the_sums_of_the_events(report: Report, event: Event, readings: list[tuple[float, float]]) -> None:
    events = [event(i, dose_area_product=dap, dose_rp=dose) for i, (dap, dose) in enumerate(readings, 1)]
    totals, found = parts(report(*events))
    assert totals["Dose Area Product Total"] == sum(node["Dose Area Product"] for node in found)
    assert totals["Dose (RP) Total"] == sum(node["Dose (RP)"] for node in found)
    assert [node["Dose Area Product"] for node in found] == [Decimal(str(dap)) / 100_000 for dap, _ in readings]
    assert [node["Dose (RP)"] for node in found] == [Decimal(str(dose)) / 1000 for _, dose in readings]


@few
@given(readings=st.lists(st.floats(min_value=1e-6, max_value=1e6), min_size=1, max_size=8))
def test_totals_of_readings_of_any_precision_differ_by_rounding_alone(
    report: Report, event: Event, readings: list[float]
) -> None:
    events = [event(i, dose_area_product=dap, dose_rp=dap) for i, dap in enumerate(readings, 1)]
    totals, found = parts(report(*events))
    exact = sum(node["Dose Area Product"] for node in found)
    assert abs(totals["Dose Area Product Total"] - exact) <= exact * Decimal("1e-8")


def test_a_sum_does_not_depend_on_the_decimal_context_of_the_caller(report: Report, event: Event) -> None:
    events = [event(i, dose_area_product=1234.5678, distance_source_to_detector=1800.5) for i in range(1, 4)]
    expected = report(*events)
    with localcontext(prec=2):
        assert report(*events) == expected


@given(value=meter_readings)
def test_units_are_converted_exactly(value: float) -> None:
    exact = quantity("value", value)
    assert gray_square_meters(exact) * 100_000 == Decimal(str(value))  # 1 dGy·cm² is 1e-5 Gy·m²
    assert grays(exact) * 1000 == Decimal(str(value))
    assert microampere_seconds(exact) == Decimal(str(value)) * 1000


@given(height=lengths, width=lengths)
def test_an_area_in_square_meters(height: Decimal, width: Decimal) -> None:
    assert square_meters(height, width) == height / 1000 * (width / 1000)


@pytest.mark.parametrize("value", [2, 2.0, Decimal("2.0"), np.float32(2), np.float64(2), np.int16(2)])
def test_numbers_of_every_kind_are_written_alike(report: Report, event: Event, value: Any) -> None:
    _, [found] = parts(report(event(dose_area_product=value, mas=value, kvp=value)))
    assert (found["Dose Area Product"], found["Exposure"], found["KVP"]) == (Decimal("0.00002"), 2000, 2)


@given(value=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9))
def test_a_decimal_string_is_the_nearest_that_has_room(value: Decimal) -> None:
    text = decimal_string(value)
    assert len(text) <= 16
    assert abs(Decimal(text) - value) <= abs(value) * Decimal("1e-7")


@given(value=st.integers(-(10**15), 10**15))
def test_what_has_room_is_written_exactly(value: int) -> None:
    assert Decimal(decimal_string(Decimal(value))) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("-0.50", "-0.5"),
        ("1E+3", "1000"),
        ("0.0000093", "0.0000093"),
        ("0.00000123456789", "0.00000123456789"),
        ("0.000001234567891", "1.234567891E-6"),
        ("0.00000012345678901234", "1.23456789012E-7"),
        ("12345678901234567890", "1.23456789012E19"),
        ("1E-300", "1E-300"),
    ],
)
def test_decimal_strings(value: str, text: str) -> None:
    assert decimal_string(Decimal(value)) == text


def test_a_sum_is_exact() -> None:
    assert total([Decimal("0.1")] * 10) == 1
    assert total([Decimal("1E+9"), Decimal("1E-40")]) == Decimal("1000000000." + "0" * 39 + "1")


def test_the_air_kerma_at_the_detector_is_the_product_by_the_area() -> None:
    field = (Decimal(500), Decimal(400))
    at_detector = air_kerma(Decimal("2E-6"), field=field, to_detector=Decimal(1000), to_point=Decimal(1000))
    assert at_detector == Decimal("0.00001")
    # half the distance, a quarter of the field, four times the kerma
    halfway = air_kerma(Decimal("2E-6"), field=field, to_detector=Decimal(1000), to_point=Decimal(500))
    assert halfway == 4 * at_detector


@given(dap=st.decimals(min_value="0.001", max_value=1000, places=3), height=lengths, width=lengths, distance=lengths)
def test_air_kerma_falls_with_the_square_of_the_distance(
    dap: Decimal, height: Decimal, width: Decimal, distance: Decimal
) -> None:
    found = air_kerma(dap, field=(height, width), to_detector=Decimal(1800), to_point=distance)
    expected = float(dap) / (float(height) * float(width) * 1e-6) * (1800 / float(distance)) ** 2
    assert float(found) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("point", "distance"),
    [
        (ReferencePoint.IMAGE_INPUT_SURFACE_30_CM, 1500),
        (ReferencePoint.DETECTOR_PLANE, 1800),
        (ReferencePoint.SOURCE_100_CM, 1000),
        (ReferencePoint.TABLETOP_1_CM, None),
        (ReferencePoint.SURFACE_OF_PATIENT, None),
    ],
)
def test_distances_to_reference_points(point: ReferencePoint, distance: int | None) -> None:
    assert distance_to_reference_point(point, Decimal(1800)) == distance


def test_a_point_behind_the_source_has_no_distance() -> None:
    assert distance_to_reference_point(ReferencePoint.IMAGE_INPUT_SURFACE_30_CM, Decimal(300)) is None
    assert distance_to_reference_point(ReferencePoint.DETECTOR_PLANE, None) is None


def test_a_report_computes_the_dose_where_the_device_says(report: Report, event: Event) -> None:
    plain = event(dose_area_product=20, field_height=500, field_width=400, distance_source_to_detector=2000)
    _, [found] = parts(report(plain, reporting={"reference_point": ReferencePoint.SOURCE_100_CM}))
    # 2e-4 Gy·m² on 0.2 m² are 1 mGy at 2 m and 4 mGy at 1 m
    assert found["Dose (RP)"] == Decimal("0.004")
    assert found["Distance Source to Reference Point"] == 1000
