"""Peers and how to speak with them. Every constructor checks its values and names the field that is wrong."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from modality_sdk.errors import ConfigurationError
from modality_sdk.status import Category, category_of

__all__ = [
    "CommitmentPolicy",
    "ListenerOptions",
    "Peer",
    "PoolLimits",
    "Quirks",
    "RetryPolicy",
    "SendPolicy",
    "Timeouts",
    "TlsOptions",
    "check_ae_title",
    "check_port",
]


def check_ae_title(field_name: str, value: str) -> None:
    """Raise `ConfigurationError` unless ``value`` is a legal AE title (PS3.5 section 6.2, VR AE)."""
    rule = "an AE title has 1 to 16 characters, no backslash or control character, and not only spaces"
    stripped = value.strip(" ")
    if not 1 <= len(stripped) <= 16 or any(not 0x20 <= ord(c) < 0x7F or c == "\\" for c in value):
        raise ConfigurationError(field_name, rule, value)


def check_port(field_name: str, value: int) -> None:
    """Raise `ConfigurationError` unless ``value`` is a TCP port."""
    if not 1 <= value <= 65535:
        raise ConfigurationError(field_name, "a port lies between 1 and 65535", value)


def _check_positive(owner: str, **values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ConfigurationError(f"{owner}.{name}", "must be greater than 0 s", value)


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Deadlines in seconds; none can be switched off.

    Attributes
    ----------
    connect
        For the TCP connection.
    association
        For the answer to the association request.
    release
        For the answer to a release; the connection is closed afterwards in any case.
    idle
        Without a byte moving in the middle of a message, in either direction.
    response
        From the end of a request to its response, for every service without its own value.
    store_response
        Likewise for C-STORE.
    find
        For the whole of a C-FIND.
    """

    connect: float = 15.0
    association: float = 15.0
    release: float = 10.0
    idle: float = 30.0
    response: float = 60.0
    store_response: float = 120.0
    find: float = 120.0

    def __post_init__(self) -> None:
        _check_positive("timeouts", **self.__dict__)


