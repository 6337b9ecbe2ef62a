"""What every call of a service needs: its one presentation context, and a deadline for the whole of it."""

import time

from modality_sdk.errors import Cancelled, ResponseTimeout
from modality_sdk.model import CancelToken
from modality_sdk.network import ContextProposal
from modality_sdk.transcoding import UNCOMPRESSED

__all__ = ["Deadline", "proposal"]


def proposal(abstract_syntax: str) -> ContextProposal:
    """The context of a service other than storage: any uncompressed syntax, default roles."""
    return ContextProposal(abstract_syntax=str(abstract_syntax), transfer_syntaxes=UNCOMPRESSED)


class Deadline:
    """The end of one call, for each of its parts to look at before anything of the part is sent.

    Parameters
    ----------
    timeout
        Seconds from now for the whole call; None leaves every part to the peer's own `Timeouts`.
    cancel
        The caller's token.
    """

    def __init__(self, timeout: float | None, cancel: CancelToken | None) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout
        self._cancel = cancel

    def remaining(self) -> float | None:
        """Seconds left for the next part.

        Raises
        ------
        ResponseTimeout
            When none are left.
        Cancelled
            When the call was cancelled.
        """
        error: ResponseTimeout | Cancelled
        left = None if self._end is None else self._end - time.monotonic()
        if self._cancel is not None and self._cancel.cancelled:
            error = Cancelled("the call was cancelled")
        elif left is not None and left <= 0:
            error = ResponseTimeout("the time allowed for the call is over")
        else:
            return left
        error.ambiguous = False  # the peer has seen nothing of this part
        raise error
