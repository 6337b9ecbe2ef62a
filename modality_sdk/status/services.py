"""Statuses that mean something of their own in one service.

Sources: PS3.4 Tables B.2-1 (storage), K.4-2 (worklist), F.7.2-2 (MPPS), section J.3 (storage commitment).
"""

from modality_sdk.status.verdict import Action, Row

__all__ = ["BY_SERVICE"]

_STORED = "Nothing to do now; if it keeps coming, ask the archive's administrator what it changes and why."
_MISMATCH = "Keep the object and report this to the vendors of both systems: it will be refused again as it is."
_UNSUPPORTED = "Ask the archive's administrator to accept this kind of object, or send it to another archive."
_KEYS = "Ask the service engineer to change the query for this worklist server."

_C_STORE = (
    Row(0x0001, Action.ACCEPT, "stored, with a remark of the peer", _STORED),
    Row(0x0107, Action.ACCEPT, "stored, some attributes were ignored", _STORED),
    Row(
        0x0111,
        Action.VERIFY,
        "duplicate SOP instance",
        "If this object was not sent before, ask the archive's administrator what it holds under this UID.",
    ),
    Row(0x0116, Action.ACCEPT, "stored, an attribute value is out of range", _STORED),
    Row(0x0118, Action.PARK, "no such SOP class", _UNSUPPORTED),
    Row(0x0122, Action.PARK, "SOP class not supported", _UNSUPPORTED),
    Row(0xA900, Action.PARK, "the data set does not match the SOP class", _MISMATCH, last=0xA9FF),
    Row(0xB000, Action.ACCEPT, "stored, data elements were coerced", _STORED),
    Row(0xB006, Action.ACCEPT, "stored, elements were discarded", _STORED),
    Row(
        0xB007,
        Action.ACCEPT,
        "stored, the data set does not match the SOP class",
        "Check how the object looks at the archive, and report this to the vendors of both systems.",
    ),
    Row(0xB000, Action.ACCEPT, "stored, with a warning that is not in the standard", _STORED, last=0xBFFF),
    Row(
        0xC000,
        Action.RETRY,
        "the peer could not understand the object",
        # permanent by the standard, yet several archives answer so when their database is busy
        "It is tried again twice; then ask the archive's administrator to look into its log for this object.",
        last=0xCFFF,
        retries=2,
    ),
)

_C_FIND = (
    Row(0xFF00, Action.ACCEPT, "a match"),
    Row(0xFF01, Action.ACCEPT, "a match, some optional keys are not supported"),
    Row(
        0xFE00,
        Action.ACCEPT,
        "matching was ended before all answers were given",
        "The list is not complete; ask for less, for example one day or one patient.",
    ),
    Row(0xA900, Action.PARK, "the identifier does not match the SOP class", _KEYS),
    Row(
        0xC000,
        Action.PARK,
        "unable to process the query",
        "Ask again, or enter the patient by hand; tell the worklist server's administrator if it stays so.",
        last=0xCFFF,
    ),
)

_N_CREATE = (
    Row(
        0x0111,
        Action.VERIFY,
        "duplicate SOP instance",
        "If this step was not reported before, tell the service engineer: another one has its UID.",
    ),
)

_N_SET = (
    Row(
        0x0110,
        Action.VERIFY,
        "the step may no longer be updated",
        "If this step was not ended from here, somebody ended it at the information system: correct the order there.",
        error_id=0xA710,
    ),
    Row(
        0x0112,
        Action.RECREATE,
        "the peer does not know the step",
        "The step is reported anew; if this keeps coming, tell the information system's administrator.",
    ),
)

_N_ACTION = (
    Row(
        0x0112,
        Action.HOLD,
        "no such SOP instance",
        "Ask the archive's administrator to enable storage commitment, or switch it off for this peer.",
    ),
)

BY_SERVICE = {"C-STORE": _C_STORE, "C-FIND": _C_FIND, "N-CREATE": _N_CREATE, "N-SET": _N_SET, "N-ACTION": _N_ACTION}
"""DIMSE service -> rows, the particular before the general. N-services are those of MPPS and storage commitment."""
