"""An interval is cut where a plan starts or ends, where a price changes, and where a month or a cycle begins."""

from tests.support.domain import DAY, HOUR, T0, World, book, container, paid_by, prices, usd

NEXT_MONTH = T0 + 31 * DAY


def quantities(output: object) -> list[int]:
    return [line.quantity // 1_000_000 for line in output.lines]  # type: ignore[attr-defined]


def test_an_interval_is_cut_at_a_plans_start() -> None:
    world = World()
    world.activate(start=T0 + HOUR)
    charge, overage = world.use(container(T0, T0 + 3 * HOUR))
    assert paid_by(charge) == [("p", usd("7.2"))]
    assert overage is not None
    assert overage.total == usd("7.2")


def test_an_interval_is_not_cut_by_a_plan_that_starts_at_its_end_or_later() -> None:
    world = World()
    world.activate(start=T0 + 3 * HOUR, end=None)
    _, overage = world.use(container(T0, T0 + 3 * HOUR))
    assert overage is not None
    assert quantities(overage) == [10_800]


def test_an_interval_is_cut_at_a_plans_end() -> None:
    world = World()
    world.activate(end=T0 + HOUR)
    charge, overage = world.use(container(T0, T0 + 3 * HOUR))
    assert paid_by(charge) == [("p", usd("3.6"))]
    assert overage is not None
    assert overage.total == usd("14.4")


def test_an_interval_is_cut_where_the_on_demand_price_changes() -> None:
    dearer = book("on-demand-usd", "2", "14.4", version=2, since=T0 + HOUR, kind="on_demand")
    _, overage = World(prices(dearer)).use(container(T0, T0 + 2 * HOUR))
    assert overage is not None
    assert [line.amount for line in overage.lines] == [usd("7.2"), usd("14.4")]
    assert [line.book_version for line in overage.lines] == [1, 2]


def test_an_interval_is_cut_where_a_month_begins_in_the_accounts_zone() -> None:
    world = World(time_zone="Asia/Ho_Chi_Minh")  # seven hours ahead of UTC
    _, overage = world.use(container(NEXT_MONTH - 8 * HOUR, NEXT_MONTH - 6 * HOUR))
    assert overage is not None
    assert [line.time for line in overage.lines] == [NEXT_MONTH - 8 * HOUR, NEXT_MONTH - 7 * HOUR]
    _, overage = world.use(container(NEXT_MONTH - HOUR, NEXT_MONTH + HOUR))
    assert overage is not None
    assert len(overage.lines) == 1


def test_an_interval_is_cut_where_a_cycle_of_a_plan_begins() -> None:
    world = World()
    world.activate(start=T0 + 10 * DAY, end=None)
    at = T0 + 41 * DAY  # one month after 11 January
    charge, _ = world.use(container(at - HOUR, at + 2 * HOUR))
    assert charge is not None
    assert quantities(charge) == [3_600, 7_200]


def test_parts_round_down_and_the_last_takes_the_remainder() -> None:
    world = World()
    world.activate(start=T0 + 1, end=None)
    charge, overage = world.use(container(T0, T0 + 3, gpus=1, storage=0))
    assert charge is not None
    assert overage is not None
    assert (overage.lines[0].quantity, charge.lines[0].quantity) == (1, 2)


def test_pieces_are_paid_by_time_then_meter() -> None:
    world = World()
    world.activate(start=T0 + HOUR, amount="3.6")
    charge, overage = world.use(container(T0, T0 + 2 * HOUR, storage=1000))
    assert charge is not None
    assert overage is not None
    assert [(line.time, line.meter) for line in charge.lines] == [(T0 + HOUR, "gpu_seconds")]
    assert [(line.time, line.meter) for line in overage.lines] == [
        (T0, "gpu_seconds"),
        (T0, "storage_gb_seconds"),
        (T0 + HOUR, "storage_gb_seconds"),
    ]
