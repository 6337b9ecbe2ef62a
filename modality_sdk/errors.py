"""The errors of the SDK, one tree under `ModalityError`.

::

    ModalityError (retryable, ambiguous)
    ├─ ConfigurationError (ValueError)
    ├─ IodError
    │   ├─ MissingAttribute
    │   ├─ InvalidValue (ValueError)
    │   └─ LossyNotAllowed
    ├─ StateError
    ├─ Cancelled
    ├─ TransportError                 retryable
    │   ├─ ConnectError
    │   ├─ TlsError                   not retryable
    │   ├─ PoolTimeout (TimeoutError)
    │   ├─ AssociationRejected        retryable when the rejection is transient
    │   ├─ AssociationAborted         ambiguous
    │   └─ ResponseTimeout (TimeoutError)  ambiguous
    ├─ NegotiationError
    ├─ DimseFailure
    └─ QueueError
        ├─ QueueCorrupt
        └─ QueueFull

*Retryable* says that the same call may succeed later without anybody changing anything; *ambiguous* that
the peer may have acted although no answer was seen. No message carries patient data: identifiers, names
and free text stay out of every exception, UIDs, AE titles, attribute names and statuses may stand in it.
"""

from collections.abc import Sequence

from modality_sdk.status import Category, Rejection, verdict

__all__ = [
    "AssociationAborted",
    "AssociationRejected",
    "Cancelled",
    "ConfigurationError",
    "ConnectError",
    "DimseFailure",
    "InvalidValue",
    "IodError",
    "LossyNotAllowed",
    "MissingAttribute",
    "ModalityError",
    "NegotiationError",
    "PoolTimeout",
    "QueueCorrupt",
    "QueueError",
    "QueueFull",
    "ResponseTimeout",
    "StateError",
    "TlsError",
    "TransportError",
]


class ModalityError(Exception):
    """Root of every error that the SDK raises on purpose."""

    retryable: bool = False
    ambiguous: bool = False


class ConfigurationError(ModalityError, ValueError):
    """A setting or a constructor's value breaks a rule.

    Parameters
    ----------
    field
        Name of the setting, dotted as in the configuration file (``peers.pacs.port``).
    rule
        The rule it breaks, as a clause that follows the field's name.
    value
        The value found; left out of the message when ``None`` (secrets, absent values).
    """

    def __init__(self, field: str, rule: str, value: object = None) -> None:
        self.field, self.rule, self.value = field, rule, value
        found = "" if value is None else f", not {value!r}"
        super().__init__(f"{field}: {rule}{found}")


class IodError(ModalityError):
    """An object cannot be built as its information object definition demands.

    Parameters
    ----------
    attribute
        Keyword of the attribute, as in PS3.6, or the name of the builder's parameter.
    rule
        The rule broken, with its section of the standard.
    """

    def __init__(self, attribute: str, rule: str) -> None:
        self.attribute, self.rule = attribute, rule
        super().__init__(f"{attribute}: {rule}")


class MissingAttribute(IodError):
    """A required attribute has no value."""


class InvalidValue(IodError, ValueError):
    """A value is outside what the standard allows. The value itself is not repeated: it may be patient data."""


class LossyNotAllowed(IodError):
    """A diagnostic image would have been compressed with loss."""


class StateError(ModalityError):
    """The operation is not legal in the present state of the step or the object."""


class Cancelled(ModalityError):
    """The caller's `CancelToken` ended the operation; the peer may have acted."""

    ambiguous = True


class TransportError(ModalityError):
    """The peer could not be spoken to."""

    retryable = True


class ConnectError(TransportError):
    """No TCP connection: name not resolved, refused, unreachable, or no answer in time.

    Parameters
    ----------
    host, port
        The address that was called.
    cause
        The operating system's reason in words.
    """

    def __init__(self, host: str, port: int, cause: str) -> None:
        self.host, self.port, self.cause = host, port, cause
        super().__init__(f"no connection to {host}:{port}: {cause}")


class TlsError(TransportError):
    """The TLS handshake failed, or a certificate was not accepted."""

    retryable = False


class PoolTimeout(TransportError, TimeoutError):
    """No association of the destination became free in time."""


class AssociationRejected(TransportError):
    """The peer answered A-ASSOCIATE-RJ (PS3.8 section 9.3.4).

    Parameters
    ----------
    rejection
        Result, source and reason of the rejection with their meaning.
    ae_title
        The AE title that was called.
    """

    def __init__(self, rejection: Rejection, ae_title: str) -> None:
        self.result, self.source, self.reason = rejection.result, rejection.source, rejection.reason
        self.meaning = rejection.meaning
        self.retryable = rejection.transient
        kind = "transient" if rejection.transient else "permanent"
        super().__init__(
            f"{ae_title} rejected the association: {rejection.meaning} "
            f"({kind}; result {self.result}, source {self.source}, reason {self.reason})"
        )


class AssociationAborted(TransportError):
    """The association ended in the middle: A-ABORT, A-P-ABORT, or the connection was closed.

    Parameters
    ----------
    message
        What happened, in words.
    source, reason
        Of the A-ABORT PDU (PS3.8 section 9.3.8); ``None`` when the connection was closed without one.
    ambiguous
        Whether a request was under way whose answer was not seen.
    """

    def __init__(
        self, message: str, *, source: int | None = None, reason: int | None = None, ambiguous: bool = True
    ) -> None:
        self.source, self.reason, self.ambiguous = source, reason, ambiguous
        super().__init__(message)


class ResponseTimeout(TransportError, TimeoutError):
    """The peer did not answer before the deadline; it may have acted all the same."""

    ambiguous = True


class NegotiationError(ModalityError):
    """The association was accepted but nothing on it can be used.

    Parameters
    ----------
    message
        What was proposed and is missing, in words.
    rejected
        The abstract syntaxes that were proposed in vain.
    """

    def __init__(self, message: str, rejected: Sequence[str] = ()) -> None:
        self.rejected = tuple(rejected)
        super().__init__(message)


class DimseFailure(ModalityError):
    """The peer answered a request with a failure status.

    Parameters
    ----------
    service
        The DIMSE service, ``"C-FIND"``.
    status
        Status of the response, (0000,0900).
    error_id
        Error ID, (0000,0903), where the peer gave one.
    offending_elements
        Keywords (or tags) of the Offending Element or Attribute Identifier List.
    comment
        Error Comment, (0000,0902). Free text of the peer, so it stands in no message; read it here.
    """

    def __init__(
        self,
        service: str,
        status: int,
        *,
        error_id: int | None = None,
        offending_elements: Sequence[str] = (),
        comment: str = "",
    ) -> None:
        found = verdict(service, status, error_id)
        self.service, self.status, self.error_id = service, status, error_id
        self.category: Category = found.category
        self.verdict = found
        self.comment = comment
        self.offending_elements = tuple(offending_elements)
        self.retryable = found.retryable
        code = f"{status:04X}" + (f", error ID {error_id:04X}" if error_id is not None else "")
        named = f" [{', '.join(self.offending_elements)}]" if self.offending_elements else ""
        super().__init__(f"{service} was answered {code}: {found.meaning}{named}")


class QueueError(ModalityError):
    """The durable store cannot take or give work."""


class QueueCorrupt(QueueError):
    """The database, a value in it, or a sealed file is damaged. It is left as it is; nothing is recreated silently."""


class QueueFull(QueueError):
    """A limit of the durable store is reached."""
