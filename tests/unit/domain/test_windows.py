"""The accept windows, judged by append time against event time, and what is forgotten when."""

import pytest
from tests.support.domain import DAY, HOUR, T0, World, container, tokens, tuning

from drawdown.domain.errors import Reject
from drawdown.domain.limits import SKEW_MS
from drawdown.domain.model import Usage
from drawdown.domain.policy import Policy

POLICY = Policy.default()
LENGTH = HOUR
USAGE = {
    "inference": (tokens(1_000, T0), 6 * HOUR),
    "gpu-container": (container(T0 - LENGTH, T0), 3 * DAY),
    "fine-tuning": (tuning(T0 - LENGTH, T0), 3 * DAY),
}


def refused(usage: Usage, at: int) -> str:
    world = World()
    try:
        world.use(usage, at)
    except Reject as reject:
        return reject.code
    return ""


@pytest.mark.parametrize("service", USAGE)
def test_usage_is_accepted_until_its_window_ends_and_a_millisecond_later_is_too_late(service: str) -> None:
    usage, window = USAGE[service]
    assert refused(usage, T0 + window) == ""
    assert refused(usage, T0 + window + 1) == "too_late"


@pytest.mark.parametrize("service", USAGE)
def test_usage_may_be_ahead_of_its_append_by_the_skew(service: str) -> None:
    usage, _ = USAGE[service]
    assert refused(usage, T0 - SKEW_MS) == ""
    assert refused(usage, T0 - SKEW_MS - 1) == "in_the_future"


def test_the_end_of_an_interval_counts_and_not_its_start() -> None:
    assert refused(container(T0 - DAY, T0), T0 + 3 * DAY) == ""


@pytest.mark.parametrize("service", USAGE)
def test_an_id_is_remembered_as_long_as_a_copy_could_be_accepted(service: str) -> None:
    usage, _ = USAGE[service]
    last = POLICY.forget_at(service, T0)
    assert refused(usage, last) == "too_late"
    assert last - T0 == POLICY.window_ms(service) + SKEW_MS


def test_windows_are_settings_by_service() -> None:
    policy = Policy({"fine-tuning": HOUR}, 2 * HOUR, 0)
    policy.check("fine-tuning", T0, T0 + HOUR)
    policy.check("inference", T0, T0 + 2 * HOUR)
    for service, at in (("fine-tuning", T0 + HOUR + 1), ("inference", T0 + 2 * HOUR + 1), ("inference", T0 - 1)):
        with pytest.raises(Reject):
            policy.check(service, T0, at)


def test_a_closed_job_is_remembered_as_long_as_its_late_usage_could_be_accepted() -> None:
    world = World()
    world.use(tuning(T0, T0 + HOUR, final=True))
    forget_at = POLICY.forget_at("fine-tuning", T0 + HOUR)
    late = tuning(forget_at - HOUR, forget_at)
    with pytest.raises(Reject, match="job_closed"):
        world.use(late, forget_at)
    world.use(late, forget_at + 1)  # a new job under an old name
    assert world.state is not None
    assert [(job.total_ms, job.closed) for job in world.state.jobs] == [(HOUR, False)]
