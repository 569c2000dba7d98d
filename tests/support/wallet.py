"""Short ways to say vouchers, top-ups and overages in tests of the wallet's rules."""

from msgspec.structs import replace
from tests.support.domain import DAY, POLICY, T0, usd

from drawdown.domain.model import Dimensions, ScopeItem
from drawdown.domain.money import CURRENCIES, parse_amount
from drawdown.domain.outputs import AccountEvent
from drawdown.domain.wallet.credits import left_of
from drawdown.domain.wallet.decide import decide_wallet, forfeited_at
from drawdown.domain.wallet.model import (
    AddCredit,
    Adjust,
    GrantVoucher,
    OpenWallet,
    OverageDue,
    Part,
    Payment,
    SetDebtLimit,
    Wallet,
    WalletCharge,
    WalletCommand,
    WalletDecision,
    WalletOutput,
    WalletTimer,
)

EXPIRES = T0 + 30 * DAY
FORFEITED = forfeited_at(EXPIRES, POLICY)
Paid = list[tuple[str, str | None, int]]


def money(text: str, currency: str = "USD") -> int:
    return parse_amount(text, CURRENCIES[currency])


def part(amount: str, *scope: ScopeItem, others_than: tuple[str, ...] = ()) -> Part:
    return Part(scope, others_than, usd(amount))


def voucher(name: str = "v", amount: str = "10", *scope: ScopeItem, **change: object) -> GrantVoucher:
    """A voucher of one part. change: fields of the command, such as `parts` to split it."""
    command = GrantVoucher("acc", name, "USD", 100, EXPIRES, (part(amount, *scope),))
    return replace(command, **change)


def top_up(reference: str = "t", amount: str = "25", currency: str = "USD") -> AddCredit:
    return AddCredit("acc", reference, currency, money(amount, currency))


def adjustment(amount: str, name: str = "a", **change: object) -> Adjust:
    """An operator's adjustment; an amount that begins with a minus takes credit back."""
    quanta = usd(amount.removeprefix("-")) * (-1 if amount.startswith("-") else 1)
    return replace(Adjust("acc", name, "USD", quanta, "goodwill", "ops-1"), **change)


def debt_limit(limit: str | None, currency: str = "USD") -> SetDebtLimit:
    quanta = None if limit is None else money(limit, currency)
    return SetDebtLimit("acc", currency, quanta, "new customer", "ops-1")


def overage(
    total: str = "1",
    *,
    seq: int = 1,
    service: str = "inference",
    time: int = T0,
    currency: str = "USD",
    dimensions: Dimensions = (("model", "Q"),),
    start: int | None = None,
) -> OverageDue:
    due = money(total, currency)
    return OverageDue("acc", currency, "/s", f"e-{seq}", service, "r", dimensions, time, start, f"o-{seq}", seq, due)


class World:
    """One wallet under test: applies inputs in order and keeps the newest state."""

    def __init__(self, *, currency: str = "USD", opened: bool = True) -> None:
        self.state: Wallet | None = None
        self.outputs: list[WalletOutput] = []
        if opened:
            self.apply(OpenWallet("acc", currency))

    def apply(self, body: OverageDue | WalletCommand, at: int = T0) -> WalletDecision | None:
        """Take an input appended at `at`."""
        decision = decide_wallet(self.state, body, at, POLICY)
        if decision is not None:
            self.state = decision.state
            self.outputs = list(decision.outputs)
        return decision

    def give(self, *commands: WalletCommand, at: int = T0) -> None:
        """Take commands that must all be applied."""
        for command in commands:
            self.apply(command, at)
            assert not [code for _, code in self.kinds() if code], self.outputs

    def refusal(self, command: WalletCommand, at: int = T0) -> str:
        """Take a command that must be refused; give the code."""
        self.apply(command, at)
        (event,) = self.outputs
        assert isinstance(event, AccountEvent)
        assert (event.kind, event.amount) == ("command_refused", 0)
        assert event.detail
        return event.code

    def use(
        self,
        total: str = "1",
        *,
        service: str = "inference",
        time: int = T0,
        at: int | None = None,
        dimensions: Dimensions = (("model", "Q"),),
        start: int | None = None,
    ) -> Paid:
        """Draw the next overage; give who paid, in order."""
        seq = self.wallet.overage_seq + 1
        due = overage(total, seq=seq, service=service, time=time, dimensions=dimensions, start=start)
        self.apply(due, time if at is None else at)
        payments = self.payments()
        assert sum(paid.amount for paid in payments) == due.total
        return [(paid.kind, paid.id, paid.amount) for paid in payments]

    def payments(self) -> tuple[Payment, ...]:
        """What the newest input, an overage, was paid by."""
        (charge,) = (output for output in self.outputs if isinstance(output, WalletCharge))
        return charge.payments

    def timer(self, at: int) -> WalletDecision | None:
        return self.apply(WalletTimer("acc", at), at)

    @property
    def wallet(self) -> Wallet:
        assert self.state is not None
        return self.state

    def left(self) -> dict[str, int]:
        """What is left of every voucher and top-up that the wallet still holds."""
        wallet = self.wallet
        vouchers = {one.id: left_of(one) for one in wallet.vouchers}
        return vouchers | {one.id: one.amount - one.spent for one in wallet.top_ups}

    def events(self) -> list[AccountEvent]:
        return [output for output in self.outputs if isinstance(output, AccountEvent)]

    def kinds(self) -> list[tuple[str, str]]:
        return [(event.kind, event.code) for event in self.events()]

    def told(self) -> list[tuple[str, str | None, int]]:
        """Events as (kind, credit, amount)."""
        return [(event.kind, event.credit, event.amount) for event in self.events()]
