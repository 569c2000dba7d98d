"""The wallet counts each try and asks; it grants what the codes ledger gives, or gives the code back."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from tests.support.codes import CODE, answer
from tests.support.domain import POLICY, T0, usd
from tests.support.wallet import EXPIRES, FORFEITED

from drawdown.domain.limits import CODE_TRIES_MAX, CODE_TRIES_WINDOW_MS
from drawdown.domain.outputs import AccountEvent
from drawdown.domain.wallet.credits import left_of
from drawdown.domain.wallet.decide import decide_wallet
from drawdown.domain.wallet.model import (
    ClaimCode,
    CodeAnswer,
    RedeemCode,
    SettleCode,
    Wallet,
    WalletOutput,
)

OPEN = Wallet("acc", "USD", T0)


def redeem(wallet: Wallet, redemption: str = "r", at: int = T0) -> tuple[Wallet, Sequence[WalletOutput]]:
    decision = decide_wallet(wallet, RedeemCode("acc", redemption, CODE), at, POLICY)
    assert decision is not None
    return decision.state, decision.outputs


def answered(wallet: Wallet, given: CodeAnswer, at: int = T0) -> tuple[Wallet, Sequence[WalletOutput]]:
    decision = decide_wallet(wallet, given, at, POLICY)
    assert decision is not None
    return decision.state, decision.outputs


def codes(outputs: Sequence[WalletOutput]) -> list[tuple[str, str]]:
    return [(one.kind, one.code) for one in outputs if isinstance(one, AccountEvent)]


def test_a_try_is_in_flight_until_it_is_answered() -> None:
    wallet, outputs = redeem(OPEN)
    assert codes(outputs) == [("redemption_asked", "")]
    assert outputs[-1] == ClaimCode(CODE, "acc", "r", T0)
    assert [one.id for one in wallet.redemptions] == ["r"]
    wallet, outputs = answered(wallet, answer())
    assert wallet.redemptions == ()
    assert codes(outputs) == [("voucher_granted", "")]
    assert outputs[-1] == SettleCode(CODE, "acc", "r", granted=True)
    assert [(one.id, left_of(one), one.expires) for one in wallet.vouchers] == [("r", usd("10"), EXPIRES)]


def test_an_answer_counts_once() -> None:
    wallet, _ = answered(redeem(OPEN)[0], answer())
    assert decide_wallet(wallet, answer(), T0, POLICY) is None
    assert decide_wallet(OPEN, answer(), T0, POLICY) is None


def test_credit_may_last_from_the_try_on_however_late_the_answer_is() -> None:
    wallet, _ = answered(redeem(OPEN)[0], answer(expires=None, valid_ms=1_000), T0 + 500)
    assert wallet.vouchers[0].expires == T0 + 1_000


def test_a_refused_code_is_said_with_its_reason_and_counts_as_a_try() -> None:
    wallet, outputs = answered(redeem(OPEN)[0], answer(refused="wrong_code"))
    assert codes(outputs) == [("redemption_refused", "wrong_code")]
    assert not any(isinstance(one, SettleCode) for one in outputs)
    assert wallet.tries == (T0,)
    assert wallet.vouchers == ()


def test_neither_code_nor_hash_is_in_an_account_event() -> None:
    wallet, first = redeem(OPEN)
    _, second = answered(wallet, answer())
    assert all(CODE not in repr(one) for one in (*first, *second) if isinstance(one, AccountEvent))


def test_tries_are_limited_within_an_hour() -> None:
    wallet = OPEN
    for number in range(CODE_TRIES_MAX):
        wallet, _ = answered(redeem(wallet, f"r-{number}", T0 + number)[0], answer(f"r-{number}", "wrong_code"))
    wallet, outputs = redeem(wallet, "late", T0 + CODE_TRIES_WINDOW_MS - 1)
    assert codes(outputs) == [("command_refused", "too_many_tries")]
    _, outputs = redeem(wallet, "late", T0 + CODE_TRIES_WINDOW_MS)
    assert codes(outputs) == [("redemption_asked", "")]


def test_tries_in_flight_are_limited_however_long_they_wait() -> None:
    wallet = OPEN
    for number in range(CODE_TRIES_MAX):
        wallet, _ = redeem(wallet, f"r-{number}", T0 + number * CODE_TRIES_WINDOW_MS)
    _, outputs = redeem(wallet, "late", T0 + 100 * CODE_TRIES_WINDOW_MS)
    assert codes(outputs) == [("command_refused", "too_many_tries")]


def test_a_redemption_is_asked_for_once() -> None:
    _, outputs = redeem(redeem(OPEN)[0])
    assert codes(outputs) == [("command_refused", "redemption_exists")]


@pytest.mark.parametrize(
    ("given", "at", "reason"),
    [
        (answer(currency="VND"), T0, "wrong_currency"),
        (answer(per_account_max=0), T0, "campaign_limit"),
        (answer(), FORFEITED, "voucher_expired"),
    ],
)
def test_what_the_wallet_refuses_is_given_back(given: CodeAnswer, at: int, reason: str) -> None:
    wallet, outputs = answered(redeem(OPEN)[0], given, at)
    assert codes(outputs) == [("redemption_refused", reason)]
    assert outputs[-1] == SettleCode(CODE, "acc", "r", granted=False)
    assert wallet.vouchers == ()
    assert wallet.redemptions == ()


def test_an_account_redeems_no_more_codes_of_a_campaign_than_it_says() -> None:
    wallet, _ = answered(redeem(OPEN)[0], answer())
    wallet, _ = redeem(wallet, "s")
    _, outputs = answered(wallet, answer("s"))
    assert codes(outputs) == [("redemption_refused", "campaign_limit")]
    _, outputs = answered(wallet, answer("s", campaign="autumn"))
    assert codes(outputs) == [("voucher_granted", "")]


def test_campaigns_counted_are_limited() -> None:
    full = tuple((b"%08d" % number, 1) for number in range(200))
    wallet, _ = redeem(replace(OPEN, campaigns=full))
    _, outputs = answered(wallet, answer())
    assert codes(outputs) == [("redemption_refused", "too_many_campaigns")]
