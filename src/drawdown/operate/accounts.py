"""An account as customers and sales see it: balances, plans with their details, and credit, straight from Redis."""

import asyncio
from dataclasses import dataclass, field

import msgspec

from drawdown.domain.catalogue import SERVICES
from drawdown.domain.model import NEVER, Account, Offer, Plan, Quota, ScopeItem
from drawdown.domain.money import CURRENCIES, Currency, format_amount
from drawdown.domain.terms import PaymentRequest
from drawdown.domain.wallet.model import Wallet
from drawdown.errors import UserError
from drawdown.operate.desk import Desk
from drawdown.operate.wallets import WalletView, wallet_view
from drawdown.wire.instants import format_instant

STATUSES = {
    "draft": "Draft",
    "awaiting_confirmation": "Awaiting confirmation",
    "awaiting_payment": "Awaiting payment",
    "scheduled": "Scheduled",
    "active": "Active",
    "paused": "Paused",
    "suspended": "Suspended",
    "settling": "Expired",
    "expired": "Expired",
}
_ENDED = {"cancelled": "Cancelled", "replaced": "Replaced"}
_OPEN = ("awaiting_confirmation", "awaiting_payment")
_account = msgspec.msgpack.Decoder(Account).decode
_wallet = msgspec.msgpack.Decoder(Wallet).decode


@dataclass(frozen=True)
class Scope:
    """A service, or a product of it."""

    service: str
    dimensions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceDetails:
    """What a service, or a product with a quota, spent of a plan. quota, remaining: null without a quota of its own."""

    service: str
    dimensions: dict[str, str]
    spent: str
    quota: str | None
    remaining: str | None


@dataclass(frozen=True)
class PlanDetails:
    """A plan. scope: null for all services. end, remaining_seconds: null while it is open-ended.

    start: null while it waits for an open-ended plan to run out. rolled_over, credited: what its successor has of it.
    """

    plan: str
    status: str
    scope: list[Scope] | None
    amount: str
    spent: str
    remaining: str
    forfeited: str
    rolled_over: str
    credited: str
    start: str | None
    end: str | None
    remaining_seconds: int | None
    expired_by: str | None
    priority: int
    book: str
    book_version: int
    renewal: str
    follows: str | None
    successor: str | None
    services: list[ServiceDetails]


@dataclass(frozen=True)
class OfferDetails:
    """A plan that has not started. until: when it lapses unless it is confirmed."""

    plan: str
    status: str
    revision: int
    amount: str
    price: str
    terms: str
    follows: str | None
    until: str | None


@dataclass(frozen=True)
class RequestDetails:
    """Money asked for and not paid in full. overdue: its due instant is over."""

    number: int
    plan: str
    reason: str
    amount: str
    paid: str
    due: str
    overdue: bool


@dataclass(frozen=True)
class AccountView:
    """An account. commit: of its shard, up to which this holds; remaining: of all active plans together."""

    account: str
    currency: str
    time_zone: str
    opened: str
    shard: int
    commit: int
    remaining: str
    open_jobs: int
    plans: list[PlanDetails]
    offers: list[OfferDetails]
    payment_requests: list[RequestDetails]
    wallet: WalletView | None


async def account_of(desk: Desk, name: str) -> AccountView:
    """Read an account; raise UserError when there is none."""
    found = await view_of(desk, name)
    if found is None:
        raise UserError(f"account {name} is not open; `drawdown account open {name} --currency USD` opens it")
    return found


@dataclass(frozen=True)
class States:
    """What both ledgers hold of an account. wallet: None where it has none. commit: of the plans ledger's shard."""

    account: Account
    wallet: Wallet | None
    shard: int
    commit: int


async def states_of(desk: Desk, name: str) -> States | None:
    """Read an account's states; None when it was never opened."""
    shard = desk.shard_of(name.encode())
    ledgers = ("plans", "wallet") if desk.settings.wallet else ("plans",)
    plans, *credit = await asyncio.gather(*(desk.cache(ledger).look_up(shard, [], [name]) for ledger in ledgers))
    state = plans.states[0]
    if state is None:
        return None
    held = credit[0].states[0] if credit else None
    return States(_account(state), None if held is None else _wallet(held), shard, plans.cursor.number)


async def view_of(desk: Desk, name: str) -> AccountView | None:
    """Read an account; None when there is none."""
    found = await states_of(desk, name)
    if found is None:
        return None
    wallet = None if found.wallet is None else wallet_view(found.wallet)
    return view(found.account, wallet, found.shard, found.commit, desk.clock.now_ms())


