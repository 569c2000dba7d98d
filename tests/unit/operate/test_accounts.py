"""An account in words: View Details and Service Details of its plans, and its credit."""

from msgspec.structs import replace
from tests.support.domain import DAY, HOUR, T0, World, item, quota, tokens, usd

from drawdown.domain.model import ScopeItem
from drawdown.domain.wallet.model import Part, TopUp, Voucher, Wallet
from drawdown.operate.accounts import AccountView, view
from drawdown.operate.wallets import wallet_view


def shown(world: World, now: int = T0) -> AccountView:
    assert world.state is not None
    return view(world.state, None, 3, 17, now)


def test_a_plan_for_all_services_tells_each() -> None:
    world = World()
    world.activate("p", "100", quotas=(quota("inference", "0.5"), quota("inference", "0.2", model="Q")))
    world.use(tokens(100_000))
    told = shown(world)
    (plan,) = told.plans
    assert (told.currency, told.shard, told.commit, told.remaining) == ("USD", 3, 17, "99.900000000")
    assert (plan.scope, plan.amount, plan.spent, plan.remaining) == (
        None,
        "100.000000000",
        "0.100000000",
        "99.900000000",
    )
    assert [(one.service, one.spent, one.quota, one.remaining) for one in plan.services] == [
        ("gpu-container", "0.000000000", None, None),
        ("fine-tuning", "0.000000000", None, None),
        ("inference", "0.100000000", "0.500000000", "0.400000000"),
        ("inference", "0.100000000", "0.200000000", "0.100000000"),
    ]
    assert plan.services[-1].dimensions == {"model": "Q"}


def test_a_scoped_plan_tells_its_services_only_once() -> None:
    world = World()
    world.activate("p", scope=(item("inference", model="Q"), item("inference", model="Z"), item("fine-tuning")))
    (plan,) = shown(world).plans
    assert [one.service for one in plan.services] == ["inference", "fine-tuning"]
    assert plan.scope is not None
    assert [entry.dimensions for entry in plan.scope] == [{"model": "Q"}, {"model": "Z"}, {}]


def test_a_quota_leaves_no_more_than_the_plan_does() -> None:
    world = World()
    world.activate("p", "0.1", quotas=(quota("inference", "5"),))
    world.use(tokens(90_000))
    assert shown(world).plans[0].services[-1].remaining == "0.010000000"


def test_time_that_is_left() -> None:
    world = World()
    world.activate("dated", end=T0 + DAY)
    world.activate("open", end=None)
    seconds = {plan.plan: plan.remaining_seconds for plan in shown(world, T0 + HOUR).plans}
    assert seconds == {"dated": 23 * 3_600, "open": None}
    assert {plan.remaining_seconds for plan in shown(world, T0 + 2 * DAY).plans} == {0, None}


def test_a_plan_that_is_used_up_or_settled_is_expired() -> None:
    world = World()
    world.activate("p", "0.1")
    world.use(tokens(1_000_000))
    (plan,) = shown(world).plans
    assert (plan.status, plan.expired_by, plan.remaining, shown(world).remaining) == (
        "Expired",
        "amount",
        "0.000000000",
        "0.000000000",
    )
    world = World()
    world.activate("p", "5", end=T0 + HOUR, grace_ms=0)
    world.timer(T0 + HOUR)
    world.timer(T0 + HOUR)
    (plan,) = shown(world).plans
    assert (plan.status, plan.remaining, plan.forfeited) == ("Expired", "0.000000000", "5.000000000")


def test_credit() -> None:
    split = (
        Part((ScopeItem("inference", (("model", "Q"),)),), (), usd("5"), usd("1")),
        Part((), ("inference",), usd("7")),
    )
    wallet = Wallet("acc", "USD", T0, debt=usd("2"), vouchers=(Voucher("v", 1, T0, 1, split),))
    wallet = replace(wallet, top_ups=(TopUp("t", usd("30"), usd("10")),))
    told = wallet_view(wallet)
    assert (told.voucher_credit, told.top_up_credit, told.debt) == ("11.000000000", "20.000000000", "2.000000000")
    assert [(part.covers, part.remaining) for part in told.vouchers[0].parts] == [
        ("inference (model=Q)", "4.000000000"),
        ("all services but inference", "7.000000000"),
    ]
    plain = Wallet("acc", "USD", T0, vouchers=(Voucher("v", 1, T0, 1, (Part((), (), usd("5")),)),))
    assert wallet_view(plain).vouchers[0].parts[0].covers == "all services"


def test_a_debt_limit_is_shown_where_there_is_one() -> None:
    wallet = Wallet("acc", "USD", T0, debt=usd("2"), debt_limit=usd("50"))
    assert wallet_view(wallet).debt_limit == "50.000000000"
    assert wallet_view(replace(wallet, debt_limit=None)).debt_limit is None
