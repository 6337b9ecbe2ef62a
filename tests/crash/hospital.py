"""A simulated hospital in a process of its own, which outlives the modalities that die on it."""

import os
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection

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
        self._line.send(question)
        return self._line.recv()


def _run(line: Connection, commitment: Commitment) -> None:
    """Serve until the other end of the line is gone."""
    steps: frozenset[str] = frozenset()
    transactions: frozenset[str] = frozenset()
    try:
        with Hospital(worklist=[], commitment=commitment) as hospital:
            line.send(_Ports(hospital.ris.port, hospital.pacs.port))
            while True:
                match line.recv():
                    case ("forget",):
                        for uid in hospital.pacs.stored:
                            hospital.pacs.forget(uid)
                        steps, transactions = frozenset(hospital.ris.steps), frozenset(hospital.pacs.transactions)
                        line.send(None)
                    case ("register", ae_title, port):
                        line.send(hospital.pacs.register(ae_title, "127.0.0.1", port))
                    case ("evidence",):
                        line.send(_without(hospital_evidence(hospital), steps, transactions))
    except EOFError:
        os._exit(0)
    finally:
        os._exit(1)


def _without(evidence: Evidence, steps: frozenset[str], transactions: frozenset[str]) -> Evidence:
    return replace(
        evidence,
        messages=tuple(message for message in evidence.messages if message.step_uid not in steps),
        commitments=tuple(each for each in evidence.commitments if each.transaction_uid not in transactions),
    )
