"""A plan is renewed: asked for or by itself, early or late; it begins where the one before it ends or runs out."""

from msgspec.structs import replace
from tests.support.domain import DAY, HOUR, T0, container, item, paid_by, prices, quota, tokens, usd
from tests.unit.domain.test_offers_and_payment import POSTPAID, UPFRONT, Sale, offer, parts

from drawdown.domain.calendar import add_months
from drawdown.domain.commands import (
    CancelPlan,
    ConfirmPlan,
    OfferPlan,
    PausePlan,
    RecordPayment,
    RenewPlan,
    Replayed,
)
from drawdown.domain.model import NEVER
from drawdown.domain.prices import PACKAGE, PLAN, Book, Price
from drawdown.domain.terms import Follows, Payment, Terms

MONTH = add_months(T0, 1, "UTC")
TWO = add_months(T0, 2, "UTC")
MILLION = 1_000_000  # of tokens cost 1 USD


class Chain(Sale):
    """A world in which plans follow plans."""

    def sold(self, name: str = "p", terms: Terms = UPFRONT, at: int = T0, **change: object) -> None:
        """Draft, offer and confirm a plan."""
        self.draft(replace(offer(terms), plan=name, **change), at)
        self.apply(OfferPlan("acc", name, 1, None), at)
        self.apply(ConfirmPlan("acc", name, 1), at)

    def bought(self, name: str = "p", terms: Terms = UPFRONT, at: int = T0, **change: object) -> None:
        """Sell a plan and pay all that is asked for."""
        self.sold(name, terms, at, **change)
        self.pay_all(at)

    def renewed(self, at: int = T0, plan: str = "p", name: str | None = None) -> None:
        """Renew a plan and pay what is asked for."""
        self.apply(RenewPlan("acc", plan, name), at)
        self.pay_all(at)

    def pay_all(self, at: int) -> None:
        for one in self.requests():
            if one.number:
                payment = Payment(one.number, "card", f"all-{one.number}", one.amount - one.paid, "USD")
                self.apply(RecordPayment("acc", payment), at)

    def asked(self) -> list[tuple[str, str, int]]:
        """Tell what is asked for: for which plan, why, how much is open."""
        return [(one.plan, one.reason, one.amount - one.paid) for one in self.requests() if one.number]

    def amounts(self, kind: str) -> list[tuple[str | None, int]]:
        return [(event.plan, event.amount) for event in self.events() if event.kind == kind]

    def refused(self) -> str:
        (event,) = self.events()
        assert event.kind == "command_refused"
        return event.code


def follower(how: str = "renewal", plan: str = "p") -> Follows:
    return Follows(plan, how)  # type: ignore[arg-type]


# --- early, late, and where the one before it runs out --------------------------------------------------------------


def test_a_renewal_paid_early_waits_for_the_end_of_the_plan_before_it() -> None:
    world = Chain()
    world.bought()
    world.apply(RenewPlan("acc", "p", None), T0 + DAY)
    assert world.kinds() == [("renewal_open", ""), ("payment_requested", "plan")]
    world.pay_all(T0 + DAY)
    assert world.kinds() == [("payment_recorded", ""), ("plan_scheduled", "")]
    renewal = world.plan("p-r1")
    assert (renewal.status, renewal.start, renewal.end) == ("scheduled", MONTH, TWO)
    world.timer(MONTH)
    assert world.kinds()[-2:] == [("plan_expired", "time"), ("plan_activated", "")]


def test_usage_after_the_end_is_paid_by_the_renewal_also_before_the_timer_has_fired() -> None:
    world = Chain()
    world.bought()
    world.renewed()
    charge, overage = world.use(container(MONTH - HOUR, MONTH + HOUR))
    assert paid_by(charge) == [("p", usd("3.6")), ("p-r1", usd("3.6"))]
    assert overage is None
    assert world.kinds() == [("plan_activated", "")]


def test_a_plan_that_runs_out_begins_its_renewal_within_the_event() -> None:
    world = Chain()
    world.bought()
    world.renewed()
    at = T0 + DAY
    charge, overage = world.use(tokens(110 * MILLION, at))
    assert paid_by(charge) == [("p", usd("100")), ("p-r1", usd("10"))]
    assert overage is None
    assert world.kinds() == [("plan_expired", "amount"), ("plan_activated", "")]
    renewal = world.plan("p-r1")
    assert (renewal.start, renewal.end) == (at, add_months(at, 1, "UTC"))


