"""One run of the harness, in a process that has everything imported and no thread: it forks the modalities that die.

Started by `crash.harness`; answers one JSON line per case on its standard output.
"""

import contextlib
import json
import logging
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydicom import Dataset

from crash.children import in_child, warm_up
from crash.exam import AE_TITLE, Exam, evidence, settings, steps
from crash.forgetful_files import ForgetfulFiles
from crash.hospital import HospitalProcess
from crash.plan import Death, Plan, Result, Sabotage
from modality_sdk import crashpoints
from modality_sdk.journal import durable
from modality_sdk.model import CommitmentPolicy
from modality_sdk.simulator import Commitment
from modality_sdk.testing.clock import FakeClock
from modality_sdk.testing.evidence import Evidence
from modality_sdk.testing.invariants import check
from modality_sdk.workflow import Modality

_DIED = 99
_WHOLE_EXAM = (2, 1, 1)
"""Images that were taken over, images that were rejected, steps."""
_TRIALS = 3
"""UIDs decide how many directories the spool makes, so that now and then a point is not reached."""
_MORNING = datetime(2024, 3, 1, 8, 0, tzinfo=UTC)
_REPAIR = timedelta(hours=1)
_ROUND_S, _ROUNDS = 90.0, 40
_REPORT_S, _LATE_S, _POLL_S = 0.1, 3.0, 0.005


class _Driver:
    def __init__(self, plan: Plan, scratch: Path) -> None:
        self._plan, self._scratch = plan, scratch
        way = Commitment.NEW_ASSOCIATION if plan.listener else Commitment.SAME_ASSOCIATION
        self._hospital = HospitalProcess(way)

    def close(self) -> None:
        self._hospital.close()

    def points(self) -> list[str]:
        """The durable points of one exam, each with its number among those of its name, in their order."""
        return max((self._enumerated() for _ in range(_TRIALS)), key=len)

    def _enumerated(self) -> list[str]:
        with self._case() as case:
            assert in_child(lambda: self._first_life(case, None)) == 0
            return (case / "points").read_text().splitlines()

    def case(self, point: str) -> Result:
        """Die at a point, recover, and judge."""
        for _ in range(_TRIALS):
            with self._case() as case:
                ending = in_child(lambda case=case: self._first_life(case, point))
                if ending == _DIED:
                    return Result(point=point, problems=self._judged(case))
        return Result(point=point, problems=[f"was not reached (exit status {ending})"])

    def _judged(self, case: Path) -> list[str]:
        ending = in_child(lambda: self._second_life(case))
        if ending:
            return [f"recovery failed (exit status {ending})"]
        problems: list[str] = json.loads((case / "findings").read_text())
        return problems

    @contextlib.contextmanager
    def _case(self) -> Iterator[Path]:
        self._hospital.forget()
        case = Path(tempfile.mkdtemp(dir=self._scratch))
        yield case
        shutil.rmtree(case)

    # ---- the lives of a modality -----------------------------------------------------------------

    @contextlib.contextmanager
    def _opened(self, case: Path, clock: FakeClock) -> Iterator[Modality]:
        linger = 0.0 if self._plan.listener else 10.0
        commitment = CommitmentPolicy(linger=linger, request_timeout=60, re_requests=(60, 60, 60))
        values = settings(case / "data", self._hospital, commitment=commitment)
        modality = Modality(values, clock=clock).open(worker=False, listener=self._plan.listener)
        if modality.listener is not None:
            self._hospital.register(AE_TITLE, modality.listener.port)
        yield modality
        modality.close()

    def _complete(self, modality: Modality, case: Path, clock: FakeClock) -> Exam:
        """Do what is left of the exam; let time pass until all is archived, or it is clear that this will not be."""
        exam = Exam(modality, case / "1", modality.run_due)
        exam.run()
        for _ in range(_ROUNDS):
            modality.run_due()
            # reports that come on associations of their own take a moment
            deadline = time.monotonic() + (_REPORT_S if self._plan.listener else 0)
            while not (archived := all(step.report().archived for step in steps(modality))):
                if time.monotonic() > deadline:
                    break
                time.sleep(_POLL_S)
            if archived:
                break
            clock.advance(_ROUND_S)
        return exam

    def _first_life(self, case: Path, fatal: str | None) -> None:
        files = ForgetfulFiles(case / "data", case / "shadows")
        reached: Counter[str] = Counter()
        points: list[str] = []
        lock = threading.Lock()

        def observe(name: str) -> None:
            with lock:
                reached[name] += 1
                points.append(point := f"{name} #{reached[name]}")
                if point == fatal:
                    if self._plan.death is Death.POWER:
                        files.lose_power()
                    os._exit(_DIED)

        with contextlib.ExitStack() as stack:
            if self._plan.death is Death.POWER:
                stack.enter_context(durable.using(files))
            stack.enter_context(crashpoints.observed(observe))
            clock = FakeClock(_MORNING)
            modality = stack.enter_context(self._opened(case, clock))
            self._sabotage()
            self._complete(modality, case, clock)
            # what another thread does last may come a moment later; the process dies in this pause, or never
            time.sleep(_REPORT_S if fatal is None else _LATE_S)
        (case / "points").write_text("\n".join(points))

    def _sabotage(self) -> None:
        """Take away what makes files durable: the harness has to notice."""
        match self._plan.sabotage:
            case Sabotage.FLUSH:
                durable.flush = lambda file: file.flush()
            case Sabotage.SYNC_DIRECTORY:
                durable.sync_directory = lambda path: None

    def _second_life(self, case: Path) -> None:
        findings = list(_unknown(self._hospital.evidence(), case / "data" / "journal.db"))
        clock = FakeClock(_MORNING + _REPAIR)
        with self._opened(case, clock) as modality:
            exam = self._complete(modality, case, clock)
            found = evidence(self._hospital.evidence(), modality, [exam])
        done = len(found.taken), len(found.withheld), len(found.reports)
        if done != _WHOLE_EXAM:
            findings.append(f"the exam ended with (images, rejected ones, steps) = {done}, not {_WHOLE_EXAM}")
        findings += map(str, check(found))
        (case / "findings").write_text(json.dumps(findings))


def _unknown(hospital: Evidence, database: Path) -> Iterator[str]:
    """UIDs that the hospital has seen and the journal of the dead modality does not hold."""
    seen = {uid for message in hospital.messages for uid in (message.step_uid, *_uids(message.attributes))}
    seen |= {uid for each in hospital.objects for uid in _uids(each.attributes)}
    seen |= {each.transaction_uid for each in hospital.commitments}
    if not seen:
        return
    connection = sqlite3.connect(database)
    held = "\n".join(connection.iterdump())
    connection.close()
    for uid in sorted(seen):
        if uid.startswith("2.25.") and uid not in held:
            yield f"{uid} was sent and is not in the journal"


def _uids(dataset: Dataset) -> Iterator[str]:
    for element in dataset.iterall():
        if element.VR == "UI" and element.value:
            yield from element.value if element.VM > 1 else (str(element.value),)


def main() -> None:
    logging.disable(logging.WARNING)  # a recovery has much to tell
    plan = Plan.from_json(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        warm_up(Path(scratch))
        driver = _Driver(plan, Path(scratch))
        try:
            points = driver.points()
            print(json.dumps(points), flush=True)
            for point in plan.chosen(points):
                print(json.dumps(asdict(driver.case(point))), flush=True)
        finally:
            driver.close()


if __name__ == "__main__":
    main()
