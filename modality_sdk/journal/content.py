"""Values to JSON and back, for what is kept whole: the columns that may name a patient."""

from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from modality_sdk.errors import InvalidValue, QueueCorrupt

__all__ = ["dump", "load"]

T = TypeVar("T")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def dump(value: object) -> bytes:
    """Encode a frozen value of `modality_sdk.model` as JSON.

    Raises
    ------
    InvalidValue
        When the value could not be read back; found here, it harms nobody, found after a restart it would.
    """
    kind: Any = type(value)
    adapter = _adapter(kind)
    # sequences given as lists are fine, they come back as tuples
    encoded = adapter.dump_json(value, warnings="none")
    try:
        adapter.validate_json(encoded)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False, include_url=False)[0]["loc"])
        raise InvalidValue(f"{kind.__name__}.{where}", "cannot be kept in the journal") from None
    return encoded


def load(kind: type[T], encoded: bytes) -> T:
    """Decode what `dump` made.

    Raises
    ------
    QueueCorrupt
        When it is not a value of ``kind``.
    """
    try:
        adapter: TypeAdapter[T] = _adapter(cast("Any", kind))
        return adapter.validate_json(encoded)
    except ValidationError:
        raise QueueCorrupt(f"the journal holds a {kind.__name__} that cannot be read") from None
