"""How many random examples a property is tried with: the same in every `make test`, others in `make properties`."""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("DRAWDOWN_EXAMPLES_TIMES", "0"))


def examples(count: int) -> settings:
    """Give the settings of a property; drawn alike each time, unless so many times as many are asked for."""
    return settings(
        max_examples=count * max(TIMES, 1),
        derandomize=not TIMES,
        deadline=None,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
    )
