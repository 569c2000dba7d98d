"""`decide_wallet`: what one input does to one wallet. No clock, no I/O, no randomness."""

from drawdown.domain.errors import Broken, Reject
from drawdown.domain.limits import AMOUNT_MAX
from drawdown.domain.money import currency
from drawdown.domain.policy import Policy
from drawdown.domain.wallet import commands, notices, redeeming, spending
from drawdown.domain.wallet.credits import draw, left_of
from drawdown.domain.wallet.draft import Draft
from drawdown.domain.wallet.model import (
    AddCredit,
    Adjust,
    CodeAnswer,
    GrantVoucher,
    OpenWallet,
    OverageDue,
    RedeemCode,
    SetDebtLimit,
    Wallet,
    WalletCommand,
    WalletDecision,
    WalletTimer,
)


def decide_wallet(
    state: Wallet | None, body: OverageDue | WalletCommand, appended: int, policy: Policy
) -> WalletDecision | None:
    """Apply an input appended at `appended` (ms) to the wallet.

    Raise Reject with the reason, and nothing changes; Broken when an overage is missing before this one. Give None for
    an overage that was taken before, for a timer that found nothing due, and for an answer to no redemption in flight.
    """
    if isinstance(body, OverageDue):
        return _draw(state, body, appended)
    if isinstance(body, OpenWallet):
        return _open(state, body, appended)
    if state is None:
        raise Reject("unknown_account", f"account {body.account} has no wallet: open the account first")
    draft = Draft(state)
    _command(draft, body, appended, policy)
    if not draft.outputs:
        return None
    notices.after(draft, appended)
    return draft.decision()


def _command(
    draft: Draft,
    body: GrantVoucher | AddCredit | Adjust | SetDebtLimit | RedeemCode | CodeAnswer | WalletTimer,
    appended: int,
    policy: Policy,
) -> None:
    """Apply a command to an open wallet; no output means that nothing happened."""
    if isinstance(body, GrantVoucher):
        commands.grant(draft, body, appended, forfeited_at(body.expires, policy))
    elif isinstance(body, AddCredit):
        commands.top_up(draft, body)
    elif isinstance(body, Adjust):
        commands.adjust(draft, body)
    elif isinstance(body, SetDebtLimit):
        commands.set_debt_limit(draft, body)
    elif isinstance(body, RedeemCode):
        redeeming.redeem(draft, body, appended)
    elif isinstance(body, CodeAnswer):
        redeeming.answered(draft, body, appended, lambda expires: forfeited_at(expires, policy))
    else:
        notices.remind(draft, appended)
        _forfeit(draft, appended, policy)


def due_of_wallet(state: Wallet, policy: Policy) -> int | None:
    """Give the next instant at which time does something to the wallet, ms; None if it never does."""
    forfeitures = (forfeited_at(voucher.expires, policy) for voucher in state.vouchers)
    reminders = (at for at in map(notices.reminder_at, state.vouchers) if at is not None)
    return min((*forfeitures, *reminders), default=None)


def forfeited_at(expires: int, policy: Policy) -> int:
    """Give when what is left of a voucher is forfeited: no usage from before its expiry can still be accepted."""
    return expires + policy.longest_window_ms + policy.skew_ms


def _open(state: Wallet | None, command: OpenWallet, appended: int) -> WalletDecision:
    currency(command.currency)
    draft = Draft(state or Wallet(command.account, command.currency, appended))
    if state is not None:
        draft.event("command_refused", f"the wallet of {state.id} is open already", code="account_exists")
    else:
        draft.event("wallet_opened", f"the wallet of {command.account} is open in {command.currency}")
    return draft.decision()


def _draw(state: Wallet | None, due: OverageDue, appended: int) -> WalletDecision | None:
    draft = Draft(state or Wallet(due.account, due.currency, appended))
    if state is None:
        draft.event("wallet_opened", f"the wallet of {due.account} is open in {due.currency}")
    if due.seq <= draft.overage_seq:
        return None
    if due.seq != draft.overage_seq + 1:
        missing = f"account {due.account}: overage {due.seq} came after {draft.overage_seq}; what is between is missing"
        raise Broken(missing)
    draft.overage_seq = due.seq
    refusal = _undrawable(draft, due)
    if refusal is not None:
        code, detail = refusal
        draft.event("overage_refused", f"overage {due.overage} is not drawn: {detail}", code=code, credit=due.overage)
        return draft.decision()
    before = {voucher.id for voucher in draft.vouchers}
    draft.charge(due, draw(draft, due))
    for ident in sorted(before - {voucher.id for voucher in draft.vouchers}):
        draft.event("voucher_used_up", f"voucher {ident} is used up", credit=ident)
    spending.count(draft, due, appended)
    notices.after(draft, appended)
    return draft.decision()


def _undrawable(draft: Draft, due: OverageDue) -> tuple[str, str] | None:
    """Give code and detail of why an overage cannot be drawn, or None. Its seq counts all the same."""
    currency = draft.wallet.currency
    if due.currency != currency:
        return "wrong_currency", f"it is in {due.currency}, the wallet in {currency}"
    if draft.debt + due.total > AMOUNT_MAX:
        return "amount_too_large", "the wallet would owe more than the largest amount there can be"
    return None


def _forfeit(draft: Draft, appended: int, policy: Policy) -> None:
    """Take away what is left of vouchers whose time is over."""
    over = [voucher for voucher in draft.vouchers if forfeited_at(voucher.expires, policy) <= appended]
    draft.vouchers = tuple(voucher for voucher in draft.vouchers if voucher not in over)
    for voucher in sorted(over, key=lambda one: (one.expires, one.granted)):
        detail = f"voucher {voucher.id} has expired; what was left of it is forfeited"
        draft.event("voucher_forfeited", detail, credit=voucher.id, amount=left_of(voucher))
