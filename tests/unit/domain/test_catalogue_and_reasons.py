"""Closed sets: the services of the catalogue, the reasons of refusals."""

import pytest

from drawdown.domain.catalogue import SERVICES, service
from drawdown.domain.errors import REASONS, Reject


def test_a_service_of_the_catalogue_is_found_by_its_name_and_another_is_refused() -> None:
    assert [service(name).name for name in SERVICES] == list(SERVICES)
    with pytest.raises(Reject, match="unknown_service: service 'gpu' is not in the catalogue: gpu-container"):
        service("gpu")


def test_a_refusal_has_a_reason_of_the_closed_set() -> None:
    refused = Reject("too_late", "5 days")
    assert refused.code in REASONS
    assert str(refused) == "too_late: 5 days"
    with pytest.raises(ValueError, match="unknown reason code 'late': add it to REASONS"):
        Reject("late", "5 days")
