"""Images for processing beside those for presentation, and computed radiography, through a whole step."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
)

from modality_sdk.errors import InvalidValue
from modality_sdk.model import Acquisition, Plate, StepStatus
from modality_sdk.testing.fake_site import FakeSite

CHEST = Acquisition(body_part="CHEST", view="PA")


@pytest.mark.req("IOD-DX")
def test_a_pair_is_one_exposure_in_two_series_and_both_are_archived(tmp_path: Path) -> None:
    with FakeSite(data_dir=tmp_path) as site:
        with site.modality.start(*site.worklist.items) as step:
            first = step.add_image(site.pixels, CHEST, for_processing=site.pixels // 2)
            step.add_image(site.pixels, CHEST, for_processing=site.pixels // 2)
        site.run_until_idle()
        report = step.wait_until_archived(timeout=1)
        assert (report.status, len(report.deliveries)) == (StepStatus.COMPLETED, 4)
        raw, shown = (dcmread(instance.path) for instance in step.instances[:2])
        assert (raw.SOPClassUID, shown.SOPClassUID) == (
            DigitalXRayImageStorageForProcessing,
            DigitalXRayImageStorageForPresentation,
        )
        assert shown.SOPInstanceUID == first.ref.sop_instance_uid
        assert shown.SourceImageSequence[0].ReferencedSOPInstanceUID == raw.SOPInstanceUID
        assert raw.IrradiationEventUID == shown.IrradiationEventUID
        assert np.array_equal(raw.pixel_array, site.pixels // 2)
        series = {(d.SeriesInstanceUID, d.SeriesNumber, d.InstanceNumber) for d in map(dcmread, _paths(step.instances))}
        assert len({uid for uid, _, _ in series}) == 2
        assert sorted((int(number), int(instance)) for _, number, instance in series) == [
            (1, 1),
            (1, 2),
            (2, 1),
            (2, 2),
        ]


def _paths(instances: tuple) -> list[Path]:
    return [instance.path for instance in instances]


@pytest.mark.req("IOD-DX")
def test_of_a_pair_that_cannot_be_kept_nothing_is_kept(tmp_path: Path) -> None:
    with FakeSite(data_dir=tmp_path) as site:
        step = site.modality.start(*site.worklist.items)
        with pytest.raises(InvalidValue, match="PixelData"):
            step.add_image(site.pixels.astype(np.float32), CHEST, for_processing=site.pixels)
        assert step.instances == ()
        assert not list((tmp_path / "spool").rglob("*.dcm"))


@pytest.mark.req("IOD-CR")
def test_a_cr_modality_makes_cr_images(tmp_path: Path) -> None:
    with FakeSite(data_dir=tmp_path, overrides={"modality": "CR"}) as site:
        with site.modality.start(*site.worklist.items) as step:
            image = step.add_image(site.pixels, Acquisition(body_part="CHEST", view="PA", plate=Plate(plate_id="P1")))
            with pytest.raises(InvalidValue, match="for_processing"):
                step.add_image(site.pixels, CHEST, for_processing=site.pixels)
        site.run_until_idle()
        assert step.wait_until_archived(timeout=1).archived
        assert image.ref.sop_class_uid == ComputedRadiographyImageStorage
        assert dcmread(image.path).PlateID == "P1"
