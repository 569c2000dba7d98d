"""A small, fixed log in which every rule of rating decides something: price books, and records by account.

Each account shows one rule. Amounts are small and awkward on purpose: a rule that is a little wrong shows.
"""

from itertools import count
from typing import Any

from tests.support import messages
from tests.support.messages import (
    DAY,
    HOUR,
    MINUTE,
    T0,
    Message,
    activate_plan,
    container,
    inference,
    open_account,
    price,
    timer,
    tuning,
)

from drawdown.engine.records import Record
from drawdown.wire.instants import format_instant

HANOI = "Asia/Ho_Chi_Minh"  # seven hours ahead of UTC
PRICES_CHANGE = T0 + 6 * HOUR
ALWAYS = format_instant(T0 - 300 * DAY)


def _book(name: str, version: int, since: str, hundredths: int) -> bytes:
    """A book at so many hundredths of the first one's prices."""

    def entry(service: str, meter: str, nanos: int, per: int, **dimensions: str) -> Message:
        amount = nanos * hundredths // 100
        return price(service, meter, f"{amount // 10**9}.{amount % 10**9:09d}", per, **dimensions)

    prices = [
        entry("gpu-container", "gpu_seconds", 7_200_000_000, 3_600),
        entry("gpu-container", "gpu_seconds", 10_800_000_000, 3_600, gpu_model="H100"),
        entry("gpu-container", "gpu_seconds", 9_000_000_000, 3_600, gpu_model="H100", region="hn"),
        entry("gpu-container", "storage_gb_seconds", 360_000_000, 3_600),
        entry("fine-tuning", "gpu_seconds", 5_500_000_000, 3_600),
        entry("inference", "input_tokens", 200_000_000, 1_000_000),
        entry("inference", "input_characters", 100, 200),  # a character costs half a quantum
        entry("inference", "images", 1_000_000_000, 7),
    ]
    return messages.written(messages.price_book(name, *prices, version=version, effective_from=since))


BOOKS = [
    _book("on-demand-usd", 1, ALWAYS, 100),
    _book("on-demand-usd", 2, format_instant(PRICES_CHANGE), 130),
    _book("plan-usd", 1, ALWAYS, 50),
    _book("plan-usd", 2, format_instant(T0 - DAY), 40),
]


class Account:
    """The records of one account, in the order of the log."""

    def __init__(self, name: str, time_zone: str = "UTC") -> None:
        self.name = name
        self.records: list[Record] = []
        self._numbers = count(1)
        self._command(open_account(name, time_zone=time_zone), T0 - DAY)

    def plan(self, name: str, amount: str, **change: Any) -> None:
        self._command(activate_plan(name, self.name, amount=amount, **change), T0 - DAY)

    def pause(self, plan: str, at: int, until: int) -> None:
        ident = f"pause-{plan}-{at}"
        pausing = {"command": "pause_plan", "version": 1, "id": ident, "account": self.name, "plan": plan}
        self._command(pausing | {"until": format_instant(until)}, at)

    def timer(self, at: int) -> None:
        self._command(timer(at, self.name), at)

    def use(self, message: Message, at: int) -> None:
        ident = f"{self.name}-{next(self._numbers)}"
        self.records.append(messages.structured(message | {"subject": self.name, "id": ident}, at))

    def replay(self, message: Message, at: int) -> None:
        ident = f"{self.name}-{next(self._numbers)}"
        carried = messages.structured(message | {"subject": self.name, "id": ident}, at)
        self._command(messages.replay(carried, ident=f"replay-{ident}"), at)

    def calls(self, at: int, appended: int | None = None, **data: Any) -> None:
        self.use(inference(at, **({"input_tokens": 1_000_000} | data)), at if appended is None else appended)

    def runs(self, start: int, end: int, **data: Any) -> None:
        self.use(container(start, end, **data), end)

    def tunes(self, start: int, end: int, **data: Any) -> None:
        self.use(tuning(start, end, **data), end)

    def _command(self, message: Message, at: int) -> None:
        self.records.append(messages.command(message, at))


def _scope(*services: str, **dimensions: str) -> list[Message]:
    return [{"service": service, "dimensions": dimensions} for service in services]


def order_of_plans() -> Account:
    made = Account("order")
    soon, later = format_instant(T0 + DAY), format_instant(T0 + 2 * DAY)
    made.plan("all", "0.01", end=later)
    made.plan("all-too", "0.01", end=later)
    made.plan("several", "0.01", scope=_scope("inference", "fine-tuning"), end=later)
    made.plan("open-ended", "0.01", scope=_scope("inference"))
    made.plan("later", "0.01", scope=_scope("inference"), end=later)
    made.plan("soon", "0.01", scope=_scope("inference"), end=soon)
    made.plan("product", "0.01", scope=_scope("inference", model="Q"), end=later)
    made.plan("urgent", "0.01", priority=1, end=later)
    made.calls(T0)
    return made


