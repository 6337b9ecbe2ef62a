"""Strategies for users' tests: what they draw fits, and nobody else pays for hypothesis."""

import subprocess
import sys

import pytest
from hypothesis import given

from modality_sdk.dataset import assign, build
from modality_sdk.dataset.dictionary import is_uid
from modality_sdk.iod.anatomy import BODY_PARTS
from modality_sdk.testing.strategies import acquisitions, exposures, patients, person_names, pixels, texts, uids

pytestmark = pytest.mark.req("NFR-QUAL-01")


@given(uids())
def test_uids_are_legal(uid: str) -> None:
    assert is_uid(uid)


@given(texts(16), person_names())
def test_texts_and_names_are_taken_as_they_are(text: str, name: str) -> None:
    dataset = build(AccessionNumber=text)
    assign(dataset, "PatientName", name)
    assert (dataset.AccessionNumber, str(dataset.PatientName)) == (text, name)


@given(patients(), acquisitions(), pixels())
def test_paired_body_parts_have_a_side(patient: object, acquisition: object, image: object) -> None:
    part = BODY_PARTS[acquisition.body_part]  # type: ignore[attr-defined]
    assert acquisition.laterality in ("R", "L", "B") or not part.paired  # type: ignore[attr-defined]


@given(exposures(complete=True))
def test_a_complete_exposure_tells_what_a_dose_report_needs(exposure: object) -> None:
    names = ("dose_area_product", "distance_source_to_detector", "field_height", "field_width", "mas", "kvp")
    assert all(getattr(exposure, name) is not None for name in names)


def test_the_rest_of_the_package_does_without_hypothesis() -> None:
    code = "import sys, modality_sdk.iod, modality_sdk.testing; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
