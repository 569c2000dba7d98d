"""An account while one input is applied: collects the outputs and numbers them."""

import hashlib

from drawdown.domain.commands import RequestPlan
from drawdown.domain.coverage import draw_order
from drawdown.domain.limits import PLANS_CLOSED_KEPT_MAX
from drawdown.domain.model import Account, Offer, Plan, ScopeItem, Usage
from drawdown.domain.outputs import AccountEvent, Decision, Output, Period
from drawdown.domain.rated import Balance, Charge, Line, Overage
from drawdown.domain.terms import Payment, PaymentRequest


class Draft:
    """The account's next state in the making."""

    __slots__ = (
        "account",
        "applied",
        "counters",
        "grew",
        "jobs",
        "offers",
        "outputs",
        "past_plans",
        "payments",
        "plans",
        "requests",
        "requests_made",
        "seq_charges",
        "seq_events",
        "seq_overages",
    )

    def __init__(self, account: Account) -> None:
        """Begin an input: it takes the next `applied` number."""
        self.account = account
        self.applied = account.applied + 1
        self.seq_charges = account.seq_charges
        self.seq_overages = account.seq_overages
        self.seq_events = account.seq_events
        self.plans = account.plans
        self.jobs = account.jobs
        self.past_plans = account.past_plans
        self.offers = account.offers
        self.requests = account.requests
        self.requests_made = account.requests_made
        self.payments = account.payments
        self.counters = account.counters
        self.grew = False
        self.outputs: list[Output] = []

    def charge(self, usage: Usage, lines: list[Line], balances: tuple[Balance, ...]) -> None:
        """Emit what plans paid of a usage."""
        self.seq_charges += 1
        total = _total(lines)
        currency = self.account.currency
        self.outputs.append(Charge(usage, currency, tuple(lines), total, balances, self.seq_charges, self.applied))

    def overage(self, usage: Usage, lines: list[Line]) -> None:
        """Emit what no plan covered of a usage."""
        self.seq_overages += 1
        currency = self.account.currency
        self.outputs.append(Overage(usage, currency, tuple(lines), _total(lines), self.seq_overages, self.applied))

    def event(
        self,
        kind: str,
        detail: str,
        *,
        plan: str | None = None,
        code: str = "",
        reason: str = "",
        amount: int = 0,
        about: Offer | PaymentRequest | Payment | Period | ScopeItem | RequestPlan | None = None,
    ) -> None:
        """Emit an account event."""
        self.seq_events += 1
        account = self.account
        self.outputs.append(
            AccountEvent(
                account.id,
                kind,
                plan,
                code,
                detail,
                reason,
                amount,
                account.currency,
                self.seq_events,
                self.applied,
                None,
                about,
            )
        )

    def refuse(self, plan: str | None, refusal: tuple[str, str]) -> None:
        """Refuse a command: code and detail."""
        code, detail = refusal
        self.event("command_refused", detail, plan=plan, code=code)

    def plan(self, ident: str) -> Plan | None:
        """Find a plan that has started, closed ones that are kept included."""
        return next((plan for plan in self.plans if plan.id == ident), None)

    def offer(self, ident: str) -> Offer | None:
        """Find a plan that has not started."""
        return next((offer for offer in self.offers if offer.plan == ident), None)

    def put_offer(self, changed: Offer) -> None:
        """Replace an offer by what became of it."""
        self.offers = tuple(changed if offer.plan == changed.plan else offer for offer in self.offers)

    def drop_offer(self, plan: str) -> None:
        """Forget an offer; its id is not given again."""
        self.offers = tuple(offer for offer in self.offers if offer.plan != plan)
        self.past_plans += (digest_of(plan),)

    def put_request(self, old: PaymentRequest, changed: PaymentRequest | None) -> None:
        """Replace a payment request by what became of it; None drops it."""
        replaced = (changed if request is old else request for request in self.requests)
        self.requests = tuple(request for request in replaced if request is not None)

    def drop_plan(self, plan: str) -> None:
        """Forget a plan that never began; its id is not given again."""
        self.plans = tuple(other for other in self.plans if other.id != plan)
        self.past_plans += (digest_of(plan),)

    def put_plan(self, changed: Plan) -> None:
        """Replace a plan by what became of it."""
        self.plans = tuple(changed if plan.id == changed.id else plan for plan in self.plans)

    def place_plan(self, changed: Plan) -> None:
        """Take up a plan, or what became of it, where its draw order puts it."""
        others = (plan for plan in self.plans if plan.id != changed.id)
        self.plans = tuple(sorted((*others, changed), key=draw_order))

    def forget_closed_plans(self) -> None:
        """Drop the closed plans beyond those kept for reading, the earliest activated first, but not their ids."""
        dropped = beyond_kept(self.plans)
        self.past_plans += tuple(digest_of(plan.id) for plan in dropped)
        self.plans = tuple(plan for plan in self.plans if plan not in dropped)

    def decision(self) -> Decision:
        """End the input."""
        account = self.account
        state = Account(
            account.id,
            account.currency,
            account.time_zone,
            account.opened,
            self.applied,
            self.seq_charges,
            self.seq_overages,
            self.seq_events,
            self.plans,
            self.jobs,
            self.past_plans,
            self.offers,
            self.requests,
            self.requests_made,
            self.payments,
            self.counters,
        )
        return Decision(state, tuple(self.outputs), self.grew)


def beyond_kept(plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
    """List the closed plans beyond those kept for reading, the earliest activated first."""
    closed = sorted((plan for plan in plans if plan.status == "expired"), key=lambda plan: plan.activated)
    return tuple(closed[: max(len(closed) - PLANS_CLOSED_KEPT_MAX, 0)])


def digest_of(plan: str) -> bytes:
    """Give 8 bytes for a plan's id."""
    return hashlib.blake2b(plan.encode(), digest_size=8).digest()


def _total(lines: list[Line]) -> int:
    return sum([line.amount for line in lines])
