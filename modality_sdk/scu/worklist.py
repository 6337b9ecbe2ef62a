"""Modality Worklist (PS3.4 Annex K)."""

import logging
from dataclasses import replace
from datetime import timedelta, timezone

from pydicom import Dataset

from modality_sdk.clock import Clock, timezone_offset
from modality_sdk.dataset import assign, read_worklist_item, worklist_changes, worklist_identifier
from modality_sdk.dataset.sop_classes import MODALITY_WORKLIST
from modality_sdk.errors import ConfigurationError, StateError
from modality_sdk.model import (
    CancelToken,
    Peer,
    WorklistChange,
    WorklistItem,
    WorklistProblem,
    WorklistQuery,
    WorklistResult,
)
from modality_sdk.network import Network, Response
from modality_sdk.scu.call import Deadline, proposal
from modality_sdk.scu.further_keys import asked_keys, returned_keys, unmatched_further_keys
from modality_sdk.scu.matching import unmatched_keys
from modality_sdk.status import Category, category_of

__all__ = ["WorklistScu"]

_log = logging.getLogger("modality_sdk.scu")

_UNSUPPORTED_KEYS = 0xFF01  # PS3.4 Table K.4-1
# extended negotiation: bytes 1 and 2 are fixed, 3 asks for fuzzy matching of names, 4, which may be left out, for time
# zone query adjustment (PS3.4 K.5.1.1)
_FUZZY, _TIMEZONE = 2, 3