def view(account: Account, wallet: WalletView | None, shard: int, commit: int, now: int) -> AccountView:
    """Put an account in words. now: ms."""
    of = CURRENCIES[account.currency]
    active = [plan.amount - plan.spent for plan in account.plans if plan.status == "active"]
    return AccountView(
        account=account.id,
        currency=account.currency,
        time_zone=account.time_zone,
        opened=format_instant(account.opened),
        shard=shard,
        commit=commit,
        remaining=format_amount(sum(active), of),
        open_jobs=sum(not job.closed for job in account.jobs),
        plans=[_plan(plan, _status(account, plan), of, now) for plan in account.plans],
        offers=[_offer(offer, of) for offer in account.offers],
        payment_requests=[_request(request, of, now) for request in account.requests if request.number],
        wallet=wallet,
    )


def _status(account: Account, plan: Plan) -> str:
    """Name a plan's status as customers see it: Pending Renewal from a renewal's offer until it is paid."""
    renewals = (offer for offer in account.offers if offer.follows and offer.follows.how == "renewal")
    if any(offer.follows and offer.follows.plan == plan.id and offer.status in _OPEN for offer in renewals):
        return "Pending Renewal"
    return _ENDED.get(plan.expired_by, STATUSES[plan.status])


def _plan(plan: Plan, status: str, of: Currency, now: int) -> PlanDetails:
    left = plan.amount - plan.spent - plan.forfeited - plan.rolled_over - plan.credited
    return PlanDetails(
        plan=plan.id,
        status=status,
        scope=[_scope(item) for item in plan.scope] or None,
        amount=format_amount(plan.amount, of),
        spent=format_amount(plan.spent, of),
        remaining=format_amount(left, of),
        forfeited=format_amount(plan.forfeited, of),
        rolled_over=format_amount(plan.rolled_over, of),
        credited=format_amount(plan.credited, of),
        start=None if plan.start == NEVER else format_instant(plan.start),
        end=None if plan.end is None else format_instant(plan.end),
        remaining_seconds=None if plan.end is None else max(plan.end - now, 0) // 1000,
        expired_by=plan.expired_by or None,
        priority=plan.priority,
        book=plan.book,
        book_version=plan.book_version,
        renewal="automatic" if plan.terms is not None and plan.terms.automatic else "by request",
        follows=plan.follows.plan if plan.follows else None,
        successor=plan.successor or None,
        services=_services(plan, of),
    )


def _offer(offer: Offer, of: Currency) -> OfferDetails:
    return OfferDetails(
        plan=offer.plan,
        status=STATUSES[offer.status],
        revision=offer.revision,
        amount=format_amount(offer.amount, of),
        price=format_amount(offer.terms.price, of),
        terms=offer.terms.kind,
        follows=offer.follows.plan if offer.follows else None,
        until=None if offer.until is None else format_instant(offer.until),
    )


def _request(request: PaymentRequest, of: Currency, now: int) -> RequestDetails:
    return RequestDetails(
        number=request.number,
        plan=request.plan,
        reason=request.reason,
        amount=format_amount(request.amount, of),
        paid=format_amount(request.paid, of),
        due=format_instant(request.due),
        overdue=request.due <= now,
    )


def _scope(item: ScopeItem) -> Scope:
    return Scope(item.service, dict(item.dimensions))


def _services(plan: Plan, of: Currency) -> list[ServiceDetails]:
    """List the services that a plan is for, each with its quota if it has one, then quotas of products."""
    names = dict.fromkeys(item.service for item in plan.scope) or SERVICES
    spent = dict(plan.spent_by_service)
    whole = {quota.item.service: quota for quota in plan.quotas if not quota.item.dimensions}
    told = [_service(plan, ScopeItem(name), spent.get(name, 0), whole.get(name), of) for name in names]
    products = [quota for quota in plan.quotas if quota.item.dimensions]
    return told + [_service(plan, quota.item, quota.spent, quota, of) for quota in products]


def _service(plan: Plan, item: ScopeItem, spent: int, quota: Quota | None, of: Currency) -> ServiceDetails:
    left = None
    if quota is not None:
        left = format_amount(min(quota.amount - quota.spent, plan.amount - plan.spent - plan.forfeited), of)
    return ServiceDetails(
        service=item.service,
        dimensions=dict(item.dimensions),
        spent=format_amount(spent, of),
        quota=None if quota is None else format_amount(quota.amount, of),
        remaining=left,
    )
