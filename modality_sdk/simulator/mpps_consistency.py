"""What the attributes of a performed procedure step must not say of each other (PS3.3 sections C.4.14 and C.4.15)."""

from collections import Counter
from collections.abc import Iterator

from pydicom.dataset import Dataset

from modality_sdk.model import StepStatus
from modality_sdk.simulator.answers import Status
from modality_sdk.simulator.violations import Violation, violation

__all__ = ["contradictions"]

_IMAGES = "ReferencedImageSequence"
_OTHERS = "ReferencedNonImageCompositeSOPInstanceSequence"
_REASON = "PerformedProcedureStepDiscontinuationReasonCodeSequence"


def contradictions(step: Dataset) -> Iterator[Violation]:
    """Look for attributes of a step that contradict each other.

    Parameters
    ----------
    step
        The step as a message leaves it.

    Yields
    ------
    Violation
        0106 each.
    """
    yield from _times(step)
    yield from _series(step)
    yield from _discontinuation(step)


def _times(step: Dataset) -> Iterator[Violation]:
    start = _moment(step, "Start", "0")
    end = _moment(step, "End", "9")
    if start and end and end < start:
        keyword = "PerformedProcedureStepEndDate"
        if start[:8] == end[:8]:
            keyword = "PerformedProcedureStepEndTime"
        yield violation(Status.INVALID_ATTRIBUTE_VALUE, keyword, "is not before the start of the step")


def _moment(step: Dataset, which: str, fill: str) -> str:
    """Date and time as one text that compares as the moments do; a time without seconds is the whole minute."""
    date, time = (str(step.get(f"PerformedProcedureStep{which}{part}") or "").strip() for part in ("Date", "Time"))
    return date + time.replace(".", "").ljust(12, fill) if date else ""


def _series(step: Dataset) -> Iterator[Violation]:
    series = step.get("PerformedSeriesSequence") or ()
    path = "PerformedSeriesSequence>"
    if _repeated(str(item.get("SeriesInstanceUID") or "") for item in series):
        keyword = "SeriesInstanceUID"
        yield violation(Status.INVALID_ATTRIBUTE_VALUE, keyword, "has one item per series", path + keyword)
    images, others = (
        [str(one.get("ReferencedSOPInstanceUID") or "") for item in series for one in item.get(keyword) or ()]
        for keyword in (_IMAGES, _OTHERS)
    )
    for keyword, listed in ((_IMAGES, iter(images)), (_OTHERS, iter([*others, *set(images)]))):
        if _repeated(listed):
            yield violation(Status.INVALID_ATTRIBUTE_VALUE, keyword, "lists an instance once", path + keyword)
            return


def _repeated(uids: Iterator[str]) -> bool:
    return any(count > 1 for uid, count in Counter(uids).items() if uid)


def _discontinuation(step: Dataset) -> Iterator[Violation]:
    """The reason is one of PS3.16 CID 9301, and a completed step has none."""
    reasons = step.get(_REASON) or ()
    if reasons and str(step.get("PerformedProcedureStepStatus") or "").strip() == StepStatus.COMPLETED:
        yield violation(Status.INVALID_ATTRIBUTE_VALUE, _REASON, "has no item where the step is COMPLETED")
    elif reasons:
        from pydicom.sr.codedict import codes  # large; only discontinued steps pay it

        group = codes.cid9301
        known = {
            (concept.value, concept.scheme_designator) for name in group.dir() for concept in [getattr(group, name)]
        }
        given = {(str(item.get("CodeValue") or ""), str(item.get("CodingSchemeDesignator") or "")) for item in reasons}
        if not given <= known:
            rule = "holds a code of CID 9301 (PS3.16)"
            yield violation(Status.INVALID_ATTRIBUTE_VALUE, _REASON, rule, f"{_REASON}>CodeValue")
