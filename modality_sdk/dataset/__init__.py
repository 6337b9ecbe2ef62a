"""Data sets by the dictionary: codes, character sets, and the worklist to object to MPPS mapping."""

from modality_sdk.dataset.character_sets import declare, ensure_encodable
from modality_sdk.dataset.codes import (
    code_item,
    code_sequence,
    discontinuation_code,
    key_object_title_code,
    read_code,
    rejection_code,
)
from modality_sdk.dataset.commitment import commitment_request, read_commitment_report
from modality_sdk.dataset.dictionary import assign, assign_known, build, has_control_characters
from modality_sdk.dataset.mapping import begin_step, local_time
from modality_sdk.dataset.mpps import mpps_create, mpps_set
from modality_sdk.dataset.objects import object_attributes
from modality_sdk.dataset.query_keys import parse_key
from modality_sdk.dataset.requests import referenced_requests
from modality_sdk.dataset.sop_classes import class_name, is_image, reference_sequence
from modality_sdk.dataset.worklist import read_worklist_item, worklist_identifier
from modality_sdk.dataset.worklist_changes import worklist_changes
from modality_sdk.dataset.worklist_keys import with_keys

__all__ = [
    "assign",
    "assign_known",
    "begin_step",
    "build",
    "class_name",
    "code_item",
    "code_sequence",
    "commitment_request",
    "declare",
    "discontinuation_code",
    "ensure_encodable",
    "has_control_characters",
    "is_image",
    "key_object_title_code",
    "local_time",
    "mpps_create",
    "mpps_set",
    "object_attributes",
    "parse_key",
    "read_code",
    "read_commitment_report",
    "read_worklist_item",
    "reference_sequence",
    "referenced_requests",
    "rejection_code",
    "with_keys",
    "worklist_changes",
    "worklist_identifier",
]
