"""What stands between us and a peer, layer by layer: name, TCP, association, C-ECHO, presentation contexts.

Nothing is stored, created or asked for, and no check raises: each ends in an outcome, its cause and a cure.
"""

import queue
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from modality_sdk.dataset.sop_classes import VERIFICATION, class_name
from modality_sdk.errors import (
    AssociationAborted,
    AssociationRejected,
    ConfigurationError,
    ConnectError,
    ModalityError,
    NegotiationError,
    ResponseTimeout,
)
from modality_sdk.model import ListenerOptions, Peer, Timeouts
from modality_sdk.network.association import Association
from modality_sdk.network.contexts import ContextProposal, bearable_syntaxes
from modality_sdk.network.handlers import HandlerTable
from modality_sdk.network.listener import Listener
from modality_sdk.network.network import Network
from modality_sdk.network.transport import connect, cut
from modality_sdk.network.web_clock import NoDateError, WebClockError, read_web_clock
from modality_sdk.status import rejection
from modality_sdk.uid import IMPLEMENTATION_CLASS_UID

__all__ = ["Check", "CheckOutcome", "Probe", "examine_listener", "examine_peer"]

_SYNTAXES = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
_LAYERS = ("name", "TCP", "association", "C-ECHO")
_OURSELVES = Timeouts(connect=3, association=3, release=1, idle=3, response=3)
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - to be called, not bound

# source and reason of a rejection: called AE title not recognized (PS3.8 Table 9-21)
_NOT_OUR_TITLE = (1, 7)
_REJECTED_TRANSIENT = 2
_PAUSES = (0.05, 0.2, 0.5)  # s
_TOLERATED_DEVIATION = 1.0
"""Seconds, beyond what the travel and the resolution of the answer explain (IHE Consistent Time)."""
_ASK_LOG = "Look into the log of the peer, which knows why."
_TELL_VENDOR = "Nothing is lost by it; the vendor of the peer should know."
_LISTENER_CURES = {
    "listen.host": "Set listen.host to an address of this machine, or 0.0.0.0.",
    "listen.tls": "Set listen.tls = false.",
}


class CheckOutcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at.

    Attributes
    ----------
    name
        What was looked at.
    cause
        What was found; of a check that was not run, why.
    cure
        What to do about it; empty where nothing is to be done.
    accepted
        The transfer syntaxes that the peer took, in the order of proposal, where a SOP class was negotiated.
    """

    name: str
    outcome: CheckOutcome
    cause: str = ""
    cure: str = ""
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One SOP class to be negotiated.

    Attributes
    ----------
    name
        Of the check.
    proposal
        The class with the transfer syntaxes in question; each goes into a context of its own.
    refused
        What it means when the peer takes none of them: FAILED where the class is needed.
    cure
        What to do then.
    """

    name: str
    proposal: ContextProposal
    refused: CheckOutcome = CheckOutcome.WARNING
    cure: str = ""


def examine_peer(network: Network, peer: Peer, probes: Sequence[Probe], *, calling: str) -> list[Check]:
    """Look at a peer from the cable upwards; what rests on a failed check is not run.

    Parameters
    ----------
    network
        Opens the associations.
    peer
        Whom to look at; each step ends at its `Timeouts`.
    probes
        The SOP classes in question; each is negotiated on an association of its own.
    calling
        Our AE title, for the cures.

    Returns
    -------
    list of Check
        In the order of the layers.
    """
    checks = [_resolve(peer)]
    if checks[-1].outcome is CheckOutcome.OK:
        checks += _reach(network, peer, calling)
    associated = len(checks) > 2 and checks[2].outcome is CheckOutcome.OK
    broken = next((check.name for check in checks if check.outcome is CheckOutcome.FAILED), "")
    checks += [_not_run(name, broken) for name in _LAYERS[len(checks) :]]
    for probe in probes:
        checks.append(_negotiate(network, peer, probe, calling) if associated else _not_run(probe.name, broken))
    checks.append(_compare_clocks(peer))
    return checks


def examine_listener(options: ListenerOptions, *, implementation_class_uid: str = IMPLEMENTATION_CLASS_UID) -> Check:
    """Look whether peers could call us back: our port is free, or a program of ours answers there.

    A program that runs and holds the port is no error. What lies between this machine and the peers is not seen.

    Parameters
    ----------
    options
        Where and as whom we listen.
    implementation_class_uid
        By which a running program of ours is known (PS3.7 section D.3.3.2).
    """
    try:
        with Listener(options, HandlerTable()) as listener:
            port = listener.port
            answer = _call_ourselves(options, port)
    except ConfigurationError as error:
        if error.field == "listen.port":
            return _who_listens(options, implementation_class_uid)
        field = error.field.replace("listener.", "listen.")
        cure = _LISTENER_CURES.get(field, f"Change {field}.")
        return Check(name="listener", outcome=CheckOutcome.FAILED, cause=str(error), cure=cure)
    if isinstance(answer, ModalityError):
        cause = f"port {port} could be opened, but a C-ECHO of our own was not answered there: {answer}"
        cure = "Let the firewall of this machine pass connections to the port."
        return Check(name="listener", outcome=CheckOutcome.FAILED, cause=cause, cure=cure)
    chosen = ", chosen by the system" if options.port == 0 else ""
    cause = f"port {port}{chosen} is free; opened for a moment, it answered our own C-ECHO"
    return Check(name="listener", outcome=CheckOutcome.OK, cause=cause)


