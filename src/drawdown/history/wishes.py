"""Consultation requests as sales sees them: what a customer asked for, and which plan answers it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from drawdown.history.rows import EventRow
from drawdown.wire.instants import format_instant

_SOLD: Final = "sold"
STATUSES: Final = {
    "plan_drafted": "drafted",
    "plan_offered": "offered",
    "plan_confirmed": "confirmed",
    "plan_scheduled": _SOLD,
    "plan_activated": _SOLD,
    "plan_cancelled": "cancelled",
    "plan_lapsed": "lapsed",
}
Answers = dict[tuple[str, str], tuple[str, str]]  # account, request: plan, status


@dataclass(frozen=True)
class Wish:
    """A request for a plan. scope: empty for all services. plan: that answers it, the newest of several, or null.

    status: open, or how far that plan is: drafted, offered, confirmed, sold, cancelled or lapsed.
    """

    account: str
    request: str
    date: str
    scope: list[dict[str, Any]]
    expected_usage: str
    budget: str | None
    currency: str
    contact: str
    status: str
    plan: str | None


def answers_of(events: Iterable[tuple[str, EventRow]]) -> Answers:
    """Find which plans answer which requests, and how far each is. events: of plans, the oldest first."""
    found: Answers = {}
    answered: dict[tuple[str, str], str] = {}  # account, plan: request
    for account, event in events:
        plan = event.plan or ""
        request = event.about.get("offer", {}).get("request") or answered.get((account, plan))
        if request is None:
            continue
        answered[account, plan] = request
        if found.get((account, request)) != (plan, _SOLD):  # what comes after that is the plan's own life
            found[account, request] = plan, STATUSES[event.kind]
    return found


def wish_of(account: str, currency: str, event: EventRow, answers: Mapping[tuple[str, str], tuple[str, str]]) -> Wish:
    """Write a request."""
    wish = event.about["wish"]
    plan, status = answers.get((account, wish["request"]), (None, "open"))
    return Wish(
        account=account,
        request=wish["request"],
        date=format_instant(event.appended),
        scope=wish["scope"],
        expected_usage=wish["expected_usage"],
        budget=wish["budget"],
        currency=currency,
        contact=wish["contact"],
        status=status,
        plan=plan,
    )
