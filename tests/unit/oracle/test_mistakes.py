"""The oracle notices a mistake: on a small fixed log it agrees with the rules, and with none of their distortions."""

from collections.abc import Callable

import pytest
from tests.support import counted_corpus
from tests.support.corpus import BOOKS, RULES, Account, records
from tests.support.counted_corpus import COUNTED_RULES
from tests.support.mistakes import MISTAKES, Patch
from tests.support.price_mistakes import PRICE_MISTAKES
from tests.support.raters import applied_all, differences


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_without_a_mistake_the_corpus_agrees(rule: Callable[[], Account]) -> None:
    steps = applied_all(BOOKS, rule().records)
    assert differences(steps) == []
    assert any(step.outputs for step in steps if step.usage)


def test_the_corpus_shows_what_it_says_it_shows() -> None:
    codes = [step.code for step in applied_all(BOOKS, records()) if step.code]
    assert sorted(codes) == ["in_the_future", "in_the_future", "job_closed", "too_late", "too_late"]


@pytest.mark.interpreted
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda made: made.__name__)
def test_a_mistake_makes_the_oracle_disagree(mistake: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    mistake(monkeypatch)
    assert differences(applied_all(BOOKS, records()))


@pytest.mark.parametrize("rule", COUNTED_RULES, ids=lambda rule: rule.__name__)
def test_without_a_mistake_tiers_and_packages_agree(rule: Callable[[], Account]) -> None:
    steps = applied_all(counted_corpus.BOOKS, rule().records)
    assert differences(steps) == []
    assert not any(step.code for step in steps)


@pytest.mark.interpreted
@pytest.mark.parametrize("mistake", PRICE_MISTAKES, ids=lambda made: made.__name__)
def test_a_mistake_in_tiers_or_packages_makes_the_oracle_disagree(
    mistake: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake(monkeypatch)
    made = [record for rule in COUNTED_RULES for record in rule().records]
    assert differences(applied_all(counted_corpus.BOOKS, made))


def test_the_mistakes_are_many() -> None:
    assert len(MISTAKES) >= 40
    assert len(PRICE_MISTAKES) >= 20
