"""Builders of the objects a modality makes: values in, data sets out, valid once they are built."""

from modality_sdk.iod.dx import DxImage

__all__ = ["DxImage"]
