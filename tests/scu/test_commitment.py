"""Storage commitment requests."""

from collections.abc import Callable

import pytest
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    generate_uid,
)

from modality_sdk.errors import DimseFailure, InvalidValue, MissingAttribute
from modality_sdk.model import SopReference
from modality_sdk.network import Network
from modality_sdk.scu import Commitment, CommitmentScu, StorageScu
from modality_sdk.simulator import Commitment as Delivery
from modality_sdk.simulator import Hospital
from modality_sdk.transcoding import EncodedRendition

MakeObject = Callable[..., EncodedRendition]


@pytest.fixture
def service(network: Network) -> Commitment:
    return CommitmentScu(network)


@pytest.fixture
def archive(hospital: Hospital) -> Hospital:
    hospital.pacs.commitment = Delivery.NEVER
    hospital.pacs.register("XRAY1", "127.0.0.1", 1)
    return hospital


@pytest.mark.req("FR-DICOM-05")
def test_the_peer_is_asked_for_class_and_instance_of_each_object_once(
    archive: Hospital, network: Network, service: Commitment, make_object: MakeObject
) -> None:
    objects = [make_object(), make_object(ComputedRadiographyImageStorage)]
    StorageScu(network).store(archive.pacs.peer, objects)
    references = [one.sop for one in objects]
    transaction = generate_uid()
    service.request(archive.pacs.peer, transaction, [*references, references[0]])
    asked = archive.pacs.transactions[transaction]
    assert sorted(asked.references) == sorted(references)
    assert asked.calling_ae_title == "XRAY1"


@pytest.mark.req("FR-DICOM-05")
def test_a_refusal_is_a_failure_with_its_status(
    archive: Hospital, service: Commitment, make_object: MakeObject
) -> None:
    archive.pacs.refuse("N-ACTION", 0x0213)
    with pytest.raises(DimseFailure) as caught:
        service.request(archive.pacs.peer, generate_uid(), [make_object().sop])
    assert (caught.value.service, caught.value.status) == ("N-ACTION", 0x0213)


@pytest.mark.req("FR-DICOM-05")
def test_a_request_for_nothing_is_not_sent(archive: Hospital, service: Commitment) -> None:
    with pytest.raises(MissingAttribute, match="ReferencedSOPSequence"):
        service.request(archive.pacs.peer, generate_uid(), [])
    assert archive.pacs.exchanges == []


@pytest.mark.req("FR-DICOM-05")
def test_one_object_with_two_classes_is_not_asked_for(archive: Hospital, service: Commitment) -> None:
    uid = generate_uid()
    references = [
        SopReference(sop_class_uid=sop_class, sop_instance_uid=uid)
        for sop_class in (ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation)
    ]
    with pytest.raises(InvalidValue, match="ReferencedSOPSequence"):
        service.request(archive.pacs.peer, generate_uid(), references)
    assert archive.pacs.exchanges == []


@pytest.mark.req("FR-DICOM-05")
def test_a_transaction_without_a_legal_uid_is_not_sent(
    archive: Hospital, service: Commitment, make_object: MakeObject
) -> None:
    with pytest.raises(InvalidValue, match="TransactionUID"):
        service.request(archive.pacs.peer, "not a UID", [make_object().sop])
    assert archive.pacs.exchanges == []
