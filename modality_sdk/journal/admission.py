"""Whether a store may be opened with the key that is given, or with none."""

import os
import sqlite3
from pathlib import Path

from modality_sdk.errors import ConfigurationError, QueueCorrupt
from modality_sdk.journal.sealing import PLAIN, Seal
from modality_sdk.journal.transaction import Transaction

__all__ = ["check_seal", "mark_sealed"]

_PROPERTY = "seal"
"""Holds a known value, sealed: who can unseal it has the key of the store. Plain stores have none."""
_KNOWN = b"modality_sdk"


def check_seal(connection: sqlite3.Connection, seal: Seal, data_dir: Path, *, alone: bool) -> None:
    """Refuse a seal that is not the one of the store; reads only, also a journal of the first version.

    Parameters
    ----------
    alone
        Whether nobody else has the store open; only then may one that was never used become a sealed one.

    Raises
    ------
    ConfigurationError
        With the way out in its message.
    """
    mark = _mark(connection)
    if mark is None:
        used = connection.execute("SELECT 1 FROM history LIMIT 1").fetchone() is not None
        if seal is not PLAIN and (used or not alone):
            raise ConfigurationError(
                "encryption",
                f"cannot begin in {os.fspath(data_dir)}, whose journal is not encrypted and in use; send what waits "
                "without a key (modality queue drain), then move the whole directory away and keep it",
            )
        return
    if seal is PLAIN:
        raise ConfigurationError("encryption", f"is required: the journal in {os.fspath(data_dir)} needs its key")
    try:
        seal.unseal("property.value", _PROPERTY, mark)
    except QueueCorrupt:
        rule = f"is not the key of the journal in {os.fspath(data_dir)}; nothing can be read without that one"
        raise ConfigurationError("encryption.key", rule) from None


def mark_sealed(tx: Transaction) -> None:
    """Note for `check_seal` that the store is sealed, and with which key; does nothing in a plain one."""
    if tx.seal is not PLAIN and tx.get_property(_PROPERTY) is None:
        tx.set_property(_PROPERTY, tx.seal.seal("property.value", _PROPERTY, _KNOWN))


def _mark(connection: sqlite3.Connection) -> bytes | None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'property'").fetchone() is None:
        return None
    row = connection.execute("SELECT value FROM property WHERE name = ?", (_PROPERTY,)).fetchone()
    return bytes(row[0]) if row else None
