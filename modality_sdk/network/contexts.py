"""Presentation contexts: what a job needs, and what the peer took (PS3.8 section 9.3.2.2)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation, SOPClassExtendedNegotiation
from pynetdicom.presentation import PresentationContext, build_role

from modality_sdk.errors import NegotiationError
from modality_sdk.model import Peer

__all__ = [
    "MAXIMUM_CONTEXTS",
    "AcceptedContext",
    "ContextProposal",
    "bearable",
    "bearable_syntaxes",
    "extended_items",
    "presentation_contexts",
    "role_items",
]

MAXIMUM_CONTEXTS = 128
"""Presentation context IDs are the odd numbers below 256."""


@dataclass(frozen=True, kw_only=True)
class ContextProposal:
    """One abstract syntax with the transfer syntaxes in which it could be spoken.

    Attributes
    ----------
    abstract_syntax
        SOP Class UID.
    transfer_syntaxes
        Each is proposed in a context of its own, so that the acceptor cannot choose one that the object is
        not in.
    scu_role, scp_role
        SCP/SCU Role Selection (PS3.7 D.3.3.4); no item is sent when both are None.
    extended_negotiation
        Service class application information of SOP Class Extended Negotiation (PS3.7 D.3.3.5); none when empty.
    """

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    scu_role: bool | None = None
    scp_role: bool | None = None
    extended_negotiation: bytes = b""


@dataclass(frozen=True, kw_only=True)
class AcceptedContext:
    """A presentation context that the peer accepted."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str


def bearable_syntaxes(syntaxes: Sequence[str], peer: Peer) -> tuple[str, ...]:
    """Those of ``syntaxes`` in which one SOP class can be proposed to a peer with its quirks.

    Where only one may be proposed it is the first that the peer is configured for, else Implicit VR Little Endian,
    which every peer has to accept for what is not compressed (PS3.5 section 10.1), else the first.
    """
    found = tuple(s for s in syntaxes if s == ImplicitVRLittleEndian or not peer.quirks.implicit_only)
    if not peer.quirks.one_syntax:
        return found
    preferred = (*peer.transfer_syntaxes, ImplicitVRLittleEndian, *found)
    return tuple(str(s) for s in preferred if s in found)[:1]


def bearable(proposals: Sequence[ContextProposal], peer: Peer) -> list[ContextProposal]:
    """``proposals`` as a peer with its quirks can take them; those of which nothing is left are dropped.

    Raises
    ------
    NegotiationError
        When nothing at all is left.
    """
    if not (peer.quirks.implicit_only or peer.quirks.one_syntax):
        return list(proposals)
    syntaxes: dict[str, tuple[str, ...]] = {}
    for proposal in proposals:
        known = syntaxes.get(proposal.abstract_syntax, ())
        syntaxes[proposal.abstract_syntax] = (*known, *proposal.transfer_syntaxes)
    syntaxes = {uid: bearable_syntaxes(proposed, peer) for uid, proposed in syntaxes.items()}
    kept = [
        replace(proposal, transfer_syntaxes=left)
        for proposal in proposals
        if (left := tuple(s for s in proposal.transfer_syntaxes if s in syntaxes[proposal.abstract_syntax]))
    ]
    if not kept:
        raise NegotiationError(
            f"the quirks of {peer.ae_title} leave no transfer syntax to propose", rejected=sorted(syntaxes)
        )
    return kept


def presentation_contexts(proposals: Sequence[ContextProposal]) -> list[PresentationContext]:
    """One context for each pair of abstract and transfer syntax, numbered as they will be on the wire.

    Raises
    ------
    NegotiationError
        When there are none, or more than fit into one association.
    """
    pairs = dict.fromkeys((p.abstract_syntax, syntax) for p in proposals for syntax in p.transfer_syntaxes)
    if not 0 < len(pairs) <= MAXIMUM_CONTEXTS:
        raise NegotiationError(f"an association takes 1 to {MAXIMUM_CONTEXTS} presentation contexts, not {len(pairs)}")
    contexts = []
    for index, (abstract_syntax, transfer_syntax) in enumerate(pairs):
        context = PresentationContext()
        context.context_id = 2 * index + 1
        context.abstract_syntax = abstract_syntax
        context.add_transfer_syntax(transfer_syntax)
        contexts.append(context)
    return contexts


def role_items(proposals: Sequence[ContextProposal]) -> list[SCP_SCU_RoleSelectionNegotiation]:
    """The role selection items of an association request."""
    return [
        build_role(p.abstract_syntax, scu_role=bool(p.scu_role), scp_role=bool(p.scp_role))
        for p in {p.abstract_syntax: p for p in proposals}.values()
        if p.scu_role is not None or p.scp_role is not None
    ]


def extended_items(proposals: Sequence[ContextProposal]) -> list[SOPClassExtendedNegotiation]:
    """The SOP class extended negotiation items of an association request."""
    items = []
    for abstract_syntax, information in {p.abstract_syntax: p.extended_negotiation for p in proposals}.items():
        if information:
            item = SOPClassExtendedNegotiation()
            item.sop_class_uid = abstract_syntax
            item.service_class_application_information = information
            items.append(item)
    return items
