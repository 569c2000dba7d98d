"""What the worker counted and what the audit found are compared number by number."""

from typing import Any

import pytest

from drawdown.demo.reconcile import ask_counts, differences
from drawdown.demo.summary import Summary
from drawdown.errors import UserError
from drawdown.local.child import free_port

SUMMARY = Summary(
    conserved=True,
    events=9,
    rated=5,
    replayed=1,
    duplicates=2,
    forwarded=1,
    charges=4,
    drawn=2,
    overages=2,
    splits={},
    plans_expired={},
    lives={},
    credit={},
    dead_letters={"too_late": 2, "wrong_currency": 1},
    paid={},
    by_service={"USD": {"inference": {"plan": "1.25", "on demand": "0.5", "debt": "0.5"}}},
    seconds="1.0",
    events_per_second=9,
    findings=[],
)


def counts() -> dict[str, Any]:
    """Give what /counts says when all was counted right."""
    return {
        "events": {
            "plans": {
                "inference": {"rated": 3, "duplicate": 2, "refused": 2, "forwarded": 1},
                "fine-tuning": {"rated": 2},
                "command": {"rated": 7, "refused": 1},
            },
            "wallet": {"inference": {"rated": 2, "duplicate": 4}},
        },
        "rejects": {"plans": {"too_late": 2}, "wallet": {"wrong_currency": 1}},
        "amounts": {"USD": {"inference": {"plan": "1.250", "on_demand": "0.5", "debt": "0.50", "voucher": "0"}}},
    }


def test_equal_numbers_have_no_differences() -> None:
    assert differences(SUMMARY, counts()) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda told: told["events"]["plans"]["inference"].update(rated=4), "rated: 6, the log holds 5"),
        (lambda told: told["events"]["wallet"]["inference"].update(rated=1), "drawn from credit: 1"),
        (lambda told: told["events"]["plans"]["inference"].update(duplicate=3), "duplicates: 3"),
        (lambda told: told["events"]["plans"]["inference"].pop("forwarded"), "forwarded: 0"),
        (lambda told: told["events"]["plans"]["command"].pop("refused"), "refused: 2"),
        (lambda told: told["rejects"]["wallet"].clear(), "dead letters wrong_currency: 0, the log holds 1"),
        (lambda told: told["rejects"]["plans"].update(not_json=1), "dead letters not_json: 1, the log holds 0"),
        (lambda told: told["amounts"]["USD"]["inference"].update(plan="1.26"), "USD inference plan: 63/50"),
        (lambda told: told["amounts"].update(VND={"inference": {"debt": "1"}}), "VND inference debt: 1"),
    ],
)
def test_each_number_that_differs_is_named(change: Any, named: str) -> None:
    told = counts()
    change(told)
    (found,) = differences(SUMMARY, told)
    assert named in found


async def test_a_monitor_that_does_not_answer_is_an_error_for_people() -> None:
    with pytest.raises(UserError, match="does not answer"):
        await ask_counts(free_port())
