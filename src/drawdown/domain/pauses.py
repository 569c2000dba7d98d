"""Pause, resume, suspend: a plan's coverage stops. Design section 6."""

from msgspec.structs import replace

from drawdown.domain.commands import PausePlan, ResumePlan
from drawdown.domain.cycles import next_cycle_start
from drawdown.domain.events import Draft
from drawdown.domain.limits import GAPS_MAX, PAUSE_MAX_MS, PAUSES_MAX
from drawdown.domain.model import Gap, Plan
from drawdown.domain.outputs import Period

Refusal = tuple[str, str]


def pause(draft: Draft, command: PausePlan, appended: int) -> None:
    """Stop a plan's coverage and its clock, at most so long and so often."""
    plan = draft.plan(command.plan)
    refusal = status_refusal(plan, command.plan, ("active",), appended) or _pause_refusal(plan, command, appended)
    if refusal is not None or plan is None:
        draft.refuse(command.plan, refusal or ("unknown_plan", ""))
        return
    until = command.until or appended + PAUSE_MAX_MS
    gaps = (*plan.gaps, Gap(appended, until, pause=True))
    paused = _moved(replace(plan, status="paused", gaps=gaps, resume_at=until), until - appended, appended, draft)
    draft.place_plan(paused)
    detail = f"plan {plan.id} is paused"
    draft.event("plan_paused", detail, plan=plan.id, about=Period(appended, until))


def _pause_refusal(plan: Plan | None, command: PausePlan, appended: int) -> Refusal | None:
    if command.until is not None and not appended < command.until <= appended + PAUSE_MAX_MS:
        return "bad_interval", f"a pause ends after it begins, within {PAUSE_MAX_MS // 86_400_000} days"
    if plan is not None and appended < plan.start:
        return "wrong_status", f"plan {plan.id} has not begun yet"
    if plan is not None and sum(gap.pause for gap in plan.gaps) >= PAUSES_MAX:
        return "pause_limit", f"plan {plan.id} was paused {PAUSES_MAX} times; more it cannot be"
    if plan is not None and len(plan.gaps) >= GAPS_MAX:
        return "pause_limit", f"plan {plan.id} has {GAPS_MAX} pauses and suspensions; more are not kept"
    return None


def resume_by(draft: Draft, command: ResumePlan, appended: int) -> None:
    """Go on with a paused plan because somebody wants it so; a suspended one goes on when it is paid."""
    plan = draft.plan(command.plan)
    refusal = status_refusal(plan, command.plan, ("paused",), appended)
    if refusal is not None or plan is None:
        draft.refuse(command.plan, refusal or ("unknown_plan", ""))
        return
    resume(draft, plan, appended, "request")


def resume(draft: Draft, plan: Plan, instant: int, reason: str) -> None:
    """Go on with a plan; after a pause its end, and the cycles to come, have moved by what the pause took."""
    changed = replace(gap_ended(draft, plan, instant), status="active")
    draft.place_plan(changed)
    about = Period(changed.start, changed.end)
    draft.event("plan_resumed", f"plan {plan.id} goes on", plan=plan.id, reason=reason, about=about)


def gap_ended(draft: Draft, plan: Plan, instant: int) -> Plan:
    """End a plan's last gap; a pause that is cut short gives back what it had moved."""
    gap = plan.gaps[-1]
    changed = replace(plan, gaps=(*plan.gaps[:-1], replace(gap, end=instant)), resume_at=None)
    return _moved(changed, instant - (gap.end or instant), instant, draft) if gap.pause else changed


def _moved(plan: Plan, by: int, instant: int, draft: Draft) -> Plan:
    """Move a plan's end, and its next statement to its next cycle's start; one that is due stays so."""
    changed = replace(plan, end=None if plan.end is None else plan.end + by)
    if plan.statement_at is None or plan.statement_at <= instant:
        return changed
    return replace(changed, statement_at=next_cycle_start(changed, instant, draft.account.time_zone))


def suspend(draft: Draft, ident: str, appended: int) -> None:
    """Stop the coverage of a started plan that is not paid for; its clock goes on, and a pause is over."""
    plan = next(one for one in draft.plans if one.id == ident)
    if plan.status == "paused":
        plan = gap_ended(draft, plan, appended)
    gaps = (*plan.gaps, Gap(appended, None, pause=False))
    draft.place_plan(replace(plan, status="suspended", gaps=gaps))
    draft.event("plan_suspended", f"plan {plan.id} is suspended until it is paid", plan=plan.id, reason="payment")


def status_refusal(plan: Plan | None, ident: str, statuses: tuple[str, ...], appended: int) -> Refusal | None:
    """Say why a plan in another status than these, or over, takes no command, or None."""
    if plan is None:
        return "unknown_plan", f"the account has no plan {ident} that has started"
    if plan.status not in statuses:
        return "wrong_status", f"plan {ident} is {plan.status}, not {' or '.join(statuses)}"
    if plan.end is not None and plan.end <= appended:
        return "wrong_status", f"the time of plan {ident} is over"
    return None
