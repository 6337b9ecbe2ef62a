"""From one transfer syntax to another, never with loss."""

from modality_sdk.transcoding.syntaxes import UNCOMPRESSED, sendable_syntaxes
from modality_sdk.transcoding.uncompressed import EncodedRendition, reencode

__all__ = ["UNCOMPRESSED", "EncodedRendition", "reencode", "sendable_syntaxes"]
