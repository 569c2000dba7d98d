"""What customers are told of a wallet by itself: debt, its limit, low balance, and vouchers that expire soon."""

from msgspec.structs import replace

from drawdown.domain.limits import DAY_MS, REMINDER_DAYS
from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.domain.notices import reminders_past
from drawdown.domain.outputs import Period
from drawdown.domain.wallet.credits import left_of
from drawdown.domain.wallet.draft import Draft
from drawdown.domain.wallet.model import Voucher, Wallet
from drawdown.domain.wallet.spending import left_at, rates, shortfall


def after(draft: Draft, appended: int) -> None:
    """Tell what an input has led to: what was not so before it, and is so after it."""
    _of_debt(draft)
    _of_balance(draft, appended)


def limit_reached(wallet: Wallet | Draft) -> bool:
    """Say whether the debt is at its limit or above; a limit of 0 is reached by any debt."""
    return wallet.debt_limit is not None and wallet.debt >= max(wallet.debt_limit, 1)


def _of_debt(draft: Draft) -> None:
    owed = _told(draft, draft.debt)
    if draft.debt and not draft.wallet.debt:
        draft.event("debt_begun", f"{owed} is owed, and no credit pays it", amount=draft.debt)
    if limit_reached(draft) and not limit_reached(draft.wallet):
        limit = format_amount(draft.debt_limit or 0, CURRENCIES[draft.wallet.currency])
        detail = f"{owed} is owed, and the debt limit is {limit}"
        draft.event("debt_limit_reached", detail, reason=limit, amount=draft.debt)


def _of_balance(draft: Draft, appended: int) -> None:
    """Tell low balance once; credit that comes in and lifts it arms it again."""
    if draft.overage_seq == draft.wallet.overage_seq:  # a command: an overage never adds credit
        before, left = left_at(draft.wallet, appended), left_at(draft, appended)
        if left > before:
            draft.low_told = draft.low_told and shortfall(draft, appended) > 0
        if left >= before:
            return
    if draft.low_told:
        return
    short = shortfall(draft, appended)
    if short and left_at(draft.wallet, appended):
        draft.low_told = True
        left, hourly = left_at(draft, appended), sum(rates(draft, appended).values())
        detail = f"{_told(draft, left)} is left; of the {_told(draft, hourly)} that an hour takes it would not pay "
        reason = format_amount(hourly, CURRENCIES[draft.wallet.currency])
        draft.event("low_balance", detail + _told(draft, short), reason=reason, amount=left)


def reminder_at(voucher: Voucher) -> int | None:
    """Give when the next reminder of the voucher's expiry is due, ms."""
    if voucher.reminded >= len(REMINDER_DAYS):
        return None
    return voucher.expires - REMINDER_DAYS[voucher.reminded] * DAY_MS


def remind(draft: Draft, appended: int) -> None:
    """Tell of vouchers that expire soon: every reminder whose time has come, those that are late as well."""
    due = [
        (voucher.expires - days * DAY_MS, voucher.granted, days, voucher)
        for voucher in draft.vouchers
        for days in REMINDER_DAYS[voucher.reminded : _reminded(voucher, appended)]
    ]
    draft.vouchers = tuple(replace(voucher, reminded=_reminded(voucher, appended)) for voucher in draft.vouchers)
    for at, _, days, voucher in sorted(due, key=lambda one: one[:2]):
        detail = f"voucher {voucher.id} expires within {days} day{'s' if days > 1 else ''}"
        left, about = left_of(voucher), Period(at, voucher.expires)
        draft.event("voucher_expiring", detail, credit=voucher.id, reason=str(days), amount=left, about=about)


def _reminded(voucher: Voucher, appended: int) -> int:
    return max(voucher.reminded, reminders_past(voucher.expires, appended))


def _told(draft: Draft, amount: int) -> str:
    of = CURRENCIES[draft.wallet.currency]
    return f"{format_amount(amount, of)} {of.code}"
