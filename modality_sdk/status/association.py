"""A-ASSOCIATE-RJ, A-ABORT and refused presentation contexts in words (PS3.8 sections 9.3.3.2, 9.3.4 and 9.3.8)."""

from dataclasses import dataclass

from modality_sdk.status.verdict import Action

__all__ = ["Abort", "Rejection", "abort", "abort_meaning", "context_meaning", "rejection"]

_TRANSIENT = 2

_LOOK = "Ask the peer's administrator to look into its log for associations of this AE title."
_DEFECT = "Report this to the vendors of both systems: one of them breaks the protocol."
_BUSY = "It is tried again; if it lasts, allow fewer associations at once to this peer."

# (source, reason) -> whether it passes by itself (None: the result field says so), meaning, advice
_REJECTIONS = {
    (1, 1): (None, "no reason given", _LOOK),
    (1, 2): (False, "application context name not supported", _DEFECT),
    (1, 3): (
        False,
        "calling AE title not recognized; the peer must be told our AE title",
        "Ask the peer's administrator to register the AE title and address of this modality.",
    ),
    (1, 7): (
        False,
        "called AE title not recognized; check the AE title configured for the peer",
        "Correct the AE title configured for this peer; upper and lower case count.",
    ),
    (2, 1): (None, "no reason given by the peer's association layer", _LOOK),
    (2, 2): (False, "protocol version not supported", _DEFECT),
    (3, 1): (True, "temporary congestion", _BUSY),
    (3, 2): (True, "local limit exceeded; the peer serves too many associations", _BUSY),
}

_AGAIN = "It is sent again by itself; the peer may have it already."

_PROVIDER_ABORTS = {
    0: ("reason not specified", f"{_AGAIN} {_LOOK}"),
    1: ("unrecognized PDU", _DEFECT),
    2: ("unexpected PDU", _DEFECT),
    4: ("unrecognized PDU parameter", _DEFECT),
    5: ("unexpected PDU parameter", _DEFECT),
    6: ("invalid PDU parameter value", _DEFECT),
}

_CONTEXT_RESULTS = {
    0: "accepted",
    1: "rejected by the peer's application",
    2: "refused without a reason",
    3: "abstract syntax not supported",
    4: "transfer syntaxes not supported",
}


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """One A-ASSOCIATE-RJ: its three codes, their meaning, and whether it may pass by itself.

    Attributes
    ----------
    advice
        What a person should do about it.
    """

    result: int
    source: int
    reason: int
    meaning: str
    transient: bool
    advice: str = ""

    @property
    def action(self) -> Action:
        """``RETRY`` what passes by itself, a bounded number of times; else ``HOLD`` the destination."""
        return Action.RETRY if self.transient else Action.HOLD


@dataclass(frozen=True, kw_only=True)
class Abort:
    """The end of an association without a release.

    Attributes
    ----------
    source, reason
        Of the A-ABORT PDU; None when the connection was closed without one.
    advice
        What a person should do about it.
    action
        Always ``RETRY``: what became of the request is unknown, so the same is sent again a bounded number of times.
    """

    source: int | None
    reason: int | None
    meaning: str
    advice: str
    action: Action = Action.RETRY


def rejection(result: int, source: int, reason: int) -> Rejection:
    """Judge an A-ASSOCIATE-RJ.

    Parameters
    ----------
    result
        1 permanent, 2 transient. It decides where the reason leaves it open, and for combinations not in the table.
    source, reason
        As in PS3.8 Table 9-21.

    Returns
    -------
    Rejection
    """
    passes, meaning, advice = _REJECTIONS.get(
        (source, reason), (None, f"unknown source {source} and reason {reason}", _LOOK)
    )
    transient = result == _TRANSIENT if passes is None else passes
    return Rejection(result=result, source=source, reason=reason, meaning=meaning, transient=transient, advice=advice)


def abort(source: int | None, reason: int | None) -> Abort:
    """Judge the end of an association without a release.

    Parameters
    ----------
    source
        0 the peer's application, 2 its association layer; None when the connection was closed without an A-ABORT.
    reason
        Significant for source 2 only.

    Returns
    -------
    Abort
    """
    advice = f"{_AGAIN} {_LOOK}"
    match source:
        case None:
            meaning = "the connection was closed without an abort"
            advice = f"{_AGAIN} If it lasts, check the network and firewalls between the two, and the peer's log."
        case 0:
            meaning = "the peer's application aborted"
        case 2:
            words, advice = _PROVIDER_ABORTS.get(reason or 0, (f"reason {reason}", _DEFECT))
            meaning = f"the peer's association layer aborted: {words}"
        case _:
            meaning = f"the peer aborted with the unknown source {source} and reason {reason}"
    return Abort(source=source, reason=reason, meaning=meaning, advice=advice)


def abort_meaning(source: int | None, reason: int | None) -> str:
    """Put an A-ABORT into words; ``source`` is None when the connection was closed without one."""
    return abort(source, reason).meaning


def context_meaning(result: int) -> str:
    """Put the result of a proposed presentation context into words (PS3.8 section 9.3.3.2)."""
    return _CONTEXT_RESULTS.get(result, f"unknown result {result}")
