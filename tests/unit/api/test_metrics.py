"""What the API counts of itself, and that no label tells of whom."""

from itertools import product

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.fake_api import OWN, FakeApi
from tests.support.requests import HEADERS, REQUESTS, of_account
from tests.support.watching import Samples, total

from drawdown.api.counts import ApiCounts
from drawdown.api.monitor import ApiCollector
from drawdown.metrics import API_METRICS, LABELS


def shown(counts: ApiCounts) -> Samples:
    registry = CollectorRegistry()
    registry.register(ApiCollector(counts))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


async def test_requests_are_counted_by_route_method_and_status() -> None:
    api = FakeApi()
    async with api.client(api.keyring.draw("operator")) as client:
        for path in (f"/v1/accounts/{OWN}", "/v1/accounts/other", "/v1/accounts/nobody", "/nowhere/acc"):
            await client.get(path)
        await client.request("BREW", "/v1/accounts/acc")
        wish = {"service": "inference", "hourly_cost": "2.50"}
        await client.post(f"/v1/accounts/{OWN}/authorize", json=wish)
    samples = shown(api.counts)
    name, account = "drawdown_api_requests_total", "/v1/accounts/{account}"
    assert total(samples, name, route=account, method="GET", status="2xx") == 2
    assert total(samples, name, route=account, method="GET", status="4xx") == 1
    assert total(samples, name, route="none", method="GET", status="4xx") == 1
    assert total(samples, name, method="other", status="4xx") == 1
    assert total(samples, name, route=f"{account}/authorize", method="POST", status="2xx") == 1
    assert total(samples, "drawdown_api_request_seconds_count", route=account) >= 3
    assert total(samples, "drawdown_api_request_seconds_sum", route=account) > 0


async def test_labels_hold_what_is_declared_and_never_whose_it_is() -> None:
    api = FakeApi()
    keys = [api.keyring.draw("operator"), "dd_aaaaaaaa_" + "a" * 43]
    for asked, key in product(REQUESTS.values(), keys):
        request = of_account(asked, OWN)
        async with api.client(key) as client:
            await client.request(request.method, request.path, json=request.body, headers=HEADERS)
    routes = {*api.app.openapi()["paths"], "none"}
    names = {shown for metric in API_METRICS for shown in metric.shown} | {"drawdown_build_info"}
    samples = shown(api.counts)
    assert {name for name, _ in samples} == names
    for name, labels in samples:
        for label, value in labels:
            if label == "route":
                assert value in routes
            elif label != "le" and name != "drawdown_build_info":
                assert value in LABELS[label]


def test_what_is_of_a_closed_set_starts_at_zero() -> None:
    samples = shown(ApiCounts())
    for decision in LABELS["decision"]:
        assert samples["drawdown_api_decisions_total", frozenset({("decision", decision)})] == 0
    assert samples["drawdown_api_decisions_waiting", frozenset()] == 0


@pytest.mark.parametrize(("status", "told"), [(204, "2xx"), (503, "5xx"), (0, "none")])
def test_a_caller_that_is_gone_has_no_status(status: int, told: str) -> None:
    counts = ApiCounts()
    counts.answered(None, "GET", status, 1)
    assert counts.requests == {("none", "GET", told): 1}


async def test_the_apis_own_port_does_not_show_them() -> None:
    api = FakeApi()
    async with api.client(api.keyring.draw("operator")) as client:
        assert (await client.get("/metrics")).status_code == 404
