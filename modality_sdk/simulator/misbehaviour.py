"""The table of ill manners that a provider looks into before it serves a request."""

import threading
from dataclasses import dataclass, replace

from modality_sdk.errors import ConfigurationError
from modality_sdk.simulator.answers import Answer

__all__ = ["SERVICES", "Misbehaviour", "Refusal"]

SERVICES = ("C-ECHO", "C-FIND", "C-STORE", "N-CREATE", "N-SET", "N-GET", "N-ACTION")


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Requests of one service are answered with a status instead of being served.

    Attributes
    ----------
    service
        One of `SERVICES`.
    status
        Status, (0000,0900), of the answer.
    times
        How many more requests; None for all.
    comment
        Error Comment of the answer.
    error_id
        Error ID of the answer.
    """

    service: str
    status: int
    times: int | None = None
    comment: str = ""
    error_id: int | None = None

    def __post_init__(self) -> None:
        _check_service(self.service)
        if not 0 <= self.status <= 0xFFFF:
            raise ConfigurationError("refusal.status", "lies between 0000 and FFFF", self.status)
        if self.times is not None and self.times < 1:
            raise ConfigurationError("refusal.times", "must be at least 1, or None for ever", self.times)


class Misbehaviour:
    """What a provider does wrong on purpose. May be changed from any thread while the provider serves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refusals: list[Refusal] = []
        self._delays: dict[str, float] = {}

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The refusals that are still to be given, in their order."""
        with self._lock:
            return tuple(self._refusals)

    def refuse(
        self,
        service: str,
        status: int,
        *,
        times: int | None = None,
        comment: str = "",
        error_id: int | None = None,
    ) -> None:
        """Answer the next ``times`` requests of a service (None: all) with a status; refusals queue up.

        Raises
        ------
        ConfigurationError
            When the service is unknown, or a number is out of range.
        """
        refusal = Refusal(service=service, status=status, times=times, comment=comment, error_id=error_id)
        with self._lock:
            self._refusals.append(refusal)

    def delay(self, service: str, seconds: float) -> None:
        """Wait so many seconds before every response of a service; 0 ends it.

        Raises
        ------
        ConfigurationError
            When the service is unknown, or the time negative.
        """
        _check_service(service)
        if seconds < 0:
            raise ConfigurationError("delay.seconds", "must not be negative", seconds)
        with self._lock:
            self._delays[service] = seconds

    def behave(self) -> None:
        """Forget every refusal and delay."""
        with self._lock:
            self._refusals.clear()
            self._delays.clear()

    def delay_of(self, service: str) -> float:
        """Seconds to wait before a response of the service."""
        with self._lock:
            return self._delays.get(service, 0.0)

    def next_refusal(self, service: str) -> Answer | None:
        """Use up one refusal of the service.

        Returns
        -------
        Answer or None
            None when the request is to be served.
        """
        with self._lock:
            for index, refusal in enumerate(self._refusals):
                if refusal.service == service:
                    if refusal.times == 1:
                        del self._refusals[index]
                    elif refusal.times is not None:
                        self._refusals[index] = replace(refusal, times=refusal.times - 1)
                    return Answer(status=refusal.status, comment=refusal.comment, error_id=refusal.error_id)
        return None


def _check_service(service: str) -> None:
    if service not in SERVICES:
        raise ConfigurationError("service", f"is one of {', '.join(SERVICES)}", service)
