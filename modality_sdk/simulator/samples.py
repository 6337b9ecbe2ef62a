"""A day's worklist of made-up patients, with what a real information system sends and what makes it hard."""

from collections.abc import Sequence as Items
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import NAMESPACE_OID, uuid5

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID_dictionary  # type: ignore[attr-defined]

__all__ = ["sample_worklist"]

_SCHEME = "99SIM"

# retired classes have no constant in pydicom, though information systems still refer to them
_RETIRED = {row[4]: uid for uid, row in UID_dictionary.items() if row[3] == "Retired"}


@dataclass(frozen=True, kw_only=True)
class _Person:
    number: int
    name: str
    character_set: tuple[str, ...]
    birth_date: str
    sex: str
    weight: str = "70"
    size: str = "1.70"
    allergies: str = ""
    alerts: str = ""
    pregnancy: int = 4
    history: str = ""
    referrer: str = "REFERRER^RITA^^DR"
    comments: str = ""


@dataclass(frozen=True, kw_only=True)
class _Step:
    description: str
    code: str
    time: str
    location: str = "ROOM 1"
    pre_medication: str = ""


@dataclass(frozen=True, kw_only=True)
class _Order:
    person: _Person
    procedure: str
    code: str
    steps: Items[_Step]
    reason: str = ""
    priority: str = "ROUTINE"
    day: int = 0
    other_modality: bool = False
    performer: str = "RADIOGRAPHER^RUTH"
    transport: str = "WALKING"
    ward: str = "WARD 3"
    references_study: bool = field(default=False)


_CHEST = _Order(
    person=_Person(
        number=1,
        name="Müller^Jürgen^^Dr.",
        character_set=("ISO_IR 100",),
        birth_date="19620314",
        sex="M",
        weight="82.5",
        size="1.79",
        allergies="IODINE",
        alerts="PACEMAKER",
        history="Pneumonia in childhood",
        referrer="Weiß^Käthe^^Dr.",
        comments="Hört schlecht",
    ),
    procedure="Thorax in zwei Ebenen",
    code="CHEST2",
    steps=(_Step(description="Thorax p.a. und seitlich", code="CHEST-PA-LAT", time="080000"),),
    reason="Husten seit drei Wochen",
    references_study=True,
)
_HAND = _Order(
    person=_Person(
        number=2,
        name="Παπαδοπούλου^Ελένη",
        character_set=("ISO_IR 126",),
        birth_date="19890702",
        sex="F",
        weight="61",
        size="1.66",
        pregnancy=1,
        referrer="Γεωργίου^Νίκος",
    ),
    procedure="Hand left, two views",
    code="HAND-L",
    steps=(_Step(description="Hand left PA and oblique", code="HAND-L-PA-OBL", time="083000"),),
    reason="Fall on the hand",
    priority="HIGH",
)
_KNEE = _Order(
    person=_Person(
        number=3,
        name="Yamada^Tarou=山田^太郎=やまだ^たろう",
        character_set=("", "ISO 2022 IR 87"),
        birth_date="19551120",
        sex="M",
        size="1.64",
        referrer="Suzuki^Hanako=鈴木^花子=すずき^はなこ",
    ),
    procedure="Knee right, two views",
    code="KNEE-R",
    steps=(_Step(description="Knee right AP and lateral", code="KNEE-R-AP-LAT", time="0915"),),
    reason="Pain under load",
    transport="WHEELCHAIR",
)
_PELVIS = _Order(
    person=_Person(
        number=4,
        name="Wałkowska^Łucja",
        character_set=("ISO_IR 192",),
        birth_date="19400105",
        sex="F",
        allergies="LATEX",
        referrer="Nováková^Žofie",
        comments="Nimmt Blutverdünner – 血液をさらさらにする薬",
    ),
    procedure="Pelvis AP",
    code="PELVIS",
    steps=(_Step(description="Pelvis AP standing", code="PELVIS-AP", time="100000.000000"),),
    reason="Control after hip replacement",
    priority="STAT",
    transport="BED",
)
_SPINE = _Order(
    person=_Person(
        number=5,
        name="Lefèvre^Noël",
        character_set=("ISO_IR 100",),
        birth_date="19780923",
        sex="M",
        referrer="Garçon^Zoé",
    ),
    procedure="Thoracic and lumbar spine",
    code="SPINE",
    steps=(
        _Step(description="Thoracic spine AP and lateral", code="TSPINE-AP-LAT", time="110000"),
        _Step(description="Lumbar spine AP and lateral", code="LSPINE-AP-LAT", time="111000"),
    ),
    reason="Back pain",
)
_FOOT = _Order(
    person=_Person(
        number=6, name="SAMPLE^SAMANTHA", character_set=("ISO_IR 100",), birth_date="20110228", sex="F", weight="35"
    ),
    procedure="Foot right, two views",
    code="FOOT-R",
    steps=(_Step(description="Foot right DP and oblique", code="FOOT-R-DP-OBL", time="090000"),),
    day=1,
)
_HEAD = _Order(
    person=_Person(
        number=7, name="EXAMPLE^EDGAR", character_set=("ISO_IR 100",), birth_date="19690416", sex="M", alerts="DIABETES"
    ),
    procedure="Head without contrast",
    code="HEAD",
    steps=(_Step(description="Head native", code="HEAD-NATIVE", time="093000", location="CT ROOM"),),
    other_modality=True,
    performer="TECHNOLOGIST^TOM",
)


