"""Modalities with worker and listener that are killed at random times, one after the other on the same directory.

Started by `crash.test_random_kills`; one JSON line per directory on its standard output.
"""

import json
import logging
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from crash.children import begin, in_child, warm_up
from crash.exam import AE_TITLE, Exam, evidence, settings, steps
from crash.hospital import HospitalProcess
from modality_sdk.model import CommitmentPolicy, RetryPolicy
from modality_sdk.simulator import Commitment
from modality_sdk.testing.invariants import check
from modality_sdk.workflow import Modality

_KILLS_PER_DIRECTORY = 20
_LONGEST_LIFE_S = 0.9
_ARCHIVED_S = 60.0
# quick, and without an end: what is killed on and on fails no exam here
_RETRY = RetryPolicy(attempts=1000, initial=0.05, multiplier=1.0)
_COMMITMENT = CommitmentPolicy(linger=0.0, request_timeout=0.3, re_requests=(0.1,) * 200)


class _Directory:
    """One data directory, from its first modality to the last."""

    def __init__(self, hospital: HospitalProcess, path: Path) -> None:
        self._hospital, self._path = hospital, path
        self._notes = path / "notes"
        self._notes.mkdir()

    def live(self) -> None:
        """Take up what was left, and do one exam after the other until the end."""
        modality = self._open()
        done = len(self._exams(modality))
        for number in range(max(done, 1), sys.maxsize):
            Exam(modality, self._notes / str(number)).run()

    def finish(self) -> None:
        """Complete the exam that was under way, wait for the archive, and judge."""
        modality = self._open()
        exams = self._exams(modality)
        for exam in exams:
            exam.run()
        deadline = time.monotonic() + _ARCHIVED_S
        while not all(step.report().archived for step in steps(modality)) and time.monotonic() < deadline:
            time.sleep(0.02)
        found = check(evidence(self._hospital.evidence(), modality, exams))
        modality.close()
        told = {"exams": len(exams), "problems": [str(finding) for finding in found]}
        (self._path / "told").write_text(json.dumps(told))

    def _exams(self, modality: Modality) -> list[Exam]:
        """Those that were begun; of the last one the program may not have heard that it was."""
        begun = max((int(path.name) for path in self._notes.iterdir()), default=0)
        known = len(steps(modality))
        return [Exam(modality, self._notes / str(number)) for number in range(1, max(begun, known) + 1)]

    def _open(self) -> Modality:
        values = settings(self._path / "data", self._hospital, commitment=_COMMITMENT, retry=_RETRY)
        modality = Modality(values).open()
        assert modality.listener is not None
        self._hospital.register(AE_TITLE, modality.listener.port)
        return modality


def _kill(directory: _Directory, after: float) -> None:
    child = begin(directory.live)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "a modality ended by itself"


def main() -> None:
    logging.disable(logging.WARNING)  # so many recoveries have much to tell
    kills, seed = int(sys.argv[1]), int(sys.argv[2])
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        warm_up(Path(scratch))
        hospital = HospitalProcess(Commitment.NEW_ASSOCIATION)
        try:
            for first in range(0, kills, _KILLS_PER_DIRECTORY):
                hospital.forget()
                with tempfile.TemporaryDirectory(dir=scratch) as path:
                    directory = _Directory(hospital, Path(path))
                    count = min(_KILLS_PER_DIRECTORY, kills - first)
                    for _ in range(count):
                        _kill(directory, chance.uniform(0.0, _LONGEST_LIFE_S))
                    ending = in_child(directory.finish)
                    told = json.loads((Path(path) / "told").read_text()) if ending == 0 else {"ending": ending}
                print(json.dumps({"kills": count, "first": first} | told), flush=True)
        finally:
            hospital.close()


if __name__ == "__main__":
    main()
