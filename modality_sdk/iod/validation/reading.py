"""Reading objects of unknown origin: whatever is in them, nothing here raises."""

import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from math import isfinite
from threading import Lock
from typing import Final

from pydicom import DataElement, Dataset
from pydicom.datadict import keyword_for_tag
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items
from pydicom.tag import BaseTag, Tag
from pydicom.valuerep import PersonName

from modality_sdk.model import Code, Finding

__all__ = ["code", "items", "name_of", "number", "numbers", "readable", "text", "texts", "values", "walk"]

_DEPTH: Final = 32
"""Deeper than any object that we judge; a bound against objects made to exhaust the stack."""
_QUIET: Final = Lock()


def readable(dataset: Dataset) -> tuple[Dataset, list[Finding]]:
    """Copy all that can be read, down to the items of sequences; what cannot is found.

    pydicom converts an element when it is first looked at, and may raise or warn then.
    """
    findings: list[Finding] = []
    # warnings repeat values; their filters are the process', so that threads have to take turns
    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _copy(dataset, "", 0, findings), findings


def _copy(dataset: Dataset, path: str, depth: int, findings: list[Finding]) -> Dataset:
    copy = Dataset()
    for tag in sorted(dataset.keys()):
        where = f"{path}{name_of(tag)}"
        try:
            element = dataset[tag]
            if element.VR == "SQ":
                element = DataElement(tag, "SQ", _copy_items(element.value, where, depth, findings))
            else:
                for value in values(element):
                    if isinstance(value, PersonName):
                        str(value)  # decoded no earlier
            copy.add(element)
        except Exception as error:
            rule = f"cannot be read ({type(error).__name__})"
            findings.append(Finding(attribute=where, rule=rule, section="PS3.5 7"))
    return copy


def _copy_items(sequence: object, path: str, depth: int, findings: list[Finding]) -> Items:
    if depth >= _DEPTH:
        findings.append(Finding(attribute=path, rule="nests too deeply to be judged", section="PS3.5 7.5"))
        return Items()
    if not isinstance(sequence, Sequence) or not all(isinstance(item, Dataset) for item in sequence):
        if sequence is not None:
            findings.append(Finding(attribute=path, rule="is no sequence of items", section="PS3.5 7.5"))
        return Items()
    return Items(
        [_copy(item, f"{path}[{place}].", depth + 1, findings) for place, item in enumerate(sequence, start=1)]
    )


def name_of(tag: BaseTag | int) -> str:
    """Keyword of an attribute; its tag where the dictionary has none."""
    return keyword_for_tag(tag) or str(BaseTag(tag))


def walk(dataset: Dataset, path: str = "") -> Iterator[tuple[str, Dataset, DataElement]]:
    """All elements with their path and the data set they stand in, items of sequences after the sequence."""
    for element in dataset:
        where = f"{path}{name_of(element.tag)}"
        yield where, dataset, element
        if element.VR == "SQ":
            for place, item in enumerate(element.value, start=1):
                yield from walk(item, f"{where}[{place}].")


def values(element: DataElement) -> list[object]:
    """All values of an element that is no sequence."""
    value = element.value
    if isinstance(value, MultiValue | list | tuple):
        return list(value)
    return [] if element.is_empty else [value]


@cache
def _tag(keyword: str) -> BaseTag:
    return Tag(keyword)  # pydicom looks a keyword up anew each time


def _element(dataset: Dataset, keyword: str) -> DataElement | None:
    tag = _tag(keyword)
    return dataset.get(tag, None)


def texts(dataset: Dataset, keyword: str) -> list[str]:
    """All values of an attribute as texts; none where it is absent or empty."""
    element = _element(dataset, keyword)
    return [] if element is None else [str(value) for value in values(element)]


def text(dataset: Dataset, keyword: str) -> str:
    """The first value as a text; empty where there is none."""
    return next(iter(texts(dataset, keyword)), "")


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """All values of an attribute; none where one of them is no finite number."""
    try:
        found = [float(value) for value in texts(dataset, keyword)]
    except ValueError:
        return []
    return found if all(isfinite(number) for number in found) else []


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value; None where there is none that is a finite number."""
    return next(iter(numbers(dataset, keyword)), None)


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Items of a sequence; none where it is absent, empty or no sequence."""
    element = _element(dataset, keyword)
    return list(element.value) if element is not None and element.VR == "SQ" else []


def code(dataset: Dataset, keyword: str) -> Code | None:
    """The code in the first item of a code sequence; its parts may be empty."""
    for item in items(dataset, keyword):
        found = (text(item, name) for name in ("CodeValue", "LongCodeValue", "URNCodeValue"))
        return Code(
            value=next((value for value in found if value), ""),
            scheme=text(item, "CodingSchemeDesignator"),
            meaning=text(item, "CodeMeaning"),
        )
    return None
