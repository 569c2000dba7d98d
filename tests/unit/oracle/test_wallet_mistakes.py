"""The oracle notices a mistake in the wallet: on a small fixed log it agrees with the rules, and with no distortion."""

from collections.abc import Callable

import pytest
from tests.support.wallet_corpus import RULES, Account, records
from tests.support.wallet_mistakes import Patch
from tests.support.wallet_notice_mistakes import ALL as MISTAKES
from tests.support.wallet_raters import applied_all, differences


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_without_a_mistake_the_corpus_agrees(rule: Callable[[], Account]) -> None:
    steps = applied_all(rule().records)
    assert differences(steps) == []
    assert any(step.said("charges") for step in steps)


def test_the_corpus_shows_what_it_says_it_shows() -> None:
    steps = applied_all(records())
    assert [step.code for step in steps if step.code] == ["dropped"] * 6  # four timers too early, two overages again
    told = {said["code"] for step in steps for said in step.said("account-events") if said["code"]}
    assert told == {
        "account_exists",
        "adjustment_exists",
        "bad_amount",
        "below_minimum",
        "campaign_limit",
        "more_than_debt",
        "redemption_exists",
        "reference_exists",
        "too_many_tries",
        "voucher_exists",
        "voucher_expired",
        "wrong_code",
        "wrong_currency",
    }


@pytest.mark.interpreted
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda made: made.__name__)
def test_a_mistake_makes_the_oracle_disagree(mistake: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    mistake(monkeypatch)
    assert differences(applied_all(records()))


def test_the_mistakes_are_many() -> None:
    assert len(MISTAKES) >= 70