# ---- layers --------------------------------------------------------------------------------------


def _resolve(peer: Peer) -> Check:
    """The addresses of the host, within the deadline for connecting; resolving cannot be interrupted."""
    results: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def resolve() -> None:
        try:
            found = socket.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
        except UnicodeError:  # no host name at all: an empty or overlong label
            results.put(socket.gaierror())
        except OSError as error:
            results.put(error)
        else:
            results.put(sorted({str(address[0]) for *_, address in found}))

    threading.Thread(target=resolve, name="modality-resolve", daemon=True).start()
    cure = f"Check peers.{peer.name}.host and the name service of this machine, or configure an address."
    try:
        found = results.get(timeout=peer.timeouts.connect)
    except queue.Empty:
        cause = f"the name service did not answer within {peer.timeouts.connect:g} s"
        return Check(name="name", outcome=CheckOutcome.FAILED, cause=cause, cure=cure)
    if isinstance(found, OSError):
        return Check(name="name", outcome=CheckOutcome.FAILED, cause=f"{peer.host} cannot be resolved", cure=cure)
    if found == [peer.host]:
        return Check(name="name", outcome=CheckOutcome.OK, cause=f"{peer.host} is an address")
    return Check(name="name", outcome=CheckOutcome.OK, cause=f"{peer.host} is {', '.join(found)}")


def _reach(network: Network, peer: Peer, calling: str) -> list[Check]:
    """TCP, and what rests on it.

    A bare connection would take the slot of a peer that serves one association at a time, so none is made but where
    no association was requested: any answer to a request shows the connection too.
    """
    try:
        above = _associate(network, peer, calling)
    except ConnectError as error:
        return [_unconnected(peer, error)]
    except ConfigurationError as error:  # nothing was sent
        try:
            cut(connect(peer.host, peer.port, peer.timeouts.connect))
        except ConnectError as refused:
            return [_unconnected(peer, refused)]
        above = [_explain("association", error, peer, calling)]
    return [Check(name="TCP", outcome=CheckOutcome.OK, cause=f"port {peer.port} takes connections"), *above]


def _unconnected(peer: Peer, error: ConnectError) -> Check:
    cure = f"Check peers.{peer.name}.port, that the peer runs, and the firewalls between."
    return Check(name="TCP", outcome=CheckOutcome.FAILED, cause=error.cause, cure=cure)


def _associate(network: Network, peer: Peer, calling: str) -> list[Check]:
    """Association and C-ECHO; raises where no association was requested."""
    checks: list[Check] = []
    try:
        proposal = ContextProposal(abstract_syntax=VERIFICATION, transfer_syntaxes=_SYNTAXES)
        with network.lease(peer, [proposal]) as association:
            taken = association.association_seconds * 1000
            found = f"{peer.ae_title} accepted {calling} in {taken:.0f} ms"
            checks.append(Check(name="association", outcome=CheckOutcome.OK, cause=found))
            checks.append(_echo(association))
    except NegotiationError:
        found = f"{peer.ae_title} accepted {calling}, but none of the contexts proposed"
        checks.append(Check(name="association", outcome=CheckOutcome.OK, cause=found))
        found = "Verification is not offered, as every acceptor should (PS3.4 Annex A)"
        checks.append(Check(name="C-ECHO", outcome=CheckOutcome.WARNING, cause=found, cure=_TELL_VENDOR))
    except (ConnectError, ConfigurationError):
        raise
    except ModalityError as error:
        checks.append(_explain(_LAYERS[2 + len(checks)], error, peer, calling))
    return checks


def _echo(association: Association) -> Check:
    begun = time.monotonic()
    status = association.c_echo().status
    taken = (time.monotonic() - begun) * 1000
    if status != 0:
        return Check(name="C-ECHO", outcome=CheckOutcome.FAILED, cause=f"answered {status:04X}", cure=_ASK_LOG)
    return Check(name="C-ECHO", outcome=CheckOutcome.OK, cause=f"answered 0000 in {taken:.0f} ms")


def _negotiate(network: Network, peer: Peer, probe: Probe, calling: str) -> Check:
    proposed = bearable_syntaxes(probe.proposal.transfer_syntaxes, peer)
    accepted: tuple[str, ...] = ()
    try:
        accepted = _accepted(network, peer, probe.proposal)
    except NegotiationError:
        pass  # none of them
    except ModalityError as error:
        return _explain(probe.name, error, peer, calling)
    if accepted:
        cause = f"accepted in {_names(accepted)}"
        return Check(name=probe.name, outcome=CheckOutcome.OK, cause=cause, accepted=accepted)
    cause = f"{class_name(probe.proposal.abstract_syntax)} is not accepted"
    cause += f" in {_names(proposed)}" if proposed else ": the quirks of the peer leave nothing to propose"
    return Check(name=probe.name, outcome=probe.refused, cause=cause, cure=probe.cure)


