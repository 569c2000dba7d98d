"""The oracle notices a mistake in a plan's life: it agrees with the rules on all scenarios, and with no distortion."""

from collections.abc import Callable

import pytest
from tests.support.life_corpus import Log, logs
from tests.support.life_mistakes import MISTAKES, Patch
from tests.support.raters import applied_all, differences
from tests.support.succession_mistakes import MISTAKES as OF_SUCCESSIONS


@pytest.mark.parametrize("log", logs(), ids=lambda log: log.name)
def test_without_a_mistake_the_scenarios_agree(log: Log) -> None:
    assert differences(applied_all(log.books, log.records)) == []


@pytest.mark.interpreted
@pytest.mark.parametrize("mistake", [*MISTAKES, *OF_SUCCESSIONS], ids=lambda made: made.__name__)
def test_a_mistake_makes_the_oracle_disagree(mistake: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    known = logs()
    mistake(monkeypatch)
    assert any(differences(applied_all(log.books, log.records)) for log in known)


def test_the_mistakes_are_many() -> None:
    assert len(MISTAKES) >= 40
    assert len(OF_SUCCESSIONS) >= 20
