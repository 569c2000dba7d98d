"""A small, fixed log in which every rule of the wallet decides something. Each account shows one rule."""

from itertools import count
from typing import Any

from tests.support import wallet_messages as messages
from tests.support.codes import CODE, redeem_code
from tests.support.messages import DAY, HOUR, T0, Message, open_account, timer
from tests.support.wallet_raters import FORFEIT_AFTER

from drawdown.engine.records import Record
from drawdown.wire.instants import format_instant

SOON, LATER = T0 + DAY, T0 + 9 * DAY
FORFEITED = SOON + FORFEIT_AFTER
Q = {"model": "Q"}


def scope(*services: str, **dimensions: str) -> list[Message]:
    return [{"service": service, "dimensions": dimensions} for service in services]


class Account:
    """The records of one wallet, in the order of the log."""

    def __init__(self, name: str, currency: str = "USD") -> None:
        self.name = name
        self.records: list[Record] = []
        self._currency = currency
        self._seqs = count(1)
        self._numbers = count(1)
        self.command(open_account(name, currency=currency))

    def command(self, message: Message, at: int = T0) -> None:
        ident = f"{self.name}-{next(self._numbers)}"
        self.records.append(messages.record(message | {"account": self.name, "id": ident}, at))

    def voucher(self, name: str, amount: str = "1", *, expires: int = SOON, at: int = T0, **change: Any) -> None:
        told = change if "split" in change else {"amount": amount} | change
        told = {"currency": self._currency, "expires": format_instant(expires)} | told
        self.command(messages.grant_voucher(name, **told), at)

    def answer(self, redemption: str, *, at: int = T0, refused: str = "", **terms: Any) -> None:
        """Let the codes ledger answer a try."""
        message: Message = {"command": "code_answer", "version": 1, "redemption": redemption, "code": CODE}
        told = {"campaign": "spring", "currency": self._currency, "priority": 100, "per_account_max": 1}
        told |= {"parts": [{"scope": [], "others_than": [], "amount": "10"}], "expires": None, "valid_ms": None}
        self.command(message | ({"refused": refused} if refused else {"terms": told | terms}), at)

    def top_up(self, name: str, amount: str = "25", *, at: int = T0, **change: Any) -> None:
        self.command(messages.top_up(name, **({"currency": self._currency, "amount": amount} | change)), at)

    def adjust(self, name: str, amount: str, *, at: int = T0, **change: Any) -> None:
        self.command(messages.adjust(name, currency=self._currency, amount=amount, **change), at)

    def limit(self, limit: str | None, *, at: int = T0, **change: Any) -> None:
        self.command(messages.debt_limit(limit=limit, **({"currency": self._currency} | change)), at)

    def use(self, total: str, *, time: int = T0, at: int | None = None, **change: Any) -> None:
        """Draw the next overage."""
        told = {"currency": self._currency} | change
        message = messages.overage(next(self._seqs), total, self.name, time=time, **told)
        self.records.append(messages.record(message, time if at is None else at))

    def again(self) -> None:
        """Read the newest record once more."""
        self.records.append(self.records[-1])

    def timer(self, at: int) -> None:
        self.command(timer(at), at)


def order_of_vouchers() -> Account:
    made = Account("order")
    made.voucher("all", expires=LATER)
    made.voucher("all-too", expires=LATER)
    others = [{"service": "gpu-container", "amount": "1"}, {"others": True, "amount": "1"}]
    made.voucher("others", split=others, expires=LATER)
    made.voucher("several", scope=scope("inference", "fine-tuning"), expires=LATER)
    made.voucher("later", scope=scope("inference"), expires=LATER)
    made.voucher("soon", scope=scope("inference"))
    made.voucher("product", scope=scope("inference", **Q), expires=LATER)
    made.voucher("urgent", priority=1, expires=LATER)
    made.top_up("first")
    made.top_up("second", "30")
    made.use("5.5")
    made.use("30")
    made.use("60")
    return made


def scopes_and_splits() -> Account:
    made = Account("scopes")
    made.voucher("tuning", "50", scope=scope("fine-tuning"))
    made.voucher("product", "50", scope=scope("inference", model="Z"))
    made.voucher("starter", split=[{"service": "gpu-container", "amount": "2"}, {"others": True, "amount": "3"}])
    made.top_up("t")
    made.use("1")
    made.use("3", service="gpu-container")
    made.use("4", service="notebook")
    made.use("60", service="fine-tuning")
    return made


def expiry() -> Account:
    made = Account("expiry")
    made.voucher("v", "10")
    made.voucher("long", "10", expires=LATER, priority=200)
    for time in (SOON, SOON + 1):
        made.use("1", time=time)
    made.use("1", time=SOON, at=FORFEITED - 1)
    made.timer(SOON)
    made.timer(FORFEITED - 1)
    made.use("1", time=SOON, at=FORFEITED - 1)
    made.timer(FORFEITED)
    made.use("1", time=SOON, at=FORFEITED)
    made.voucher("too-late", at=FORFEITED)
    made.voucher("just", at=FORFEITED - 1)
    return made


