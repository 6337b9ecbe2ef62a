"""The table of ill manners that a provider looks into before it serves a request."""

import threading
from collections.abc import Iterable
from dataclasses import replace

from modality_sdk.errors import ConfigurationError
from modality_sdk.simulator.script import Reply, Script, Serve, Step, check_service

__all__ = ["Misbehaviour"]


class Misbehaviour:
    """What a provider does wrong on purpose. May be changed from any thread while the provider serves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripts: dict[str, list[Step]] = {}
        self._delays: dict[str, float] = {}

    @property
    def scripts(self) -> tuple[Script, ...]:
        """What is still to be played, per service."""
        with self._lock:
            return tuple(
                Script(service=service, steps=tuple(steps)) for service, steps in self._scripts.items() if steps
            )

    @property
    def refusals(self) -> tuple[Reply, ...]:
        """The refusals that are still to be given, per service in their order."""
        return tuple(
            step for script in self.scripts for step in script.steps if isinstance(step, Reply) and not step.served
        )

    def play(self, script: Script) -> None:
        """Add the steps of a script to those that its service still has before it."""
        with self._lock:
            self._scripts.setdefault(script.service, []).extend(script.steps)

    def refuse(
        self,
        service: str,
        status: int,
        *,
        times: int | None = None,
        comment: str = "",
        error_id: int | None = None,
        elements: Iterable[str] = (),
    ) -> None:
        """Answer the next ``times`` requests of a service (None: all) with a status; refusals queue up.

        Raises
        ------
        ConfigurationError
            When the service is unknown or answers nothing, or a number is out of range.
        """
        step = Reply(status=status, times=times, comment=comment, error_id=error_id, elements=tuple(elements))
        self.play(Script(service=service, steps=(step,)))

    def delay(self, service: str, seconds: float) -> None:
        """Wait so many seconds before every response of a service; 0 ends it.

        Raises
        ------
        ConfigurationError
            When the service is unknown, or the time negative.
        """
        check_service(service)
        if seconds < 0:
            raise ConfigurationError("delay.seconds", "must not be negative", seconds)
        with self._lock:
            self._delays[service] = seconds

    def behave(self) -> None:
        """Forget every script, refusal and delay."""
        with self._lock:
            self._scripts.clear()
            self._delays.clear()

    def delay_of(self, service: str) -> float:
        """Seconds to wait before a response of the service."""
        with self._lock:
            return self._delays.get(service, 0.0)

    def next_step(self, service: str) -> Step:
        """Use up one step of the service's script; `Serve` when there is none."""
        with self._lock:
            steps = self._scripts.get(service)
            if not steps:
                return Serve()
            step = steps[0]
            if step.times == 1:
                del steps[0]
            elif step.times is not None:
                steps[0] = replace(step, times=step.times - 1)
            return step
