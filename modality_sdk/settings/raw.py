"""Brings what a file or the environment says into the shape that the settings are checked in."""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any

from pydicom.uid import AllTransferSyntaxes

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import Peer

__all__ = ["aligned", "anchor_paths", "overlay", "prepare"]

_LISTS = ("software_versions", "mpps", "storage", "dose")
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_KEYWORDS = {uid.keyword: str(uid) for uid in AllTransferSyntaxes}


def anchor_paths(values: dict[str, Any], directory: Path) -> None:
    """Make the relative paths of a configuration file relative to its directory, in place."""

    def anchored(value: Any) -> Any:
        if isinstance(value, list):
            return [anchored(entry) for entry in value]
        return str(directory / Path(value).expanduser()) if isinstance(value, str) else value

    peers = values.get("peers")
    tables = [values, values.get("tls"), values.get("journal"), values.get("encryption")]
    tables += [peer.get("tls") for peer in peers.values() if isinstance(peer, dict)] if isinstance(peers, dict) else []
    for table in tables:
        if isinstance(table, dict):
            for key in ("data_dir", "backup_dir", "trust", "certificate", "key", "key_file"):
                # a key pasted in place of its file is left as it is, so that it is recognized and refused
                if key in table and "-----" not in str(table[key]):
                    table[key] = anchored(table[key])


def overlay(values: dict[str, Any], environment: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with those of the environment on top, table by table."""
    merged = dict(values)
    for key, value in aligned(environment, values).items():
        below = merged.get(key)
        merged[key] = overlay(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return merged


def aligned(environment: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """``environment`` with its names spelled as in ``values``: the names of variables know no case."""
    spelling = {key.lower(): key for key in values}
    found = {}
    for name, value in environment.items():
        key = spelling.get(name.lower(), name)
        below = values.get(key)
        found[key] = aligned(value, below) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return found


def prepare(values: Mapping[str, Any]) -> dict[str, Any]:
    """Split lists, and give every peer its name and what it inherits from ``[timeouts]`` and ``[tls]``."""
    prepared: dict[str, Any] = _decoded(dict(values))
    for key in _LISTS:
        if key in prepared:
            prepared[key] = _entries(prepared[key])
    commitment = prepared.get("commitment")
    if isinstance(commitment, dict) and "re_requests" in commitment:
        prepared["commitment"] = {**commitment, "re_requests": _entries(commitment["re_requests"])}
    if isinstance(prepared.get("tls"), dict):
        prepared["tls"] = _tls(prepared["tls"])
    if isinstance(prepared.get("peers"), Mapping):
        prepared["peers"] = {name: _peer(name, peer, prepared) for name, peer in prepared["peers"].items()}
    return prepared


def _decoded(value: Any) -> Any:
    """``value`` with the lists of nested environment variables decoded, which come as JSON text."""
    if isinstance(value, dict):
        return {key: _decoded(entry) for key, entry in value.items()}
    if isinstance(value, str) and value.startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _entries(value: Any) -> Any:
    """A list, also from the ``a, b`` of an environment variable or a single name."""
    return [entry.strip() for entry in value.split(",") if entry.strip()] if isinstance(value, str) else value


def _table(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _tls(table: dict[str, Any]) -> dict[str, Any]:
    return {**table, "trust": _entries(table["trust"])} if "trust" in table else table


def _peer(name: str, peer: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(peer, Peer):
        return replace(peer, name=name)
    if not isinstance(peer, Mapping):
        raise ConfigurationError(f"peers.{name}", "is a table with ae_title, host and port")
    if "name" in peer:
        raise ConfigurationError(f"peers.{name}.name", "is not a setting; the table's own name is the peer's")
    prepared = {**peer, "name": name}
    inherited = _table(values.get("timeouts", {}))
    own = _table(peer.get("timeouts", {}))
    prepared["timeouts"] = {**inherited, **own} if isinstance(own, dict) and isinstance(inherited, dict) else own
    prepared["tls"] = _peer_tls(name, _table(peer.get("tls", False)), _table(values.get("tls")) or {})
    if "commitment" in peer:
        prepared["commitment"] = _commitment(name, peer["commitment"])
    if "transfer_syntaxes" in peer:
        prepared["transfer_syntaxes"] = _transfer_syntaxes(name, _entries(peer["transfer_syntaxes"]))
    if isinstance(peer.get("quirks"), Mapping) and "duplicate_statuses" in peer["quirks"]:
        statuses = _statuses(name, _entries(peer["quirks"]["duplicate_statuses"]))
        prepared["quirks"] = {**peer["quirks"], "duplicate_statuses": statuses}
    return prepared


def _peer_tls(name: str, tls: Any, site: Mapping[str, Any]) -> Any:
    """The table of a peer's ``tls``, which may also be true (as the site's) or false (none)."""
    if isinstance(tls, str):
        tls = _TRUTH.get(tls.lower())
    if tls is False or tls in (0, 1):
        return dict(site) if tls else None
    if isinstance(tls, dict):
        return {**site, **_tls(tls)}
    raise ConfigurationError(f"peers.{name}.tls", "is true, false, or a table like [tls]")


def _commitment(name: str, commitment: Any) -> bool | str:
    if isinstance(commitment, str):
        commitment = _TRUTH.get(commitment.lower(), commitment)
    if commitment in (0, 1):
        return bool(commitment)
    if not isinstance(commitment, str):
        raise ConfigurationError(f"peers.{name}.commitment", "is true, false, or the name of a peer", commitment)
    return commitment != "" and (commitment == name or commitment)


def _transfer_syntaxes(name: str, syntaxes: Any) -> tuple[str, ...]:
    """UIDs, from UIDs or the keywords of PS3.6: ``ExplicitVRLittleEndian``."""
    field = f"peers.{name}.transfer_syntaxes"
    if not isinstance(syntaxes, (list, tuple)):
        raise ConfigurationError(field, "is a list of transfer syntaxes", syntaxes)
    uids = tuple(_KEYWORDS.get(str(syntax), str(syntax)) for syntax in syntaxes)
    for uid in uids:
        if uid not in _KEYWORDS.values():
            raise ConfigurationError(field, "is a list of transfer syntaxes, each a UID or a keyword of PS3.6", uid)
    return uids


def _statuses(name: str, statuses: Any) -> Any:
    """Numbers, from numbers or the four hexadecimal digits that statuses are written in: ``C000``."""
    if not isinstance(statuses, (list, tuple)):
        return statuses
    try:
        return tuple(int(status, 16) if isinstance(status, str) else status for status in statuses)
    except ValueError:
        field = f"peers.{name}.quirks.duplicate_statuses"
        raise ConfigurationError(field, "lists failure statuses (PS3.7 Annex C), like C000", statuses) from None
