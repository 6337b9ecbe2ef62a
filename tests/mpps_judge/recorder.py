"""Listens to every MPPS service of every test, and fails the test that let an illegal message out."""

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from functools import wraps
from typing import Any, Literal

import pytest
from pydicom import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import Tag
from pydicom.uid import UID

from modality_sdk.errors import DimseFailure
from modality_sdk.model import MppsResult, Peer, Rendition, StoreResult
from modality_sdk.scu.mpps import MppsScu
from modality_sdk.scu.storage import StorageScu
from modality_sdk.testing.fakes import FakeMpps, FakeStorage

from .judge import Message, judge

__all__ = ["Recorder"]

_PERFORMED = Tag("ReferencedPerformedProcedureStepSequence")
_PASSED = pytest.StashKey[bool]()


class Recorder:
    """Keeps the messages of each step to each peer, and the objects that archives took for it."""

    def __init__(self) -> None:
        self._messages: defaultdict[tuple[str, str, int, str], list[Message]] = defaultdict(list)
        self._objects: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)

    def listen(self, patch: pytest.MonkeyPatch) -> None:
        """Listen until ``patch`` is undone."""
        for service in (MppsScu, FakeMpps):
            patch.setattr(service, "create", self._message("N-CREATE", service.create))
            patch.setattr(service, "set", self._message("N-SET", service.set))
        for archive in (StorageScu, FakeStorage):
            patch.setattr(archive, "store", self._stored(archive.store))

    def __bool__(self) -> bool:
        return bool(self._messages)

    def violations(self) -> list[str]:
        """All that is wrong, each under the UID of its step."""
        return [
            f"step {uid} at {ae_title}: {violation}"
            for (ae_title, _, _, uid), messages in list(self._messages.items())
            for violation in judge(messages, self._objects[uid])
        ]

    def _message(self, service: Literal["N-CREATE", "N-SET"], send: Callable[..., MppsResult]) -> Any:
        @wraps(send)
        def recorded(scu: object, uid: str, attributes: Dataset, *, peer: Peer, **options: Any) -> MppsResult:
            said, accepted, status = deepcopy(attributes), None, 0
            try:
                result = send(scu, uid, attributes, peer=peer, **options)
                accepted, status = True, result.status
            except DimseFailure as refusal:
                accepted, status = False, refusal.status
                raise
            else:
                return result
            finally:
                self._messages[peer.ae_title, peer.host, peer.port, uid].append(
                    Message(service=service, attributes=said, accepted=accepted, status=status)
                )

        return recorded

    def _stored(self, send: Callable[..., Sequence[StoreResult]]) -> Any:
        @wraps(send)
        def recorded(scu: object, peer: Peer, renditions: Iterable[Rendition], **options: Any) -> Sequence[StoreResult]:
            seen: dict[str, Rendition] = {}

            def passing() -> Iterator[Rendition]:
                for rendition in renditions:
                    seen[rendition.sop.sop_instance_uid] = rendition
                    yield rendition

            results = send(scu, peer, passing(), **options)
            for result in results:
                if result.stored:
                    self._note(seen[result.sop.sop_instance_uid])
            return results

        return recorded

    def _note(self, rendition: Rendition) -> None:
        syntax = UID(rendition.transfer_syntax_uid)
        # a test may have taken the file away meanwhile
        with suppress(OSError), rendition.open() as stream:
            head = read_dataset(
                stream,
                is_implicit_VR=syntax.is_implicit_VR,
                is_little_endian=syntax.is_little_endian,
                stop_when=lambda tag, vr, length: tag > _PERFORMED,
            )
            for step in head.get("ReferencedPerformedProcedureStepSequence", ()):
                sop = rendition.sop
                self._objects[step.ReferencedSOPInstanceUID].add((sop.sop_class_uid, sop.sop_instance_uid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    return report


@pytest.fixture(autouse=True)
def _mpps_messages_are_legal(request: pytest.FixtureRequest) -> Iterator[None]:
    recorder = Recorder()
    with pytest.MonkeyPatch.context() as patch:
        recorder.listen(patch)
        yield
    found = recorder.violations()
    if request.node.get_closest_marker("illegal_mpps"):
        # a test that was skipped, or has failed, sent nothing or not all
        if not found and request.node.stash.get(_PASSED, False):
            pytest.fail(f"marked illegal_mpps, but {'every message was legal' if recorder else 'no message was sent'}")
    elif found:
        pytest.fail("illegal MPPS messages:\n" + "\n".join(found))
