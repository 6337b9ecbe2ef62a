"""Statuses of every service (PS3.7 Annex C and section 10.1)."""

from modality_sdk.status.verdict import Action, Row

__all__ = ["GENERAL"]

_ATTRIBUTES = "See which attributes the peer named, correct them and send again."
_DEFECT = "Report this to the vendors of both systems: one of them breaks the protocol."
_MISMATCH = "Compare the conformance statements of both systems, and report this to their vendors."
_NOTE = "Nothing to do now; if it keeps coming, tell the peer's administrator which attributes it named."
_SERVE = "Ask the peer's administrator to enable this service, or take it out of the configuration of this peer."

GENERAL = (
    Row(0x0001, Action.ACCEPT, "done, with a remark of the peer", _NOTE),
    Row(0x0105, Action.PARK, "no such attribute", _ATTRIBUTES),
    Row(0x0106, Action.PARK, "invalid attribute value", _ATTRIBUTES),
    Row(0x0107, Action.ACCEPT, "attribute list error, some attributes were ignored", _NOTE),
    Row(
        0x0110,
        Action.RETRY,
        "processing failure",
        "It is tried again; if it fails for good, ask the peer's administrator to look into its log.",
    ),
    Row(0x0111, Action.PARK, "duplicate SOP instance", "Ask the peer's administrator what it holds under this UID."),
    Row(0x0112, Action.PARK, "no such SOP instance", "Ask the peer's administrator whether it was deleted there."),
    Row(0x0113, Action.PARK, "no such event type", _MISMATCH),
    Row(0x0114, Action.PARK, "no such argument", _MISMATCH),
    Row(0x0115, Action.PARK, "invalid argument value", _MISMATCH),
    Row(0x0116, Action.ACCEPT, "attribute value out of range, the peer used another", _NOTE),
    Row(
        0x0117, Action.PARK, "invalid SOP instance UID", "Report this to the vendor of the modality: its UID is wrong."
    ),
    Row(0x0118, Action.HOLD, "no such SOP class", _SERVE),
    Row(0x0119, Action.PARK, "class and instance conflict", _MISMATCH),
    Row(0x0120, Action.PARK, "missing attribute", _ATTRIBUTES),
    Row(0x0121, Action.PARK, "missing attribute value", _ATTRIBUTES),
    Row(0x0122, Action.HOLD, "SOP class not supported", _SERVE),
    Row(0x0123, Action.PARK, "no such action type", _MISMATCH),
    Row(
        0x0124, Action.HOLD, "not authorized", "Ask the peer's administrator to allow this AE title what it asked for."
    ),
    Row(0x0210, Action.PARK, "duplicate invocation", _DEFECT),
    Row(0x0211, Action.PARK, "unrecognized operation", _DEFECT),
    Row(0x0212, Action.PARK, "mistyped argument", _DEFECT),
    Row(
        0x0213,
        Action.RETRY,
        "resource limitation",
        "It is tried again; if it lasts, ask the peer's administrator about its disk space and load.",
    ),
    Row(
        0xA700,
        Action.RETRY,
        "out of resources",
        "It is tried again; if it lasts, ask the peer's administrator about its disk space and load.",
        last=0xA7FF,
    ),
)
