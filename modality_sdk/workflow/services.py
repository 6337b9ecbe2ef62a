"""The services a modality works with; any of them can be replaced."""

from dataclasses import dataclass

from modality_sdk.scu import Commitment, Mpps, Storage, Verification, Worklist

__all__ = ["Services"]


@dataclass(frozen=True, kw_only=True)
class Services:
    """Own implementations of the services; what stays None is spoken over the network.

    Attributes
    ----------
    verification, worklist, mpps, storage, commitment
        Anything that fulfils the Protocol of the same name. `modality_sdk.testing` has fakes.
    """

    verification: Verification | None = None
    worklist: Worklist | None = None
    mpps: Mpps | None = None
    storage: Storage | None = None
    commitment: Commitment | None = None
