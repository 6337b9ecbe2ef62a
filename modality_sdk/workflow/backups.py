"""A copy of the database whenever a step has ended, made by the worker, so that no exam waits for it."""

import logging

from modality_sdk.errors import QueueError
from modality_sdk.journal import Transaction
from modality_sdk.model import JobState
from modality_sdk.queue import Job, JobRequest, Outcome, OutcomeKind
from modality_sdk.workflow.context import Context, Durable
from modality_sdk.workflow.delivery import JobKind

__all__ = ["Backups"]

_log = logging.getLogger("modality_sdk.workflow")

_OPEN_STATES = frozenset(state for state in JobState if state.is_open)


class Backups:
    """Asks for copies, and makes them when their turn comes."""

    def __init__(self, context: Context, durable: Durable) -> None:
        self._context, self._durable = context, durable
        self._covered: frozenset[int] = frozenset()

    def submit(self, tx: Transaction, step_uid: str) -> None:
        """Queue a copy that holds the end of a step."""
        if self._context.settings.journal.backups:
            request = JobRequest(kind=JobKind.BACKUP, destination="", unique_key=f"{JobKind.BACKUP}|{step_uid}")
            self._durable.queue.submit(tx, request)

    def handle(self, job: Job) -> Outcome:
        """Make the copy (the queue's handler), unless one was begun since it was asked for.

        One that fails is tried again like a transmission, and then left to the end of the next step.
        """
        if job.id in self._covered:
            return Outcome(kind=OutcomeKind.DONE)
        waiting = self._durable.queue.jobs(kind=JobKind.BACKUP, states=_OPEN_STATES)
        try:
            self._durable.journal.back_up()
        except QueueError as error:
            _log.error("%s", error)
            given_up = job.attempts >= self._context.settings.retry.attempts
            return Outcome(
                kind=OutcomeKind.DONE if given_up else OutcomeKind.RETRY, reason="NO_BACKUP", message=str(error)
            )
        self._covered = frozenset(j.id for j in waiting)
        return Outcome(kind=OutcomeKind.DONE)
