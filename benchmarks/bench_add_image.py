"""`add_image` of an 18 MB image against a plain write and fsync of the same bytes to the same file system."""

import os
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from measuring import alternate, report

from modality_sdk.model import Acquisition, Exposure
from modality_sdk.testing.fake_site import FakeSite
from modality_sdk.testing.phantom import radiograph

CHEST = Acquisition(body_part="CHEST", view="PA", exposure=Exposure(kvp=125.0, mas=2.0))


def main() -> None:
    """Measure and print."""
    pixels = radiograph(3000, 3000, bits_stored=12).astype(np.uint16)
    number = count()
    # not the system's temporary directory, which may lie in memory
    with TemporaryDirectory(dir=Path.cwd()) as name, FakeSite(data_dir=Path(name) / "site") as site:
        step = site.modality.start(site.worklist.items[0])
        content = step.add_image(pixels, CHEST).path.read_bytes()

        def plain() -> None:
            descriptor = os.open(Path(name) / f"{next(number)}.dcm", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(descriptor, content)
            os.fsync(descriptor)
            os.close(descriptor)

        taken = alternate({"write and fsync": plain, "add_image": lambda: step.add_image(pixels, CHEST)}, runs=15)
    report(f"add_image of {len(content) / 1e6:.0f} MB", taken, "write and fsync", "a ratio of at most 1.3")


if __name__ == "__main__":
    main()
