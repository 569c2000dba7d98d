"""A small, fixed log in which every rule of the wallet decides something. Each account shows one rule."""

from itertools import count
from typing import Any

from tests.support import wallet_messages as messages
from tests.support.codes import CODE, redeem_code
from tests.support.messages import DAY, T0, Message, open_account, timer
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

    def top_up(self, name: str, amount: str = "25", **change: Any) -> None:
        self.command(messages.top_up(name, **({"currency": self._currency, "amount": amount} | change)))

    def adjust(self, name: str, amount: str) -> None:
        self.command(messages.adjust(name, currency=self._currency, amount=amount))

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


RULES = (order_of_vouchers, scopes_and_splits, expiry, debt, corrections, refusals, seqs, dong, codes)


def records() -> list[Record]:
    """The whole corpus, account after account."""
    return [record for rule in RULES for record in rule().records]