def test_what_the_renewal_cannot_pay_either_is_on_demand() -> None:
    world = Chain()
    world.bought()
    world.renewed()
    charge, overage = world.use(tokens(210 * MILLION, T0 + DAY))
    assert paid_by(charge) == [("p", usd("100")), ("p-r1", usd("100"))]
    assert overage is not None
    assert overage.total == usd("20")  # 10 million tokens at 2
    assert world.kinds() == [
        ("plan_expired", "amount"),
        ("plan_activated", ""),
        ("plan_expired", "amount"),
    ]


def test_a_quota_that_is_used_up_does_not_begin_the_renewal() -> None:
    world = Chain()
    world.bought(quotas=(quota("inference", "5"),))
    world.renewed()
    charge, overage = world.use(tokens(6 * MILLION, T0 + DAY))
    assert paid_by(charge) == [("p", usd("5"))]
    assert overage is not None
    assert world.plan("p-r1").status == "scheduled"


def test_a_renewal_begins_within_the_event_with_its_own_prices_also_by_the_package() -> None:
    package = Price("inference", "input_tokens", (), usd("3"), 10 * MILLION, PACKAGE)
    world = Chain(prices(Book("packages", 1, PLAN, "USD", 0, (package,)), Book("none", 1, PLAN, "USD", 0, ())))
    world.bought()
    world.bought("q", follows=follower(), book="packages")
    charge, _ = world.use(tokens(111 * MILLION, T0 + DAY))
    assert paid_by(charge) == [("p", usd("100")), ("q", usd("6"))]  # 11 million are two packages
    world = Chain(world.prices)
    world.bought()
    world.bought("q", follows=follower(), book="none")
    charge, overage = world.use(tokens(111 * MILLION, T0 + DAY))
    assert paid_by(charge) == [("p", usd("100"))]
    assert overage is not None
    assert overage.total == usd("22")  # it begins, and has no price for these


def test_late_usage_that_uses_a_plan_up_begins_the_renewal_where_it_was_used() -> None:
    world = Chain()
    world.bought()
    world.renewed()
    world.use(tokens(100 * MILLION, T0 + HOUR), at=T0 + 5 * HOUR)
    assert world.plan("p-r1").start == T0 + HOUR


def test_a_renewal_paid_after_the_end_begins_when_it_is_paid() -> None:
    world = Chain()
    world.bought()
    world.apply(RenewPlan("acc", "p", None), MONTH - DAY)
    world.timer(MONTH + 2 * DAY)
    world.pay_all(MONTH + 3 * DAY)
    assert world.kinds() == [("payment_recorded", ""), ("plan_activated", "")]
    assert world.plan("p-r1").start == MONTH + 3 * DAY
    world.apply(RenewPlan("acc", "p", "again"), TWO)
    assert world.refused() == "wrong_status"  # it is the renewal that is to be renewed


def test_a_renewal_that_is_not_paid_in_time_lapses() -> None:
    world = Chain()
    world.bought()
    world.apply(RenewPlan("acc", "p", None))
    world.timer(T0 + 21 * DAY)
    assert world.kinds()[-1] == ("plan_lapsed", "payment")


def test_the_renewal_of_an_open_ended_plan_begins_when_that_runs_out_and_that_is_settled_at_once() -> None:
    world = Chain()
    world.bought(months=None)
    world.renewed()
    assert (world.plan("p-r1").start, world.plan("p-r1").end) == (NEVER, None)
    world.use(tokens(100 * MILLION, T0 + DAY))
    assert world.kinds() == [("plan_expired", "amount"), ("plan_activated", ""), ("plan_settled", "")]
    assert world.plan("p-r1").start == T0 + DAY


def test_a_postpaid_plan_is_renewed_without_payment_and_its_statements_begin_with_it() -> None:
    world = Chain()
    world.bought(terms=POSTPAID)
    world.apply(RenewPlan("acc", "p", None))
    assert world.kinds() == [("renewal_open", ""), ("plan_scheduled", "")]
    assert world.plan("p-r1").statement_at == TWO
    world = Chain()
    world.bought(terms=POSTPAID, months=None)
    world.apply(RenewPlan("acc", "p", None))
    assert world.plan("p-r1").statement_at is None
    world.use(tokens(100 * MILLION, T0 + DAY))
    assert world.plan("p-r1").statement_at == add_months(T0 + DAY, 1, "UTC")


# --- the start moves with the end of the plan before it --------------------------------------------------------------