def _accepted(network: Network, peer: Peer, proposal: ContextProposal) -> tuple[str, ...]:
    """The syntaxes accepted; a peer of one association may need a moment to notice that our last one has ended."""
    for pause in _PAUSES:
        try:
            with network.lease(peer, [proposal]) as association:
                return association.transfer_syntaxes(proposal.abstract_syntax)
        except AssociationRejected as error:
            if error.result != _REJECTED_TRANSIENT:
                raise
        time.sleep(pause)
    with network.lease(peer, [proposal]) as association:
        return association.transfer_syntaxes(proposal.abstract_syntax)


def _names(syntaxes: Sequence[str]) -> str:
    return ", ".join(class_name(uid) for uid in syntaxes)


def _not_run(name: str, broken: str) -> Check:
    return Check(name=name, outcome=CheckOutcome.NOT_RUN, cause=f"{broken} failed")


def _compare_clocks(peer: Peer) -> Check:
    """Our clock against that of the peer's web server; no message of our services carries the time of who sends it."""
    name = "clock"
    if not peer.web:
        cure = f"Set peers.{peer.name}.web to the address of its web server, if it has one."
        cause = "no message of these services carries the peer's time"
        return Check(name=name, outcome=CheckOutcome.NOT_RUN, cause=cause, cure=cure)
    try:
        told = read_web_clock(peer)
    except NoDateError:
        cure = "A web server with a clock sends one (RFC 9110 section 6.6.1): name another one of that machine."
        return Check(name=name, outcome=CheckOutcome.NOT_RUN, cause=f"{peer.web} sends no Date", cure=cure)
    except WebClockError as error:
        cause, cure = f"{peer.web} told no time: {error}", f"Check peers.{peer.name}.web, or leave it out."
        return Check(name=name, outcome=CheckOutcome.WARNING, cause=cause, cure=cure)
    if abs(told.deviation) <= _TOLERATED_DEVIATION:
        cause = f"{peer.web} tells our time, as exactly as can be seen over {told.travel * 1000:.0f} ms"
        return Check(name=name, outcome=CheckOutcome.OK, cause=cause)
    side = "ahead of" if told.deviation > 0 else "behind"
    cause = f"{peer.web} is {_duration(abs(told.deviation))} {side} this machine"
    cure = "Let both machines take the time from one NTP server (IHE Consistent Time); find out which of them is wrong."
    return Check(name=name, outcome=CheckOutcome.WARNING, cause=cause, cure=cure)


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _explain(name: str, error: ModalityError, peer: Peer, calling: str) -> Check:
    match error:
        case AssociationRejected():
            advice = rejection(error.result, error.source, error.reason).advice
            cure = f"{advice} We call {peer.ae_title} as {calling}."
        case ResponseTimeout() | AssociationAborted() if name == "association":
            cure = (
                f"Check peers.{peer.name}.port: what listens there speaks no DICOM, or only TLS, or serves one "
                "association at a time and is busy."
            )
        case ConfigurationError():
            cure = f"Change {error.field}."
        case _:
            cure = _ASK_LOG
    return Check(name=name, outcome=CheckOutcome.FAILED, cause=str(error), cure=cure)


# ---- ourselves -----------------------------------------------------------------------------------


def _call_ourselves(options: ListenerOptions, port: int) -> ModalityError | str:
    """A C-ECHO to our own port: the implementation class UID of who answered it, or why it was not answered."""
    host = _EVERYWHERE.get(options.host, options.host)
    network = Network(ae_title=options.ae_title)
    try:
        peer = Peer(ae_title=options.ae_title, host=host, port=port, timeouts=_OURSELVES)
        proposal = ContextProposal(abstract_syntax=VERIFICATION, transfer_syntaxes=_SYNTAXES)
        with network.lease(peer, [proposal]) as association:
            association.c_echo().raise_for_failure()
            return association.implementation_class_uid
    except ModalityError as error:
        return error
    finally:
        network.close()


def _who_listens(options: ListenerOptions, ours: str) -> Check:
    """The port is in use: by our own acquisition program, which is well, or by another?"""
    answer = _call_ourselves(options, options.port)
    if isinstance(answer, str):
        cause = f"port {options.port} is in use by a program that answers as {options.ae_title}"
        if answer == ours:
            return Check(name="listener", outcome=CheckOutcome.OK, cause=f"{cause}: yours is running")
        cause += f", of implementation class {answer or 'unknown'}, which is not ours"  # it may take any called title
        cure = "Unless it is your own program, end it or set another listen.port."
        return Check(name="listener", outcome=CheckOutcome.WARNING, cause=cause, cure=cure)
    foreign = isinstance(answer, AssociationRejected) and (answer.source, answer.reason) == _NOT_OUR_TITLE
    return Check(
        name="listener",
        outcome=CheckOutcome.FAILED if foreign else CheckOutcome.WARNING,
        cause=f"port {options.port} is in use, and no C-ECHO to {options.ae_title} is answered there: {answer}",
        cure="Unless it is your own program that is busy, end the other one or set another listen.port.",
    )
