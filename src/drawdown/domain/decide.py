"""`decide`: what one input does to one account. No clock, no I/O, no randomness."""

from typing import NamedTuple

from drawdown.domain import jobs, notices, offers, pauses, payments, plans, renewals, requests, successions
from drawdown.domain.calendar import zone
from drawdown.domain.commands import (
    ActivatePlan,
    CancelPlan,
    Command,
    ConfirmPlan,
    DraftPlan,
    OfferPlan,
    OpenAccount,
    PausePlan,
    PlanCommand,
    RecordPayment,
    RenewPlan,
    Replayed,
    RequestPlan,
    ResumePlan,
    SetRenewal,
    TimerFired,
)
from drawdown.domain.errors import Reject
from drawdown.domain.events import Draft
from drawdown.domain.limits import STEPS_MAX
from drawdown.domain.model import Account, Job, Offer, Plan, Usage
from drawdown.domain.money import currency
from drawdown.domain.outputs import Decision
from drawdown.domain.pieces import Piece, pieces_of
from drawdown.domain.plain import plainly_paid
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices
from drawdown.domain.rate import Purse, Rating
from drawdown.domain.terms import PaymentRequest


class Renewal(NamedTuple):
    """A plan that will renew itself."""

    plan: Plan


Waiting = Plan | Renewal | Job | Offer | PaymentRequest


def decide(
    state: Account | None, body: Usage | Replayed | Command, appended: int, prices: Prices, policy: Policy
) -> Decision | None:
    """Apply an input appended at `appended` (ms) to the account's state.

    Raise Reject with the reason, and nothing changes. Give None for a timer that found nothing due.
    """
    if isinstance(body, Usage):
        account = _opened(state, body.account)
        policy.check(body.service, body.time, appended)
        return plainly_paid(account, body, appended, prices, policy) or _use(account, body, appended, prices, policy)
    if isinstance(body, Replayed):
        account = _opened(state, body.usage.account)
        policy.check_ahead(body.usage.time, appended)
        return _use(account, body.usage, appended, prices, policy)
    if isinstance(body, OpenAccount):
        return _open(state, body, appended)
    if isinstance(body, TimerFired):
        return _fire(_opened(state, body.account), appended, prices, policy)
    draft = Draft(_opened(state, body.account))
    _command(draft, body, appended, prices)
    return draft.decision()


def due(state: Account) -> int | None:
    """Give the next instant at which time does something to the account, ms; None if it never does."""
    return min((at for at, _, _ in _waiting(state)), default=None)


def _command(draft: Draft, body: PlanCommand, appended: int, prices: Prices) -> None:
    if isinstance(body, ActivatePlan):
        plans.activate(draft, body, prices, appended)
    elif isinstance(body, DraftPlan):
        offers.write(draft, body, prices, appended)
    elif isinstance(body, RequestPlan):
        offers.request(draft, body)
    elif isinstance(body, OfferPlan):
        offers.make(draft, body, appended)
    elif isinstance(body, ConfirmPlan):
        offers.confirm(draft, body, appended)
    elif isinstance(body, RecordPayment):
        payments.record(draft, body, appended)
    else:
        _change(draft, body, appended)
    successions.align(draft, appended)


def _change(draft: Draft, body: PausePlan | ResumePlan | RenewPlan | SetRenewal | CancelPlan, appended: int) -> None:
    if isinstance(body, PausePlan):
        pauses.pause(draft, body, appended)
    elif isinstance(body, ResumePlan):
        pauses.resume_by(draft, body, appended)
    elif isinstance(body, RenewPlan):
        renewals.renew(draft, body, appended)
    elif isinstance(body, SetRenewal):
        renewals.set_automatic(draft, body)
    else:
        offers.cancel(draft, body, appended)


def _opened(state: Account | None, account: str) -> Account:
    if state is None:
        raise Reject("unknown_account", f"account {account} was never opened")
    return state


def _open(state: Account | None, command: OpenAccount, appended: int) -> Decision:
    currency(command.currency)
    zone(command.time_zone)
    if state is not None:
        draft = Draft(state)
        draft.event("command_refused", f"account {state.id} is open already", code="account_exists")
        return draft.decision()
    draft = Draft(Account(command.account, command.currency, command.time_zone, appended))
    draft.event("account_opened", f"account {command.account} is open in {command.currency}")
    return draft.decision()