def test_a_pause_moves_the_start_of_the_renewal() -> None:
    world = Chain()
    world.bought()
    world.renewed()
    world.apply(PausePlan("acc", "p", T0 + 10 * DAY))
    assert world.kinds() == [("plan_paused", ""), ("plan_moved", "")]
    assert world.plan("p-r1").start == MONTH + 10 * DAY


def test_the_start_of_a_renewal_becomes_known_when_the_open_ended_plan_before_it_is_cancelled() -> None:
    world = Chain()
    world.bought(months=None)
    world.renewed()
    world.apply(CancelPlan("acc", "p", at_cycle_end=True))
    assert world.kinds() == [("plan_cancelled", ""), ("plan_moved", "")]
    assert world.plan("p-r1").start == MONTH


def test_the_renewal_of_a_plan_that_is_cancelled_begins_at_once_and_says_so() -> None:
    world = Chain()
    world.bought()
    world.renewed()
    world.apply(CancelPlan("acc", "p", at_cycle_end=False), T0 + DAY)
    assert world.kinds() == [
        ("plan_cancelled", ""),
        ("plan_expired", "cancelled"),
        ("plan_moved", ""),
        ("plan_activated", ""),
    ]
    assert (world.plan("p-r1").start, world.plan("p-r1").status) == (T0 + DAY, "active")


def test_a_renewal_that_has_not_begun_is_cancelled_and_what_was_paid_is_to_be_returned() -> None:
    world = Chain()
    world.bought()
    world.renewed()
    world.apply(CancelPlan("acc", "p-r1", at_cycle_end=False))
    assert world.amounts("plan_cancelled") == [("p-r1", usd("90"))]
    assert world.plan().successor == ""
    world.renewed(name="again")
    assert world.plan("again").status == "scheduled"


def test_a_cancelled_renewal_returns_the_parts_that_were_paid_and_asks_for_no_more() -> None:
    world = Chain()
    world.bought()
    world.sold("q", parts(T0 + 5 * DAY, T0 + 50 * DAY), follows=follower())
    world.pay(2, "40", "first part")
    world.pay(3, "10", "of an instalment")
    world.apply(CancelPlan("acc", "q", at_cycle_end=False))
    assert world.amounts("plan_cancelled") == [("q", usd("50"))]
    assert world.requests() == ()


def test_usage_after_a_scheduled_renewal_was_cancelled_is_on_demand() -> None:
    world = Chain()
    world.bought()
    world.renewed()
    world.apply(CancelPlan("acc", "p-r1", at_cycle_end=False))
    charge, overage = world.use(tokens(101 * MILLION, T0 + DAY))
    assert paid_by(charge) == [("p", usd("100"))]
    assert overage is not None


# --- what rolls over -------------------------------------------------------------------------------------------------


def test_what_is_left_rolls_over_at_settlement_if_the_terms_say_so() -> None:
    for rollover, left in ((True, "70"), (False, "0")):
        world = Chain()
        world.bought(terms=replace(UPFRONT, rollover=rollover))
        world.renewed()
        world.use(tokens(30 * MILLION, T0 + DAY))
        world.timer(MONTH)
        assert world.plan("p-r1").amount == usd("100")
        world.timer(MONTH + DAY)
        old = world.plan()
        assert (old.rolled_over, old.forfeited) == (usd(left), usd("70") - usd(left))
        assert world.plan("p-r1").amount == usd("100") + usd(left)


def test_what_rolls_over_lets_a_renewal_go_on_that_was_used_up() -> None:
    world = Chain()
    world.bought(terms=replace(UPFRONT, rollover=True))
    world.renewed()
    world.timer(MONTH)
    world.use(tokens(100 * MILLION, MONTH + HOUR))
    assert world.kinds()[-1] == ("plan_expired", "amount")
    world.timer(MONTH + DAY)
    assert world.kinds() == [("amount_added", "rollover"), ("plan_resumed", "amount"), ("plan_settled", "")]
    charge, _ = world.use(tokens(MILLION, MONTH + 2 * DAY))
    assert paid_by(charge) == [("p-r1", usd("1"))]


def test_an_open_ended_renewal_that_is_used_up_stays_open_for_what_may_roll_over() -> None:
    world = Chain()
    world.bought(terms=replace(UPFRONT, rollover=True))
    world.bought("q", months=None, follows=follower())
    world.timer(MONTH)
    world.use(tokens(100 * MILLION, MONTH + HOUR))
    assert world.plan("q").status == "settling"
    world.timer(MONTH + DAY)
    assert (world.plan("q").status, world.plan("q").amount) == ("active", usd("200"))


