"""Hypothesis strategies for patients, orders and exposures: everything they draw makes valid objects.

Needs `hypothesis`, which ``pip install modality-sdk[testing]`` brings.
"""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from modality_sdk.iod.anatomy import BODY_PARTS
from modality_sdk.iod.views import VIEW_MODIFIERS, VIEWS
from modality_sdk.model import (
    Acquisition,
    Code,
    Detector,
    Exposure,
    FieldOfView,
    Patient,
    PatientState,
    PhotometricInterpretation,
    PixelIntensityRelationship,
    VoiLut,
    WorklistItem,
)

__all__ = [
    "acquisitions",
    "codes",
    "detectors",
    "exposures",
    "patients",
    "person_names",
    "pixels",
    "texts",
    "uids",
    "worklist_items",
]

_ORIENTATIONS = (("L", "F"), ("R", "F"), ("P", "F"), ("A", "F"), ("L", "H"), ("PR", "FA"))


def uids() -> st.SearchStrategy[str]:
    """UIDs derived from a UUID (PS3.5 section B.2)."""
    return st.integers(1, 2**128 - 1).map(lambda number: f"2.25.{number}")


def texts(maximum: int = 64) -> st.SearchStrategy[str]:
    """Texts of an LO or SH in any script, not empty.

    Parameters
    ----------
    maximum
        Characters.
    """
    letters = st.characters(codec="utf-8", categories=("L", "N", "P", "Zs"), exclude_characters="\\^=\u00a0")
    return st.text(letters, min_size=1, max_size=maximum).map(lambda text: text.strip()).filter(bool)


def person_names() -> st.SearchStrategy[str]:
    """Family and given name, in any script."""
    return st.tuples(texts(20), texts(20)).map("^".join)


def patients() -> st.SearchStrategy[Patient]:
    """Patients of whom more or less is known."""
    state = st.builds(
        PatientState,
        weight=st.none() | st.floats(0.5, 300),
        size=st.none() | st.floats(0.3, 2.5),
        pregnancy_status=st.none() | st.integers(1, 4),
        allergies=st.lists(texts(), max_size=2).map(tuple),
    )
    return st.builds(
        Patient,
        name=person_names(),
        patient_id=texts(),
        issuer_of_patient_id=st.just("") | texts(),
        birth_date=st.none() | st.dates(date(1900, 1, 1), date(2023, 12, 31)),
        sex=st.sampled_from(("", "M", "F", "O")),
        state=state,
    )


def codes() -> st.SearchStrategy[Code]:
    """Codes of a site."""
    return st.builds(Code, value=texts(40), scheme=st.just("99LOCAL"), meaning=texts())


def worklist_items() -> st.SearchStrategy[WorklistItem]:
    """Scheduled steps, each of another study."""
    return st.builds(
        WorklistItem,
        patient=patients(),
        study_instance_uid=uids(),
        accession_number=st.just("") | texts(16),
        requested_procedure_id=texts(16),
        requested_procedure_description=texts(),
        requested_procedure_codes=st.lists(codes(), max_size=1).map(tuple),
        referring_physician_name=st.just("") | person_names(),
        scheduled_procedure_step_id=texts(16),
        scheduled_procedure_step_description=texts(),
        scheduled_protocol_codes=st.lists(codes(), max_size=2).map(tuple),
        modality=st.just("DX"),
    )


@st.composite
def exposures(draw: st.DrawFn, *, complete: bool = False) -> Exposure:
    """Techniques.

    Parameters
    ----------
    complete
        Whether everything that a dose report demands is known.
    """

    def maybe(low: float, high: float) -> float | None:
        value = draw(st.floats(low, high))
        return value if complete or draw(st.booleans()) else None

    distance = maybe(500, 3000)
    indices = [maybe(1, 5000), maybe(1, 5000), maybe(-10, 10)]
    field = [maybe(20, 430), maybe(20, 430)]
    return Exposure(
        kvp=maybe(20, 150),
        mas=maybe(0.1, 500),
        tube_current=maybe(1, 1000),
        exposure_time=maybe(1, 5000),
        distance_source_to_detector=distance,
        distance_source_to_patient=None if distance is None else draw(st.none() | st.just(distance * 0.9)),
        dose_area_product=maybe(0.001, 500),
        exposure_index=None if None in indices else indices[0],
        target_exposure_index=None if None in indices else indices[1],
        deviation_index=None if None in indices else indices[2],
        focal_spot=draw(st.sampled_from((None, 0.6, 1.2))),
        filter_material=draw(st.sampled_from(("", "ALUMINUM", "COPPER"))),
        filter_thickness=maybe(0.1, 3),
        grid=draw(st.sampled_from(((), ("NONE",), ("FIXED", "FOCUSED")))),
        field_height=None if None in field else field[0],
        field_width=None if None in field else field[1],
    )


@st.composite
def acquisitions(draw: st.DrawFn, *, complete: bool = False) -> Acquisition:
    """Exposures of all body parts and views.

    Parameters
    ----------
    complete
        As in `exposures`.
    """
    part = BODY_PARTS[draw(st.sampled_from(sorted(BODY_PARTS)))]
    view = draw(st.sampled_from(("", *VIEWS)))
    curve = st.builds(VoiLut, first_value=st.integers(0, 1000), values=st.just((0, 1, 2, 255)), bits=st.just(8))
    return Acquisition(
        body_part=part.term,
        view=view,
        laterality=draw(st.sampled_from(("R", "L", "B") if part.paired else ("", "U"))),
        view_modifiers=tuple(draw(st.lists(st.sampled_from(sorted(VIEW_MODIFIERS)), max_size=2))) if view else (),
        patient_orientation=draw(st.sampled_from(_ORIENTATIONS)),
        exposure=draw(exposures(complete=True) if complete else st.none() | exposures()),
        window=draw(st.none() | st.tuples(st.integers(0, 4000), st.integers(1, 4000))),
        voi_luts=tuple(draw(st.lists(curve, max_size=1))),
        burned_in_annotation=draw(st.booleans()),
        lossy_compression=draw(st.sampled_from(((), ((12.5, "ISO_10918_1"),)))),
        acquired_at=draw(st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001
    )


def detectors() -> st.SearchStrategy[Detector]:
    """Detectors of 12 bits or more, in both polarities."""
    spacing = st.floats(0.05, 1)
    field = st.builds(
        FieldOfView,
        origin=st.tuples(st.integers(0, 3000), st.integers(0, 3000)),
        rotation=st.sampled_from((0, 90, 180, 270)),
        horizontal_flip=st.booleans(),
    )
    return st.builds(
        Detector,
        imager_pixel_spacing=st.tuples(spacing, spacing),
        bits_stored=st.integers(12, 16),
        photometric_interpretation=st.sampled_from(PhotometricInterpretation),
        pixel_intensity_relationship=st.sampled_from(PixelIntensityRelationship),
        pixel_intensity_relationship_sign=st.sampled_from((1, -1)),
        detector_type=st.sampled_from(("", "DIRECT", "SCINTILLATOR", "STORAGE", "FILM")),
        detector_id=st.just("") | texts(16),
        field_of_view=st.none() | field,
    )


@st.composite
def pixels(draw: st.DrawFn) -> NDArray[Any]:
    """Small images of at most 12 bits."""
    rows, columns = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    return np.random.default_rng(draw(st.integers(0, 2**32))).integers(0, 2**12, (rows, columns), dtype=np.uint16)
