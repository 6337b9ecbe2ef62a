"""How a response, or the association itself, goes wrong on the wire."""

import contextlib
import io
import socket
from collections.abc import Callable
from typing import Any

from pynetdicom import dimse_messages
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider

from modality_sdk.simulator.answers import Status
from modality_sdk.simulator.script import Abort, LostResponse, Phase, Serve, Silence, Step

__all__ = ["ScriptedDimse", "cut", "has_ended", "send_beginning"]

_FRAGMENT = 32


class ScriptedDimse(DIMSEServiceProvider):
    """Sends the responses of an association as the step of a script says.

    Parameters
    ----------
    association
        Whose messages it sends.
    step
        Tells the step for the request that the present thread serves.
    identifier
        Takes the distorted identifier that the present thread has made, None when there is none.
    """

    def __init__(
        self, association: Association, step: Callable[[], Step], identifier: Callable[[], bytes | None]
    ) -> None:
        super().__init__(association)
        self._step, self._identifier = step, identifier

    def send_msg(self, primitive: Any, context_id: int) -> None:
        """Send a message; a response is lost, cut or followed by an abort where the step says so."""
        identifier = self._identifier()
        if identifier is not None and getattr(primitive, "Identifier", None) is not None:
            primitive.Identifier = io.BytesIO(identifier)
        step = Serve() if primitive.MessageIDBeingRespondedTo is None else self._step()
        pending = getattr(primitive, "Status", None) in (Status.PENDING, Status.PENDING_WITH_WARNING)
        match step:
            case Silence() | Abort(phase=Phase.AT_REQUEST):
                pass
            case LostResponse():
                if step.connection:
                    cut(self.assoc)
            case Abort(phase=Phase.MID_RESPONSE):
                if pending:
                    super().send_msg(primitive, context_id)
                else:
                    send_beginning(self.assoc, primitive, context_id)
                self.assoc.abort()
            case Abort(phase=Phase.AFTER_RESPONSE) if not pending:
                super().send_msg(primitive, context_id)
                self.assoc.abort()
            case _:
                super().send_msg(primitive, context_id)


def send_beginning(association: Association, primitive: Any, context_id: int) -> None:
    """Send the first fragment of a message and keep the rest."""
    kind = "RQ" if primitive.MessageIDBeingRespondedTo is None else "RSP"
    message = getattr(dimse_messages, f"{type(primitive).__name__}_{kind}")()
    message.primitive_to_message(primitive)
    association.dul.send_pdu(next(message.encode_msg(context_id, _FRAGMENT)))


def cut(association: Association) -> None:
    """Break the connection of an association without a word."""
    # pynetdicom's abort waits behind unsent data, closing the socket does not
    link = association.dul.socket
    if link is not None and link.socket is not None:
        with contextlib.suppress(OSError):
            link.socket.shutdown(socket.SHUT_RDWR)


def has_ended(association: Association) -> bool:
    """Tell whether the requestor has left an association, even while its thread is busy."""
    return association.dul.state_machine.current_state == "Sta1" or not association.dul.is_alive()