def debt() -> Account:
    made = Account("debt")
    made.use("40")
    made.top_up("a")
    made.top_up("b")
    made.use("12")
    made.adjust("goodwill", "1.5")
    made.adjust("more", "2")
    return made


def corrections() -> Account:
    made = Account("corrections")
    made.top_up("a")
    made.top_up("b")
    made.voucher("v")
    made.adjust("back", "-30")
    made.adjust("back-too", "-30")
    made.use("2")
    return made


def refusals() -> Account:
    made = Account("refusals")
    made.command(open_account("refusals"))
    made.top_up("a", "24.999999999")
    made.top_up("a")
    made.top_up("a")
    made.top_up("foreign", "500000", currency="VND")
    made.voucher("v", "0")
    made.voucher("v", "2")
    made.voucher("v", "2")
    made.voucher("a")  # ids of payments and vouchers are apart
    made.voucher("foreign", currency="VND")
    made.adjust("n", "0")
    made.adjust("n", "1")
    made.adjust("n", "1")
    made.use("1", currency="VND")
    made.use("1")
    return made


def seqs() -> Account:
    made = Account("seqs")
    made.use("1")
    made.again()
    made.use("2")
    made.again()
    return made


def dong() -> Account:
    made = Account("dong", "VND")
    made.top_up("less", "499999.999999")
    made.top_up("t", "500000")
    made.use("0.000001")
    return made


def codes() -> Account:
    """Codes that are granted, refused by the codes ledger, refused by the wallet, and tried too often."""
    made = Account("codes")
    for number in range(12):  # the last two are too many
        made.command(redeem_code("codes", redemption=f"r-{number}"))
    made.answer("r-0", expires=format_instant(LATER))
    made.answer("r-1", campaign="autumn", valid_ms=5 * DAY, at=T0 + DAY)
    made.answer("r-2", valid_ms=DAY, at=T0 + DAY)  # one of its campaign is enough
    made.answer("r-3", campaign="yen", currency="JPY", valid_ms=DAY, at=T0 + DAY)
    made.answer("r-4", campaign="old", expires=format_instant(SOON), at=FORFEITED)
    made.command(redeem_code("codes", redemption="r-0"), FORFEITED)
    made.command(redeem_code("codes", redemption="r-12"), FORFEITED)
    for number in (5, 6, 7, 8, 9, 12):
        made.answer(f"r-{number}", refused="wrong_code", at=FORFEITED)
    made.use("4", time=T0 + 2 * DAY, at=FORFEITED)
    made.use("12", time=T0 + 6 * DAY, at=FORFEITED)
    return made


def debt_limit() -> Account:
    """The limit is reached at its very amount, once until debt is paid back below it; also by a new, lower limit."""
    made = Account("limit")
    made.limit("30")
    made.use("29.999999999")
    made.use("0.000000001")
    made.use("5")
    made.top_up("a", "25")
    made.use("19")
    made.use("2")
    made.limit("20")
    made.limit(None)
    made.limit("60", currency="VND")
    made.limit("32")
    made.limit("31")
    made.adjust("back", "-1")
    made.limit("0")
    made.top_up("b", "40")
    made.limit("1")
    made.limit("0")
    made.use("7")
    made.use("1")
    made.use("1")
    return made


def adjustments() -> Account:
    """A grant is credit, a write-off lessens debt alone, and only a correction may take back."""
    made = Account("adjustments")
    made.adjust("less", "-1", kind="grant")
    made.adjust("nothing-owed", "1", kind="write_off")
    made.use("12")
    made.adjust("gift", "2", kind="grant")
    made.adjust("too-much", "10.000000001", kind="write_off")
    made.adjust("off", "-4", kind="write_off")
    made.adjust("off", "4", kind="write_off")
    made.adjust("off", "4", kind="write_off")
    made.adjust("rest", "6", kind="write_off")
    made.adjust("plus", "3", kind="correction")
    made.adjust("more", "2", kind="grant")
    made.adjust("minus", "-4", kind="correction")
    made.use("1")
    return made


