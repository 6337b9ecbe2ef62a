"""Scripts of misbehaviour: what a provider does with its next requests, one small value per step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from pydicom.charset import python_encoding
from pydicom.datadict import tag_for_keyword
from pydicom.tag import Tag

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import SopReference
from modality_sdk.model.network import check_ae_title
from modality_sdk.simulator.answers import Answer, Status
from modality_sdk.simulator.commitment import Commitment

__all__ = [
    "SERVICES",
    "Abort",
    "Delay",
    "LostResponse",
    "Malformed",
    "Phase",
    "Reject",
    "Reply",
    "Report",
    "Role",
    "Script",
    "Serve",
    "Silence",
    "Step",
    "Truncate",
    "WrongCharacterSet",
]

SERVICES = (
    "A-ASSOCIATE",
    "C-ECHO",
    "C-FIND",
    "C-STORE",
    "N-CREATE",
    "N-SET",
    "N-GET",
    "N-ACTION",
    "N-EVENT-REPORT",
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happens to one request, or to several.

    Attributes
    ----------
    times
        How many requests it is for; None for all that follow.
    """

    times: int | None = 1

    @property
    def acts(self) -> bool:
        """Whether the request is served, whatever becomes of the response."""
        return True

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            self._refuse("times", "must be at least 1, or None for ever", self.times)

    def _refuse(self, name: str, rule: str, value: object = None) -> None:
        raise ConfigurationError(f"{type(self).__name__}.{name}", rule, value)


@dataclass(frozen=True, kw_only=True)
class Serve(Step):
    """Serve the request as the standard has it: the pause between two misdeeds."""


@dataclass(frozen=True, kw_only=True)
class Delay(Step):
    """Wait, then serve the request.

    Attributes
    ----------
    seconds
        How long.
    """

    seconds: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.seconds >= 0:
            self._refuse("seconds", "must not be negative", self.seconds)


@dataclass(frozen=True, kw_only=True)
class Silence(Step):
    """Neither serve the request nor answer it; the association stays as it is."""

    @property
    def acts(self) -> bool:
        """Not served."""
        return False


@dataclass(frozen=True, kw_only=True)
class Reply(Step):
    """Answer with this status instead of serving the request.

    Attributes
    ----------
    status
        Status, (0000,0900).
    comment
        Error Comment, (0000,0902); cut to its 64 characters.
    error_id
        Error ID, (0000,0903), of a normalized service.
    elements
        Keywords for Offending Element of a composite, Attribute Identifier List of a normalized service.
    served
        Serve the request all the same: what is said is not what was done.
    """

    status: int
    comment: str = ""
    error_id: int | None = None
    elements: tuple[str, ...] = ()
    served: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_final(self, self.status)
        if self.error_id is not None and not 0 <= self.error_id <= 0xFFFF:
            self._refuse("error_id", "lies between 0000 and FFFF", self.error_id)
        _check_keywords(self, "elements", self.elements)

    @property
    def acts(self) -> bool:
        """Served only where it says so."""
        return self.served

    @property
    def answer(self) -> Answer:
        """The response to give."""
        tags = tuple(Tag(keyword) for keyword in self.elements)
        return Answer(status=self.status, comment=self.comment, error_id=self.error_id, elements=tags)


class Phase(StrEnum):
    """When an association is aborted."""

    AT_REQUEST = "at request"
    """In the place of a response; the request is not served."""
    MID_RESPONSE = "mid response"
    """The request is served; a list breaks off after its first item, any other response in the middle of its bytes."""
    AFTER_RESPONSE = "after response"
    """The request is served and answered, and the next thing that comes is the abort."""


@dataclass(frozen=True, kw_only=True)
class Abort(Step):
    """Abort the association (PS3.8 section 7.3).

    Attributes
    ----------
    phase
        When. For N-EVENT-REPORT the archive is the one who asks: instead of the report, in the middle of it, or
        after the requestor's response.
    """

    phase: Phase = Phase.AT_REQUEST

    @property
    def acts(self) -> bool:
        """Served unless the abort comes first."""
        return self.phase is not Phase.AT_REQUEST


@dataclass(frozen=True, kw_only=True)
class LostResponse(Step):
    """Serve the request and let nobody know.

    Attributes
    ----------
    connection
        Drop the connection as well; otherwise it stays and nothing comes.
    """

    connection: bool = False


