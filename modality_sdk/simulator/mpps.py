"""The strict judge of performed procedure steps (PS3.4 sections F.7.2.1 and F.7.2.2)."""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from modality_sdk.model import StepStatus
from modality_sdk.simulator.answers import Answer, Status
from modality_sdk.simulator.mpps_consistency import contradictions
from modality_sdk.simulator.mpps_table import MODULE_ATTRIBUTES, NOT_IN_THE_DATA_SET, STEP, Rule
from modality_sdk.simulator.value_forms import malformed_values
from modality_sdk.simulator.violations import Violation, name_of, violation

__all__ = ["RecordedStep", "Violation", "judge_create", "judge_set"]

_RULES = {rule.keyword: rule for rule in STEP}

# which violation decides the status when there are several
_PRECEDENCE = (
    Status.NO_SUCH_ATTRIBUTE,
    Status.MISSING_ATTRIBUTE,
    Status.MISSING_ATTRIBUTE_VALUE,
    Status.INVALID_ATTRIBUTE_VALUE,
    Status.ATTRIBUTE_LIST_ERROR,
)


@dataclass(frozen=True, kw_only=True)
class RecordedStep:
    """A performed procedure step as the provider knows it.

    Attributes
    ----------
    uid
        SOP Instance UID.
    status
        By the last message that was accepted.
    create
        Attributes of the N-CREATE.
    sets
        Modifications of each accepted N-SET, in their order.
    violations
        What was wrong with messages about this step, refused ones included; attribute names, never values.
    calling_ae_title
        Of the N-CREATE.
    """

    uid: str
    status: StepStatus
    create: Dataset
    sets: list[Dataset] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    calling_ae_title: str = ""

    @property
    def current(self) -> Dataset:
        """The attributes as they stand: each N-SET replaces whole attributes (PS3.4 F.7.2.2.2)."""
        merged = deepcopy(self.create)
        for modifications in self.sets:
            merged.update(deepcopy(modifications))
        return merged


def judge_create(attributes: Dataset) -> tuple[Answer, list[Violation]]:
    """Judge the attributes of an N-CREATE.

    Parameters
    ----------
    attributes
        Attribute List of the request.

    Returns
    -------
    tuple
        The answer, a success or the warning 0107 where the step is created, and all that was found.
    """
    malformed = list(malformed_values(attributes))
    found = [*_strangers(attributes), *_check(attributes, STEP, message="create"), *malformed]
    if not malformed:
        found.extend(contradictions(attributes))
    if _text(attributes, "PerformedProcedureStepStatus") not in ("", StepStatus.IN_PROGRESS):
        found.append(
            violation(Status.INVALID_ATTRIBUTE_VALUE, "PerformedProcedureStepStatus", "is created IN PROGRESS")
        )
    return _answer(found), found


def judge_set(step: RecordedStep, modifications: Dataset) -> tuple[Answer, list[Violation]]:
    """Judge the modifications of an N-SET against the step as it stands.

    Parameters
    ----------
    step
        The step in question.
    modifications
        Modification List of the request.

    Returns
    -------
    tuple
        The answer and all that was found. A refused N-SET changes nothing.
    """
    if step.status.is_final:
        comment = "Performed Procedure Step Object may no longer be updated"
        found = [
            violation(Status.PROCESSING_FAILURE, "PerformedProcedureStepStatus", "is final, the step takes no update")
        ]
        return Answer(
            status=Status.PROCESSING_FAILURE, comment=comment, error_id=Status.MAY_NO_LONGER_BE_UPDATED
        ), found
    malformed = list(malformed_values(modifications))
    found = [
        *_unsettable(step.create, modifications),
        *_check(modifications, STEP, message="update"),
        *malformed,
        *_character_set(step.create, modifications),
    ]
    current = step.current
    current.update(modifications)
    if not malformed:
        found.extend(contradictions(current))
    status = _text(modifications, "PerformedProcedureStepStatus")
    if status and status not in (StepStatus.IN_PROGRESS, StepStatus.COMPLETED, StepStatus.DISCONTINUED):
        rule = "is IN PROGRESS, COMPLETED or DISCONTINUED"
        found.append(violation(Status.INVALID_ATTRIBUTE_VALUE, "PerformedProcedureStepStatus", rule))
    elif status and StepStatus(status).is_final:
        found.extend(_final(current))
    return _answer(found), found


def _final(current: Dataset) -> Iterator[Violation]:
    # final state column of Table F.7.2-1
    for keyword in ("PerformedProcedureStepEndDate", "PerformedProcedureStepEndTime"):
        if not _text(current, keyword):
            yield violation(Status.MISSING_ATTRIBUTE_VALUE, keyword, "has a value in the final state")
    if not current.get("PerformedSeriesSequence"):
        rule = "has at least one item in the final state"
        yield violation(Status.MISSING_ATTRIBUTE_VALUE, "PerformedSeriesSequence", rule)


