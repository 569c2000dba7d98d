"""Which plans may pay for what, and in which order."""

from collections.abc import Sequence

from drawdown.domain.model import NEVER, Dimensions, Plan, ScopeItem


def includes(item: ScopeItem, service: str, dimensions: Dimensions) -> bool:
    """Say whether a service or product includes usage of `service` with these dimensions."""
    if item.service != service:
        return False
    return not item.dimensions or all(pair in dimensions for pair in item.dimensions)


def in_scope(scope: Sequence[ScopeItem], service: str, dimensions: Dimensions) -> bool:
    """Say whether a scope includes the usage; the empty one includes all."""
    if not scope:
        return True
    for item in scope:  # noqa: SIM110  on the hot path: any() costs a generator
        if includes(item, service, dimensions):
            return True
    return False


def narrowness(scope: Sequence[ScopeItem]) -> int:
    """Rank a scope: 0 products only, 1 one service, 2 several services, 3 all."""
    if not scope:
        return 3
    if all(item.dimensions for item in scope):
        return 0
    return 1 if len({item.service for item in scope}) == 1 else 2


def draw_order(plan: Plan) -> tuple[int, int, int, int, str]:
    """Sort key: lower priority number, narrower scope, earlier end (open-ended last), earlier activation."""
    end = NEVER if plan.end is None else plan.end
    return plan.priority, narrowness(plan.scope), end, plan.activated, plan.id


def accepts_at(plan: Plan, instant: int, appended: int) -> bool:
    """Say whether the plan is active at a piece's instant, and the usage was appended before its end + grace."""
    if plan.status == "expired" or instant < plan.start:
        return False
    if plan.gaps and any(gap.start <= instant and (gap.end is None or instant < gap.end) for gap in plan.gaps):
        return False
    return plan.end is None or (instant < plan.end and appended < plan.end + plan.grace_ms)
