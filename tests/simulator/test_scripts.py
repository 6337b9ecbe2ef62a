"""Scripts of misbehaviour, as a plain requestor meets them."""

import time
from datetime import date
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid
from pynetdicom import AE, build_context
from pynetdicom.sop_class import (
    DigitalXRayImageStorageForPresentation,
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepRetrieve,
    ModalityWorklistInformationFind,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
    Verification,
)

from modality_sdk.errors import ConfigurationError
from modality_sdk.simulator import (
    SERVICES,
    Abort,
    Delay,
    Hospital,
    LostResponse,
    Malformed,
    Pacs,
    Phase,
    Reject,
    Reply,
    Report,
    Ris,
    Script,
    Serve,
    ServiceProvider,
    Silence,
    Step,
    Truncate,
    WrongCharacterSet,
    sample_worklist,
)

pytestmark = [pytest.mark.req("X-SIM"), pytest.mark.filterwarnings("ignore:Invalid value for VR")]

_DX = DigitalXRayImageStorageForPresentation
_CLASSES = {
    "C-ECHO": Verification,
    "C-FIND": ModalityWorklistInformationFind,
    "C-STORE": _DX,
    "N-CREATE": ModalityPerformedProcedureStep,
    "N-SET": ModalityPerformedProcedureStep,
    "N-GET": ModalityPerformedProcedureStepRetrieve,
    "N-ACTION": StorageCommitmentPushModel,
}
_REQUESTS = list(_CLASSES)


def _query() -> Dataset:
    identifier = Dataset()
    identifier.ScheduledProcedureStepSequence = Sequence()
    for keyword in ("PatientName", "PatientID", "PatientBirthDate"):
        setattr(identifier, keyword, "")
    return identifier


def _ask(association: Any, service: str, image: Any) -> Dataset:
    uid = generate_uid(prefix=None)
    match service:
        case "C-ECHO":
            return association.send_c_echo()
        case "C-FIND":
            return list(association.send_c_find(_query(), ModalityWorklistInformationFind))[-1][0]
        case "C-STORE":
            return association.send_c_store(image())
        case "N-CREATE":
            return association.send_n_create(_query(), ModalityPerformedProcedureStep, uid)[0]
        case "N-SET":
            return association.send_n_set(_query(), ModalityPerformedProcedureStep, uid)[0]
        case "N-GET":
            return association.send_n_get([], ModalityPerformedProcedureStepRetrieve, uid)[0]
        case _:
            return association.send_n_action(
                _query(), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
            )[0]


def _provider(hospital: Hospital, service: str) -> ServiceProvider:
    return hospital.pacs if service in ("C-STORE", "N-ACTION") else hospital.ris


@pytest.mark.parametrize("service", _REQUESTS)
def test_a_reply_carries_status_comment_error_id_and_elements(associate: Any, image: Any, service: str) -> None:
    with Hospital() as hospital:
        provider = _provider(hospital, service)
        step = Reply(status=0x0110, comment="as told", error_id=7, elements=("PatientID",))
        provider.script(service, Serve(), step)
        with associate(provider, _CLASSES[service]) as association:
            first, second = _ask(association, service, image), _ask(association, service, image)
            after = _ask(association, service, image)
    assert first.get("ErrorComment") != "as told"
    assert after.get("ErrorComment") != "as told"
    assert (second.Status, second.ErrorComment) == (0x0110, "as told")
    if service.startswith("N-"):
        assert second.ErrorID == 7
    elif service != "C-ECHO":  # pynetdicom's requestor does not show it of a C-ECHO
        assert second.OffendingElement == 0x00100020


@pytest.mark.parametrize("service", _REQUESTS)
@pytest.mark.parametrize("step", [Silence(), LostResponse()], ids=["silence", "lost response"])
def test_an_unanswered_request_leaves_the_association_usable(
    associate: Any, image: Any, service: str, step: Step
) -> None:
    with Hospital() as hospital:
        provider = _provider(hospital, service)
        provider.script(service, step)
        with associate(provider, _CLASSES[service]) as association:
            association.dimse_timeout = 0.1
            assert "Status" not in _ask(association, service, image)
        with associate(provider, _CLASSES[service]) as association:
            assert "Status" in _ask(association, service, image)