def _unsettable(create: Dataset, modifications: Dataset) -> Iterator[Violation]:
    for tag in sorted(modifications.keys()):
        keyword = keyword_for_tag(tag)
        rule = _RULES.get(keyword)
        if keyword in NOT_IN_THE_DATA_SET or (rule is not None and rule.update == "-"):
            yield violation(Status.NO_SUCH_ATTRIBUTE, keyword, "may not be set (Table F.7.2-1)")
        elif tag not in create:
            reason = "was not created, so it may not be set (PS3.4 F.7.2.2.2)"
            yield Violation(status=Status.NO_SUCH_ATTRIBUTE, path=name_of(tag), tag=Tag(tag), rule=reason)


def _character_set(create: Dataset, modifications: Dataset) -> Iterator[Violation]:
    if "SpecificCharacterSet" in modifications and _text(modifications, "SpecificCharacterSet") != _text(
        create, "SpecificCharacterSet"
    ):
        yield violation(Status.INVALID_ATTRIBUTE_VALUE, "SpecificCharacterSet", "stays the one of the N-CREATE")


def _strangers(attributes: Dataset) -> Iterator[Violation]:
    for tag in sorted(attributes.keys()):
        keyword = keyword_for_tag(tag)
        if keyword in NOT_IN_THE_DATA_SET:
            yield violation(Status.NO_SUCH_ATTRIBUTE, keyword, "is not an attribute of the step's data set")
        elif keyword not in _RULES and keyword not in MODULE_ATTRIBUTES and not Tag(tag).is_private:
            yield Violation(
                status=Status.ATTRIBUTE_LIST_ERROR,
                path=name_of(tag),
                tag=Tag(tag),
                rule="is not an attribute of the MPPS IOD",
            )


def _check(dataset: Dataset, rules: Sequence[Rule], *, message: str, path: str = "") -> Iterator[Violation]:
    """Presence, value and number of items by type; in an N-SET only what is there is judged."""
    for rule in rules:
        kind = rule.create if message == "create" else rule.update
        name = path + rule.keyword
        if rule.keyword not in dataset:
            if message == "create" and kind in ("1", "2"):
                yield violation(Status.MISSING_ATTRIBUTE, rule.keyword, f"is missing (Type {kind})", name)
            continue
        if kind == "-":
            continue
        element = dataset[rule.keyword]
        if kind == "1" and element.is_empty:
            yield violation(Status.MISSING_ATTRIBUTE_VALUE, rule.keyword, "has no value (Type 1)", name)
        if not rule.items:
            continue
        items = element.value or ()
        if rule.maximum is not None and len(items) > rule.maximum:
            yield violation(Status.INVALID_ATTRIBUTE_VALUE, rule.keyword, "has one item at most", name)
        for item in items:
            # an item is always sent whole, so the types of N-CREATE hold in N-SET as well (F.7.2.2.2)
            yield from _check(item, rule.items, message="create", path=f"{name}>")
            if any(inner.keyword == "CodeMeaning" for inner in rule.items):
                yield from _coded(item, f"{name}>")


def _coded(item: Dataset, path: str) -> Iterator[Violation]:
    kinds = ("CodeValue", "LongCodeValue", "URNCodeValue")
    present = [keyword for keyword in kinds if keyword in item]
    if not present:
        yield violation(Status.MISSING_ATTRIBUTE, "CodeValue", "is missing (Type 1C)", path + "CodeValue")
    elif all(item[keyword].is_empty for keyword in present):
        yield violation(Status.MISSING_ATTRIBUTE_VALUE, present[0], "has no value (Type 1C)", path + present[0])
    scheme = "CodingSchemeDesignator"
    if "URNCodeValue" not in present:
        if scheme not in item:
            yield violation(Status.MISSING_ATTRIBUTE, scheme, "is missing (Type 1C)", path + scheme)
        elif item[scheme].is_empty:
            yield violation(Status.MISSING_ATTRIBUTE_VALUE, scheme, "has no value (Type 1C)", path + scheme)


def _answer(found: Iterable[Violation]) -> Answer:
    found = list(found)
    for status in _PRECEDENCE:
        decisive = [violation for violation in found if violation.status == status]
        if decisive:
            elements = tuple(dict.fromkeys(violation.tag for violation in decisive))
            return Answer(
                status=status, comment=f"{decisive[0].path.split('>')[-1]} {decisive[0].rule}", elements=elements
            )
    return Answer()


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()
