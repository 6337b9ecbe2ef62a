"""C-FIND as any provider of the simulator answers it (PS3.4 section C.4.1): a list, or what a script makes of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import evt

from modality_sdk.simulator.answers import Answer, Status
from modality_sdk.simulator.distortion import distort
from modality_sdk.simulator.scp import ServiceProvider
from modality_sdk.simulator.script import Reply, Truncate

__all__ = ["Matches", "QueryProvider"]


@dataclass(frozen=True, kw_only=True)
class Matches:
    """What a query found.

    Attributes
    ----------
    status
        Pending, or pending with warning.
    answers
        Identifiers of the responses.
    """

    status: Status = Status.PENDING
    answers: tuple[Dataset, ...] = ()


class QueryProvider(ServiceProvider):
    """A provider that answers queries."""

    def _list(
        self, event: evt.Event, search: Callable[[Dataset], Answer | Matches]
    ) -> Iterator[tuple[int, Dataset | None]]:
        """Answer one C-FIND request."""
        step = self._begin("C-FIND", event)
        if isinstance(step, Reply) and not step.acts:
            yield self._explain(step.answer), None
            return
        if not step.acts:
            yield self._explain(Answer()), None
            return
        try:
            found = search(event.identifier)
        except Exception:
            found = Answer(status=Status.CANNOT_UNDERSTAND, comment="the identifier could not be processed")
        if isinstance(found, Answer):
            yield self._explain(found), None
            return
        last = step.after if isinstance(step, Truncate) else None
        for index, answer in enumerate(found.answers[:last]):
            if event.is_cancelled:
                yield Status.CANCEL, None
                return
            self._pending.identifier = distort(answer, step, index, UID(event.context.transfer_syntax))
            yield found.status, answer
            self._pause("C-FIND", event.assoc)
        if isinstance(step, Truncate):
            yield step.status, None
        elif isinstance(step, Reply):
            yield self._explain(step.answer), None
