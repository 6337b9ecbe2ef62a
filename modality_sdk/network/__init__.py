"""Associations: requested by lease, accepted by the listener, with a deadline on everything."""

from modality_sdk.network.association import Association
from modality_sdk.network.contexts import MAXIMUM_CONTEXTS, AcceptedContext, ContextProposal, bearable_syntaxes
from modality_sdk.network.diagnosis import Check, CheckOutcome, Probe, examine_listener, examine_peer
from modality_sdk.network.handlers import EventReport, EventReportHandler, HandlerTable
from modality_sdk.network.listener import Listener
from modality_sdk.network.messages import Response
from modality_sdk.network.network import Network

__all__ = [
    "MAXIMUM_CONTEXTS",
    "AcceptedContext",
    "Association",
    "Check",
    "CheckOutcome",
    "ContextProposal",
    "EventReport",
    "EventReportHandler",
    "HandlerTable",
    "Listener",
    "Network",
    "Probe",
    "Response",
    "bearable_syntaxes",
    "examine_listener",
    "examine_peer",
]