class WorklistScu:
    """Sends worklist queries.

    Parameters
    ----------
    network
        Opens the associations.
    peer
        The worklist of this modality; None where the site has none.
    station_ae_title, modality
        Of this station, for `today`.
    clock
        Tells what day it is.
    """

    def __init__(
        self, network: Network, peer: Peer | None, *, station_ae_title: str, modality: str, clock: Clock
    ) -> None:
        self._network, self._peer, self._clock = network, peer, clock
        self._station_ae_title, self._modality = station_ae_title, modality

    def query(
        self,
        query: WorklistQuery | None = None,
        *,
        peer: Peer | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> WorklistResult:
        """Items that match ``query``; never a partial list.

        Parameters
        ----------
        query
            The matching keys; None for everything.
        peer
            Whom to ask; the configured worklist when None.
        timeout
            Seconds for the whole call; the peer's `Timeouts` when None.
        cancel
            Ends the call early.

        Returns
        -------
        WorklistResult
            Zero items are a success. The keys are applied again on our side, because a peer may ignore
            optional ones (PS3.4 C.2.2.2); the result names those.

        Raises
        ------
        ConfigurationError
            When no peer is given and none is configured.
        DimseFailure
            When the peer answers with a failure; items that came before it are dropped.
        TransportError, NegotiationError, Cancelled
            When no complete answer can be had.
        """
        query = query or WorklistQuery()
        peer = peer or self._peer
        if peer is None:
            raise ConfigurationError("worklist", "no peer is configured, and none was given")
        if query.limit is not None and query.limit < 1:
            raise ConfigurationError("limit", "must be at least 1", query.limit)
        query = replace(query, adjust_timezone=query.adjust_timezone or peer.adjust_timezone)
        identifier = worklist_identifier(query, character_set=peer.query_charset)
        deadline = Deadline(timeout, cancel)
        wanted = replace(proposal(MODALITY_WORKLIST), extended_negotiation=_wished(query))
        with self._network.lease(peer, [wanted], timeout=deadline.remaining(), cancel=cancel) as association:
            granted = association.extended_negotiation(MODALITY_WORKLIST)
            fuzzy = query.fuzzy and granted[_FUZZY : _FUZZY + 1] == b"\x01"
            zone = None
            if query.adjust_timezone and granted[_TIMEZONE : _TIMEZONE + 1] == b"\x01":
                now = self._clock.now()
                zone = timezone(now.utcoffset() or timedelta())
                # only when granted may it stand in the identifier (PS3.4 K.4.1.1.3.1)
                assign(identifier, "TimezoneOffsetFromUTC", timezone_offset(now))
            answer = _Answer(query, peer, identifier, fuzzy=fuzzy, zone=zone)
            # one more than wanted tells a list that is cut off from one that ends there
            for response in association.c_find(
                MODALITY_WORKLIST,
                identifier,
                timeout=deadline.remaining(),
                cancel=cancel,
                limit=None if query.limit is None else query.limit + 1,
            ):
                answer.take(response)
        result = answer.result()
        _log.info("worklist of %s: %d items, %d problems", peer.ae_title, len(result), len(result.problems))
        return result

    def today(self, *, timeout: float | None = None, cancel: CancelToken | None = None) -> WorklistResult:
        """Today's items of this station: start date, modality and station AE title.

        When there are none, those of today and this modality that were scheduled for no station: a key for the station
        never finds them (PS3.4 K.2.2.1.1.1). Parameters and errors as of `query`.
        """
        deadline = Deadline(timeout, cancel)
        query = WorklistQuery(
            start_date=self._clock.now().date(),
            modality=self._modality,
            scheduled_station_ae_title=self._station_ae_title,
        )
        result = self.query(query, timeout=deadline.remaining(), cancel=cancel)
        if len(result) or result.truncated:
            return result
        broad = self.query(replace(query, scheduled_station_ae_title=""), timeout=deadline.remaining(), cancel=cancel)
        unassigned = tuple(item for item in broad if not item.scheduled_station_ae_titles)
        return replace(broad, items=unassigned)

    def refresh(
        self,
        item: WorklistItem,
        *,
        peer: Peer | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> tuple[WorklistItem | None, tuple[WorklistChange, ...]]:
        """The item as the worklist has it now, and what has changed since it was asked before.

        Asked by accession number or requested procedure ID, so that a corrected patient is found too. Parameters and
        errors as of `query`.

        Returns
        -------
        WorklistItem or None
            None when the step is no longer scheduled.
        tuple of WorklistChange
            Empty when nothing changed, or nothing is there.

        Raises
        ------
        StateError
            When the step is not in an answer that was cut or partly unreadable.
        """
        query = WorklistQuery(
            accession_number=item.accession_number,
            requested_procedure_id="" if item.accession_number else item.requested_procedure_id,
            patient_id="" if item.accession_number or item.requested_procedure_id else item.patient.patient_id,
        )
        result = self.query(query, peer=peer, timeout=timeout, cancel=cancel)
        for found in result:
            same_study = found.study_instance_uid == item.study_instance_uid
            if same_study and found.scheduled_procedure_step_id == item.scheduled_procedure_step_id:
                return found, worklist_changes(item, found)
        if result.truncated or any(problem.fatal for problem in result.problems):
            raise StateError("the worklist's answer is incomplete; whether the step is still scheduled is not known")
        return None, ()


def _wished(query: WorklistQuery) -> bytes:
    """Service class application information of the extended negotiation; empty when nothing is wished."""
    if query.adjust_timezone:
        return bytes([1, 1, query.fuzzy, 1])
    return bytes([1, 1, 1]) if query.fuzzy else b""


class _Answer:
    """The responses to one query, gathered."""

    def __init__(
        self, query: WorklistQuery, peer: Peer, identifier: Dataset, *, fuzzy: bool, zone: timezone | None
    ) -> None:
        self._query, self._peer, self._fuzzy, self._zone = query, peer, fuzzy, zone
        # what counts as similar is the peer's own affair
        self._unjudged = ("PatientName", "ScheduledPerformingPhysicianName") if fuzzy else ()
        self._items: list[WorklistItem] = []
        self._problems: list[WorklistProblem] = []
        self._answers = 0
        self._asked = asked_keys(identifier)
        self._returned: set[str] = set()
        self._ignored: set[str] = set()
        self._warned = False
        self._final: Response | None = None

    def take(self, response: Response) -> None:
        if category_of(response.status) is not Category.PENDING:
            self._final = response
            return
        index, self._answers = self._answers, self._answers + 1
        self._warned |= response.status == _UNSUPPORTED_KEYS
        if response.dataset is None:
            self._problems.append(
                WorklistProblem(
                    index=index, attribute="Identifier", rule="a match came without a readable item", fatal=True
                )
            )
            return
        charset = self._peer.assume_charset
        item, problems = read_worklist_item(response.dataset, index, assume_charset=charset)
        self._returned |= returned_keys(self._asked, response.dataset)
        if item is not None:
            unjudged = {*self._unjudged, *(problem.attribute for problem in problems)}
            unmatched = (
                *unmatched_keys(self._query, item, unjudged, zone=self._zone),
                *unmatched_further_keys(self._query, response.dataset, unjudged, assume_charset=charset),
            )
            if unmatched:
                self._ignored.update(unmatched)
                return
            self._items.append(item)
        self._problems.extend(problems)

    def result(self) -> WorklistResult:
        if self._final is not None:
            self._final.raise_for_failure()
        complete = self._final is not None and category_of(self._final.status) is Category.SUCCESS
        limit = self._query.limit
        unreturned = set(self._asked) - self._returned - self._ignored if self._warned else set()
        return WorklistResult(
            items=tuple(self._items[:limit]),
            truncated=not complete or (limit is not None and self._answers > limit),
            problems=tuple(self._problems),
            unsupported_keys=tuple(key for keys in (self._ignored, unreturned) for key in self._asked if key in keys),
            warned=self._warned,
            fuzzy=self._fuzzy,
            timezone_adjusted=self._zone is not None,
        )
