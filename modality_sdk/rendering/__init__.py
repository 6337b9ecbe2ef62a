"""Stored pixels to display values and PNG files, and pixels read from files."""

from modality_sdk.rendering.display import render, write_png
from modality_sdk.rendering.pixel_source import ASSUMED_PIXEL_SPACING, PixelSource
from modality_sdk.rendering.shutters import visible
from modality_sdk.rendering.sources import read_pixels

__all__ = ["ASSUMED_PIXEL_SPACING", "PixelSource", "read_pixels", "render", "visible", "write_png"]
