"""Stored pixels to display values and PNG files, and pixels read from files."""

from modality_sdk.rendering.display import render, write_png
from modality_sdk.rendering.sources import ASSUMED_PIXEL_SPACING, PixelSource, read_pixels

__all__ = ["ASSUMED_PIXEL_SPACING", "PixelSource", "read_pixels", "render", "write_png"]
