"""The error tree: what can be caught as what, what a message shows."""

import inspect
from collections.abc import Callable

import pytest

from modality_sdk import errors
from modality_sdk.errors import (
    AssociationAborted,
    AssociationRejected,
    Cancelled,
    ConfigurationError,
    ConnectError,
    DimseFailure,
    InvalidValue,
    IodError,
    LossyNotAllowed,
    MissingAttribute,
    ModalityError,
    NegotiationError,
    PoolTimeout,
    QueueCorrupt,
    QueueError,
    QueueFull,
    ResponseTimeout,
    StateError,
    TlsError,
    TransportError,
)
from modality_sdk.status import Action, Category, rejection


@pytest.mark.req("FR-DICOM-09")
@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (ConfigurationError, (ModalityError, ValueError)),
        (MissingAttribute, (IodError,)),
        (InvalidValue, (IodError, ValueError)),
        (LossyNotAllowed, (IodError,)),
        (StateError, (ModalityError,)),
        (Cancelled, (ModalityError,)),
        (ConnectError, (TransportError,)),
        (TlsError, (TransportError,)),
        (PoolTimeout, (TransportError, TimeoutError)),
        (AssociationRejected, (TransportError,)),
        (AssociationAborted, (TransportError,)),
        (ResponseTimeout, (TransportError, TimeoutError)),
        (NegotiationError, (ModalityError,)),
        (DimseFailure, (ModalityError,)),
        (QueueCorrupt, (QueueError,)),
        (QueueFull, (QueueError,)),
    ],
)
def test_an_error_is_caught_as_its_kind(error: type[ModalityError], bases: tuple[type[Exception], ...]) -> None:
    assert issubclass(error, bases[0])
    assert all(issubclass(error, base) for base in bases)


@pytest.mark.req("FR-DICOM-09")
def test_every_public_error_stands_under_the_root() -> None:
    defined = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == errors.__name__
    }
    assert defined == set(errors.__all__)
    assert all(issubclass(getattr(errors, name), ModalityError) for name in errors.__all__)


@pytest.mark.req("FR-DICOM-08")
@pytest.mark.parametrize(
    ("make", "retryable", "ambiguous"),
    [
        (lambda: ConnectError("host", 104, "refused"), True, False),
        (lambda: TlsError("expired"), False, False),
        (lambda: PoolTimeout("busy"), True, False),
        (lambda: AssociationAborted("closed"), True, True),
        (lambda: AssociationAborted("closed", ambiguous=False), True, False),
        (lambda: ResponseTimeout("late"), True, True),
        (lambda: Cancelled("by the caller"), False, True),
        (lambda: NegotiationError("nothing"), False, False),
        (lambda: AssociationRejected(rejection(1, 1, 3), "PACS"), False, False),
        (lambda: AssociationRejected(rejection(2, 3, 2), "PACS"), True, False),
        (lambda: DimseFailure("C-STORE", 0xA700), True, False),
        (lambda: DimseFailure("C-STORE", 0xA900), False, False),
        (lambda: StateError("final"), False, False),
    ],
)
def test_an_error_says_whether_to_retry_and_whether_the_peer_may_have_acted(
    make: Callable[[], ModalityError], retryable: bool, ambiguous: bool
) -> None:
    error = make()
    assert error.retryable is retryable
    assert error.ambiguous is ambiguous


@pytest.mark.req("FR-DICOM-09")
def test_a_configuration_error_names_setting_rule_and_value() -> None:
    error = ConfigurationError("peers.pacs.port", "a port lies between 1 and 65535", 0)
    assert (error.field, error.rule, error.value) == ("peers.pacs.port", "a port lies between 1 and 65535", 0)
    assert str(error) == "peers.pacs.port: a port lies between 1 and 65535, not 0"
    assert str(ConfigurationError("ae_title", "is required")) == "ae_title: is required"


@pytest.mark.req("FR-DICOM-09")
def test_a_rejection_gives_result_source_reason_and_their_meaning() -> None:
    error = AssociationRejected(rejection(1, 1, 7), "PACS")
    assert (error.result, error.source, error.reason) == (1, 1, 7)
    assert "PACS" in str(error)
    assert "called AE title not recognized" in str(error)
    assert "permanent" in str(error)


@pytest.mark.req("NFR-SEC-01")
def test_the_free_text_of_a_peer_stays_out_of_the_message() -> None:
    error = DimseFailure(
        "N-SET", 0x0110, error_id=0xA710, comment="Doe^Jane is locked", offending_elements=["PatientName"]
    )
    assert error.comment == "Doe^Jane is locked"
    assert "Doe" not in str(error)
    assert "Doe" not in repr(error)
    assert "0110, error ID A710" in str(error)
    assert "[PatientName]" in str(error)


@pytest.mark.req("FR-DICOM-01")
def test_a_failure_carries_its_verdict() -> None:
    error = DimseFailure("C-STORE", 0xC123)
    assert error.category is Category.FAILURE
    assert error.verdict.action is Action.RETRY
    assert error.status == 0xC123


@pytest.mark.req("NFR-QUAL-01")
def test_an_object_error_names_attribute_and_rule() -> None:
    error = MissingAttribute("BodyPartExamined", "is required (PS3.3 C.8.11.2)")
    assert (error.attribute, error.rule) == ("BodyPartExamined", "is required (PS3.3 C.8.11.2)")
    assert str(error) == "BodyPartExamined: is required (PS3.3 C.8.11.2)"


@pytest.mark.req("FR-DICOM-09")
def test_a_negotiation_error_lists_what_was_proposed_in_vain() -> None:
    assert NegotiationError("nothing accepted", ["1.2", "1.3"]).rejected == ("1.2", "1.3")
