"""Who pays an overage: vouchers in their order, then top-ups first in first out, then debt. Design section 5."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain import DAY, T0, item, usd
from tests.support.wallet import EXPIRES, FORFEITED, World, part, top_up, voucher

from drawdown.domain.model import ScopeItem
from drawdown.domain.wallet.credits import draw_order
from drawdown.domain.wallet.model import Part, Voucher

PRODUCT = (item("inference", model="Q"),)
SERVICE = (item("inference"),)
SEVERAL = (item("inference"), item("fine-tuning"))
ALL: tuple[ScopeItem, ...] = ()
SOON, LATER = T0 + DAY, T0 + 90 * DAY


def parts(*scope: ScopeItem) -> tuple[Part, ...]:
    return (part("1", *scope),)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"priority": 1}, {"priority": 2}),
        ({"priority": 1, "parts": parts(), "expires": LATER}, {"parts": parts(*PRODUCT), "expires": SOON}),
        ({"parts": parts(*PRODUCT), "expires": LATER}, {"parts": parts(*SERVICE), "expires": SOON}),
        ({"parts": parts(*SERVICE)}, {"parts": parts(*SEVERAL)}),
        ({"parts": parts(*SEVERAL)}, {"parts": parts()}),
        ({"parts": (part("1", others_than=("fine-tuning",)),)}, {"parts": parts()}),
        ({"parts": parts(*SERVICE)}, {"parts": (part("1", others_than=("fine-tuning",)),)}),
        ({"expires": SOON}, {"expires": LATER}),
        ({"expires": SOON}, {"expires": SOON + 1}),
    ],
)
def test_one_voucher_pays_before_the_other_whichever_was_granted_first(
    first: dict[str, object], second: dict[str, object]
) -> None:
    for order in permutations((("first", first), ("second", second))):
        world = World()
        world.give(*(voucher(name, "1", **terms) for name, terms in order))
        assert world.use("1.5") == [("voucher", "first", usd("1")), ("voucher", "second", usd("0.5"))]


@pytest.mark.parametrize("names", list(permutations(("a", "b", "c"))))
def test_where_all_else_ties_the_older_voucher_pays_first(names: tuple[str, ...]) -> None:
    world = World()
    world.give(*(voucher(name, "1") for name in names))
    assert [paid for _, paid, _ in world.use("3")] == list(names)


def test_one_overage_is_paid_by_vouchers_then_top_ups_then_debt() -> None:
    world = World()
    world.give(
        top_up("first"),
        top_up("second", "30"),
        voucher("all", "1"),
        voucher("soon", "1", expires=SOON),
        voucher("service", "1", *SERVICE),
        voucher("product", "1", *PRODUCT),
        voucher("urgent", "1", priority=1),
    )
    vouchers = [("voucher", name, usd("1")) for name in ("urgent", "product", "service", "soon", "all")]
    topped = [("top_up", "first", usd("25")), ("top_up", "second", usd("30"))]
    assert world.use("100") == [*vouchers, *topped, ("debt", None, usd("40"))]
    assert world.left() == {}
    assert world.wallet.debt == usd("40")


def test_each_payment_tells_what_was_left_before_and_after() -> None:
    world = World()
    world.give(top_up(), voucher("v", "2"))
    world.use("1")
    world.use("30")
    told = [(paid.kind, paid.before, paid.after) for paid in world.payments()]
    assert told == [("voucher", usd("1"), 0), ("top_up", usd("25"), 0), ("debt", 0, usd("4"))]
    world.use("2")
    assert [(paid.before, paid.after) for paid in world.payments()] == [(usd("4"), usd("6"))]


def test_the_whole_of_an_exact_overage_is_paid_and_nothing_is_owed() -> None:
    world = World()
    world.give(voucher("v", "1"), top_up())
    assert world.use("26") == [("voucher", "v", usd("1")), ("top_up", "t", usd("25"))]
    assert (world.wallet.debt, world.left()) == (0, {})


def test_an_overage_of_nothing_is_charged_to_nobody() -> None:
    world = World()
    world.give(voucher("v", "1"))
    assert world.use("0") == []
    assert world.left() == {"v": usd("1")}


# --- scope ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [(item("fine-tuning"),), (item("inference", model="Z"),)])
def test_usage_outside_a_vouchers_scope_falls_through_to_top_ups(scope: tuple[ScopeItem, ...]) -> None:
    world = World()
    world.give(voucher("scoped", "100", *scope), top_up())
    assert world.use("30") == [("top_up", "t", usd("25")), ("debt", None, usd("5"))]
    assert world.left() == {"scoped": usd("100")}


def starter(world: World) -> None:
    """The platform's starter voucher, split by service."""
    split = (
        part("10", item("gpu-container")),
        part("10", item("fine-tuning")),
        part("70", others_than=("fine-tuning", "gpu-container")),
    )
    world.give(voucher("starter", parts=split))


