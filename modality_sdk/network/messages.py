"""DIMSE messages in and out of bytes, for what pynetdicom's own primitives leave out."""

from dataclasses import dataclass
from io import BytesIO

from pydicom import Dataset
from pydicom.datadict import keyword_for_tag
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID
from pynetdicom.dsutils import encode

from modality_sdk.errors import DimseFailure, IodError
from modality_sdk.model import SopReference
from modality_sdk.status import Category, category_of

__all__ = ["Received", "Response", "decode_dataset", "encode_dataset"]


@dataclass(frozen=True, kw_only=True)
class Received:
    """A message as it came: its context, its command set, the bytes of its data set."""

    context_id: int
    command: Dataset
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Response:
    """The answer to a request, with everything that the peer said about it (PS3.7 Annex C).

    Attributes
    ----------
    service
        ``"C-FIND"``, ``"N-SET"``.
    status
        Status, (0000,0900).
    error_id
        Error ID, (0000,0903).
    comment
        Error Comment, (0000,0902): free text of the peer, not for logs.
    offending_elements
        Keywords, or tags, of the Offending Element and the Attribute Identifier List.
    sop
        Affected SOP class and instance where the response names them.
    dataset
        Identifier, attribute list or information; None when there is none or it cannot be read.
    """

    service: str
    status: int
    error_id: int | None = None
    comment: str = ""
    offending_elements: tuple[str, ...] = ()
    sop: SopReference | None = None
    dataset: Dataset | None = None

    @property
    def category(self) -> Category:
        """Class of the status."""
        return category_of(self.status)

    def raise_for_failure(self) -> None:
        """Raise `DimseFailure` when the status is a failure."""
        if self.category is Category.FAILURE:
            raise DimseFailure(
                self.service,
                self.status,
                error_id=self.error_id,
                offending_elements=self.offending_elements,
                comment=self.comment,
            )

    @classmethod
    def from_received(cls, service: str, received: Received, transfer_syntax: str) -> "Response":
        """Read a response; whatever of it is malformed is left out, the status is always there."""
        command = received.command
        class_uid, instance_uid = command.get("AffectedSOPClassUID"), command.get("AffectedSOPInstanceUID")
        return cls(
            service=service,
            status=_number(command, "Status") or 0,
            error_id=_number(command, "ErrorID"),
            comment=str(command.get("ErrorComment", "") or ""),
            offending_elements=_keywords(command),
            sop=SopReference(sop_class_uid=str(class_uid), sop_instance_uid=str(instance_uid))
            if class_uid and instance_uid
            else None,
            dataset=decode_dataset(received.data, transfer_syntax) if received.data else None,
        )


def _number(command: Dataset, keyword: str) -> int | None:
    value = command.get(keyword)
    return value if isinstance(value, int) else None


def _keywords(command: Dataset) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for keyword in ("OffendingElement", "AttributeIdentifierList"):
        value = command.get(keyword)
        for tag in value if isinstance(value, list | tuple) or hasattr(value, "__iter__") else [value]:
            if isinstance(tag, BaseTag | int) and tag:
                found[keyword_for_tag(tag) or str(BaseTag(tag))] = None
    return tuple(found)


def encode_dataset(dataset: Dataset, transfer_syntax: str) -> bytes:
    """Encode the data set of a request.

    Raises
    ------
    IodError
        When it is empty, or a value cannot be encoded; which one is not told, it may be patient data.
    """
    if not dataset:
        raise IodError("data set", "is empty")  # the message would announce one that never comes
    syntax = UID(transfer_syntax)
    encoded = encode(dataset, syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated)
    if encoded is None:
        raise IodError("data set", "holds a value that cannot be encoded")
    return encoded


def decode_dataset(data: bytes, transfer_syntax: str) -> Dataset | None:
    """Read the data set of a message; None when it is no data set."""
    syntax = UID(transfer_syntax)
    try:
        return read_dataset(BytesIO(data), syntax.is_implicit_VR, syntax.is_little_endian)
    except Exception:
        # the peer's bytes can break a reader in any way; that they cannot be read is all there is to know
        return None
