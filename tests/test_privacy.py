"""Once tamed, no library below names the patient, at any level, by log, warning or standard error."""

import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import highdicom
import pytest
from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, _config, evt
from pynetdicom.sop_class import DigitalXRayImageStorageForPresentation, ModalityWorklistInformationFind

from modality_sdk.model import Peer, SopReference
from modality_sdk.network import ContextProposal, Network
from modality_sdk.network.quiet import silence_pynetdicom
from modality_sdk.privacy import tame_dependencies

pytestmark = pytest.mark.req("NFR-SEC-01")

NAME, IDENTIFIER, BIRTH_DATE, ACCESSION = "ZZMARKERNAME^ZZGIVEN", "ZZMARKERID", "19010203ZZ", "ZZMARKERACCESSION"
MARKERS = ("ZZ", "19010203")
LIBRARIES = ("pynetdicom", "pydicom", "highdicom", "PIL")
SWITCHES = ("LOG_HANDLER_LEVEL", "LOG_REQUEST_IDENTIFIERS", "LOG_RESPONSE_IDENTIFIERS")


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Libraries as they are without us, everything that they log, at every level, and everything put back later."""
    factory = logging.getLogRecordFactory()
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    levels = [logger.level for logger in loggers]
    root = logging.getLogger()
    root_level = root.level
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(pathname)s %(message)s"))
    logging.setLogRecordFactory(logging.LogRecord)
    for logger in loggers:
        logger.setLevel(logging.NOTSET)
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    monkeypatch.setattr(_config, "LOG_HANDLER_LEVEL", "standard")
    for switch in SWITCHES[1:]:
        monkeypatch.setattr(_config, switch, True)
    yield log
    root.removeHandler(handler)
    root.setLevel(root_level)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    logging.setLogRecordFactory(factory)


@dataclass(frozen=True)
class Bytes:
    """A rendition in memory."""

    sop: SopReference
    data: bytes
    transfer_syntax_uid: str = ExplicitVRLittleEndian

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


def patient() -> Dataset:
    """A patient whose values are wrong in ways that pydicom likes to tell."""
    dataset = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.PatientName = NAME
        dataset.PatientID = IDENTIFIER * 10
        dataset.PatientBirthDate = BIRTH_DATE
        dataset.AccessionNumber = ACCESSION
    return dataset


def exchange() -> list[str]:
    """C-FIND and C-STORE with an SCP in this process; returns what both saw of the patient."""
    seen: list[str] = []

    def find(event: evt.Event) -> Iterator[tuple[int, Dataset]]:
        seen.append(str(event.identifier.PatientName))
        yield 0xFF00, patient()

    def store(event: evt.Event) -> int:
        seen.append(str(event.dataset))
        if event.dataset.PatientID:
            raise ValueError(f"the handler speaks of {event.dataset.PatientName}")
        return 0x0000

    scp = AE(ae_title="SCP")
    scp.add_supported_context(ModalityWorklistInformationFind)
    scp.add_supported_context(DigitalXRayImageStorageForPresentation)
    server = scp.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, find), (evt.EVT_C_STORE, store)]
    )
    try:
        peer = Peer(ae_title="SCP", host="127.0.0.1", port=server.socket.getsockname()[1])
        proposals = [
            ContextProposal(abstract_syntax=abstract_syntax, transfer_syntaxes=(ExplicitVRLittleEndian,))
            for abstract_syntax in (ModalityWorklistInformationFind, DigitalXRayImageStorageForPresentation)
        ]
        stream = DicomBytesIO()
        stream.is_little_endian, stream.is_implicit_VR = True, False
        write_dataset(stream, patient())
        sop = SopReference(
            sop_class_uid=DigitalXRayImageStorageForPresentation, sop_instance_uid=str(generate_uid(entropy_srcs=["1"]))
        )
        with Network(ae_title="XRAY1").lease(peer, proposals) as association:
            for response in association.c_find(ModalityWorklistInformationFind, patient()):
                seen.append(str(response.dataset))
            seen.append(f"{association.c_store(Bytes(sop, stream.getvalue())).status:04X}")
    finally:
        server.shutdown()
    return seen


def mishaps() -> None:
    """What the other libraries say of bad values."""
    highdicom.valuerep.check_person_name("ZZMARKERSINGLE")
    dataset = Dataset()
    dataset.PatientBirthDate = BIRTH_DATE
    logging.getLogger("PIL.TiffImagePlugin").debug("tag: ImageDescription - value: %s", NAME)
    logging.getLogger("highdicom.base").warning('value is potentially invalid: "%s"', NAME)
    with pytest.raises(Exception):  # noqa: B017 - any reader's error will do
        dcmread(io.BytesIO(NAME.encode() * 20))


@pytest.mark.filterwarnings("default")
def test_nothing_of_the_patient_comes_out(talkative: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        tame_dependencies()
        seen = exchange()
        mishaps()
    assert any(NAME.partition("^")[0] in text for text in seen), "the marker patient did travel"
    printed = capfd.readouterr()
    told = [talkative.getvalue(), printed.out, printed.err, *(str(warning.message) for warning in warned)]
    assert not [text for text in told for marker in MARKERS if marker in text]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_level_of_the_programs_own_lets_no_text_out(library: str, talkative: io.StringIO) -> None:
    with warnings.catch_warnings():
        tame_dependencies()
    logging.getLogger(library).setLevel(logging.DEBUG)
    error = ValueError(NAME)
    logging.getLogger(f"{library}.anywhere").error("%s", NAME, exc_info=error, stack_info=True)
    log = talkative.getvalue()
    assert f"{library}.anywhere ERROR {__file__}" in log
    assert not [marker for marker in MARKERS if marker in log]


def test_the_sdk_s_silence_alone_would_not_do(talkative: io.StringIO) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        exchange()
        mishaps()
    assert NAME.partition("^")[0] in talkative.getvalue()
    assert any(BIRTH_DATE in str(warning.message) for warning in warned)
    assert any("ZZMARKERSINGLE" in str(warning.message) for warning in warned)


def test_pynetdicom_dumps_nothing_once_silenced(talkative: io.StringIO) -> None:
    assert [getattr(_config, switch) for switch in SWITCHES] == ["standard", True, True]
    silence_pynetdicom()
    silence_pynetdicom()
    assert [getattr(_config, switch) for switch in SWITCHES] == ["none", False, False]


def test_the_rest_of_the_program_logs_as_before(talkative: io.StringIO) -> None:
    with warnings.catch_warnings():
        tame_dependencies()
    logging.getLogger("modality_sdk.network").info("association with %s", "PACS")
    logging.getLogger("pydicomlike").info("words of %s", "somebody else")
    assert "association with PACS" in talkative.getvalue()
    assert "words of somebody else" in talkative.getvalue()


def test_deprecations_still_show(talkative: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tame_dependencies()
        with pytest.raises(DeprecationWarning):
            Dataset().is_little_endian = True


def test_taming_twice_changes_nothing_more(talkative: io.StringIO) -> None:
    with warnings.catch_warnings():
        tame_dependencies()
        factory, filters = logging.getLogRecordFactory(), list(warnings.filters)
        tame_dependencies()
        assert logging.getLogRecordFactory() is factory
        assert sorted(map(str, warnings.filters)) == sorted(map(str, filters))


def test_asking_for_identifiers_is_loud_and_changes_nothing(talkative: io.StringIO) -> None:
    with warnings.catch_warnings():
        filters = list(warnings.filters)
        tame_dependencies(log_identifiers=True)
        assert warnings.filters == filters
    assert logging.getLogRecordFactory() is logging.LogRecord
    (line,) = talkative.getvalue().splitlines()
    assert line.startswith("modality_sdk.security WARNING")


def test_of_two_callers_privacy_wins(talkative: io.StringIO) -> None:
    with warnings.catch_warnings():
        tame_dependencies()
        tame_dependencies(log_identifiers=True)
    logging.getLogger("pydicom").critical("%s", NAME)
    logging.getLogger("pydicom.x").log(logging.CRITICAL + 5, "%s", NAME)
    assert NAME not in talkative.getvalue()
