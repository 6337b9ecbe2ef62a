"""The rules that a step's messages keep, one by one and together (PS3.4 F.7.2)."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydicom import DataElement, Dataset, charset, config
from pydicom.uid import UID

from .table import DISCONTINUATION_REASONS, FURTHER_IMAGES, TABLE

__all__ = ["Message", "judge"]

_DUPLICATE, _UNKNOWN = 0x0111, 0x0112
_IN_PROGRESS, _FINAL = "IN PROGRESS", ("COMPLETED", "DISCONTINUED")
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?")
_OFFSET = re.compile(r"[+-](0\d|1[0-4])[0-5]\d")
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
_TEXT_VRS = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
_REASON = "PerformedProcedureStepDiscontinuationReasonCodeSequence"
_LISTS = {"ReferencedImageSequence": True, "ReferencedNonImageCompositeSOPInstanceSequence": False}


@dataclass(frozen=True, kw_only=True)
class Message:
    """One N-CREATE or N-SET of a step, and what became of it."""

    service: Literal["N-CREATE", "N-SET"]
    attributes: Dataset
    accepted: bool | None = True
    """None: no answer came, so the peer may have acted or not."""
    status: int = 0


def judge(messages: Iterable[Message], objects: Iterable[tuple[str, str]] = ()) -> list[str]:
    """All that is wrong with the messages of one step to one peer, in their order; no values of attributes.

    ``objects`` are the (SOP class, SOP instance) of objects that the archive took and that say they belong to the step.
    """
    step = _Step()
    found = [violation for message in messages for violation in step.take(message)]
    if step.held is not None and step.is_final:
        listed = {(str(a), str(b)) for _, a, b in _references(step.held)}
        if set(objects) - listed:
            found.append("final state: an object that was stored for the step is in no reference list")
    return list(dict.fromkeys(found))


class _Step:
    """A step as its peer holds it."""

    def __init__(self) -> None:
        self.created: Dataset | None = None
        self.held: Dataset | None = None
        self.is_final = False
        self.lost = False  # the peer has said that it does not know the step
        self.doubtful: Dataset | None = None  # the final N-SET that nobody answered

    def take(self, message: Message) -> Iterator[str]:
        judged = self._create(message) if message.service == "N-CREATE" else self._set(message)
        for violation in judged:
            yield f"{message.service}: {violation}"

    def _create(self, message: Message) -> Iterator[str]:
        attributes = message.attributes
        yield from _each_alone(attributes, "create")
        if "PerformedProcedureStepStatus" in attributes and attributes.PerformedProcedureStepStatus != _IN_PROGRESS:
            yield "PerformedProcedureStepStatus is not IN PROGRESS"
        if self.created is not None:
            if self.held is not None and not self.lost:
                yield "creates the step a second time"
            for row in TABLE:
                if row.set == "-" and len(row.path) == 1 and not _same(attributes, self.created, row.keyword):
                    yield f"{row} differs from the first N-CREATE of the step"
        if message.accepted is False and message.status != _DUPLICATE:
            return
        self.created = self.created if message.status == _DUPLICATE and self.created is not None else attributes
        if message.accepted or message.status == _DUPLICATE:
            self.held, self.is_final, self.lost, self.doubtful = deepcopy(self.created), False, False, None

    def _set(self, message: Message) -> Iterator[str]:
        attributes = message.attributes
        yield from _each_alone(attributes, "set")
        if self.is_final:
            yield "changes a step that is final"
        if self.doubtful is not None and self.doubtful != attributes:
            yield "repeats the final N-SET with other values"
        if self.created is None:
            yield "changes a step that was not created"
        else:
            yield from _against_create(attributes, self.created)
        before = self.held if self.held is not None else self.created
        after = deepcopy(before) if before is not None else Dataset()
        after.update(deepcopy(attributes))
        if before is not None and set(_references(before)) - set(_references(after)):
            yield "PerformedSeriesSequence no longer lists what an earlier message listed"
        status = attributes.get("PerformedProcedureStepStatus", _IN_PROGRESS)
        if status not in (_IN_PROGRESS, *_FINAL):
            yield "PerformedProcedureStepStatus is none of the three"
        if status in _FINAL:
            yield from _final(after)
        yield from _period(after)
        self.lost = message.status == _UNKNOWN
        if message.accepted:
            self.held, self.is_final = after, status in _FINAL
        self.doubtful = attributes if message.accepted is None and status in _FINAL else None


def _each_alone(dataset: Dataset, service: Literal["create", "set"]) -> Iterator[str]:
    """What one message says by itself."""
    yield from _types(dataset, service)
    known = {row.path[0] for row in TABLE}
    for element in dataset:
        if element.keyword not in known:
            yield f"{element.keyword or element.tag} is no attribute of the step"
    for element in _all_elements(dataset):
        yield from _form(element)
    yield from _codes(dataset)
    yield from _characters(dataset)
    yield from _series(dataset)
    studies = {str(item.get("StudyInstanceUID")) for item in _items(dataset, ("ScheduledStepAttributesSequence",))}
    if len(studies) > 1:
        yield "ScheduledStepAttributesSequence names more than one study"


def _types(dataset: Dataset, service: Literal["create", "set"]) -> Iterator[str]:
    for row in TABLE:
        kind = row.create if service == "create" else row.set
        for holder in _items(dataset, row.path[:-1]):
            if row.keyword not in holder:
                if kind in ("1", "2"):
                    yield f"{row} is missing"
                continue
            element = holder[row.keyword]
            if kind == "-":
                yield f"{row} is not allowed"
            if kind in ("1", "1C") and _is_empty(element):
                yield f"{row} is empty"
            if row.single and len(element.value) > 1:
                yield f"{row} has more than a single item"


def _against_create(attributes: Dataset, created: Dataset) -> Iterator[str]:
    for element in attributes:
        if element.keyword not in created:
            yield f"{element.keyword or element.tag} is set but was not created"
    # dates, times and texts of all messages are read alike
    if not _same(attributes, created, "SpecificCharacterSet"):
        yield "SpecificCharacterSet differs from that of the N-CREATE"
    if "TimezoneOffsetFromUTC" in attributes and not _same(attributes, created, "TimezoneOffsetFromUTC"):
        yield "TimezoneOffsetFromUTC differs from that of the N-CREATE"


def _final(step: Dataset) -> Iterator[str]:
    for row in TABLE:
        if row.final == "1" and (row.keyword not in step or _is_empty(step[row.keyword])):
            yield f"{row} has no value in the final state"


def _period(step: Dataset) -> Iterator[str]:
    # a time that says less than the other is no earlier and no later
    start = _moment(step, "Start", "0")
    end = _moment(step, "End", "9")
    if start and end and end < start:
        yield "the step ends before it starts"


def _moment(step: Dataset, which: str, filler: str) -> str:
    date = str(step.get(f"PerformedProcedureStep{which}Date") or "")
    time = str(step.get(f"PerformedProcedureStep{which}Time") or "")
    return date + time.replace(".", "").ljust(12, filler) if date and time else ""


def _form(element: DataElement) -> Iterator[str]:
    if element.tag.group in (0x0000, 0x0002):
        yield f"{element.keyword or element.tag} belongs to no data set"
    if element.VR == "SQ":
        if any(len(item) == 0 for item in element.value):
            yield f"{element.keyword} has an item without attributes"
        return
    rules = {"DA": _is_date, "TM": _TIME.fullmatch, "UI": lambda text: len(text) <= 64 and _UID.fullmatch(text)}
    rule = _OFFSET.fullmatch if element.keyword == "TimezoneOffsetFromUTC" else rules.get(element.VR)
    if rule and not all(rule(text) for text in _texts(element) if text):
        yield f"{element.keyword} is malformed"


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"\d{8}", text, re.ASCII):
        return False
    try:
        return bool(datetime.strptime(text, "%Y%m%d"))  # noqa: DTZ007
    except ValueError:
        return False


def _codes(dataset: Dataset) -> Iterator[str]:
    for element in _all_elements(dataset):
        if not element.keyword.endswith("CodeSequence"):
            continue
        for item in element.value:
            values = [k for k in ("CodeValue", "LongCodeValue", "URNCodeValue") if item.get(k)]
            if len(values) != 1:
                yield f"{element.keyword} has an item with other than one code"
            if values != ["URNCodeValue"] and not item.get("CodingSchemeDesignator"):
                yield f"{element.keyword} has an item without its scheme"
            if not item.get("CodeMeaning"):
                yield f"{element.keyword} has an item without its meaning"
    for item in _items(dataset, (_REASON,)):
        meaning = DISCONTINUATION_REASONS.get((item.get("CodingSchemeDesignator"), item.get("CodeValue")))
        if meaning is None:
            yield f"{_REASON} is not of CID 9301"
        elif meaning and meaning != item.get("CodeMeaning"):
            yield f"{_REASON} has another meaning than in CID 9301"


def _characters(dataset: Dataset) -> Iterator[str]:
    declared = _texts(dataset["SpecificCharacterSet"]) if "SpecificCharacterSet" in dataset else []
    if "ISO_IR 6" in declared:
        yield "SpecificCharacterSet names the default repertoire, which goes without saying"
    if unknown := [name for name in declared if name and name not in charset.python_encoding]:
        yield f"SpecificCharacterSet has {len(unknown)} terms that the standard does not define"
        return
    # without a first value the first code element is the default repertoire
    encodings = [charset.python_encoding[name] if name else "ascii" for name in declared] or ["ascii"]
    for element in _all_elements(dataset):
        if element.VR in _TEXT_VRS and not all(_can_say(encodings, c) for text in _texts(element) for c in text):
            yield f"{element.keyword} has characters that SpecificCharacterSet lacks"


def _can_say(encodings: list[str], character: str) -> bool:
    if character.isascii():
        return True
    for encoding in encodings:
        try:
            character.encode(encoding)
        except UnicodeError:
            continue
        return True
    return False


def _series(dataset: Dataset) -> Iterator[str]:
    series = [str(item.get("SeriesInstanceUID")) for item in _items(dataset, ("PerformedSeriesSequence",))]
    if len(series) != len(set(series)):
        yield "PerformedSeriesSequence has a series twice"
    instances = Counter(instance for name, _, instance in _references(dataset) if name)
    if instances and max(instances.values()) > 1:
        yield "PerformedSeriesSequence lists an object twice"
    for name, is_image in _LISTS.items():
        for item in _items(dataset, ("PerformedSeriesSequence", name)):
            keyword = UID(str(item.get("ReferencedSOPClassUID") or ""), validation_mode=config.IGNORE).keyword
            # classes outside the dictionary are nobody's to judge
            if keyword and is_image != (keyword in FURTHER_IMAGES or "ImageStorage" in keyword):
                yield f"{name} lists an object of class {keyword}"


def _references(dataset: Dataset) -> list[tuple[str, str, str]]:
    """(list or "" for the series itself, SOP class, SOP instance or series)."""
    found = []
    for series in _items(dataset, ("PerformedSeriesSequence",)):
        found.append(("", "", str(series.get("SeriesInstanceUID"))))
        for name in _LISTS:
            found += [
                (name, str(item.get("ReferencedSOPClassUID")), str(item.get("ReferencedSOPInstanceUID")))
                for item in _items(series, (name,))
            ]
    return found


def _items(dataset: Dataset, path: tuple[str, ...]) -> Iterator[Dataset]:
    """The data sets to which a path of sequences leads; the data set itself when the path is empty."""
    if not path:
        yield dataset
    elif path[0] in dataset:
        for item in dataset[path[0]].value or ():
            yield from _items(item, path[1:])


def _all_elements(dataset: Dataset) -> Iterator[DataElement]:
    for element in dataset:
        yield element
        if element.VR == "SQ":
            for item in element.value:
                yield from _all_elements(item)


def _texts(element: DataElement) -> list[str]:
    if element.value is None:
        return []
    values = element.value if element.VM > 1 else [element.value]
    return [str(value) for value in values]


def _is_empty(element: DataElement) -> bool:
    if element.VR == "SQ":
        return not element.value
    return not any(text.strip() for text in _texts(element))


def _same(one: Dataset, other: Dataset, keyword: str) -> bool:
    return one.get(keyword) == other.get(keyword)
