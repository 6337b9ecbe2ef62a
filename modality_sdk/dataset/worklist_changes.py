"""What a worklist has changed about an item between two queries (IHE patient update)."""

from dataclasses import fields, is_dataclass

from modality_sdk.model import WorklistChange, WorklistItem

__all__ = ["worklist_changes"]

# how the text came is no change of what it says
_NOT_CONTENT = frozenset({"specific_character_set"})


def worklist_changes(before: WorklistItem, after: WorklistItem) -> tuple[WorklistChange, ...]:
    """Every value in which two answers for one scheduled step differ, in the order of the item's fields."""
    return tuple(_changes(before, after, ""))


def _changes(before: object, after: object, prefix: str) -> list[WorklistChange]:
    if not is_dataclass(before) or not is_dataclass(after):
        return []
    found: list[WorklistChange] = []
    for field in fields(before):
        if field.name in _NOT_CONTENT:
            continue
        old, new = getattr(before, field.name), getattr(after, field.name)
        name = f"{prefix}{field.name}"
        if is_dataclass(old) and type(old) is type(new):
            found += _changes(old, new, f"{name}.")
        elif old != new:
            found.append(WorklistChange(attribute=name, before=old, after=new))
    return found
