"""A simulated hospital in a process of its own, which outlives the modalities that die on it."""

import os
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any
from uuid import uuid4

from modality_sdk.simulator import Commitment, Hospital
from modality_sdk.testing.evidence import Evidence, hospital_evidence

__all__ = ["HospitalProcess"]


@dataclass(frozen=True)
class _Ports:
    ris: int
    pacs: int


class HospitalProcess:
    """Forks at once, so make it before there are threads; one caller at a time asks it.

    Attributes
    ----------
    ris_port, pacs_port
        Where it listens.
    """

    def __init__(self, commitment: Commitment) -> None:
        self._line, theirs = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self._line.close()
            _run(theirs, commitment)
        theirs.close()
        ports: _Ports = self._line.recv()
        self.ris_port, self.pacs_port = ports.ris, ports.pacs

    def forget(self) -> None:
        """Begin anew: `evidence` tells of what comes from now on."""
        self._ask("forget")

    def register(self, ae_title: str, port: int) -> None:
        """Say where commitment reports go."""
        self._ask("register", ae_title, port)

    def evidence(self) -> Evidence:
        """What came since `forget`."""
        answer = self._ask("evidence")
        assert isinstance(answer, Evidence)
        return answer

    def close(self) -> None:
        """End the process."""
        self._line.close()
        os.waitpid(self._pid, 0)

    def _ask(self, *question: object) -> object:
        # whoever was killed between question and answer has left the answer in the line
        key = uuid4().hex
        self._line.send((key, question))
        while True:
            answered, answer = self._line.recv()
            if answered == key:
                return answer


def _run(line: Connection, commitment: Commitment) -> None:
    """Serve until the other end of the line is gone."""
    try:
        with Hospital(worklist=[], commitment=commitment) as hospital:
            line.send(_Ports(hospital.ris.port, hospital.pacs.port))
            desk = _Desk(hospital)
            while True:
                key, question = line.recv()
                line.send((key, desk.answer(*question)))
    except EOFError:
        os._exit(0)
    finally:
        os._exit(1)


class _Desk:
    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._steps: frozenset[str] = frozenset()
        self._transactions: frozenset[str] = frozenset()

    def answer(self, question: str, *values: Any) -> object:
        ris, pacs = self._hospital.ris, self._hospital.pacs
        match question:
            case "forget":
                for uid in pacs.stored:
                    pacs.forget(uid)
                self._steps, self._transactions = frozenset(ris.steps), frozenset(pacs.transactions)
            case "register":
                ae_title, port = values
                pacs.register(ae_title, "127.0.0.1", port)
            case "evidence":
                return self._evidence()
        return None

    def _evidence(self) -> Evidence:
        found = hospital_evidence(self._hospital)
        return replace(
            found,
            messages=tuple(each for each in found.messages if each.step_uid not in self._steps),
            commitments=tuple(each for each in found.commitments if each.transaction_uid not in self._transactions),
        )
