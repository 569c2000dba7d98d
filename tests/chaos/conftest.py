"""Each chaos test has a ground of its own and tells a report what it did."""

import logging
import re
import time
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
from tests.chaos.ground import Ground, ground
from tests.chaos.report import Told

from drawdown.local.child import free_port
from drawdown.local.kafka import KafkaBroker

_PHASES = pytest.StashKey[dict[str, pytest.TestReport]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash.setdefault(_PHASES, {})[report.when] = report
    return report


@pytest.fixture
def told(request: pytest.FixtureRequest) -> Iterator[Told]:
    """What this test did; written to the report when it ends, however it ends."""
    found = re.search(r"test_row_(\d+)", request.node.path.name)
    assert found is not None
    made = Told(int(found[1]), request.node.name.removeprefix("test_"))
    began_ms = time.monotonic_ns() // 1_000_000
    yield made
    took_ms = time.monotonic_ns() // 1_000_000 - began_ms
    made.seconds = f"{took_ms // 1_000}.{took_ms % 1_000 // 100}"
    report = request.node.stash.get(_PHASES, {}).get("call")
    made.result = "passed" if report is not None and report.passed and made.times else "failed"
    made.write()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A Kafka that tests share which do nothing to it; each puts a proxy of its own before it."""
    made = KafkaBroker(tmp_path_factory.mktemp("kafka"), proxy_port=free_port())
    made.start()
    yield made
    made.kill()


@pytest.fixture
async def land(tmp_path: Path, broker: KafkaBroker) -> AsyncIterator[Ground]:
    """A Redis of the test's own and the shared Kafka, behind proxies."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    async with ground(tmp_path, kafka=broker) as made:
        yield made


@pytest.fixture
async def own_land(tmp_path: Path) -> AsyncIterator[Ground]:
    """A Kafka and a Redis of the test's own, behind proxies."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    async with ground(tmp_path) as made:
        yield made