@pytest.mark.parametrize("service", _REQUESTS)
@pytest.mark.parametrize("phase", list(Phase))
def test_an_association_is_aborted_at_any_phase(associate: Any, image: Any, service: str, phase: Phase) -> None:
    with Hospital() as hospital:
        provider = _provider(hospital, service)
        provider.script(service, Abort(phase=phase))
        with associate(provider, _CLASSES[service]) as association:
            status = _ask(association, service, image)
            association.join(5)
            assert association.is_aborted
        assert ("Status" in status) == (phase is Phase.AFTER_RESPONSE)


def test_a_list_breaks_off_after_its_first_item(associate: Any) -> None:
    with Hospital() as hospital:
        hospital.ris.script("C-FIND", Abort(phase=Phase.MID_RESPONSE))
        with associate(hospital.ris, ModalityWorklistInformationFind) as association:
            found = list(association.send_c_find(_query(), ModalityWorklistInformationFind))
    assert [status.get("Status") for status, _ in found] == [0xFF00, None]


@pytest.mark.parametrize(
    ("step", "kept"),
    [
        (Silence(), 0),
        (Abort(), 0),
        (Reply(status=0x0110), 0),
        (Reply(status=0x0110, served=True), 1),
        (LostResponse(), 1),
        (LostResponse(connection=True), 1),
        (Abort(phase=Phase.MID_RESPONSE), 1),
        (Abort(phase=Phase.AFTER_RESPONSE), 1),
        (Delay(seconds=0.01), 1),
    ],
)
def test_whether_the_request_was_served_is_another_matter(
    associate: Any, pacs: Pacs, image: Any, step: Step, kept: int
) -> None:
    pacs.script("C-STORE", step)
    with associate(pacs, _DX) as association:
        association.dimse_timeout = 0.2
        association.send_c_store(image())
    assert len(pacs.stored) == kept


def test_a_dropped_connection_is_seen_at_once(associate: Any, pacs: Pacs, image: Any) -> None:
    pacs.script("C-STORE", LostResponse(connection=True))
    with associate(pacs, _DX) as association:
        before = time.monotonic()
        assert "Status" not in association.send_c_store(image())
        assert time.monotonic() - before < association.dimse_timeout


def test_an_association_is_rejected_aborted_ignored_or_broken_then_normal(associate: Any, ris: Ris) -> None:
    ris.script(
        "A-ASSOCIATE",
        Reject(result=2, source=3, diagnostic=2),
        Abort(),
        LostResponse(connection=True),
        Delay(seconds=0.01),
    )
    with associate(ris, Verification) as association:
        assert association.is_rejected
        rejection = association.acceptor.primitive
        assert (rejection.result, rejection.result_source, rejection.diagnostic) == (2, 3, 2)
    for _ in range(2):
        with associate(ris, Verification) as association:
            assert association.is_aborted
    with associate(ris, Verification) as association:
        assert association.send_c_echo().Status == 0x0000
    assert ris.misbehaviour.scripts == ()


def test_an_association_is_aborted_right_after_it_was_accepted(associate: Any, ris: Ris) -> None:
    ris.script("A-ASSOCIATE", Abort(phase=Phase.AFTER_RESPONSE))
    with associate(ris, Verification) as association:
        # where the abort overtakes the requestor, its thread never starts
        if association.ident is not None:
            association.join(5)
        assert association.is_aborted
    with associate(ris, Verification) as association:
        assert association.is_established


def test_an_association_request_may_never_be_answered(ris: Ris) -> None:
    ris.script("A-ASSOCIATE", Silence())
    entity = AE("XRAY1")
    entity.acse_timeout = 0.1
    association = entity.associate(ris.host, ris.port, [build_context(Verification)], ae_title="RIS")
    assert not association.is_established
    association.dul.join(5)


def test_a_script_ends_with_its_provider_however_long_its_silence(associate: Any, image: Any) -> None:
    before = time.monotonic()
    with Hospital() as hospital:
        hospital.ris.script("C-ECHO", Delay(seconds=60))
        with associate(hospital.ris, Verification) as association:
            association.dimse_timeout = 0.1
            association.send_c_echo()
    assert time.monotonic() - before < 10


# lists ------------------------------------------------------------------------------------------------------


def _found(associate: Any, ris: Ris) -> tuple[int, list[Dataset]]:
    with associate(ris, ModalityWorklistInformationFind) as association:
        answers = list(association.send_c_find(_query(), ModalityWorklistInformationFind))
    return answers[-1][0].Status, [identifier for _, identifier in answers if identifier is not None]


@pytest.fixture
def listed(ris: Ris) -> Ris:
    ris.worklist = sample_worklist(today=date(2026, 3, 4), station_ae_title="XRAY1")
    return ris


