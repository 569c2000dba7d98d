"""What customers are told of a plan by itself: how much is used, and that its end is near. Each once a threshold."""

from msgspec.structs import replace

from drawdown.domain.events import Draft
from drawdown.domain.limits import DAY_MS, REMINDER_DAYS, USED_PERCENTS
from drawdown.domain.model import Plan
from drawdown.domain.outputs import Period


def of_use(draft: Draft, plan: Plan) -> Plan:
    """Tell of each threshold of the plan's amount, then of its quotas, that is reached now; give the plan after it."""
    noticed = reached(plan.noticed, plan.spent, plan.amount)
    for percent in USED_PERCENTS[plan.noticed : noticed]:
        detail = f"{percent} % of the amount of plan {plan.id} is used"
        draft.event("amount_used", detail, plan=plan.id, reason=str(percent), amount=plan.spent)
    if not plan.quotas:
        return plan if noticed == plan.noticed else replace(plan, noticed=noticed)
    quotas = []
    for quota in plan.quotas:
        told = reached(quota.noticed, quota.spent, quota.amount)
        for percent in USED_PERCENTS[quota.noticed : told]:
            detail = f"{percent} % of the quota for {quota.item.service} of plan {plan.id} is used"
            reason, spent = str(percent), quota.spent
            draft.event("quota_used", detail, plan=plan.id, reason=reason, amount=spent, about=quota.item)
        quotas.append(replace(quota, noticed=told))
    return replace(plan, noticed=noticed, quotas=tuple(quotas))


def reached(told: int, spent: int, amount: int) -> int:
    """Count the thresholds that are reached; those told stay so."""
    while told < len(USED_PERCENTS) and spent * 100 >= USED_PERCENTS[told] * amount:
        told += 1
    return told


def reminders_past(end: int | None, instant: int) -> int:
    """Count the reminders of an end whose time is over at an instant."""
    if end is None:
        return 0
    return sum(end - days * DAY_MS <= instant for days in REMINDER_DAYS)


def reminder_at(plan: Plan) -> int | None:
    """Give when the next reminder of the plan's end is due, ms."""
    if plan.end is None or plan.reminded >= len(REMINDER_DAYS):
        return None
    return plan.end - REMINDER_DAYS[plan.reminded] * DAY_MS


def remind(draft: Draft, plan: Plan) -> None:
    """Tell that the plan's end is near."""
    days = REMINDER_DAYS[plan.reminded]
    draft.put_plan(replace(plan, reminded=plan.reminded + 1))
    detail = f"plan {plan.id} ends in {days} days" if days > 1 else f"plan {plan.id} ends in a day"
    left, about = plan.amount - plan.spent, Period(plan.start, plan.end)
    draft.event("plan_ending", detail, plan=plan.id, reason=str(days), amount=left, about=about)
