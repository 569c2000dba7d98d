"""A code is given to one redemption at most; each refusal has its own reason, and changes nothing."""

import pytest
from msgspec.structs import replace
from tests.support.codes import CODE, TERMS, claim, issued

from drawdown.domain.codes.decide import decide_code
from drawdown.domain.codes.model import Claim, Code, IssueCode, WithdrawCode
from drawdown.domain.errors import Reject
from drawdown.domain.wallet.model import SettleCode


def answer(code: Code | None, account: str = "a", at: int = 50) -> str:
    decision = decide_code(code, claim(account, at=at))
    assert decision is not None
    assert decision.answer is not None
    return decision.answer.refused


def claimed(account: str = "a") -> Code:
    decision = decide_code(issued(), claim(account))
    assert decision is not None
    assert decision.state is not None
    return decision.state


def test_the_first_that_asks_gets_it_and_every_other_is_told_that_it_is_used() -> None:
    code = claimed("a")
    assert code.claim == Claim("a", "r", 50)
    assert answer(code, "b") == "code_used"
    assert answer(code, "a") == ""  # the same redemption asks again


@pytest.mark.parametrize(
    ("code", "at", "reason"),
    [
        (None, 50, "wrong_code"),
        (issued(opens=51), 50, "code_not_yet_valid"),
        (issued(opens=50), 50, ""),
        (issued(closes=51), 50, ""),
        (issued(closes=50), 50, "code_expired"),
        (replace(issued(), withdrawn=True), 50, "code_withdrawn"),
    ],
)
def test_each_refusal_has_its_own_reason(code: Code | None, at: int, reason: str) -> None:
    assert answer(code, at=at) == reason
    if reason:
        decision = decide_code(code, claim(at=at))
        assert decision is not None
        assert decision.state is None  # nothing is stored of it


def test_a_code_given_back_can_be_redeemed_by_another() -> None:
    back = decide_code(claimed("a"), SettleCode(CODE, "a", "r", granted=False))
    assert back is not None
    assert back.state is not None
    assert answer(back.state, "b") == ""


def test_a_granted_code_is_never_given_back() -> None:
    kept = decide_code(claimed(), SettleCode(CODE, "a", "r", granted=True))
    assert kept is not None
    assert kept.state is not None
    assert decide_code(kept.state, SettleCode(CODE, "a", "r", granted=False)) is None
    assert answer(kept.state, "b") == "code_used"


@pytest.mark.parametrize("code", [None, issued(), claimed("b")])
def test_a_settlement_of_another_claim_does_nothing(code: Code | None) -> None:
    assert decide_code(code, SettleCode(CODE, "a", "r", granted=False)) is None


def test_a_code_is_issued_once() -> None:
    decision = decide_code(None, IssueCode(CODE, TERMS, None, 60))
    assert decision is not None
    assert decision.state == Code(CODE, TERMS, None, 60)
    with pytest.raises(Reject, match="id_conflict"):
        decide_code(issued(), IssueCode(CODE, TERMS, None, None))


def test_a_withdrawn_code_stays_with_who_has_it() -> None:
    with pytest.raises(Reject, match="invalid_value"):
        decide_code(None, WithdrawCode(CODE, "ops", "misprint"))
    decision = decide_code(claimed("a"), WithdrawCode(CODE, "ops", "misprint"))
    assert decision is not None
    assert answer(decision.state, "a") == ""
    assert answer(decision.state, "b") == "code_used"
