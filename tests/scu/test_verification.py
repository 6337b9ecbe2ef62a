"""C-ECHO."""

import pytest

from modality_sdk.errors import AssociationRejected, Cancelled, ConnectError, DimseFailure, ResponseTimeout
from modality_sdk.model import CancelToken, Peer
from modality_sdk.network import Network
from modality_sdk.scu import Verification, VerificationScu
from modality_sdk.simulator import Hospital


@pytest.mark.req("FR-DICOM-09")
def test_a_peer_that_knows_us_answers_with_success_and_the_times_are_told(hospital: Hospital, network: Network) -> None:
    service: Verification = VerificationScu(network)
    result = service.echo(hospital.pacs.peer)
    assert result.status == 0
    assert result.ae_title == "PACS"
    assert result.association_seconds > 0
    assert result.echo_seconds > 0


@pytest.mark.req("FR-DICOM-09")
def test_a_refusal_is_a_failure_with_its_status(hospital: Hospital, network: Network) -> None:
    hospital.pacs.refuse("C-ECHO", 0x0122)
    with pytest.raises(DimseFailure) as caught:
        VerificationScu(network).echo(hospital.pacs.peer)
    assert (caught.value.service, caught.value.status) == ("C-ECHO", 0x0122)


@pytest.mark.req("FR-DICOM-09")
def test_a_wrong_ae_title_is_told_as_the_rejection_it_is(hospital: Hospital, network: Network) -> None:
    stranger = Peer(ae_title="WRONG", host=hospital.pacs.host, port=hospital.pacs.port)
    with pytest.raises(AssociationRejected) as caught:
        VerificationScu(network).echo(stranger)
    assert (caught.value.result, caught.value.source, caught.value.reason) == (1, 1, 7)


@pytest.mark.req("FR-DICOM-09")
def test_nobody_at_the_address_is_told_as_such(hospital: Hospital, network: Network) -> None:
    peer = hospital.pacs.peer
    hospital.pacs.offline()
    with pytest.raises(ConnectError):
        VerificationScu(network).echo(peer)


@pytest.mark.req("FR-DICOM-09")
def test_the_timeout_ends_the_whole_call(hospital: Hospital, network: Network) -> None:
    hospital.pacs.delay("C-ECHO", 5)
    with pytest.raises(ResponseTimeout):
        VerificationScu(network).echo(hospital.pacs.peer, timeout=0.2)


@pytest.mark.req("FR-DICOM-09")
def test_a_cancelled_token_ends_the_call(hospital: Hospital, network: Network) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        VerificationScu(network).echo(hospital.pacs.peer, cancel=token)
