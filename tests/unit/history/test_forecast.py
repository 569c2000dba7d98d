"""When plans and credit will be used up, if what was spent lately goes on."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import examples

from drawdown.history.forecast import CREDIT, HOUR_MS, Outlook, Source, forecast

NOW = 1_000_000
ALL: frozenset[str] = frozenset()
GPU, TOKENS = "gpu-container", "inference"


def at(hours: int) -> int:
    return NOW + hours * HOUR_MS


def test_a_plan_is_empty_when_its_amount_is_spent() -> None:
    assert forecast([Source("p", 100, None, ALL)], {GPU: 10}, NOW) == [Outlook("p", 10, at(10), None)]


def test_a_plan_whose_time_ends_first_is_over() -> None:
    assert forecast([Source("p", 100, at(9), ALL)], {GPU: 10}, NOW) == [Outlook("p", 10, None, at(9))]
    assert forecast([Source("p", 100, at(10), ALL)], {GPU: 10}, NOW) == [Outlook("p", 10, at(10), None)]


def test_the_next_plan_pays_once_the_first_is_empty() -> None:
    sources = [Source("a", 100, None, ALL), Source("b", 50, None, ALL)]
    assert forecast(sources, {GPU: 10}, NOW) == [Outlook("a", 10, at(10), None), Outlook("b", 10, at(15), None)]


def test_the_next_plan_pays_once_the_first_is_over_and_credit_pays_last() -> None:
    sources = [Source("a", 100, at(4), ALL), Source("b", 50, at(20), ALL), Source(CREDIT, 30, None, ALL)]
    assert forecast(sources, {GPU: 10}, NOW) == [
        Outlook("a", 10, None, at(4)),
        Outlook("b", 10, at(9), None),
        Outlook(CREDIT, 10, at(12), None),
    ]


def test_nothing_is_used_up_where_nothing_is_spent() -> None:
    sources = [Source("a", 100, None, ALL), Source("b", 50, at(3), ALL), Source(CREDIT, 0, None, ALL)]
    wanted = [Outlook("a", 0, None, None), Outlook("b", 0, None, at(3)), Outlook(CREDIT, 0, None, None)]
    assert forecast(sources, {}, NOW) == wanted
    assert forecast(sources, {GPU: 0}, NOW) == wanted
    assert forecast([], {GPU: 5}, NOW) == []


def test_a_plan_pays_only_the_services_that_it_covers() -> None:
    sources = [Source("g", 100, None, frozenset({GPU})), Source("w", 60, None, ALL), Source(CREDIT, 5, None, ALL)]
    assert forecast(sources, {GPU: 10, TOKENS: 3}, NOW) == [
        Outlook("g", 10, at(10), None),  # by then the other has paid 30 for tokens
        Outlook("w", 3, at(10) + -(-30 * HOUR_MS // 13), None),
        Outlook(CREDIT, 13, at(10) + -(-30 * HOUR_MS // 13) + -(-5 * HOUR_MS // 13), None),
    ]
    assert forecast(sources[:1], {TOKENS: 3}, NOW) == [Outlook("g", 0, None, None)]


def test_a_plan_pays_nothing_before_it_begins() -> None:
    sources = [Source("a", 100, at(2), ALL), Source("b", 50, at(9), ALL, at(4)), Source(CREDIT, 30, None, ALL)]
    assert forecast(sources, {GPU: 10}, NOW) == [
        Outlook("a", 10, None, at(2)),
        Outlook("b", 10, at(9), None),
        Outlook(CREDIT, 10, at(10), None),
    ]
    later = [Source("b", 50, at(9), ALL, at(4)), Source(CREDIT, 30, None, ALL)]
    assert forecast(later, {GPU: 10}, NOW) == [Outlook("b", 10, at(9), None), Outlook(CREDIT, 10, at(3), None)]
    assert forecast(later, {}, NOW) == [Outlook("b", 0, None, at(9)), Outlook(CREDIT, 0, None, None)]


def test_a_plan_that_begins_when_the_one_before_it_ends_follows_it() -> None:
    sources = [Source("a", 100, at(2), ALL), Source("b", 50, None, ALL, at(2)), Source(CREDIT, 30, None, ALL)]
    assert forecast(sources, {GPU: 10}, NOW) == [
        Outlook("a", 10, None, at(2)),
        Outlook("b", 10, at(7), None),
        Outlook(CREDIT, 10, at(10), None),
    ]


def test_a_plan_that_is_over_when_its_turn_would_come_pays_nothing() -> None:
    sources = [Source("a", 20, None, ALL), Source("b", 50, at(2), ALL), Source("c", 10, None, ALL)]
    assert forecast(sources, {GPU: 10}, NOW)[1:] == [Outlook("b", 0, None, at(2)), Outlook("c", 10, at(3), None)]


def test_what_is_empty_or_over_already_is_so_now() -> None:
    sources = [Source("a", 0, None, ALL), Source("b", 5, NOW - 7, ALL), Source("c", 10, None, ALL)]
    assert forecast(sources, {GPU: 10}, NOW) == [
        Outlook("a", 10, NOW, None),
        Outlook("b", 0, None, NOW),
        Outlook("c", 10, at(1), None),
    ]


SOURCES = st.lists(
    st.builds(
        Source,
        st.just(""),
        st.integers(0, 2**40),
        st.none() | st.integers(NOW - HOUR_MS, at(2_000)),
        st.frozensets(st.sampled_from((GPU, TOKENS)), max_size=2),
        st.just(0) | st.integers(NOW, at(900)),
    ),
    max_size=5,
).map(lambda made: [replace(one, name=f"p{number}") for number, one in enumerate(made)])
RATES = st.dictionaries(st.sampled_from((GPU, TOKENS, "fine-tuning")), st.integers(0, 2**30))


@examples(200)
@given(SOURCES, RATES)
def test_no_source_gives_more_than_it_has_nor_lasts_longer(sources: list[Source], rates: dict[str, int]) -> None:
    found = forecast(sources, rates, NOW)
    assert [one.name for one in found] == [one.name for one in sources]
    for source, one in zip(sources, found, strict=True):
        assert None in {one.empty, one.over}
        turn = one.empty if one.over is None else one.over
        assert turn is None or turn >= NOW
        if source.end is not None:
            assert turn is not None
            assert turn <= max(source.end, source.start, NOW)
        assert one.hourly <= sum(rates.values())
    last = max((one.empty for one in found if one.empty is not None), default=NOW)
    spent = Fraction(sum(rates.values()) * (last - NOW), HOUR_MS)
    assert sum(source.remaining for source, one in zip(sources, found, strict=True) if one.empty is not None) <= (
        spent + len(sources) * (len(sources) + 1)  # each turn rounds less than a quantum a source
    )
