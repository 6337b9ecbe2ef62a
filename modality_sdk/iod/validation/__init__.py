"""Whether an object is what the standard demands, with nothing taken on trust."""

from modality_sdk.iod.validation.exam import validate_exam
from modality_sdk.iod.validation.objects import validate

__all__ = ["validate", "validate_exam"]
