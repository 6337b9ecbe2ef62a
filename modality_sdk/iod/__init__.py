"""Builders of the objects a modality makes: values in, data sets out, valid once they are built."""

from modality_sdk.iod.annotations import side_marker
from modality_sdk.iod.dx import DxImage
from modality_sdk.iod.key_objects import KeyObjectNote, RejectionNote
from modality_sdk.iod.presentation_state import GrayscalePresentationState
from modality_sdk.iod.references import referenced_image, referenced_instance
from modality_sdk.iod.suggestion import suggest_acquisition

__all__ = [
    "DxImage",
    "GrayscalePresentationState",
    "KeyObjectNote",
    "RejectionNote",
    "referenced_image",
    "referenced_instance",
    "side_marker",
    "suggest_acquisition",
]
