"""Redeeming a code: the wallet counts the try and asks the codes ledger; then grants, or gives the code back."""

from collections.abc import Callable

from drawdown.domain.events import digest_of
from drawdown.domain.limits import CODE_CAMPAIGNS_MAX, CODE_TRIES_MAX, CODE_TRIES_WINDOW_MS
from drawdown.domain.notices import reminders_past
from drawdown.domain.wallet.commands import Refusal, grant_refusal
from drawdown.domain.wallet.draft import Draft
from drawdown.domain.wallet.model import (
    ClaimCode,
    CodeAnswer,
    CodeTerms,
    GrantVoucher,
    RedeemCode,
    Redemption,
    SettleCode,
    Voucher,
)

REFUSALS = {
    "wrong_code": "there is no such code: check it, letter by letter",
    "code_not_yet_valid": "the code cannot be redeemed yet",
    "code_expired": "the time in which the code could be redeemed is over",
    "code_used": "the code was redeemed before",
    "code_withdrawn": "the code was withdrawn",
}


def redeem(draft: Draft, command: RedeemCode, appended: int) -> None:
    """Count a try, and ask the codes ledger for the code. Neither the code nor its hash is told."""
    tries = tuple(at for at in draft.tries if at > appended - CODE_TRIES_WINDOW_MS)
    refusal: Refusal | None = None
    if draft.known(f"redemption:{command.redemption}"):
        refusal = "redemption_exists", f"redemption {command.redemption} was asked for before"
    elif len(tries) >= CODE_TRIES_MAX or len(draft.redemptions) >= CODE_TRIES_MAX:
        refusal = "too_many_tries", f"at most {CODE_TRIES_MAX} codes may be tried in an hour; try again later"
    if refusal is not None:
        code, detail = refusal
        draft.event("command_refused", detail, code=code, credit=command.redemption)
        return
    draft.remember(f"redemption:{command.redemption}")
    draft.tries = (*tries, appended)
    draft.redemptions = (*draft.redemptions, Redemption(command.redemption, command.code, appended))
    draft.event("redemption_asked", f"redemption {command.redemption} is under way", credit=command.redemption)
    draft.outputs.append(ClaimCode(command.code, draft.wallet.id, command.redemption, appended))


def answered(draft: Draft, answer: CodeAnswer, appended: int, forfeited_at: Callable[[int], int]) -> None:
    """Grant the credit, or refuse it; do nothing when no such redemption is in flight.

    forfeited_at: when no usage from before an expiry can be accepted any more, ms.
    """
    asked = next((one for one in draft.redemptions if (one.id, one.code) == (answer.redemption, answer.code)), None)
    if asked is None:
        return
    draft.redemptions = tuple(one for one in draft.redemptions if one is not asked)
    terms = answer.terms
    if terms is None:
        detail = REFUSALS.get(answer.refused, "the code is refused")
        draft.event("redemption_refused", detail, code=answer.refused, credit=asked.id)
        return
    expires = terms.expires if terms.expires is not None else asked.asked + (terms.valid_ms or 0)
    refusal = _refusal(draft, terms, asked, expires, over=appended >= forfeited_at(expires))
    if refusal is not None:
        code, detail = refusal
        draft.event("redemption_refused", f"{detail}; the code is given back", code=code, credit=asked.id)
    else:
        past = reminders_past(expires, appended)
        _grant(draft, terms, Voucher(asked.id, terms.priority, expires, draft.applied, terms.parts, past))
    draft.outputs.append(SettleCode(asked.code, draft.wallet.id, asked.id, refusal is None))


def _refusal(draft: Draft, terms: CodeTerms, asked: Redemption, expires: int, *, over: bool) -> Refusal | None:
    wallet = draft.wallet
    if terms.currency != wallet.currency:
        return "wrong_currency", f"the code's credit is in {terms.currency}, the wallet in {wallet.currency}"
    counts = dict(draft.campaigns)
    campaign = digest_of(terms.campaign)
    if counts.get(campaign, 0) >= terms.per_account_max:
        return "campaign_limit", f"an account redeems at most {terms.per_account_max} codes of {terms.campaign}"
    if campaign not in counts and len(counts) >= CODE_CAMPAIGNS_MAX:
        return "too_many_campaigns", f"a wallet redeems codes of at most {CODE_CAMPAIGNS_MAX} campaigns"
    voucher = GrantVoucher(wallet.id, asked.id, terms.currency, terms.priority, expires, terms.parts)
    return grant_refusal(draft, voucher, over=over)


def _grant(draft: Draft, terms: CodeTerms, voucher: Voucher) -> None:
    draft.vouchers = (*draft.vouchers, voucher)
    draft.remember(f"voucher:{voucher.id}")
    counts = dict(draft.campaigns)
    campaign = digest_of(terms.campaign)
    counts[campaign] = counts.get(campaign, 0) + 1
    draft.campaigns = tuple(sorted(counts.items()))
    amount = sum(part.amount for part in terms.parts)
    detail = f"voucher {voucher.id} is granted by a code of {terms.campaign}"
    draft.event("voucher_granted", detail, credit=voucher.id, amount=amount)
