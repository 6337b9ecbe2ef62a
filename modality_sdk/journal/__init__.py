"""The durable store: schema, migrations, transactions and the files of the objects."""

from modality_sdk.journal.capacity import Fill
from modality_sdk.journal.copying import copy_out
from modality_sdk.journal.examination import examine
from modality_sdk.journal.journal import Journal
from modality_sdk.journal.overview import find_deliveries, find_instances, history_of, knows_step
from modality_sdk.journal.records import CommitmentRecord, HistoryEntry, InstanceRecord, SpoolFile, from_text, to_text
from modality_sdk.journal.recovery import Recovery, recovering
from modality_sdk.journal.rendition import FileRendition
from modality_sdk.journal.retention import mark_purged, marked, purgeable
from modality_sdk.journal.sealing import PLAIN, AesGcmSeal, Seal
from modality_sdk.journal.spool import Spool
from modality_sdk.journal.transaction import Transaction

__all__ = [
    "PLAIN",
    "AesGcmSeal",
    "CommitmentRecord",
    "FileRendition",
    "Fill",
    "HistoryEntry",
    "InstanceRecord",
    "Journal",
    "Recovery",
    "Seal",
    "Spool",
    "SpoolFile",
    "Transaction",
    "copy_out",
    "examine",
    "find_deliveries",
    "find_instances",
    "from_text",
    "history_of",
    "knows_step",
    "mark_purged",
    "marked",
    "purgeable",
    "recovering",
    "to_text",
]