def _use(account: Account, usage: Usage, appended: int, prices: Prices, policy: Policy) -> Decision:
    draft = Draft(account)
    pieces = pieces_of(usage, account, prices, policy)
    if usage.job is not None:
        draft.jobs, job = jobs.follow(account, usage, appended, policy)
        if usage.final:
            pieces += [Piece(usage.time, meter, quantity) for meter, quantity in _extra(job)]
    _rate(draft, usage, pieces, appended, prices, policy)
    return draft.decision()


def _extra(job: Job) -> list[tuple[str, int]]:
    return [(measure.meter, measure.quantity) for measure in jobs.extra_measures(job)]


def _rate(draft: Draft, usage: Usage, pieces: list[Piece], appended: int, prices: Prices, policy: Policy) -> None:
    """Pay the pieces, emit charge and overage, and let plans expire whose amount is used up.

    Raise Reject, and the draft is as it was.
    """
    rating = Rating(usage, draft, appended, prices, policy)
    rating.pay(pieces, prices)
    if rating.paid or not rating.on_demand:
        draft.charge(usage, rating.paid, rating.balances())
    if rating.on_demand:
        draft.overage(usage, rating.on_demand)
    for purse in rating.drawn():
        _draw(draft, purse, usage.service, appended)
    if rating.tallies is not None:
        rating.tallies.store()


def _draw(draft: Draft, purse: Purse, service: str, appended: int) -> None:
    """Take from a plan what it paid, and do what follows from it."""
    plan = draft.plan(purse.plan.id) or purse.plan
    if plan.status == "scheduled":
        plan = successions.begin(draft, plan)
    told = notices.of_use(draft, purse.closed(plan, service))
    draft.put_plan(told)
    renewals.when_nearly_used(draft, told, appended)
    if told.spent == told.amount:
        plans.note_used_up(draft, draft.plan(told.id) or told, purse.last, appended)


def _fire(account: Account, appended: int, prices: Prices, policy: Policy) -> Decision | None:
    """Do everything that is due by the timer's own append time, earliest first."""
    draft = Draft(account)
    for _ in range(STEPS_MAX):
        nearest = min(_waiting(draft), key=lambda entry: entry[:2], default=None)
        if nearest is None or nearest[0] > appended:
            break
        _, _, what = nearest
        if isinstance(what, Plan):
            plans.on_due(draft, what, appended)
        elif isinstance(what, Renewal):
            renewals.by_itself(draft, what.plan, appended)
        elif isinstance(what, Job):
            _close_silent(draft, what, appended, prices, policy)
        elif isinstance(what, Offer):
            offers.lapse(draft, what, "confirmation" if what.status == "awaiting_confirmation" else "payment")
        else:
            payments.on_due(draft, what, appended)
        successions.align(draft, appended)
    if not draft.outputs:
        return None
    return draft.decision()


def _waiting(state: Account | Draft) -> list[tuple[int, str, Waiting]]:
    """List what time will do something to: when, by whose name, to what."""
    found: list[tuple[int, str, Waiting]] = [
        (at, plan.id, plan) for plan in state.plans if (at := plans.due_of(plan)) is not None
    ]
    found += [(at, plan.id, Renewal(plan)) for plan in state.plans if (at := renewals.due_of(plan)) is not None]
    found += [(jobs.silent_at(job), job.id, job) for job in state.jobs if not job.closed]
    if state.offers:
        found += [(at, offer.plan, offer) for offer in state.offers if (at := offers.due_of(offer)) is not None]
    if state.requests:
        threatened = requests.threatened(state)
        asked = ((requests.due_of(request, threatened), request) for request in state.requests)
        found += [(at, request.plan, request) for at, request in asked if at is not None]
    return found


def _close_silent(draft: Draft, job: Job, appended: int, prices: Prices, policy: Policy) -> None:
    """Close a job that fell silent; its rounding up is rated under an id of its own.

    One that cannot be rated (no price) stays open for another period of silence, and holds up nothing else.
    """
    closed, usage = jobs.closed_by_silence(draft.account, draft.jobs, job, policy)
    pieces = [Piece(usage.time, measure.meter, measure.quantity) for measure in usage.measures]
    try:
        _rate(draft, usage, pieces, appended, prices, policy)
    except Reject as reject:
        draft.jobs = jobs.heard_of(draft.jobs, job, appended)
        draft.event("job_not_closed", f"job {job.id}: {reject.detail}", code=reject.code)
        return
    draft.jobs = closed
    draft.event("job_closed", f"job {job.id} was silent for too long and is closed", reason="silence")
