"""Which transfer syntaxes an object can be sent in without loss."""

from collections.abc import Sequence

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

__all__ = ["UNCOMPRESSED", "sendable_syntaxes"]

UNCOMPRESSED: tuple[str, ...] = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
"""The syntaxes that differ in the spelling of the data set alone, preferred first."""


def sendable_syntaxes(transfer_syntax_uid: str, allowed: Sequence[str] = ()) -> tuple[str, ...]:
    """Transfer syntaxes to propose for an object, one presentation context each.

    An object goes in its own syntax; an uncompressed one also in the other uncompressed syntax, so that
    Implicit VR Little Endian, the default transfer syntax, is always among its proposals (PS3.5 section 10.1).
    An acceptor picks one syntax of a context as it likes, hence one context for each.

    Parameters
    ----------
    transfer_syntax_uid
        The syntax that the object's bytes are in.
    allowed
        What the peer is configured to take, preferred first; everything when empty.

    Returns
    -------
    tuple of str
        Preferred first; empty when the object cannot be sent in any allowed syntax.
    """
    if transfer_syntax_uid in UNCOMPRESSED:
        possible = (transfer_syntax_uid, *(s for s in UNCOMPRESSED if s != transfer_syntax_uid))
    else:
        possible = (transfer_syntax_uid,)
    if not allowed:
        return tuple(str(s) for s in possible)
    return tuple(str(s) for s in dict.fromkeys(allowed) if s in possible)
