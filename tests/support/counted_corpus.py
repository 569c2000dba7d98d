"""A small, fixed log in which every rule of tiers, packages and their counters decides something."""

from typing import Any

from tests.support import messages
from tests.support.corpus import ALWAYS, HANOI, PRICES_CHANGE, Account
from tests.support.messages import DAY, HOUR, T0, Message, inference, price

from drawdown.wire.instants import format_instant

FEBRUARY = T0 + 31 * DAY
CYCLE = T0 + 11 * DAY + 5 * HOUR  # of a plan that started a month earlier


def _book(name: str, version: int, since: str, factor: int) -> bytes:
    """Output tokens in tiers up to 10 and 30, cached ones in packages of 10, seconds of an L4 up to an hour and two."""

    def tiers(meter: str, per: int, *bounds: int, service: str = "inference", **dimensions: str) -> Message:
        entry = price(service, meter, "", per, **dimensions)
        del entry["unit_price"]
        told = [{"up_to": bound, "unit_price": f"{factor}.0000000{place}5"} for place, bound in enumerate(bounds, 1)]
        return entry | {"model": "graduated", "tiers": [*told, {"unit_price": f"0.{factor}"}]}

    entries = [
        tiers("output_tokens", 7, 10, 30),
        tiers("gpu_seconds", 3_600, 3_600, 7_200, service="gpu-container", gpu_model="L4"),
        price("inference", "cached_input_tokens", f"{factor}.000000001", 10) | {"model": "package"},
        price("inference", "input_tokens", "1", 1),
    ]
    return messages.written(messages.price_book(name, *entries, version=version, effective_from=since))


BOOKS = [
    _book("on-demand-usd", 1, ALWAYS, 4),
    _book("on-demand-usd", 2, format_instant(PRICES_CHANGE), 6),
    _book("plan-usd", 1, ALWAYS, 2),
]


def _out(account: Account, at: int, tokens: int, **more: Any) -> None:
    account.calls(at, input_tokens=0, output_tokens=tokens, **more)


def _cached(account: Account, at: int, tokens: int, **more: Any) -> None:
    account.calls(at, input_tokens=0, cached_input_tokens=tokens, **more)


def tiers() -> Account:
    made = Account("tiers")
    for number, tokens in enumerate((9, 1, 1, 30, 5)):
        _out(made, T0 + number, tokens)
    _out(made, PRICES_CHANGE, 5, model="Z")
    return made


def packages() -> Account:
    made = Account("packages")
    for number, tokens in enumerate((9, 1, 1, 9, 25, 15, 1)):
        _cached(made, T0 + number, tokens)
    return made


def models_count_together() -> Account:
    made = Account("models")
    _out(made, T0, 9, model="Q")
    _out(made, T0 + 1, 9, model="Z")
    return made


def cycles_of_a_plan() -> Account:
    made = Account("cycles", HANOI)
    made.plan("p", "5000", start="2025-12-12T05:00:00Z")
    for use in (_out, _cached):
        use(made, CYCLE - 1, 7)
        use(made, CYCLE, 7)
        use(made, CYCLE - 2, 7, appended=CYCLE + HOUR)
    made.runs(CYCLE - HOUR, CYCLE + HOUR, gpu_model="L4", gpu_count=2)
    return made


def months_on_demand() -> Account:
    made = Account("counted-months", HANOI)
    for at in (FEBRUARY - 7 * HOUR - 1, FEBRUARY - 7 * HOUR, FEBRUARY - 1, FEBRUARY):
        _out(made, at, 9)
        _cached(made, at, 9)
    made.runs(FEBRUARY - 8 * HOUR, FEBRUARY - 6 * HOUR, gpu_model="L4", gpu_count=2)
    return made


def plans_that_run_out() -> Account:
    made = Account("out")
    made.plan("first", "5.3", priority=1)
    made.plan("second", "4.1", priority=2)
    for number in range(3):
        _out(made, T0 + number, 19)
        _cached(made, T0 + number, 7)
    return made


def quotas_leave_the_counter() -> Account:
    made = Account("left")
    made.plan("p", "500", quotas=[{"service": "inference", "dimensions": {"model": "Q"}, "amount": "3.3"}])
    _out(made, T0, 19, model="Q")
    _out(made, T0 + 1, 9, model="Z")
    _out(made, T0 + 2, 9, model="Q")
    _out(made, T0 + 3, 9, model="Z")
    return made


def pauses_move_the_cycle() -> Account:
    made = Account("paused")
    made.plan("p", "500", start="2025-12-12T05:00:00Z")
    _out(made, CYCLE - 2 * DAY, 9)
    made.pause("p", CYCLE - DAY, CYCLE + DAY)
    for at in (CYCLE - 1, CYCLE + DAY, CYCLE + 2 * DAY - 1, CYCLE + 2 * DAY):
        _out(made, at, 5)
    return made


def replays_of_closed_months() -> Account:
    made = Account("closed", HANOI)
    closes = FEBRUARY - 7 * HOUR + 33 * DAY
    _out(made, T0 + HOUR, 9)
    for at in (closes, closes, closes + 1, closes + 1):
        made.replay(inference(T0 + 2 * HOUR, output_tokens=9), at)
    _out(made, closes + 2, 9)
    made.replay(inference(T0 + 2 * HOUR, output_tokens=9), closes)
    return made


COUNTED_RULES = (
    tiers,
    packages,
    models_count_together,
    cycles_of_a_plan,
    months_on_demand,
    plans_that_run_out,
    quotas_leave_the_counter,
    pauses_move_the_cycle,
    replays_of_closed_months,
)