def test_each_part_of_a_split_voucher_pays_for_its_own_service() -> None:
    world = World()
    starter(world)
    assert world.use("12", service="gpu-container") == [("voucher", "starter", usd("10")), ("debt", None, usd("2"))]
    assert world.use("80") == [("voucher", "starter", usd("70")), ("debt", None, usd("10"))]
    assert world.left() == {"starter": usd("10")}
    assert world.use("10", service="fine-tuning") == [("voucher", "starter", usd("10"))]
    assert world.kinds() == [("voucher_used_up", "")]


def test_other_services_are_those_that_no_part_names_a_new_one_included() -> None:
    world = World()
    starter(world)
    assert world.use("1", service="notebook") == [("voucher", "starter", usd("1"))]
    assert world.left() == {"starter": usd("89")}


def test_a_part_for_a_product_leaves_the_rest_of_its_service_to_the_others() -> None:
    world = World()
    world.give(voucher("v", parts=(part("1", *PRODUCT), part("5", others_than=()))))
    assert world.use("3") == [("voucher", "v", usd("1")), ("voucher", "v", usd("2"))]
    assert world.use("1", dimensions=(("model", "Z"),)) == [("voucher", "v", usd("1"))]


def test_the_balance_of_a_split_voucher_is_that_of_all_its_parts() -> None:
    world = World()
    starter(world)
    world.use("4", service="gpu-container")
    (payment,) = world.payments()
    assert (payment.before, payment.after) == (usd("90"), usd("86"))


# --- expiry --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "payer"), [(-1, "voucher"), (0, "voucher"), (1, "debt")])
def test_expiry_is_judged_at_the_end_of_the_usage(after: int, payer: str) -> None:
    world = World()
    world.give(voucher())
    assert [kind for kind, _, _ in world.use(time=EXPIRES + after)] == [payer]


@pytest.mark.parametrize("appended", [EXPIRES + 1, FORFEITED - 1, FORFEITED, FORFEITED + DAY])
def test_late_usage_from_before_the_expiry_is_paid_as_long_as_the_voucher_is_not_forfeited(appended: int) -> None:
    world = World()
    world.give(voucher())
    assert world.use(time=EXPIRES, at=appended) == [("voucher", "v", usd("1"))]


def test_a_forfeited_voucher_pays_nothing_whatever_the_usages_time() -> None:
    world = World()
    world.give(voucher())
    world.timer(FORFEITED)
    assert world.use(time=EXPIRES, at=FORFEITED) == [("debt", None, usd("1"))]


def test_usage_after_the_expiry_leaves_the_voucher_for_what_is_still_to_come_from_before() -> None:
    world = World()
    world.give(voucher(), top_up())
    assert world.use(time=EXPIRES + 1) == [("top_up", "t", usd("1"))]
    assert world.use(time=EXPIRES, at=EXPIRES + 2) == [("voucher", "v", usd("1"))]


# --- top-ups and debt ----------------------------------------------------------------------------


def test_top_ups_pay_first_in_first_out_and_never_expire() -> None:
    world = World()
    world.give(top_up("z"), top_up("a", "26"))
    assert world.use("24", time=T0 + 4_000 * DAY) == [("top_up", "z", usd("24"))]
    assert world.use("2") == [("top_up", "z", usd("1")), ("top_up", "a", usd("1"))]
    assert world.left() == {"a": usd("25")}


def test_top_ups_and_debt_are_judged_on_arrival_even_for_usage_of_before_the_payment() -> None:
    world = World()
    world.give(top_up(), at=T0 + DAY)
    assert world.use(time=T0, at=T0 + DAY) == [("top_up", "t", usd("1"))]


scopes = st.sampled_from((PRODUCT, SERVICE, SEVERAL, ALL))


@given(st.lists(st.tuples(st.integers(0, 2), scopes, st.integers(0, 2)), min_size=2, max_size=8))
def test_the_order_of_vouchers_is_total(terms: list[tuple[int, tuple[ScopeItem, ...], int]]) -> None:
    vouchers = [
        Voucher(f"v{number}", priority, EXPIRES + expires, number, (Part(scope, (), 1),))
        for number, (priority, scope, expires) in enumerate(terms)
    ]
    assert len({draw_order(one, one.parts[0]) for one in vouchers}) == len(vouchers)


def test_a_part_that_is_used_up_pays_nothing_more_while_another_has_something_left() -> None:
    world = World()
    split = (part("1", *SERVICE), part("2", item("fine-tuning")))
    world.give(voucher("v", parts=split))
    assert world.use("1") == [("voucher", "v", usd("1"))]
    assert world.use("0.5") == [("debt", None, usd("0.5"))]
    assert world.use("0.5", service="fine-tuning") == [("voucher", "v", usd("0.5"))]
