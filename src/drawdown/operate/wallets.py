"""A wallet as customers and sales see it: vouchers, top-ups, debt."""

from dataclasses import dataclass, field

from drawdown.domain.money import CURRENCIES, Currency, format_amount
from drawdown.domain.wallet.model import Part, TopUp, Voucher, Wallet
from drawdown.wire.instants import format_instant


@dataclass(frozen=True)
class PartView:
    """A voucher's credit for some services. covers: them, in words."""

    covers: str
    amount: str
    remaining: str


@dataclass(frozen=True)
class VoucherView:
    """A voucher with something left. expires: the last instant at which usage may end to be paid by it."""

    voucher: str
    priority: int
    expires: str
    remaining: str
    parts: list[PartView]


@dataclass(frozen=True)
class TopUpView:
    """A top-up with something left."""

    top_up: str
    amount: str
    remaining: str


@dataclass(frozen=True)
class WalletView:
    """An account's credit. vouchers, top_ups: those with something left; debt: used and paid by nothing.

    redemptions_in_flight: codes that were tried and are not answered yet. debt_limit: null without one.
    """

    vouchers: list[VoucherView]
    top_ups: list[TopUpView]
    voucher_credit: str
    top_up_credit: str
    debt: str
    redemptions_in_flight: list[str] = field(default_factory=list)
    debt_limit: str | None = None


def wallet_view(wallet: Wallet) -> WalletView:
    """Put a wallet in words."""
    of = CURRENCIES[wallet.currency]
    return WalletView(
        vouchers=[_voucher(voucher, of) for voucher in wallet.vouchers],
        top_ups=[_top_up(top_up, of) for top_up in wallet.top_ups],
        voucher_credit=format_amount(sum(_left(voucher) for voucher in wallet.vouchers), of),
        top_up_credit=format_amount(sum(top_up.amount - top_up.spent for top_up in wallet.top_ups), of),
        debt=format_amount(wallet.debt, of),
        redemptions_in_flight=[one.id for one in wallet.redemptions],
        debt_limit=None if wallet.debt_limit is None else format_amount(wallet.debt_limit, of),
    )


def _left(voucher: Voucher) -> int:
    return sum(part.amount - part.spent for part in voucher.parts)


def _voucher(voucher: Voucher, of: Currency) -> VoucherView:
    return VoucherView(
        voucher=voucher.id,
        priority=voucher.priority,
        expires=format_instant(voucher.expires),
        remaining=format_amount(_left(voucher), of),
        parts=[
            PartView(_for(part), format_amount(part.amount, of), format_amount(part.amount - part.spent, of))
            for part in voucher.parts
        ],
    )


def _for(part: Part) -> str:
    if part.scope:
        items = []
        for item in part.scope:
            told = ", ".join(f"{name}={value}" for name, value in item.dimensions)
            items.append(f"{item.service} ({told})" if told else item.service)
        return ", ".join(items)
    return f"all services but {', '.join(part.others_than)}" if part.others_than else "all services"


def _top_up(top_up: TopUp, of: Currency) -> TopUpView:
    return TopUpView(
        top_up=top_up.id,
        amount=format_amount(top_up.amount, of),
        remaining=format_amount(top_up.amount - top_up.spent, of),
    )