@dataclass(frozen=True, kw_only=True)
class TlsOptions:
    """How to secure the associations of a peer or of the listener (PS3.15 Annex B)."""

    profile: str = "bcp195_9325"
    trust: tuple[Path, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    server_name: str = ""


@dataclass(frozen=True, kw_only=True)
class PoolLimits:
    """How many associations may stand at once, and for how long.

    Attributes
    ----------
    maximum
        Per destination.
    acquire
        Seconds to wait for a free one.
    idle
        Seconds after which an unused one is released.
    """

    maximum: int = 4
    acquire: float = 30.0
    idle: float = 28.0

    def __post_init__(self) -> None:
        if self.maximum < 1:
            raise ConfigurationError("pool.maximum", "must be at least 1", self.maximum)
        _check_positive("pool", acquire=self.acquire, idle=self.idle)


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """When the queue tries again.

    The n-th retry is due ``min(initial * multiplier ** (n - 1), maximum)`` seconds after the attempt before.

    Attributes
    ----------
    attempts
        Retries of a request that the peer answered with a passing failure.
    unreachable_attempts
        Probes of an unreachable destination before its jobs fail; None for no limit, so that a night
        without the archive fails no exam.
    commitment_timeout
        Seconds after which a storage commitment request counts as timed out (a late report is still applied).
    """

    attempts: int = 5
    initial: float = 30.0
    multiplier: float = 2.0
    maximum: float = 3600.0
    unreachable_attempts: int | None = None
    commitment_timeout: float = 300.0

    def __post_init__(self) -> None:
        if self.attempts < 0:
            raise ConfigurationError("retry.attempts", "must not be negative", self.attempts)
        if self.multiplier < 1:
            raise ConfigurationError("retry.multiplier", "must be at least 1", self.multiplier)
        if self.unreachable_attempts is not None and self.unreachable_attempts < 1:
            raise ConfigurationError(
                "retry.unreachable_attempts", "must be at least 1, or absent", self.unreachable_attempts
            )
        _check_positive(
            "retry",
            initial=self.initial,
            maximum=self.maximum,
            commitment_timeout=self.commitment_timeout,
        )

    def delay(self, retry: int) -> float:
        """Seconds between the attempt before and the ``retry``-th retry (from 1)."""
        if retry < 1:
            raise ValueError("retries are counted from 1")
        # the exponent is clamped so that a large count cannot overflow the power
        return min(self.initial * self.multiplier ** min(retry - 1, 64), self.maximum)


@dataclass(frozen=True, kw_only=True)
class CommitmentPolicy:
    """When storage commitment is asked for, and how often (PS3.4 section J.3).

    Attributes
    ----------
    initial_delay
        Seconds between the last object's storage and the first request, for archives that deny what they have just
        received.
    request_timeout
        Seconds without a report after which one request counts as timed out; `RetryPolicy.commitment_timeout`
        when None.
    re_requests
        Seconds from a timeout, or from a passing failure in a report, to the request that follows, each with a
        transaction UID of its own. After the last one only the operator asks again.
    maximum_references
        Objects in one request; None for no limit.
    linger
        Seconds to keep the association of an accepted request open for a report on it; 0 releases it at once.
    """

    initial_delay: float = 0.0
    request_timeout: float | None = None
    re_requests: tuple[float, ...] = (300.0, 1800.0, 14400.0)
    maximum_references: int | None = None
    linger: float = 1.0

    def __post_init__(self) -> None:
        for name in ("initial_delay", "linger"):
            if not getattr(self, name) >= 0:
                raise ConfigurationError(f"commitment.{name}", "must not be negative, in s", getattr(self, name))
        if not all(delay > 0 for delay in self.re_requests):
            raise ConfigurationError("commitment.re_requests", "are times greater than 0 s", self.re_requests)
        if self.request_timeout is not None:
            _check_positive("commitment", request_timeout=self.request_timeout)
        if self.maximum_references is not None and self.maximum_references < 1:
            raise ConfigurationError(
                "commitment.maximum_references", "must be at least 1, or absent", self.maximum_references
            )


@dataclass(frozen=True, kw_only=True)
class SendPolicy:
    """When messages and objects leave.

    Attributes
    ----------
    n_create
        ``on_first_exposure`` or ``on_open``.
    objects
        ``immediately``, ``on_accept`` or ``on_complete``.
    """

    n_create: str = "on_first_exposure"
    objects: str = "immediately"

    def __post_init__(self) -> None:
        if self.n_create not in ("on_first_exposure", "on_open"):
            raise ConfigurationError("send.n_create", "is on_first_exposure or on_open", self.n_create)
        if self.objects not in ("immediately", "on_accept", "on_complete"):
            raise ConfigurationError("send.objects", "is immediately, on_accept or on_complete", self.objects)


@dataclass(frozen=True, kw_only=True)
class ListenerOptions:
    """Where we accept associations.

    Attributes
    ----------
    host
        Address to bind; ``0.0.0.0`` for all.
    port
        0 lets the operating system choose.
    ae_title
        The called AE title that we answer to.
    maximum_associations
        At the same time.
    """

    ae_title: str
    host: str = "0.0.0.0"  # noqa: S104 - peers call back from other machines
    port: int = 11112
    maximum_associations: int = 32
    tls: TlsOptions | None = None

    def __post_init__(self) -> None:
        check_ae_title("ae_title", self.ae_title)
        if self.port != 0:
            check_port("listen.port", self.port)


@dataclass(frozen=True, kw_only=True)
class Quirks:
    """What a peer does, or needs, beside the standard; by default nothing.

    Attributes
    ----------
    implicit_only
        It fails with anything but Implicit VR Little Endian, so nothing else is proposed to it.
    one_syntax
        It fails when a SOP class is proposed more than once, so each is proposed in one transfer syntax only.
    maximum_pdu_sent
        Largest PDU to send it in bytes, whatever it announces; 0 for what it announces.
    maximum_associations
        At the same time, below that of the pool; 0 for the pool's.
    duplicate_statuses
        Failures with which it answers a C-STORE of an object that it already has; 0111 always counts.
    commitment_linger
        Seconds to keep the association of a commitment request open for the report of a peer that sends it there
        and nowhere else; 0 to release it at once.
    accession_required
        It takes no performed procedure step without Accession Number, so none is sent; the number is never made up.
    retrieve_ae_title
        Retrieve AE Title that it wants in the Performed Series Sequence; empty to leave it empty.
    """

    implicit_only: bool = False
    one_syntax: bool = False
    maximum_pdu_sent: int = 0
    maximum_associations: int = 0
    duplicate_statuses: tuple[int, ...] = ()
    commitment_linger: float = 0.0
    accession_required: bool = False
    retrieve_ae_title: str = ""

    def __post_init__(self) -> None:
        if self.maximum_pdu_sent != 0 and self.maximum_pdu_sent < 4096:
            rule = "is 0 for what the peer announces, or at least 4096 bytes"
            raise ConfigurationError("quirks.maximum_pdu_sent", rule, self.maximum_pdu_sent)
        if self.maximum_associations < 0:
            rule = "is 0 for the limit of the pool, or at least 1"
            raise ConfigurationError("quirks.maximum_associations", rule, self.maximum_associations)
        for status in self.duplicate_statuses:
            if not 0 <= status <= 0xFFFF or category_of(status) is not Category.FAILURE:
                rule = "lists failure statuses (PS3.7 Annex C), like C000"
                raise ConfigurationError("quirks.duplicate_statuses", rule, f"{status:04X}")
        if not 0 <= self.commitment_linger <= 3600:
            rule = "is 0 to 3600 s"
            raise ConfigurationError("quirks.commitment_linger", rule, self.commitment_linger)
        if self.retrieve_ae_title:
            check_ae_title("quirks.retrieve_ae_title", self.retrieve_ae_title)


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another application entity.

    Attributes
    ----------
    name
        Our name for it, as in the configuration; the AE title when it has none.
    ae_title
        Its AE title, which we call.
    commitment
        True when it commits what is stored there; the name of another peer when that one commits for it.
    query_charset
        Specific Character Set of our queries; empty for ISO_IR 192 where the keys need one.
    assume_charset
        Read answers that name no character set as this one; empty for the default repertoire.
    adjust_timezone
        Ask its worklist for time zone query adjustment with every query (PS3.4 K.5.1): for a peer in another zone.
    web
        Address of its web server, ``http://host:port/``; the doctor compares the clocks there. Empty when it has none.
    maximum_pdu
        Largest PDU we ask the peer to send, in bytes.
    quirks
        Where it departs from the standard.
    """

    name: str = ""
    ae_title: str
    host: str
    port: int
    commitment: bool | str = False
    tls: TlsOptions | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    transfer_syntaxes: tuple[str, ...] = ()
    query_charset: str = ""
    assume_charset: str = ""
    adjust_timezone: bool = False
    web: str = ""
    maximum_pdu: int = 131072
    quirks: Quirks = field(default_factory=Quirks)

    def __post_init__(self) -> None:
        where = f"peers.{self.name}." if self.name else "peer."
        check_ae_title(where + "ae_title", self.ae_title)
        check_port(where + "port", self.port)
        if not self.host.strip():
            raise ConfigurationError(where + "host", "must name a host or an address", self.host)
        if self.web:
            _check_web(where + "web", self.web)
        if not self.name:
            object.__setattr__(self, "name", self.ae_title)


def _check_web(field: str, address: str) -> None:
    """An address of a web server, without user and password: it is printed."""
    rule = "is an address like http://host:port/ or https://host/, without user and password"
    try:
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no port, no address
        valid = False
    if not valid or not address.isascii() or not address.isprintable() or " " in address or "@" in address:
        raise ConfigurationError(field, rule)
