"""The durable store: schema, migrations, transactions and the files of the objects."""

from modality_sdk.journal.journal import Journal
from modality_sdk.journal.records import CommitmentRecord, HistoryEntry, InstanceRecord, SpoolFile, from_text, to_text
from modality_sdk.journal.rendition import FileRendition
from modality_sdk.journal.sealing import PLAIN, AesGcmSeal, Seal
from modality_sdk.journal.spool import Spool
from modality_sdk.journal.transaction import Transaction

__all__ = [
    "PLAIN",
    "AesGcmSeal",
    "CommitmentRecord",
    "FileRendition",
    "HistoryEntry",
    "InstanceRecord",
    "Journal",
    "Seal",
    "Spool",
    "SpoolFile",
    "Transaction",
    "from_text",
    "to_text",
]
