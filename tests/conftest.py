"""What all tests share: a real stack, started once, when a test first asks for it."""

import logging
import os
import random
import uuid
from collections.abc import Iterator

import pytest
from tests.support.interpreted import COMPILED

from drawdown.local.stack import LocalStack

# in the environment, so that processes that share the tests draw alike
SEED = int(os.environ.setdefault("DRAWDOWN_TEST_SEED", str(random.SystemRandom().randrange(2**32))))


def pytest_report_header() -> str:
    return f"seed of random draws: {SEED}; drawdown {'compiled' if COMPILED else 'interpreted'}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pass by what needs the modules as they are written, where they are compiled."""
    for item in items if COMPILED else ():
        if item.get_closest_marker("interpreted"):
            item.add_marker(pytest.mark.skip(reason="mistakes cannot be planted in compiled modules"))


def pytest_itemcollected(item: pytest.Item) -> None:
    item._nodeid = item.nodeid  # type: ignore[attr-defined]  # mutmut 3.7 asks for what pytest 9 no longer keeps there


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """A real Kafka and a real Redis on free ports that we own."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with LocalStack() as started:
        yield started


@pytest.fixture
def prefix() -> str:
    """A prefix for topics and keys that no other test has."""
    return f"t{uuid.uuid4().hex[:10]}."
