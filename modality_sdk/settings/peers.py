"""Peers as people type them on a command line."""

import re

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import Peer, Timeouts
from modality_sdk.settings.rules import nearest
from modality_sdk.settings.settings import Settings

__all__ = ["parse_peer"]

_DEFAULT_AE_TITLE = "ANY-SCP"
_FORMS = "is the name of a configured peer, AET@host:port, or host and port"
_ADDRESS = re.compile(r"(?:\[(?P<bracketed>[^\[\]\s]+)\]|(?P<plain>[^\[\]:\s]+)):(?P<port>[0-9]+)")


def parse_peer(text: str, settings: Settings | None = None) -> Peer:
    """Find or make the peer that ``text`` means.

    Parameters
    ----------
    text
        The name of a configured peer; ``AET@host:port``, an IPv6 address in brackets (``PACS@[::1]:104``);
        or ``host port``, two words, then with the AE title ANY-SCP.
    settings
        Where names and the timeouts of other peers come from.

    Raises
    ------
    ConfigurationError
        ``text`` has none of these forms, or its AE title or port is illegal.
    """
    text = text.strip()
    peers = settings.peers if settings else {}
    if text in peers:
        return peers[text]
    words = text.split()
    if "@" in text:
        ae_title, _, address = text.rpartition("@")  # an AE title may hold spaces and even an @
    elif len(words) == 2:
        host = words[0] if words[0].startswith("[") or ":" not in words[0] else f"[{words[0]}]"
        ae_title, address = _DEFAULT_AE_TITLE, f"{host}:{words[1]}"
    else:
        raise ConfigurationError("peer", f"{_FORMS}{nearest(text, peers)}", text)
    match = _ADDRESS.fullmatch(address.strip())
    if match is None:
        raise ConfigurationError("peer", _FORMS, text)
    return Peer(
        ae_title=ae_title.strip(),
        host=match["bracketed"] or match["plain"],
        port=int(match["port"]),
        timeouts=settings.timeouts if settings else Timeouts(),
    )
