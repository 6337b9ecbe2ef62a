"""A radiograph that belongs to nobody: a chest computed from simple shapes, with quantum noise."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modality_sdk.errors import InvalidValue

__all__ = ["radiograph"]

_Plane = NDArray[np.floating[Any]]

_SOFT_TISSUE = 0.19
"""Linear attenuation in 1/cm at the mean energy of a chest exposure."""
_BONE = 0.33
_PHOTONS = 20_000.0
"""Quanta per pixel in air; sets the noise."""
_DARKEST_ATTENUATION = 5.2
"""Attenuation (natural logarithm) that the largest pixel value stands for."""


def radiograph(rows: int, columns: int, *, bits_stored: int = 14, seed: int = 0) -> NDArray[np.uint16]:
    """Compute a chest radiograph as a detector would give it, ready for presentation.

    The pixels are logarithmic in the X-ray intensity, higher where less came through: MONOCHROME2 with
    Pixel Intensity Relationship LOG and sign -1, hung as a PA chest is read (Patient Orientation ``L\\F``), with
    a lead marker on the patient's right. The same arguments always give the same pixels.

    Parameters
    ----------
    rows, columns
        Size in pixels, 1 to 65535 each.
    bits_stored
        Bits that carry information, 6 to 16.
    seed
        Of the noise.

    Returns
    -------
    ndarray
        ``(rows, columns)``, uint16, values below ``2**bits_stored``.

    Raises
    ------
    InvalidValue
        A size or ``bits_stored`` is out of range.
    """
    for attribute, size in (("Rows", rows), ("Columns", columns)):
        if not 1 <= size <= 0xFFFF:
            raise InvalidValue(attribute, "must be 1 to 65535")
    if not 6 <= bits_stored <= 16:
        raise InvalidValue("BitsStored", "must be 6 to 16")
    x = np.linspace(-1, 1, columns, dtype=np.float32)[np.newaxis, :]
    y = np.linspace(-1, 1, rows, dtype=np.float32)[:, np.newaxis]
    attenuation = _soft_tissue(x, y) * np.float32(_SOFT_TISSUE) + _bone(x, y) * np.float32(_BONE)
    attenuation += _marker(x, y) * np.float32(4.0)
    quanta = np.exp(-attenuation) * np.float32(_PHOTONS)
    noise = np.random.default_rng(seed).standard_normal(quanta.shape, dtype=np.float32)
    quanta += noise * np.sqrt(quanta)
    value = np.log(np.float32(_PHOTONS) / np.maximum(quanta, 1)) / np.float32(_DARKEST_ATTENUATION)
    largest = 2**bits_stored - 1
    return np.asarray(np.clip(np.rint(value * largest), 0, largest), dtype=np.uint16)


def _step(distance: _Plane, width: float) -> _Plane:
    """0 below, 1 above, smooth over ``width`` around zero."""
    t = np.clip(distance / np.float32(width) + np.float32(0.5), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def _ridge(distance: _Plane, width: float) -> _Plane:
    """Thickness of a rod of half the given width, 1 on its axis."""
    return np.asarray(np.exp(-((distance / np.float32(width)) ** 2)), dtype=np.float32)


def _ellipsoid(x: _Plane, y: _Plane, centre: tuple[float, float], axes: tuple[float, float]) -> _Plane:
    """Thickness of an ellipsoid, 1 at its centre."""
    square = ((x - centre[0]) / axes[0]) ** 2 + ((y - centre[1]) / axes[1]) ** 2
    return np.asarray(np.sqrt(np.clip(1 - square, 0, 1)), dtype=np.float32)


def _half_width(y: _Plane) -> _Plane:
    """Half the width of the body: neck, shoulders, trunk."""
    shoulders = 0.24 + 0.66 * _step(y + 0.68, 0.44)
    return np.asarray(shoulders - 0.16 * _step(y + 0.12, 0.7) + 0.05 * _step(y - 0.6, 0.8), dtype=np.float32)


def _soft_tissue(x: _Plane, y: _Plane) -> _Plane:
    """Tissue along the ray in cm: body, less lungs and trachea, plus heart and vessels."""
    body = np.sqrt(np.clip(1 - (x / _half_width(y)) ** 2, 0, 1))
    depth = 13 + 6 * _step(y + 0.45, 0.7)
    tissue = body * depth
    lungs = np.zeros_like(tissue)
    for side, dome in ((-1.0, 0.50), (1.0, 0.58)):
        lean = x - side * (0.33 + 0.10 * (y + 0.1))
        lung = _ellipsoid(lean, y, (0.0, 0.06), (0.29, 0.70))
        diaphragm = dome - 0.16 * ((x - side * 0.30) / 0.30) ** 2 * np.where(side * x > 0.30, -1.0, 0.6)
        lungs += lung * _step((diaphragm - y), 0.03)
        # vessels thin out from the hilum towards the chest wall
        away = np.hypot(x - side * 0.14, y - 0.02)
        angle = np.arctan2(y - 0.02, side * (x - side * 0.14))
        branches = np.clip(np.sin(9 * angle + 5 * np.sin(7 * away)), 0, 1) ** 6
        tissue += 1.6 * lung * branches * np.exp(-((away / 0.28) ** 2))
    heart = _ellipsoid(x - 0.25 * (y - 0.25), y, (0.09, 0.30), (0.25, 0.27))
    mediastinum = _ridge(x, 0.11) * _step(y + 0.55, 0.2)
    aortic_arch = _ellipsoid(x, y, (0.10, -0.20), (0.085, 0.085))
    inside = np.clip(1.0 - 0.95 * heart - 0.85 * mediastinum - 0.5 * aortic_arch, 0, 1)
    tissue -= 11.5 * lungs * inside
    tissue += 1.5 * heart * body
    tissue -= 1.8 * _ridge(x, 0.035) * _step(y + 1.0, 0.2) * _step(-0.08 - y, 0.15) * body
    return np.asarray(np.clip(tissue, 0, None), dtype=np.float32)


def _bone(x: _Plane, y: _Plane) -> _Plane:
    """Bone along the ray in cm: spine, ribs, collar bones, shoulder blades, upper arms."""
    body = _step(_half_width(y) - np.abs(x), 0.03)
    vertebrae = 0.78 + 0.22 * _step(np.asarray(np.sin((y + 0.02) * 34), dtype=np.float32), 1.2)
    bone = 1.3 * _step(0.085 - np.abs(x), 0.05) * vertebrae + 0.5 * _ridge(x, 0.018)
    away = np.abs(x)
    cage = 0.64 - 0.30 * np.clip((-0.05 - y) / 0.75, 0, 1) ** 2.2
    inside = _step((cage - away), 0.025)
    edge = 1 + 0.7 * np.clip(away / cage, 0, 1) ** 6
    for number in range(10):
        top = -0.66 + 0.122 * number
        posterior = top + 0.03 + (0.16 + 0.016 * number) * away**1.6 - 0.09 * np.exp(-((away - 0.16) ** 2) / 0.02)
        bone += 0.85 * _ridge((y - posterior), 0.026) * inside * edge * _step(away - 0.07, 0.04)
        if 1 <= number <= 7:
            anterior = top + 0.52 - 0.50 * away
            bone += 0.42 * _ridge((y - anterior), 0.024) * inside * _step(away - 0.20, 0.12)
    for side in (-1.0, 1.0):
        lateral = side * x
        collar = y + 0.50 + 0.16 * lateral - 0.03 * np.sin(6 * lateral)
        reach = _step(lateral - 0.09, 0.05) * _step(0.66 - lateral, 0.05)
        bone += 0.85 * _ridge(collar, 0.026) * reach
        blade = _ellipsoid(lateral + 0.18 * y, y, (0.56, -0.28), (0.13, 0.27))
        bone += 0.45 * blade
        bone += 1.1 * _ellipsoid(lateral, y, (0.75, -0.42), (0.095, 0.12))
        shaft = _ridge((lateral - 0.77 - 0.05 * (y + 0.3)), 0.045)
        bone += 0.9 * shaft * _step(y + 0.42, 0.08)
    return np.asarray(bone * body, dtype=np.float32)


def _marker(x: _Plane, y: _Plane) -> _Plane:
    """The letter R in lead beside the patient's right shoulder."""
    u, v = (x + 0.90) / 0.045, (y + 0.86) / 0.07
    upright = (np.abs(u + 0.8) < 0.25) & (np.abs(v) < 1)
    bow = np.abs(np.hypot((u + 0.25) / 1.05, (v + 0.48) / 0.52) - 0.82) < 0.22
    leg = (np.abs(u - 0.75 * v - 0.05) < 0.28) & (v > 0) & (v < 1)
    return np.asarray(upright | (bow & (u > -0.8)) | leg, dtype=np.float32)
