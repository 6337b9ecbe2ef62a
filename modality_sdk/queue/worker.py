"""Threads that do the queue's work: one for each destination that has some, and one that watches over them."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping

from modality_sdk.clock import Clock
from modality_sdk.errors import ModalityError
from modality_sdk.queue.jobs import DestinationStatus, Job, Outcome, OutcomeKind
from modality_sdk.queue.queue import TransmissionQueue
from modality_sdk.queue.watch import LEASE

__all__ = ["Worker"]

_log = logging.getLogger("modality_sdk.queue")

_HEARTBEAT = LEASE / 3
_PROBE = "probe "
"""Prefix of the names of probing threads; a destination may be probed and served in turn, never both."""


class Worker:
    """Runs due jobs by handlers, and probes held destinations.

    Parameters
    ----------
    handlers
        By kind of job. A handler that raises has its job tried again.
    probe
        Asks a held destination by name: None when it can be reached, else the cause, free of patient data.
    notice
        Called when a destination is held, paused or open again, and at its fifth failed probe.
    poll
        Seconds between looks for work of other processes.
    only
        Names of the destinations to serve in the background; all when None. Local work is that of the empty name.
    """

    def __init__(
        self,
        queue: TransmissionQueue,
        handlers: Mapping[str, Callable[[Job], Outcome]],
        *,
        probe: Callable[[str], str | None],
        notice: Callable[[DestinationStatus], None] | None = None,
        poll: float = 1.0,
        only: Collection[str] | None = None,
    ) -> None:
        self._queue = queue
        self._handlers = dict(handlers)
        self._probe = probe
        self._notice = notice
        self._poll = poll
        self._only = only
        self._clock: Clock = queue.clock
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._running: dict[int, Job] = {}
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._supervisor: threading.Thread | None = None
        self._subscriptions: list[Callable[[], None]] = []
        self._last_heartbeat = 0.0

    def start(self) -> None:
        """Begin to work in the background; does nothing when it works already."""
        if self._supervisor is not None:
            return
        self._stopping.clear()
        self._subscribe()
        self._subscriptions.append(self._queue.on_work(self.wake))
        self._supervisor = threading.Thread(target=self._supervise, name="queue supervisor", daemon=True)
        self._supervisor.start()

    def stop(self, timeout: float) -> None:
        """Begin no further job and wait at most ``timeout`` seconds for the running ones.

        What still runs then is on its own: it ends or not, and its lease brings the job back if the process ends.
        """
        self._stopping.set()
        self.wake()
        deadline = time.monotonic() + timeout
        with self._lock:
            threads = list(self._threads.values())
        if self._supervisor is not None:
            threads.append(self._supervisor)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._supervisor = None
        self._unsubscribe()

    def wake(self) -> None:
        """Look for work now."""
        self._woken.set()

    def run_due(self) -> int:
        """Do everything that is due now on the calling thread, probes included.

        Returns
        -------
        int
            Number of jobs that were run.
        """
        subscribed = bool(self._subscriptions)
        if not subscribed:
            self._subscribe()
        try:
            return self._run_due()
        finally:
            if not subscribed:
                self._unsubscribe()

    def _run_due(self) -> int:
        done = 0
        while True:
            while (held := self._queue.claim_probe()) is not None:
                self._run_probe(held)
            job = self._queue.claim()
            if job is None:
                return done
            self._run(job)
            done += 1

    # the supervisor's thread

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            pause = self._poll
            try:
                self._heartbeat()
                pause = min(pause, self._start_due())
            except Exception as error:
                # without this thread nothing would ever be sent again
                _log.error("the queue cannot be read: %s", type(error).__name__)
            self._woken.wait(pause)

    def _start_due(self) -> float:
        """Start a thread wherever there is work; returns the seconds until there may be more."""
        while (held := self._queue.claim_probe(self._only)) is not None:
            self._start(_PROBE + held, self._run_probe, held)
        destinations, due = self._queue.ready()
        for destination in destinations:
            if self._only is None or destination in self._only:
                self._start(destination, self._serve, destination)
        if due is None or self._only is not None:  # what is due may be another's
            return self._poll
        # the shortest pause keeps a probe that another thread is at from being looked for all the time
        return max(0.01, (due - self._clock.now()).total_seconds())

    def _start(self, name: str, work: Callable[[str], None], destination: str) -> None:
        def run() -> None:
            again = False
            try:
                work(destination)
            except Exception as error:
                _log.error("work for %s ended: %s", destination or "local jobs", type(error).__name__)
            else:
                again = True
            finally:
                with self._lock:
                    del self._threads[name]
            if again:
                self.wake()  # for what came after the last look; after an error the next poll is soon enough

        with self._lock:
            if name in self._threads or self._stopping.is_set():
                return
            thread = threading.Thread(target=run, name=f"queue {name or 'local'}", daemon=True)
            self._threads[name] = thread
            thread.start()  # within the lock, so that `stop` never meets one that has not begun

    def _heartbeat(self) -> None:
        if self._clock.monotonic() - self._last_heartbeat < _HEARTBEAT:
            return
        self._last_heartbeat = self._clock.monotonic()
        for job in tuple(self._running.values()):
            try:
                self._queue.heartbeat(job)
            except ModalityError as error:
                _log.warning("no heartbeat for job %d: %s", job.id, type(error).__name__)

    # the threads of the destinations

    def _serve(self, destination: str) -> None:
        while not self._stopping.is_set():
            job = self._queue.claim(destination)
            if job is None:
                return
            self._run(job)

    def _run(self, job: Job) -> None:
        self._running[job.id] = job
        try:
            self._keep(job, self._outcome(job))
        except BaseException:
            # interrupted from outside: the peer may have acted, so the attempt counts
            self._keep(job, Outcome(kind=OutcomeKind.RETRY, reason="INTERRUPTED"))
            raise
        finally:
            self._running.pop(job.id, None)

    def _outcome(self, job: Job) -> Outcome:
        handler = self._handlers.get(job.kind)
        if handler is None:
            return Outcome(kind=OutcomeKind.PARK, reason="NO_HANDLER", message=f"nobody here does {job.kind}")
        try:
            return handler(job)
        except Exception as error:
            return self._raised(job, error, "HANDLER_RAISED")

    def _keep(self, job: Job, outcome: Outcome) -> None:
        try:
            self._queue.finish(job, outcome)
        except Exception as error:
            # of the outcome's own action, or of the journal; in the latter case this fails too and the lease ends
            again = self._raised(job, error, "RESULT_NOT_KEPT")
            try:
                self._queue.finish(job, again)
            except ModalityError as second:
                _log.error("the result of job %d is not kept: %s", job.id, type(second).__name__)

    @staticmethod
    def _raised(job: Job, error: Exception, reason: str) -> Outcome:
        # the text of a foreign exception may hold patient data
        name = type(error).__name__
        _log.error("%s of job %d raised %s", job.kind, job.id, name)
        return Outcome(kind=OutcomeKind.RETRY, reason=reason, message=name)

    def _run_probe(self, destination: str) -> None:
        try:
            cause = self._probe(destination)
        except Exception as error:
            cause = f"the probe raised {type(error).__name__}"
            _log.error("the probe of %s raised %s", destination, type(error).__name__)
        self._queue.probed(destination, cause)

    def _subscribe(self) -> None:
        if self._notice is not None:
            self._subscriptions.append(self._queue.on_destination(self._notice))

    def _unsubscribe(self) -> None:
        while self._subscriptions:
            self._subscriptions.pop()()
