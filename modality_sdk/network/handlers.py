"""Requests that peers make of us: one table for the listener and for the associations that we opened."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from pydicom import Dataset

from modality_sdk.crashpoints import around
from modality_sdk.model import SopReference

__all__ = ["EventReport", "EventReportHandler", "HandlerTable"]

_log = logging.getLogger("modality_sdk.network")

_PROCESSING_FAILURE, _NO_SUCH_SOP_CLASS = 0x0110, 0x0118


@dataclass(frozen=True, kw_only=True)
class EventReport:
    """An N-EVENT-REPORT request (PS3.7 section 10.1.1).

    Attributes
    ----------
    sop
        Affected SOP class and instance.
    event_type
        Event Type ID.
    information
        Event Information; empty when there was none.
    calling_ae_title, called_ae_title
        Of the association.
    address
        IP address of the peer.
    """

    sop: SopReference
    event_type: int
    information: Dataset
    calling_ae_title: str
    called_ae_title: str
    address: str


EventReportHandler = Callable[[EventReport], int]


class HandlerTable:
    """Who answers which N-EVENT-REPORT. Every request is answered, whatever a handler does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handlers: dict[str, EventReportHandler] = {}

    def register(self, abstract_syntax: str, handler: EventReportHandler) -> None:
        """Let ``handler`` answer reports of a SOP class, in place of an earlier one.

        Parameters
        ----------
        abstract_syntax
            SOP Class UID; the listener accepts it from its next association on.
        handler
            Called on a thread of the association; returns the status of the response.
        """
        with self._lock:
            self._handlers[abstract_syntax] = handler

    @property
    def abstract_syntaxes(self) -> tuple[str, ...]:
        """The SOP classes that somebody answers for."""
        with self._lock:
            return tuple(self._handlers)

    def answer(self, report: EventReport) -> int:
        """Let the right handler answer; a failing one is logged by type and answered for (PS3.7 10.1.1.1.8)."""
        with self._lock:
            handler = self._handlers.get(report.sop.sop_class_uid)
        if handler is None:
            return _NO_SUCH_SOP_CLASS
        try:
            with around("N-EVENT-REPORT handler"):
                return handler(report)
        except Exception as error:
            # its text may hold patient data
            _log.error("the handler of %s failed: %s", report.sop.sop_class_uid, type(error).__name__)
            return _PROCESSING_FAILURE
