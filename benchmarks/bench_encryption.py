"""What encryption at rest costs: writing and reading back an object of 18 MB, sealed and plain by turns."""

import os
import tempfile
import time
from pathlib import Path
from statistics import median

from pydicom import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, generate_uid

from modality_sdk.journal import PLAIN, AesGcmSeal, Spool
from modality_sdk.model import Rendition, SopReference

RUNS = 15
ROWS, COLUMNS = 3000, 3000
BUFFER = 1 << 17


def main() -> None:
    """Print a table of medians and their ratios."""
    with tempfile.TemporaryDirectory() as directory:
        spools = {
            name: Spool(Path(directory) / name, orphans=Path(directory) / "orphans", seal=seal)
            for name, seal in (("plain", PLAIN), ("sealed", AesGcmSeal(os.urandom(32))))
        }
        measured: dict[str, dict[str, list[float]]] = {
            work: {"plain": [], "sealed": []} for work in ("write, durable", "read through")
        }
        pixels = os.urandom(2 * ROWS * COLUMNS)
        for run in range(-1, RUNS):
            for name, spool in spools.items():
                written, read = _measure(spool, pixels)
                if run >= 0:  # the first one warms up
                    measured["write, durable"][name].append(written)
                    measured["read through"][name].append(read)
    print(f"18 MB object, medians of {RUNS} alternating runs\n")
    print("| | plain | sealed | ratio |")
    print("|---|---|---|---|")
    for work, times in measured.items():
        plain, sealed = median(times["plain"]), median(times["sealed"])
        print(f"| {work} | {1000 * plain:.1f} ms | {1000 * sealed:.1f} ms | {sealed / plain:.2f} |")


def _measure(spool: Spool, pixels: bytes) -> tuple[float, float]:
    dataset = _object(pixels)
    sop = SopReference(sop_class_uid=str(dataset.SOPClassUID), sop_instance_uid=str(dataset.SOPInstanceUID))
    begun = time.perf_counter()
    file = spool.write(dataset)
    written = time.perf_counter() - begun
    begun = time.perf_counter()
    _read_through(spool.rendition(sop, file))
    read = time.perf_counter() - begun
    spool.discard(file)
    return written, read


def _read_through(rendition: Rendition) -> None:
    with rendition.open() as stream:
        while stream.read(BUFFER):
            pass


def _object(pixels: bytes) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = DigitalXRayImageStorageForPresentation, generate_uid()
    dataset.Rows, dataset.Columns, dataset.BitsAllocated, dataset.PixelRepresentation = ROWS, COLUMNS, 16, 0
    dataset.PixelData = pixels
    return dataset


if __name__ == "__main__":
    main()