def test_an_open_ended_renewal_that_is_used_up_is_closed_when_nothing_rolled_over() -> None:
    world = Chain()
    world.bought(terms=replace(UPFRONT, rollover=True))
    world.bought("q", months=None, follows=follower())
    world.timer(MONTH)
    world.use(tokens(100 * MILLION, MONTH + HOUR))
    world.use(tokens(100 * MILLION, MONTH - HOUR), at=MONTH + 2 * HOUR)
    world.timer(MONTH + DAY)
    assert world.kinds() == [("plan_settled", ""), ("plan_settled", "")]
    assert world.plan("q").status == "expired"


def test_nothing_rolls_over_into_a_renewal_that_is_closed() -> None:
    world = Chain()
    world.bought(terms=replace(UPFRONT, rollover=True), grace_ms=60 * DAY)
    world.renewed()
    renewal = replace(world.plan("p-r1"), grace_ms=0)
    assert world.state is not None
    world.state = replace(world.state, plans=(world.plan(), renewal))
    world.timer(MONTH + 60 * DAY)
    assert world.plan("p-r1").status == "expired"
    assert world.plan().forfeited == usd("100")


# --- within one event ---------------------------------------------------------------------------------------------


def test_a_renewal_outside_whose_scope_the_usage_is_does_not_pay_for_it() -> None:
    world = Chain()
    world.bought()
    world.bought("q", scope=(item("gpu-container"),), follows=follower())
    charge, overage = world.use(tokens(101 * MILLION, T0 + DAY))
    assert paid_by(charge) == [("p", usd("100"))]
    assert overage is not None
    assert world.plan("q").start == T0 + DAY


def test_a_renewal_with_a_wider_scope_waits_for_its_start_when_the_plan_before_it_does_not_include_the_usage() -> None:
    world = Chain()
    world.bought(scope=(item("gpu-container"),))
    world.bought("q", follows=follower())
    charge, overage = world.use(tokens(MILLION, T0 + DAY))
    assert charge is None
    assert overage is not None
    assert world.plan("q").status == "scheduled"


def test_the_renewal_of_an_open_ended_plan_begins_by_usage_replayed_months_later_and_counts_it() -> None:
    package = Price("inference", "input_tokens", (), usd("3"), 10 * MILLION, PACKAGE)
    world = Chain(prices(Book("packages", 1, PLAN, "USD", 0, (package,))))
    world.bought(months=None)
    world.bought("q", months=None, follows=follower(), book="packages")
    world.apply(Replayed(tokens(101 * MILLION, T0 + HOUR)), T0 + 100 * DAY)
    renewal = world.plan("q")
    assert (renewal.start, renewal.spent) == (T0 + HOUR, usd("3"))
    assert [(counter.period, counter.quantity) for counter in renewal.counters] == [(0, MILLION * MILLION)]


def test_a_renewal_that_has_begun_pays_nothing_from_before_its_start() -> None:
    world = Chain()
    world.bought()
    world.renewed()
    world.timer(MONTH)
    charge, overage = world.use(tokens(101 * MILLION, MONTH - HOUR), at=MONTH + HOUR)
    assert paid_by(charge) == [("p", usd("100"))]
    assert overage is not None
    assert overage.total == usd("2")


def test_a_renewal_that_is_drawn_before_others_begins_within_the_event_all_the_same() -> None:
    world = Chain()
    world.bought(amount=usd("5"))
    world.bought("q", follows=follower(), priority=1)
    charge, _ = world.use(container(T0, T0 + 2 * HOUR))
    assert paid_by(charge) == [("p", usd("5")), ("q", usd("2.2"))]
    assert world.kinds() == [("plan_expired", "amount"), ("plan_activated", "")]


def test_a_plan_that_is_used_up_by_packages_begins_its_renewal_where_it_was_used_up() -> None:
    package = Price("inference", "input_tokens", (), usd("3"), 10 * MILLION, PACKAGE)
    world = Chain(prices(Book("packages", 1, PLAN, "USD", 0, (package,))))
    world.bought(amount=usd("6"), book="packages")
    world.bought("q", follows=follower())
    charge, _ = world.use(tokens(21 * MILLION, T0 + DAY))
    assert charge is not None
    assert [(line.plan, line.book, line.meter, line.amount) for line in charge.lines] == [
        ("p", "packages", "input_tokens", usd("6")),
        ("q", "plan-usd", "input_tokens", usd("1")),
    ]
    assert world.plan("q").start == T0 + DAY
