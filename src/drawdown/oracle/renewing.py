"""Renewals on a plan's own terms as the oracle sees them, asked for or by themselves."""

from fractions import Fraction

from drawdown.oracle import commands, life, turns
from drawdown.oracle.reading import instant
from drawdown.oracle.rules import month_later
from drawdown.oracle.state import Account, Expected, Offer, Plan, event


def renews_itself(plan: Plan) -> bool:
    """Say whether a plan will renew itself."""
    return plan.automatic and not (plan.opened or plan.cancelled or plan.successor)


def by_itself(account: Account, plan: Plan, now: int) -> list[Expected]:
    """Renew a plan whose terms say so, once."""
    plan.opened = True
    out = renew(account, plan, next_name(plan), now)
    if isinstance(out, str):
        return [event("renewal_not_opened", plan=plan.name, code=out)]
    return out


def next_name(plan: Plan) -> str:
    """Name a plan's renewal."""
    suffix = f"-r{plan.renewals}"
    base = plan.name[: -len(suffix)] if plan.renewals and plan.name.endswith(suffix) else plan.name
    return f"{base}-r{plan.renewals + 1}"


def own_terms_code(plan: Plan) -> str | None:
    """Say why a plan cannot be renewed on its own terms."""
    message = plan.message
    if not message or message.get("end"):
        return "bad_terms"
    return "bad_terms" if message["payment"].get("instalments") and not turns.length(message) else None


def renew(account: Account, plan: Plan, name: str, now: int) -> list[Expected] | str:
    """Open a renewal on the plan's own terms; give the reason if there can be none."""
    code = own_terms_code(plan)
    if code:
        return code
    if name in account.ended or name in account.offers or turns.named(account, name):
        return "plan_exists"
    if len(name) > commands.NAME_MAX:
        return "invalid_value"
    message = {**plan.message, "plan": name, "revision": 1, "renews": plan.name}
    message["renewal"] = "automatic" if plan.automatic else "by_request"
    for field in ("start", "replaces", "when", "request"):
        message.pop(field, None)
    months, terms = turns.length(message), dict(plan.message["payment"])
    if terms.get("instalments"):
        terms["instalments"] = [
            {**one, "due": life.text_of(month_later(instant(one["due"]), months, account.zone))}
            for one in terms["instalments"]
        ]
    message["payment"] = terms
    if len(account.offers) >= commands.OFFERS_MAX or commands.past(account) + len(account.offers) > commands.PAST_MAX:
        return "too_many_plans"
    code = turns.follow_code(account, message, now)
    if code is None and commands.requests_full(account, message):
        code = "too_many_requests"
    if code is None and commands.too_many(account):
        code = "too_many_plans"
    if code:
        return code
    offer = Offer(
        message, plan.book, "awaiting_payment", None, {"plan": plan.name, "how": "renewal"}, plan.renewals + 1
    )
    account.offers[name] = offer
    facts = 1, "awaiting_payment"
    out = [event("renewal_open", plan=plan.name, amount=Fraction(message["amount"]), facts=facts)]
    return out + commands.ask_first(account, offer, now)
