"""The two sides of every contract: the port's twin in memory, and the real one."""

import pytest

from drawdown.local.stack import LocalStack


@pytest.fixture(params=["memory", "real"])
def servers(request: pytest.FixtureRequest) -> LocalStack | None:
    """Real servers for one side, none for the other; the stack starts only if a test of the first is asked for."""
    return request.getfixturevalue("stack") if request.param == "real" else None