def low_balance() -> Account:
    """An hour like the newest is paid in thought by what is left; told once until credit lifts it."""
    made = Account("low")
    made.top_up("a", "30")
    made.use("15", time=T0 + HOUR - 1)  # 15 left, and an hour takes 15
    made.use("1", time=T0 + HOUR)  # 14 left: the hour before took 15
    made.use("2", time=T0 + HOUR)
    made.top_up("b", "25", at=T0 + HOUR)  # 37 left: armed again
    made.use("9", time=T0 + 2 * HOUR)
    made.use("10", time=T0 + 3 * HOUR)
    made.use("9", time=T0 + 4 * HOUR - 1)  # 9 left, 19 in this hour
    made.use("1", time=T0 + 6 * HOUR)
    made.voucher("tuning", "30", scope=scope("fine-tuning"), at=T0 + 6 * HOUR, expires=T0 + 7 * HOUR)
    made.use("5", time=T0 + 6 * HOUR)  # 3 left beside the voucher
    made.use("29", service="fine-tuning", time=T0 + 7 * HOUR)
    made.voucher("all", "9", at=T0 + 7 * HOUR, expires=T0 + 8 * HOUR)
    made.voucher("soon-over", "90", at=T0 + 9 * HOUR, expires=T0 + 9 * HOUR)
    made.use("5", time=T0 + 9 * HOUR)
    made.use("1", time=T0 + 9 * HOUR, at=T0 + 9 * HOUR + 1)
    made.top_up("c", "25", at=T0 + 20 * HOUR)
    made.use("24", service="gpu-container", time=T0 + 20 * HOUR, start=format_instant(T0))  # 1.2 an hour
    made.use("1", time=T0 + 20 * HOUR)
    made.use("0.5", time=T0 + 20 * HOUR)
    made.adjust("too-little", "0.1", at=T0 + 20 * HOUR, kind="grant")
    made.use("0.1", time=T0 + 20 * HOUR)
    made.top_up("d", at=T0 + 20 * HOUR)
    made.use("0.2", time=T0 + 20 * HOUR, start=format_instant(T0 + 20 * HOUR - 1000))  # no more than that
    return made


def low_by_scope() -> Account:
    """Credit for one service covers no other; what it covers is not asked of top-ups."""
    made = Account("low-by-scope")
    made.voucher("calls", "100", scope=scope("inference", **Q), expires=LATER)
    made.voucher(
        "split", split=[{"service": "fine-tuning", "amount": "9"}, {"others": True, "amount": "5"}], expires=LATER
    )
    made.top_up("a", "25")
    made.use("40")
    made.use("14", service="gpu-container")
    made.use("1", service="gpu-container")
    made.use("9", service="fine-tuning")
    made.top_up("b", "40")
    made.adjust("back", "-30")
    made.use("1", at=T0 + 2 * HOUR)
    made.use("21", service="gpu-container", at=T0 + 2 * HOUR)
    return made


def low_by_width() -> Account:
    """Narrower credit covers first; a part for other services covers those."""
    made = Account("low-by-width")
    made.voucher("all", "25", expires=LATER)
    made.voucher("gpus", "20", scope=scope("gpu-container"), expires=LATER, priority=200)
    made.use("10")
    made.use("5", service="gpu-container")  # 10 left for all
    made.use("5", service="gpu-container")
    made.top_up("a", "25")
    split = [{"service": "fine-tuning", "amount": "1"}, {"others": True, "amount": "50"}]
    made.voucher("split", split=split, expires=LATER, priority=200)
    made.use("15", service="fine-tuning")
    made.adjust("back", "-5")
    return made


def late_reminders() -> Account:
    """Those of a worker that was down are sent late, in order, and not twice."""
    made = Account("late")
    made.voucher("v", "10", expires=T0 + 31 * DAY)
    made.voucher("w", "10", expires=T0 + 32 * DAY)
    made.use("1")
    made.timer(T0 + 31 * DAY + 1)
    made.timer(T0 + 31 * DAY + 2)
    return made


def reminders() -> Account:
    """30, 7 and 1 day before a voucher expires, once each, late ones too; those before its grant are left out."""
    made = Account("reminders")
    end = T0 + 40 * DAY
    made.voucher("v", "10", expires=end)
    made.voucher("w", "10", expires=end, priority=200)
    made.voucher("at-thirty", "1", expires=end + 1, at=end + 1 - 30 * DAY, priority=300)
    made.timer(end - 30 * DAY - 1)
    made.timer(end - 30 * DAY)
    made.timer(end - 30 * DAY + 1)
    made.use("10.5", time=end - 10 * DAY)
    made.timer(end - 7 * DAY + 1)
    made.command(redeem_code("reminders"), end - 7 * DAY + 1)
    made.answer("r", valid_ms=7 * DAY, at=end - 7 * DAY + 1)
    made.timer(end + 5 * DAY)
    return made


RULES = (
    order_of_vouchers,
    scopes_and_splits,
    expiry,
    debt,
    corrections,
    refusals,
    seqs,
    dong,
    codes,
    debt_limit,
    adjustments,
    low_balance,
    low_by_scope,
    low_by_width,
    reminders,
    late_reminders,
)


def records() -> list[Record]:
    """The whole corpus, account after account."""
    return [record for rule in RULES for record in rule().records]
