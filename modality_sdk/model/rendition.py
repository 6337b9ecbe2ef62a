"""What a sender is given: the bytes of one data set in one transfer syntax, wherever they lie."""

from typing import BinaryIO, Protocol, runtime_checkable

from modality_sdk.model.reference import SopReference

__all__ = ["Rendition"]


@runtime_checkable
class Rendition(Protocol):
    """One object in one transfer syntax, ready to be sent.

    An encrypted spool file, a transcoded copy and a plain file all look like this, so that the sender
    never sees a path.
    """

    @property
    def sop(self) -> SopReference:
        """Class and instance of the object."""

    @property
    def transfer_syntax_uid(self) -> str:
        """The transfer syntax that the bytes are in."""

    @property
    def size(self) -> int:
        """Length of the encoded data set in bytes, without preamble and file meta information."""

    def open(self) -> BinaryIO:
        """Open the encoded data set for reading from its first byte; ``readinto`` works, the caller closes it."""
