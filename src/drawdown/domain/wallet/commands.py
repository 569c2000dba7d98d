"""Commands of the wallet: each is applied, or refused with a code and a sentence and then changes nothing."""

from typing import Final

from drawdown.domain.limits import AMOUNT_MAX, TOP_UPS_MAX, VOUCHERS_MAX
from drawdown.domain.money import CURRENCIES, format_amount, parse_amount
from drawdown.domain.notices import reminders_past
from drawdown.domain.wallet.credits import left_of, take_back
from drawdown.domain.wallet.draft import Draft
from drawdown.domain.wallet.model import AddCredit, Adjust, GrantVoucher, SetDebtLimit, TopUp, Voucher

# the platform's published smallest top-ups
SMALLEST_TOP_UP: Final = {"VND": "500000", "JPY": "3000", "USD": "25"}
Refusal = tuple[str, str]


def grant(draft: Draft, command: GrantVoucher, appended: int, forfeited_at: int) -> None:
    """Grant a voucher. forfeited_at: when no usage from before its expiry can be accepted any more, ms."""
    refusal = _foreign(draft, command.currency) or grant_refusal(draft, command, over=appended >= forfeited_at)
    if refusal is not None:
        _refuse(draft, refusal, command.voucher)
        return
    past = reminders_past(command.expires, appended)
    voucher = Voucher(command.voucher, command.priority, command.expires, draft.applied, command.parts, past)
    draft.vouchers = (*draft.vouchers, voucher)
    draft.remember(f"voucher:{command.voucher}")
    amount = left_of(voucher)
    draft.event("voucher_granted", f"voucher {command.voucher} is granted", credit=command.voucher, amount=amount)


def grant_refusal(draft: Draft, command: GrantVoucher, *, over: bool) -> Refusal | None:
    """Say why a voucher cannot be granted. over: no usage from before its expiry can be accepted any more."""
    if draft.known(f"voucher:{command.voucher}"):
        return "voucher_exists", f"voucher {command.voucher} was granted before"
    if over:
        return "voucher_expired", f"voucher {command.voucher} expired too long ago to pay anything"
    if len(draft.vouchers) >= VOUCHERS_MAX:
        return "too_many_vouchers", f"a wallet has at most {VOUCHERS_MAX} vouchers with something left"
    total = sum(part.amount for part in command.parts)
    if not total or total > AMOUNT_MAX:
        return "bad_amount", "a voucher's amount is above 0 and below the largest amount there can be"
    return None


def top_up(draft: Draft, command: AddCredit) -> None:
    """Take a payment as credit; it settles debt first."""
    refusal = _foreign(draft, command.currency) or _top_up_refusal(draft, command)
    if refusal is not None:
        _refuse(draft, refusal, command.reference)
        return
    draft.remember(f"top-up:{command.reference}")
    detail = f"top-up {command.reference} is credited"
    draft.event("topped_up", detail, credit=command.reference, amount=command.amount)
    _add(draft, command.reference, command.amount)


def _top_up_refusal(draft: Draft, command: AddCredit) -> Refusal | None:
    if draft.known(f"top-up:{command.reference}"):
        return "reference_exists", f"a payment with the reference {command.reference} was credited before"
    of = CURRENCIES[draft.wallet.currency]
    smallest = parse_amount(SMALLEST_TOP_UP.get(of.code, "0"), of)
    if command.amount < max(smallest, 1):
        least = format_amount(max(smallest, 1), of)
        told = format_amount(command.amount, of)
        return "below_minimum", f"{told} {of.code} is less than the smallest top-up, {least}"
    return _no_room(draft, command.amount)


def adjust(draft: Draft, command: Adjust) -> None:
    """Add an operator's credit; or take credit back: from top-ups, what they do not hold is debt; or write debt off."""
    refusal = _foreign(draft, command.currency) or _adjust_refusal(draft, command)
    if refusal is not None:
        _refuse(draft, refusal, command.adjustment)
        return
    draft.remember(f"adjustment:{command.adjustment}")
    detail = f"adjusted by {command.operator}: {command.reason}"
    draft.event("adjusted", detail, credit=command.adjustment, reason=command.kind, amount=command.amount)
    if command.kind == "write_off":
        draft.debt -= command.amount
        told = f"{command.adjustment} writes debt off"
        draft.event("debt_written_off", told, credit=command.adjustment, amount=command.amount)
    elif command.amount > 0:
        _add(draft, command.adjustment, command.amount)
    else:
        take_back(draft, -command.amount)


def _adjust_refusal(draft: Draft, command: Adjust) -> Refusal | None:
    if draft.known(f"adjustment:{command.adjustment}"):
        return "adjustment_exists", f"adjustment {command.adjustment} was applied before"
    if not command.amount:
        return "bad_amount", "an adjustment of nothing"
    if command.amount < 0 and command.kind != "correction":
        return "bad_amount", "a grant or a write-off is above 0; a correction takes credit back"
    if command.kind != "write_off":
        return _no_room(draft, command.amount)
    if command.amount > draft.debt:
        of = CURRENCIES[draft.wallet.currency]
        owed, told = format_amount(draft.debt, of), format_amount(command.amount, of)
        return "more_than_debt", f"{told} {of.code} is more than what is owed, {owed}"
    return None


def set_debt_limit(draft: Draft, command: SetDebtLimit) -> None:
    """Set or take away the debt limit. Usage is never refused for it."""
    refusal = _foreign(draft, command.currency)
    if refusal is not None:
        _refuse(draft, refusal, None)
        return
    draft.debt_limit = command.limit
    by = f"by {command.operator}: {command.reason}"
    if command.limit is None:
        draft.event("debt_limit_removed", f"the debt limit is taken away {by}")
    else:
        of = CURRENCIES[draft.wallet.currency]
        told = f"the debt limit is set to {format_amount(command.limit, of)} {of.code} {by}"
        draft.event("debt_limit_set", told, amount=command.limit)


def _add(draft: Draft, ident: str, amount: int) -> None:
    """Add bought credit: debt is paid first, the rest stays."""
    paid = min(draft.debt, amount)
    if paid:
        draft.debt -= paid
        draft.event("debt_paid", f"{ident} pays debt", credit=ident, amount=paid)
    if amount > paid:
        draft.top_ups = (*draft.top_ups, TopUp(ident, amount, paid))


def _foreign(draft: Draft, currency: str) -> Refusal | None:
    if currency == draft.wallet.currency:
        return None
    return "wrong_currency", f"the amount is in {currency}, the wallet in {draft.wallet.currency}"


def _no_room(draft: Draft, amount: int) -> Refusal | None:
    if amount > 0 and len(draft.top_ups) >= TOP_UPS_MAX:
        return "too_many_top_ups", f"a wallet has at most {TOP_UPS_MAX} top-ups with something left"
    if sum(one.amount for one in draft.top_ups) + draft.debt + abs(amount) > AMOUNT_MAX:
        return "bad_amount", "the wallet would hold, or owe, more than the largest amount there can be"
    return None


def _refuse(draft: Draft, refusal: Refusal, credit: str | None) -> None:
    code, detail = refusal
    draft.event("command_refused", detail, code=code, credit=credit)
