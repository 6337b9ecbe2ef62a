"""The content tree of dose reports and key object documents (PS3.3 C.17.3, A.35.4, A.35.8; PS3.16)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Final

from pydicom import Dataset

from modality_sdk.dataset import is_image
from modality_sdk.iod.validation.codes import check_meaning, concept_of, in_group, meaning_of
from modality_sdk.iod.validation.reading import code, items, text, texts
from modality_sdk.iod.validation.templates import DOSE_REPORT, KEY_OBJECTS, Facts, Row
from modality_sdk.model import Finding, Severity

__all__ = ["check_dose_report", "check_key_objects", "content", "evidence", "named"]

_VALUES: Final[Mapping[str, str]] = {
    "TEXT": "TextValue",
    "CODE": "ConceptCodeSequence",
    "NUM": "MeasuredValueSequence",
    "DATETIME": "DateTime",
    "UIDREF": "UID",
    "PNAME": "PersonName",
    "COMPOSITE": "ReferencedSOPSequence",
    "IMAGE": "ReferencedSOPSequence",
    "WAVEFORM": "ReferencedSOPSequence",
    "CONTAINER": "ContinuityOfContent",
}
"""Value Type to the attribute that holds the value (PS3.3 Table C.17-5)."""
_REFERENCES: Final = ("COMPOSITE", "IMAGE", "WAVEFORM")

_Relations = Mapping[tuple[str, str], frozenset[str]]


def _relations(*rows: tuple[str, str, str]) -> _Relations:
    return {
        (source, relationship): frozenset(targets.split())
        for sources, relationship, targets in rows
        for source in sources.split()
    }


_DOSE_TYPES: Final = "TEXT CODE NUM DATETIME UIDREF PNAME COMPOSITE IMAGE CONTAINER"
DOSE_RELATIONS: Final = _relations(
    ("CONTAINER", "CONTAINS", _DOSE_TYPES),
    ("CONTAINER", "HAS OBS CONTEXT", "DATETIME CODE TEXT UIDREF PNAME"),
    ("TEXT CODE NUM", "HAS OBS CONTEXT", "TEXT CODE NUM DATETIME UIDREF PNAME COMPOSITE"),
    (_DOSE_TYPES, "HAS CONCEPT MOD", "TEXT CODE"),
    ("TEXT CODE NUM", "HAS PROPERTIES", _DOSE_TYPES),
    ("PNAME", "HAS PROPERTIES", "TEXT CODE DATETIME UIDREF PNAME"),
    ("TEXT CODE NUM", "INFERRED FROM", _DOSE_TYPES),
)
"""PS3.3 Table A.35.8-2."""
KEY_OBJECT_RELATIONS: Final = _relations(
    ("CONTAINER", "CONTAINS", "TEXT IMAGE WAVEFORM COMPOSITE"),
    ("CONTAINER", "HAS OBS CONTEXT", "TEXT CODE UIDREF PNAME"),
    ("CONTAINER", "HAS CONCEPT MOD", "CODE"),
)
"""PS3.3 Table A.35.4-2."""


def content(dataset: Dataset, path: str = "") -> Iterator[tuple[str, Dataset]]:
    """Content items below an item, with their paths."""
    for place, item in enumerate(items(dataset, "ContentSequence"), start=1):
        yield f"{path}ContentSequence[{place}]", item


def _tree(dataset: Dataset, path: str = "") -> Iterator[tuple[str, Dataset, Dataset]]:
    """All items below, with what they stand in."""
    for where, item in content(dataset, path):
        yield where, item, dataset
        yield from _tree(item, f"{where}.")


def named(dataset: Dataset, value: str) -> list[Dataset]:
    """Content items below an item with that name, a code value."""
    return [item for _, item in content(dataset) if _name(item)[1] == value]


def _name(item: Dataset) -> tuple[str, str]:
    names = items(item, "ConceptNameCodeSequence")
    return concept_of(names[0]) if names else ("", "")


def _value_code(item: Dataset) -> str:
    found = code(item, "ConceptCodeSequence")
    return found.value if found else ""


def check_dose_report(dataset: Dataset) -> Iterator[Finding]:
    """Judge an X-Ray Radiation Dose SR by A.35.8 and TID 10001."""
    yield from _check_root(dataset, "10001")
    yield from _check_items(dataset, DOSE_RELATIONS, without_name=())
    name = _name(dataset)
    if name != DOSE_REPORT.name and name[1]:
        rule = "must be X-Ray Radiation Dose Report"
        yield Finding(attribute="ConceptNameCodeSequence[1]", rule=rule, section="PS3.16 TID 10001")
    yield from _check_rows(dataset, DOSE_REPORT, _facts(dataset), "", "PS3.16 TID 10001")
    yield from _check_events(dataset)
    yield from _check_totals(dataset)
    yield from _check_evidence(dataset)


def _facts(dataset: Dataset) -> Facts:
    first = {name: _value_code(found[0]) if (found := named(dataset, name)) else "" for name in ("121058", "122142")}
    parts = ("113945", "113943", "113944")
    return Facts(
        title=_name(dataset)[1],
        procedure=first["121058"],
        device=first["122142"],
        sources=frozenset(_value_code(item) for item in named(dataset, "113854")),
        unavailable=frozenset(
            part for part in parts for item in named(dataset, part) if _value_code(item) == "373067005"
        ),
        fluoroscopy=any(
            _value_code(kind) == "44491008" for event in named(dataset, "113706") for kind in named(event, "113721")
        ),
    )


def _check_root(dataset: Dataset, template: str) -> Iterator[Finding]:
    """SR Document Content (PS3.3 C.17.3), whose table does not tell the root from other items."""
    section = "PS3.3 C.17.3"
    if text(dataset, "ValueType") != "CONTAINER":
        yield Finding(attribute="ValueType", rule="must be CONTAINER", section=section)
    for keyword in ("ConceptNameCodeSequence", "ContentSequence"):
        if not items(dataset, keyword):
            yield Finding(attribute=keyword, rule="is missing or empty; the root has it", section=section)
    if not text(dataset, "ContinuityOfContent"):
        yield Finding(attribute="ContinuityOfContent", rule="is missing or empty; it is Type 1", section=section)
    templates = items(dataset, "ContentTemplateSequence")
    if not templates:
        rule = f"is missing or empty; the template is {template}"
        yield Finding(attribute="ContentTemplateSequence", rule=rule, section="PS3.3 C.18.8")
    for name, wanted in (("MappingResource", "DCMR"), ("TemplateIdentifier", template)):
        if templates and text(templates[0], name) != wanted:
            rule = f"must be {wanted}"
            yield Finding(attribute=f"ContentTemplateSequence[1].{name}", rule=rule, section="PS3.3 C.18.8")


def _check_items(dataset: Dataset, relations: _Relations, without_name: tuple[str, ...]) -> Iterator[Finding]:
    """Value types, their values and relationships, throughout the tree."""
    known = {value_type for targets in relations.values() for value_type in targets}
    for path, item, around in _tree(dataset):
        if "ReferencedContentItemIdentifier" in item:
            rule = "refers to another item, which is for no content here"
            yield Finding(attribute=path, rule=rule, section="PS3.3 A.35")
            continue
        value_type, relationship = text(item, "ValueType"), text(item, "RelationshipType")
        if value_type not in known:
            yield Finding(attribute=f"{path}.ValueType", rule="is none of this IOD", section="PS3.3 A.35")
            continue
        if value_type not in relations.get((text(around, "ValueType"), relationship), ()):
            rule = f"is not allowed for a {value_type} here"
            yield Finding(attribute=f"{path}.RelationshipType", rule=rule, section="PS3.3 A.35")
        yield from _check_value(item, value_type, path)
        if value_type not in without_name and not items(item, "ConceptNameCodeSequence"):
            rule = "is missing or empty; such an item has a name"
            yield Finding(attribute=f"{path}.ConceptNameCodeSequence", rule=rule, section="PS3.3 C.17.3")


def _check_value(item: Dataset, value_type: str, path: str) -> Iterator[Finding]:
    keyword, section = _VALUES[value_type], "PS3.3 C.17.3"
    where = f"{path}.{keyword}"
    below = items(item, keyword)
    if keyword not in item or (keyword != "MeasuredValueSequence" and not (below or texts(item, keyword))):
        yield Finding(attribute=where, rule="is missing or empty", section=section)
    elif keyword == "MeasuredValueSequence" and not below:
        rule = "is empty: systems that read dose reports expect the item to be left out"
        yield Finding(attribute=where, rule=rule, section="PS3.3 C.18.1", severity=Severity.WARNING)
    elif len(below) > 1:
        yield Finding(attribute=where, rule="has one item", section=section)
    for name in {
        "MeasuredValueSequence": ("NumericValue", "MeasurementUnitsCodeSequence"),
        "ReferencedSOPSequence": ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID"),
    }.get(keyword, ()):
        if below and not (texts(below[0], name) or items(below[0], name)):
            yield Finding(attribute=f"{where}[1].{name}", rule="is missing or empty; it is Type 1", section=section)
    sop_class = text(below[0], "ReferencedSOPClassUID") if below else ""
    if value_type == "IMAGE" and sop_class and not is_image(sop_class):
        yield Finding(attribute=where, rule="must refer to an image", section="PS3.3 C.18.4")


def _check_rows(item: Dataset, template: Row, facts: Facts, path: str, section: str) -> Iterator[Finding]:
    """Compare the items below one with the rows below its row."""
    found: dict[tuple[str, str], list[tuple[str, Dataset]]] = {}
    for where, below in content(item, path):
        found.setdefault(_name(below), []).append((where, below))
    # the items below a modifier ask about the modifier itself, too
    around = {_name(item)[1]: _value_code(item)} | {name[1]: _value_code(same[0][1]) for name, same in found.items()}
    facts = replace(facts, around=around)
    at = path.removesuffix(".") or "ContentSequence"
    for row in template.rows:
        same = found.get(row.name, [])
        if not same and row.needed(facts):
            yield Finding(attribute=at, rule=f"lacks {_called(row)}", section=section)
        elif not same and row.advised:
            rule = f"lacks {_called(row)}, which systems that read dose reports expect"
            yield Finding(attribute=at, rule=rule, section=section, severity=Severity.WARNING)
        if len(same) > 1 and not row.several:
            yield Finding(attribute=at, rule=f"has {_called(row)} more than once", section=section)
        for where, below in same:
            if not row.allowed(facts):
                yield Finding(attribute=where, rule="shall not be there under this condition", section=section)
            yield from _check_row(below, row, facts, where, section)
    names = {row.name for row in template.rows}
    for name, same in found.items():
        if name not in names and name[1]:
            for where, _ in same:
                rule = "has a name that is not in the template"
                yield Finding(attribute=where, rule=rule, section=section, severity=Severity.WARNING)


def _check_row(item: Dataset, row: Row, facts: Facts, path: str, section: str) -> Iterator[Finding]:
    value_type = text(item, "ValueType")
    if value_type not in row.types:
        rule = f"must be {' or '.join(row.types)}"
        yield Finding(attribute=f"{path}.ValueType", rule=rule, section=section)
        return
    if text(item, "RelationshipType") != row.relationship:
        rule = f"must be {row.relationship}"
        yield Finding(attribute=f"{path}.RelationshipType", rule=rule, section=section)
    if value_type == "CODE" and (row.groups or row.codes):
        yield from _check_code(item, row, path, section)
    if value_type == "NUM":
        yield from _check_number(item, row, path, section)
    yield from _check_rows(item, row, facts, f"{path}.", section)


def _check_code(item: Dataset, row: Row, path: str, section: str) -> Iterator[Finding]:
    for place, value in enumerate(items(item, "ConceptCodeSequence"), start=1):
        where = f"{path}.ConceptCodeSequence[{place}]"
        yield from check_meaning(value, where, row.groups)
        if concept_of(value) not in row.codes and not in_group(concept_of(value), row.groups):
            rule = "has a code that the template does not list"
            severity = Severity.WARNING if row.extensible else Severity.ERROR
            yield Finding(attribute=where, rule=rule, section=section, severity=severity)


def _check_number(item: Dataset, row: Row, path: str, section: str) -> Iterator[Finding]:
    for measured in items(item, "MeasuredValueSequence"):
        where = f"{path}.MeasuredValueSequence[1]"
        units = items(measured, "MeasurementUnitsCodeSequence")
        if units and concept_of(units[0]) != ("UCUM", row.unit):
            rule = f"must be {row.unit}: systems that read dose reports believe every other unit to be this one"
            yield Finding(attribute=f"{where}.MeasurementUnitsCodeSequence[1]", rule=rule, section=section)
        elif units and row.unit == "1" and text(units[0], "CodeMeaning") != "no units":
            rule = "must be 'no units' for this code"
            where_units = f"{where}.MeasurementUnitsCodeSequence[1].CodeMeaning"
            yield Finding(attribute=where_units, rule=rule, section="PS3.16 CID 82")
        value = _decimal(measured)
        if value is not None and value < 0 and row.unit not in ("1", "deg", "%") and row.name[1] != "113847":
            yield Finding(attribute=f"{where}.NumericValue", rule="must not be negative", section=section)


def _called(row: Row) -> str:
    meaning = meaning_of(row.name)
    return f"{meaning} ({row.name[1]})" if meaning else row.name[1]


def _decimal(measured: Dataset) -> Decimal | None:
    try:
        value = Decimal(text(measured, "NumericValue").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _numeric(item: Dataset, name: str) -> Decimal | None:
    """The value of the NUM below an item with that name."""
    for below in named(item, name):
        for measured in items(below, "MeasuredValueSequence"):
            return _decimal(measured)
    return None


def _plane(item: Dataset) -> str:
    return next((_value_code(plane) for plane in named(item, "113764")), "")


def _check_events(dataset: Dataset) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for path, event in content(dataset):
        if _name(event) != ("DCM", "113706"):
            continue
        for uid in (text(item, "UID") for item in named(event, "113769")):
            if uid and (uid, _plane(event)) in seen:
                rule = "reports an irradiation event twice"
                yield Finding(attribute=path, rule=rule, section="PS3.16 TID 10003")
            seen.add((uid, _plane(event)))


_SUMS: Final = {"113722": "122130", "113725": "113738"}
"""Totals of doses to the doses of events."""


def _check_totals(dataset: Dataset) -> Iterator[Finding]:
    events = named(dataset, "113706")
    if not events:
        return
    for path, accumulated in content(dataset):
        if _name(accumulated) != ("DCM", "113702"):
            continue
        planes = {_plane(accumulated), "113890"}
        own = [event for event in events if _plane(event) in planes]
        for total_name, name in _SUMS.items():
            total, doses = _numeric(accumulated, total_name), [_numeric(event, name) for event in own]
            if total is None:
                continue
            known = [dose for dose in doses if dose is not None]
            summed = sum(known, Decimal(0))
            differs = abs(total - summed) > abs(total) * Decimal("1E-6")
            if differs if len(known) == len(doses) else total < summed:
                rule = f"must be the sum over the events ({total_name})"
                yield Finding(attribute=path, rule=rule, section="PS3.16 TID 10002")
        frames = _numeric(accumulated, "113731")
        stationary = all(_value_code(kind) == "113611" for event in own for kind in named(event, "113721"))
        if frames is not None and stationary and own and frames != len(own):
            rule = "must count the frames of the events (113731)"
            yield Finding(attribute=path, rule=rule, section="PS3.16 TID 10002")


def evidence(dataset: Dataset, *keywords: str) -> dict[str, str]:
    """SOP class by SOP instance of the objects that an evidence sequence lists."""
    return {
        text(reference, "ReferencedSOPInstanceUID"): text(reference, "ReferencedSOPClassUID")
        for keyword in keywords or ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")
        for study in items(dataset, keyword)
        for series in items(study, "ReferencedSeriesSequence")
        for reference in items(series, "ReferencedSOPSequence")
    }


def _check_evidence(dataset: Dataset) -> Iterator[Finding]:
    listed, section = evidence(dataset), "PS3.3 C.17.2.3"
    used: set[str] = set()
    for path, item, _ in _tree(dataset):
        for place, reference in enumerate(items(item, "ReferencedSOPSequence"), start=1):
            where, uid = f"{path}.ReferencedSOPSequence[{place}]", text(reference, "ReferencedSOPInstanceUID")
            used.add(uid)
            if uid not in listed:
                yield Finding(attribute=where, rule="is not in the evidence sequence", section=section)
            elif listed[uid] != text(reference, "ReferencedSOPClassUID"):
                rule = "names another SOP class than the evidence sequence"
                yield Finding(attribute=where, rule=rule, section=section)
    if set(evidence(dataset, "CurrentRequestedProcedureEvidenceSequence")) - used:
        yield Finding(
            attribute="CurrentRequestedProcedureEvidenceSequence",
            rule="lists an object that no content item refers to",
            section=section,
            severity=Severity.WARNING,
        )


def check_key_objects(dataset: Dataset) -> Iterator[Finding]:
    """Judge a Key Object Selection Document by A.35.4 and TID 2010."""
    yield from _check_root(dataset, "2010")
    yield from _check_items(dataset, KEY_OBJECT_RELATIONS, without_name=_REFERENCES)
    facts, section = _facts(dataset), "PS3.16 TID 2010"
    for title in items(dataset, "ConceptNameCodeSequence")[:1]:
        yield from check_meaning(title, "ConceptNameCodeSequence[1]", (7010,))
        if not in_group(concept_of(title), (7010,)):
            rule = "must be a title of CID 7010"
            yield Finding(attribute="ConceptNameCodeSequence[1]", rule=rule, section=section)
    yield from _check_rows(dataset, KEY_OBJECTS, facts, "", section)
    yield from _check_modifiers(dataset, facts.title)
    references = [(path, item) for path, item in content(dataset) if text(item, "ValueType") in _REFERENCES]
    if not references:
        yield Finding(attribute="ContentSequence", rule="refers to no object", section=section)
    for path, item in references:
        if "ConceptNameCodeSequence" in item:
            rule = "shall not be there: references have no name"
            yield Finding(attribute=f"{path}.ConceptNameCodeSequence", rule=rule, section=section)
    studies = {text(study, "StudyInstanceUID") for study in items(dataset, "CurrentRequestedProcedureEvidenceSequence")}
    if len(studies) > 1 and not items(dataset, "IdenticalDocumentsSequence"):
        rule = "is missing or empty; the objects are of several studies"
        yield Finding(attribute="IdenticalDocumentsSequence", rule=rule, section="PS3.3 C.17.6.2")
    if studies and text(dataset, "StudyInstanceUID") not in studies:
        rule = "must be that of an object singled out"
        yield Finding(attribute="StudyInstanceUID", rule=rule, section="PS3.3 C.17.6.2.1")
    yield from _check_evidence(dataset)


_MODIFIERS: Final = {"113001": 7011, "113010": 7011, "113013": 7012}
"""Titles that need a Document Title Modifier, to its context group."""


def _check_modifiers(dataset: Dataset, title: str) -> Iterator[Finding]:
    section, wanted = "PS3.16 TID 2010", _MODIFIERS.get(title)
    for path, item in content(dataset):
        if _name(item) != ("DCM", "113011") or wanted is None:
            continue
        for value in items(item, "ConceptCodeSequence")[:1]:
            where = f"{path}.ConceptCodeSequence[1]"
            yield from check_meaning(value, where, (wanted,))
            if not in_group(concept_of(value), (wanted,)):
                yield Finding(attribute=where, rule=f"must be of CID {wanted}", section=section)
