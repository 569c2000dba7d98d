"""What there is before the API is asked: accounts, plans in several states, credit, a voucher code, dead letters."""

from typing import Any

from tests.support.api import Api, give
from tests.support.codes import issue_code
from tests.support.load import call, now_ms
from tests.support.messages import written

from drawdown.api.examples import BODIES
from drawdown.demo.stage import Stage
from drawdown.topics import CODE_COMMANDS
from drawdown.traces.events import Outgoing

ACCOUNT = "acme"  # of the document's examples
ACCOUNTS = (ACCOUNT, "basic")
SEEN = '"1-0123456789abcdef"'  # an ETag of a first revision, as far as a confirmation looks at it
_LETTERS = 8  # each can be replayed once
_CALLS = 20  # so that there are charges
Step = tuple[str, dict[str, Any]]
_PLAN: dict[str, Any] = BODIES["draft_plan"]
_RUNNING: dict[str, Any] = BODIES["activate_plan"] | {"end": "2199-01-01T00:00:00Z"}


def steps(account: str) -> list[Step]:
    """Give requests that open an account and make plans; the names of plans are those in schemathesis.toml."""
    at = f"/accounts/{account}"
    return [
        ("/accounts", {"account": account, "currency": "USD"}),
        (f"{at}/top-ups", {"reference": "prepared", "currency": "USD", "amount": "50.00"}),
        (f"{at}/plans", _PLAN | {"plan": "drafted"}),
        *_offered(at, "team"),
        *_offered(at, "due"),  # its payment request is number 1, as in the document's example
        (f"{at}/plans/due/confirm", {}),
        *_offered(at, "running"),
        (f"{at}/plans/running/confirm", {}),
        (f"{at}/payments", BODIES["record_payment"] | {"number": 2, "reference": "prepared"}),
        (f"{at}/plans/paused/activate", _RUNNING),
        (f"{at}/plans/paused/pause", {}),
    ]


def _offered(at: str, plan: str) -> list[Step]:
    return [(f"{at}/plans", _PLAN | {"plan": plan}), (f"{at}/plans/{plan}/offer", {"revision": 1})]


async def prepared(stage: Stage, api: Api) -> None:
    """Make all of it; the code is the one of the document's example."""
    issue = issue_code()
    refused = [call(number, now_ms(), account=ACCOUNT) for number in range(_LETTERS)]  # it is not open yet
    await stage.publish([Outgoing(CODE_COMMANDS, str(issue["code"]).encode(), written(issue), now_ms()), *refused])
    await stage.all_taken(seconds=60)
    desk = await api.client("operator")
    for account in ACCOUNTS:
        for number, (path, body) in enumerate(steps(account)):
            answer = await give(desk, "POST", path, f"prepared-{number}", body, **{"If-Match": SEEN})
            assert answer.is_success, answer.text
    await stage.publish(call(_LETTERS + number, now_ms(), account=ACCOUNT) for number in range(_CALLS))
    await stage.all_taken(seconds=60)