@dataclass(frozen=True, kw_only=True)
class Reject(Step):
    """Reject the association (PS3.8 Table 9-21).

    Attributes
    ----------
    result
        1 permanent, 2 transient.
    source
        1 service user, 2 service provider (ACSE), 3 service provider (presentation).
    diagnostic
        Reason/Diag., whose meaning depends on the source.
    """

    result: int = 1
    source: int = 1
    diagnostic: int = 1

    _LEGAL: ClassVar[Mapping[int, tuple[int, ...]]] = {1: (1, 2, 3, 7), 2: (1, 2), 3: (1, 2)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.result not in (1, 2):
            self._refuse("result", "is 1 or 2", self.result)
        if self.source not in self._LEGAL:
            self._refuse("source", "is 1, 2 or 3", self.source)
        if self.diagnostic not in self._LEGAL[self.source]:
            self._refuse("diagnostic", f"is one of {self._LEGAL[self.source]} for this source", self.diagnostic)


@dataclass(frozen=True, kw_only=True)
class Truncate(Step):
    """End a list after some items.

    Attributes
    ----------
    after
        How many items are sent.
    status
        Final status, given even when the list was not longer: FE00 as for a cancelled query.
    """

    after: int
    status: int = Status.CANCEL

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.after < 0:
            self._refuse("after", "must not be negative", self.after)
        _check_final(self, self.status)


@dataclass(frozen=True, kw_only=True)
class WrongCharacterSet(Step):
    """Send a list in another character set than its label says (PS3.3 C.12.1.1.2).

    Attributes
    ----------
    label
        What Specific Character Set says; empty: the attribute is left out.
    encoded_in
        Defined Term of the character set in which the bytes are; empty: that of each item, which it also is for
        an item whose texts do not fit.
    """

    label: tuple[str, ...] = ()
    encoded_in: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(term.isascii() for term in self.label):
            self._refuse("label", "consists of ASCII terms (CS, PS3.5 section 6.2)", self.label)
        if self.encoded_in and self.encoded_in not in python_encoding:
            self._refuse("encoded_in", "is a Defined Term of PS3.3 C.12.1.1.2", self.encoded_in)


@dataclass(frozen=True, kw_only=True)
class Malformed(Step):
    """Send a list with items that are not what they should be.

    Attributes
    ----------
    values
        Bytes by keyword, in the place of each such attribute of the item, in its sequences too.
    without
        Keywords of attributes that are left out.
    items
        Which items of the list, from 0; empty: all.
    """

    values: Mapping[str, bytes] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    items: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_keywords(self, "values", tuple(self.values))
        _check_keywords(self, "without", self.without)


class Role(StrEnum):
    """What an archive proposes as its role on the association of a report (PS3.7 D.3.3.4)."""

    SCP = "SCP"
    """Right: it asks for the association and provides the service."""
    SCU = "SCU"
    """Wrong."""
    NONE = "none"
    """No role selection: by default the requestor is the SCU."""


@dataclass(frozen=True, kw_only=True)
class Report(Step):
    """Report a storage commitment in an unusual manner.

    Attributes
    ----------
    way
        How; as the archive is set to when None.
    copies
        How many times the report is sent.
    before_response
        On a new association, yet before the response to the request.
    calling_ae_title
        From this application entity; the archive's own when empty.
    role
        Role selection of a new association.
    omit
        How many of the requested instances, from the end, are not named; more than there are: none is named.
    add
        Instances that nobody asked about, named as committed.
    transaction_uid
        Of another transaction than the one asked for, when not empty.
    event_type
        Event Type ID in the place of the right one.
    """

    way: Commitment | None = None
    copies: int = 1
    before_response: bool = False
    calling_ae_title: str = ""
    role: Role = Role.SCP
    omit: int = 0
    add: tuple[SopReference, ...] = ()
    transaction_uid: str = ""
    event_type: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.copies < 1:
            self._refuse("copies", "must be at least 1", self.copies)
        if self.omit < 0:
            self._refuse("omit", "must not be negative", self.omit)
        if self.calling_ae_title:
            check_ae_title("Report.calling_ae_title", self.calling_ae_title)
        if self.event_type is not None and not 0 <= self.event_type <= 0xFFFF:
            self._refuse("event_type", "lies between 0000 and FFFF", self.event_type)


_ANSWERED: tuple[type[Step], ...] = (Serve, Delay, Silence, Reply, Abort, LostResponse)
_FITTING: dict[str, tuple[type[Step], ...]] = dict.fromkeys(SERVICES, _ANSWERED) | {
    "A-ASSOCIATE": (Serve, Delay, Silence, Abort, Reject, LostResponse),
    "C-FIND": (*_ANSWERED, Truncate, WrongCharacterSet, Malformed),
    "N-EVENT-REPORT": (Serve, Delay, Silence, Abort, Report),
}


@dataclass(frozen=True, kw_only=True)
class Script:
    """Steps for the requests of one service, in their order; after the last one all is normal again.

    Attributes
    ----------
    service
        One of `SERVICES`; A-ASSOCIATE is the association itself.
    steps
        What happens to the next requests.

    Raises
    ------
    ConfigurationError
        When the service is unknown or cannot do one of the steps.
    """

    service: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        check_service(self.service)
        fitting = _FITTING[self.service]
        for index, step in enumerate(self.steps):
            name = f"{self.service}[{index}]"
            if not isinstance(step, fitting):
                allowed = ", ".join(kind.__name__ for kind in fitting)
                raise ConfigurationError(name, f"is one of {allowed}", type(step).__name__)
            if self.service == "A-ASSOCIATE" and isinstance(step, Abort) and step.phase is Phase.MID_RESPONSE:
                raise ConfigurationError(f"{name}.phase", "is at request or after response here", step.phase.value)


def check_service(service: str) -> None:
    """Raise `ConfigurationError` unless it is one of `SERVICES`."""
    if service not in SERVICES:
        raise ConfigurationError("service", f"is one of {', '.join(SERVICES)}", service)


def _check_final(step: Step, status: int) -> None:
    name = f"{type(step).__name__}.status"
    if not 0 <= status <= 0xFFFF:
        raise ConfigurationError(name, "lies between 0000 and FFFF", status)
    if status in (Status.PENDING, Status.PENDING_WITH_WARNING):
        raise ConfigurationError(name, "is not a pending one, after which the requestor would wait", status)


def _check_keywords(step: Step, name: str, keywords: tuple[str, ...]) -> None:
    for keyword in keywords:
        if tag_for_keyword(keyword) is None:
            raise ConfigurationError(f"{type(step).__name__}.{name}", "names attributes by their keywords", keyword)