def quotas_and_scopes() -> Account:
    made = Account("quotas")
    made.plan("elsewhere", "50", priority=1, scope=_scope("inference", model="Q", region="hn"))
    quota = {"service": "inference", "dimensions": {"model": "Q"}, "amount": "0.03"}
    made.plan("limited", "50", quotas=[quota])
    made.calls(T0, region="sg")
    made.calls(T0 + 1, model="Z")
    made.calls(T0 + 2, region="sg")
    made.calls(T0 + 3, region="hn")
    return made


def validity_and_grace() -> Account:
    made = Account("validity")
    start, end = T0 + 2 * HOUR + 1, T0 + 4 * HOUR
    made.plan("p", "50", start=format_instant(start), end=format_instant(end), grace_seconds=3_600)
    made.runs(T0 + HOUR, end + 7, gpu_count="0.001", storage_gb="0.007")
    for at in (start - 1, start, end - 1, end):
        made.calls(at, end + HOUR - 1)
    made.calls(end - 1, end + HOUR)
    return made


def prices_over_time() -> Account:
    made = Account("prices")
    made.runs(PRICES_CHANGE - HOUR, PRICES_CHANGE + HOUR, region="hn")
    made.runs(PRICES_CHANGE, PRICES_CHANGE + HOUR, gpu_model="A30")
    made.runs(PRICES_CHANGE - HOUR, PRICES_CHANGE, region="sg")
    return made


def months_and_cycles() -> Account:
    made = Account("months", HANOI)
    made.plan("p", "5000", start="2025-12-12T05:00:00Z")
    month = T0 + 31 * DAY
    for at in (T0 + 11 * DAY + 5 * HOUR, month - 7 * HOUR, month):
        made.runs(at - HOUR, at + HOUR)
    return made


def rounding() -> Account:
    made = Account("rounding")
    made.calls(T0, input_tokens=0, images=1)
    made.calls(T0 + 1, input_tokens=0, input_characters=1)
    made.calls(T0 + 2, input_tokens=0, input_characters=3)
    made.plan("p", "0.05")
    made.calls(T0 + 3, input_tokens=0, images=1)
    return made


def order_of_pieces() -> Account:
    made = Account("pieces")
    end = T0 + 2 * HOUR
    made.plan("cuts-at-an-hour", "0.000000001", start=format_instant(T0 + HOUR), priority=9)
    made.plan("p", "8")
    made.runs(T0, end, storage_gb=5)
    return made


def jobs() -> Account:
    made = Account("jobs")
    made.tunes(T0, T0 + 8 * MINUTE)
    made.tunes(T0 + 8 * MINUTE, T0 + 16 * MINUTE, gpu_count=2, final=True)
    made.tunes(T0 + 16 * MINUTE, T0 + 17 * MINUTE)  # refused: its job is closed
    made.tunes(T0, T0 + 30 * MINUTE, job="ft-2", final=True)
    made.tunes(T0, T0 + 8 * MINUTE, job="ft-silent")
    made.timer(T0 + 2 * DAY)
    made.timer(T0 + 8 * MINUTE + 7 * DAY)
    return made


def stopped() -> Account:
    made = Account("stopped")
    made.runs(T0, T0 + HOUR, state="stopped", storage_gb=100)
    return made


def expiry_and_settlement() -> Account:
    made = Account("expiry")
    end = T0 + 10 * HOUR
    made.plan("by-time", "5", end=format_instant(end), grace_seconds=3_600)
    made.plan("by-amount", "0.1", priority=1)
    made.calls(T0)
    made.calls(T0 + 1)
    made.timer(end)
    made.calls(end - 1, end + HOUR - 2)
    made.timer(end + HOUR - 1)
    made.timer(end + HOUR)
    return made


def windows() -> Account:
    made = Account("windows")
    for late in (6 * HOUR, 6 * HOUR + 1, -5 * MINUTE, -5 * MINUTE - 1):
        made.calls(T0, T0 + late)
    for late in (3 * DAY, 3 * DAY + 1):
        made.use(container(T0 - HOUR, T0), T0 + late)
    return made


def replays() -> Account:
    made = Account("replays")
    made.plan("p", "50", end=format_instant(T0 + DAY), grace_seconds=0)
    made.replay(inference(T0, input_tokens=1_000_000), T0 + 6 * HOUR + 1)
    made.replay(container(T0 - HOUR, T0), T0 + 30 * DAY)
    made.replay(tuning(T0, T0 + 8 * MINUTE, final=True), T0 + 30 * DAY)
    made.replay(inference(T0 + 31 * DAY, input_tokens=1), T0 + 31 * DAY - 5 * MINUTE - 1)  # refused: ahead of its time
    return made


RULES = (
    order_of_plans,
    quotas_and_scopes,
    validity_and_grace,
    prices_over_time,
    months_and_cycles,
    rounding,
    order_of_pieces,
    jobs,
    stopped,
    expiry_and_settlement,
    windows,
    replays,
)


def records() -> list[Record]:
    """The whole corpus, account after account."""
    return [record for rule in RULES for record in rule().records]