def sample_worklist(*, today: date, station_ae_title: str, modality: str = "DX") -> list[Dataset]:
    """Make a day's worklist.

    A chest order with umlauts (ISO_IR 100), a hand in Greek (ISO_IR 126), a knee in Japanese with three
    component groups (ISO 2022 IR 87), a pelvis in UTF-8, an order of two scheduled steps of one requested
    procedure, one for tomorrow, and one of another modality.

    Parameters
    ----------
    today
        The day in question.
    station_ae_title
        The AE title that the items are scheduled for, but for the one of the other modality.
    modality
        Of the items, but for the other one, which is CT (MR where this is CT).

    Returns
    -------
    list of Dataset
        One per Scheduled Procedure Step, with all attributes of PS3.4 Table K.6-1 that an information system
        usually fills. The same arguments give the same UIDs and identifiers.
    """
    other = "MR" if modality == "CT" else "CT"
    items = []
    for order in (_CHEST, _HAND, _KNEE, _PELVIS, _SPINE, _FOOT, _HEAD):
        kind, station = (other, f"{other}1") if order.other_modality else (modality, station_ae_title)
        day = today + timedelta(days=order.day)
        for index, step in enumerate(order.steps, start=1):
            item = _item(order, day)
            item.ScheduledProcedureStepSequence = Sequence([_step(order, step, index, day, kind, station)])
            items.append(item)
    return items


def _item(order: _Order, day: date) -> Dataset:
    person = order.person
    key = f"{day:%Y%m%d}{person.number:02d}"
    item = Dataset()
    item.SpecificCharacterSet = list(person.character_set) if len(person.character_set) > 1 else person.character_set[0]
    # requested procedure
    item.RequestedProcedureID = f"RP{key}"
    item.RequestedProcedureDescription = order.procedure
    item.RequestedProcedureCodeSequence = Sequence([_code(order.code, order.procedure)])
    item.StudyInstanceUID = _uid(f"study {key}")
    item.ReferencedStudySequence = Sequence(
        [_reference(_RETIRED["DetachedStudyManagement"], _uid(f"referenced study {key}"))]
        if order.references_study
        else []
    )
    item.RequestedProcedurePriority = order.priority
    item.PatientTransportArrangements = order.transport
    item.ReasonForTheRequestedProcedure = order.reason
    item.RequestedProcedureComments = ""
    item.NamesOfIntendedRecipientsOfResults = person.referrer
    # imaging service request
    item.AccessionNumber = f"A{key}"
    item.IssuerOfAccessionNumberSequence = Sequence([_issuer("SIMRIS")])
    item.RequestingPhysician = person.referrer
    item.RequestingService = "SURGERY"
    item.ReferringPhysicianName = person.referrer
    item.PlacerOrderNumberImagingServiceRequest = f"P{key}"
    item.FillerOrderNumberImagingServiceRequest = f"F{key}"
    # visit
    item.AdmissionID = f"ADM{person.number:04d}"
    item.IssuerOfAdmissionIDSequence = Sequence([_issuer("SIMHIS")])
    item.ServiceEpisodeID = f"SE{person.number:04d}"
    item.CurrentPatientLocation = order.ward
    item.InstitutionName = "SIMULATED HOSPITAL"
    item.ReferencedPatientSequence = Sequence(
        [_reference(_RETIRED["DetachedPatientManagement"], _uid(f"patient {person.number}"))]
    )
    _describe(item, person)
    return item


def _describe(item: Dataset, person: _Person) -> None:
    item.PatientName = person.name
    item.PatientID = f"SIM{person.number:05d}"
    item.IssuerOfPatientID = "SIMHIS"
    item.OtherPatientIDsSequence = Sequence()
    item.PatientBirthDate = person.birth_date
    item.PatientSex = person.sex
    item.PatientWeight = person.weight
    item.PatientSize = person.size
    item.ConfidentialityConstraintOnPatientDataDescription = ""
    item.PatientState = ""
    item.PregnancyStatus = person.pregnancy
    item.MedicalAlerts = person.alerts
    item.Allergies = person.allergies
    item.SpecialNeeds = ""
    item.AdditionalPatientHistory = person.history
    item.PatientComments = person.comments


def _step(order: _Order, step: _Step, index: int, day: date, modality: str, station: str) -> Dataset:
    item = Dataset()
    item.ScheduledStationAETitle = station
    item.ScheduledProcedureStepStartDate = f"{day:%Y%m%d}"
    item.ScheduledProcedureStepStartTime = step.time
    item.Modality = modality
    item.ScheduledPerformingPhysicianName = order.performer
    item.ScheduledProcedureStepDescription = step.description
    item.ScheduledStationName = step.location
    item.ScheduledProcedureStepLocation = step.location
    item.ScheduledProtocolCodeSequence = Sequence([_code(step.code, step.description)])
    item.PreMedication = step.pre_medication
    item.ScheduledProcedureStepID = f"SPS{day:%y%m%d}{order.person.number:02d}{index}"
    item.RequestedContrastAgent = ""
    item.ScheduledProcedureStepStatus = "SCHEDULED"
    item.CommentsOnTheScheduledProcedureStep = ""
    return item


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = _SCHEME
    item.CodeMeaning = meaning
    return item


def _reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = sop_instance_uid
    return item


def _issuer(name: str) -> Dataset:
    item = Dataset()
    item.LocalNamespaceEntityID = name
    return item


def _uid(text: str) -> str:
    # PS3.5 B.2: a UID derived from a UUID, here the same one for the same text
    return f"2.25.{uuid5(NAMESPACE_OID, f'simulator {text}').int}"
