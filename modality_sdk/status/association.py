"""A-ASSOCIATE-RJ and A-ABORT in words (PS3.8 sections 9.3.4 and 9.3.8)."""

from dataclasses import dataclass

__all__ = ["Rejection", "abort_meaning", "rejection"]

_PERMANENT, _TRANSIENT = 1, 2

# (source, reason) -> meaning
_REASONS = {
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling AE title not recognized; the peer must be told our AE title",
    (1, 7): "called AE title not recognized; check the AE title configured for the peer",
    (2, 1): "no reason given by the peer's association layer",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded; the peer serves too many associations",
}

_ABORT_REASONS = {
    0: "reason not specified",
    1: "unrecognized PDU",
    2: "unexpected PDU",
    4: "unrecognized PDU parameter",
    5: "unexpected PDU parameter",
    6: "invalid PDU parameter value",
}


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """One A-ASSOCIATE-RJ: its three codes, their meaning, and whether it may pass by itself."""

    result: int
    source: int
    reason: int
    meaning: str
    transient: bool


def rejection(result: int, source: int, reason: int) -> Rejection:
    """Judge an A-ASSOCIATE-RJ.

    Parameters
    ----------
    result
        1 permanent, 2 transient; the peer's own word decides, also for combinations not in the table.
    source, reason
        As in PS3.8 Table 9-21.

    Returns
    -------
    Rejection
    """
    meaning = _REASONS.get((source, reason), f"unknown source {source} and reason {reason}")
    return Rejection(result=result, source=source, reason=reason, meaning=meaning, transient=result == _TRANSIENT)


def abort_meaning(source: int | None, reason: int | None) -> str:
    """Put an A-ABORT into words; ``source`` is None when the connection was closed without one."""
    if source is None:
        return "the connection was closed without an abort"
    if source == 0:
        return "the peer's application aborted"
    return f"the peer's association layer aborted: {_ABORT_REASONS.get(reason or 0, f'reason {reason}')}"
