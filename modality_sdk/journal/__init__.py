"""The durable store: schema, migrations, transactions and the files of the objects."""

from modality_sdk.journal.capacity import Fill
from modality_sdk.journal.examination import examine
from modality_sdk.journal.journal import Journal
from modality_sdk.journal.records import CommitmentRecord, HistoryEntry, InstanceRecord, SpoolFile, from_text, to_text
from modality_sdk.journal.recovery import Recovery, recovering
from modality_sdk.journal.rendition import FileRendition
from modality_sdk.journal.spool import Spool
from modality_sdk.journal.transaction import Transaction

__all__ = [
    "CommitmentRecord",
    "FileRendition",
    "Fill",
    "HistoryEntry",
    "InstanceRecord",
    "Journal",
    "Recovery",
    "Spool",
    "SpoolFile",
    "Transaction",
    "examine",
    "from_text",
    "recovering",
    "to_text",
]
