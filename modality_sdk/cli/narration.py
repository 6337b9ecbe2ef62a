"""Tells a person what happens in an exam while it happens."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.markup import escape

from modality_sdk.cli.console import make_console, make_table
from modality_sdk.cli.worklist import items_table
from modality_sdk.events import (
    CommitmentFailed,
    DestinationHeld,
    DestinationResumed,
    Event,
    ImageStored,
    MppsRefused,
    StepArchived,
    StorageFailed,
)
from modality_sdk.model import DeliveryReport, DeliveryState, WorklistResult
from modality_sdk.workflow import Modality, PerformedStep

__all__ = ["Narrator"]


class Narrator:
    """Prints each step of an exam; coloured on a terminal, plain elsewhere.

    Parameters
    ----------
    quiet
        Print nothing, for machines that read the result instead.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = make_console(quiet=quiet)
        self._lock = threading.Lock()
        self._on_open: list[Callable[[Modality], None]] = []

    def say(self, text: str, *, mark: str = "•", style: str = "cyan") -> None:
        """Print one line."""
        with self._lock:
            self._console.print(f"[{style}]{mark}[/{style}] {escape(text)}", soft_wrap=True)

    def on_open(self, action: Callable[[Modality], None]) -> None:
        """Do something once the modality listens."""
        self._on_open.append(action)

    @contextlib.contextmanager
    def listen_to(self, modality: Modality) -> Iterator[None]:
        """Print the events of an open modality until the end of the block."""
        for action in self._on_open:
            action(modality)
        with modality.subscribe(self._tell):
            yield

    def worklist(self, items: WorklistResult) -> None:
        """Print the items; patient data is what a worklist is for."""
        with self._lock:
            self._console.print(f"[cyan]•[/cyan] worklist: {len(items)} scheduled today for this station")
            self._console.print(items_table(items))

    def close(self, step: PerformedStep, report: DeliveryReport, output: Path) -> None:
        """Print the closing table."""
        table = make_table("Object", "SOP Instance UID", "Destination", "State")
        numbers = {instance.ref: str(n) for n, instance in enumerate(step.instances, start=1)}
        for delivery in report.deliveries:
            state = f"{delivery.state.value} {delivery.reason}".rstrip()
            table.add_row(numbers[delivery.sop], delivery.sop.sop_instance_uid, delivery.destination, escape(state))
        for destination, status in report.mpps:
            table.add_row("MPPS", step.uid, destination, status.value if status else "waiting")
        with self._lock:
            self._console.print(table)
        if report.archived:
            self.say(f"ARCHIVED; the objects are in {output}", mark="✓", style="green")
        else:
            self.say(
                f"not archived: {report.open_jobs} transmissions are queued, {report.failed_jobs} failed, "
                f"{_uncommitted(report)} objects wait for their commitment",
                mark="✗",
                style="red",
            )

    def _tell(self, event: Event) -> None:
        match event:
            case ImageStored():
                self.say(f"{event.destination} stored {event.sop.sop_instance_uid} {event.warning}".rstrip(), mark="↑")
            case StepArchived():
                self.say("every object is committed: the step is archived", mark="✓", style="green")
            case StorageFailed():
                text = f"{event.destination} did not take {event.sop.sop_instance_uid}: {event.reason}"
                self.say(text, mark="✗", style="red")
            case MppsRefused():
                self.say(f"{event.destination} refused the MPPS message: {event.reason}", mark="✗", style="red")
            case CommitmentFailed():
                text = f"{event.destination} did not commit {len(event.failed)} objects: {event.reason}"
                self.say(text, mark="✗", style="red")
            case DestinationHeld():
                self.say(f"{event.destination} is held: {event.cause}", mark="‖", style="yellow")
            case DestinationResumed():
                self.say(f"{event.destination} takes jobs again", mark="▶", style="green")


def _uncommitted(report: DeliveryReport) -> int:
    return sum(d.state.is_stored and d.state is not DeliveryState.COMMITTED for d in report.deliveries)