def test_a_list_is_truncated(associate: Any, listed: Ris) -> None:
    listed.script("C-FIND", Truncate(after=2), Truncate(after=0, status=0xA700))
    status, found = _found(associate, listed)
    assert (status, len(found)) == (0xFE00, 2)
    status, found = _found(associate, listed)
    assert (status, len(found)) == (0xA700, 0)
    status, found = _found(associate, listed)
    assert status == 0x0000
    assert len(found) == len(listed.worklist)


def test_labels_of_character_sets_lie_or_are_missing(associate: Any, listed: Ris) -> None:
    listed.script(
        "C-FIND",
        WrongCharacterSet(),
        WrongCharacterSet(encoded_in="ISO_IR 192"),
        WrongCharacterSet(label=("ISO_IR 100",), encoded_in="ISO_IR 192"),
    )

    def first_name() -> tuple[Any, bytes]:
        _, found = _found(associate, listed)
        return found[0].get("SpecificCharacterSet"), found[0].PatientName.original_string

    assert first_name() == (None, "Müller^Jürgen^^Dr.".encode("latin-1"))
    assert first_name() == (None, "Müller^Jürgen^^Dr.".encode())
    assert first_name() == ("ISO_IR 100", "Müller^Jürgen^^Dr.".encode())


def test_an_item_that_does_not_fit_the_character_set_keeps_its_bytes(associate: Any, listed: Ris) -> None:
    listed.script("C-FIND", WrongCharacterSet(label=("ISO_IR 100",), encoded_in="ISO_IR 100"))
    _, found = _found(associate, listed)
    assert found[1].PatientName.original_string == "Παπαδοπούλου^Ελένη".encode("iso8859-7")


def test_items_are_malformed_as_told_in_their_sequences_too(associate: Any, listed: Ris) -> None:
    step = Malformed(
        values={"PatientBirthDate": b"19991332", "ScheduledProcedureStepStartDate": b"tomorrow"},
        without=("PatientID",),
        items=(1,),
    )
    listed.script("C-FIND", step)
    _, found = _found(associate, listed)
    assert "PatientID" not in found[1]
    assert found[1].PatientBirthDate == "19991332"
    assert found[1].ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate == "tomorrow"
    assert found[0].PatientBirthDate == "19620314"
    assert found[2].PatientID


# rules of scripts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "step"),
    [
        ("C-STORE", Truncate(after=1)),
        ("C-ECHO", Malformed()),
        ("A-ASSOCIATE", Reply(status=0)),
        ("A-ASSOCIATE", Abort(phase=Phase.MID_RESPONSE)),
        ("C-FIND", Reject()),
        ("N-ACTION", Report()),
        ("N-EVENT-REPORT", LostResponse()),
        ("C-MOVE", Serve()),
    ],
)
def test_a_service_does_not_do_what_it_cannot(service: str, step: Step) -> None:
    with pytest.raises(ConfigurationError):
        Script(service=service, steps=(step,))


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (Serve, {"times": 0}),
        (Delay, {"seconds": -1}),
        (Reply, {"status": 0x10000}),
        (Reply, {"status": 0xFF00}),
        (Reply, {"status": 0, "error_id": -1}),
        (Reply, {"status": 0, "elements": ("NoSuchKeyword",)}),
        (Reject, {"result": 3}),
        (Reject, {"source": 4}),
        (Reject, {"source": 2, "diagnostic": 7}),
        (Truncate, {"after": -1}),
        (Truncate, {"after": 1, "status": 0xFF00}),
        (Truncate, {"after": 1, "status": 0xFF01}),
        (WrongCharacterSet, {"label": ("\N{CJK UNIFIED IDEOGRAPH-4E00}",)}),
        (WrongCharacterSet, {"encoded_in": "UTF-8"}),
        (Malformed, {"without": ("NoSuchKeyword",)}),
        (Report, {"copies": 0}),
        (Report, {"omit": -1}),
        (Report, {"event_type": -1}),
        (Report, {"event_type": 0x10000}),
        (Report, {"calling_ae_title": "A TITLE THAT IS TOO LONG"}),
    ],
)
def test_an_impossible_step_names_field_and_rule(make: Any, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as error:
        make(**values)
    assert error.value.field.startswith(f"{make.__name__}.")


def test_every_service_has_a_script(ris: Ris) -> None:
    for service in SERVICES:
        ris.script(service, Serve(times=2), Silence(times=None))
    assert {script.service for script in ris.misbehaviour.scripts} == set(SERVICES)
    ris.behave()
    assert ris.misbehaviour.scripts == ()
