"""How fast a wallet is spent, and whether what is left covers an hour of it. Hours are of the append time, in UTC."""

from drawdown.domain.coverage import narrowness
from drawdown.domain.limits import AMOUNT_MAX, SPEND_HOUR_MS, SPEND_SERVICES_MAX
from drawdown.domain.wallet.draft import Draft
from drawdown.domain.wallet.model import OverageDue, Part, Spending, Wallet

_SEVERAL = 2  # as narrow as a scope of several services


def count(draft: Draft, due: OverageDue, appended: int) -> None:
    """Count an overage in the hour of its append; of one over more than an hour, an hour's share, rounded down."""
    hour = _hour(draft, appended)
    rows = {row.service: row for row in _as_of(draft, hour)}
    old = rows.pop(due.service, Spending(due.service, 0, 0))
    now = min(old.now + _hourly(due), AMOUNT_MAX)
    rows[due.service] = Spending(due.service, now, old.before)
    draft.hour = hour
    draft.spending = tuple(rows.values())[-SPEND_SERVICES_MAX:]


def rates(draft: Draft, appended: int) -> dict[str, int]:
    """Give each service's spend an hour: what the newest whole hour or the current one came to, the larger of them."""
    return {row.service: max(row.now, row.before) for row in _as_of(draft, _hour(draft, appended))}


def left_at(wallet: Wallet | Draft, appended: int) -> int:
    """Give what is left of top-ups, and of vouchers that have not expired by an instant, ms."""
    top_ups = sum([one.amount - one.spent for one in wallet.top_ups])
    return top_ups + sum([part.amount - part.spent for part in _parts(wallet, appended)])


def shortfall(draft: Draft, appended: int) -> int:
    """Give how much of another such hour what is left would not pay.

    That hour is paid in thought: by the parts of vouchers, the narrower ones first, each for the services that it is
    for (a product counts as its service), then by top-ups.
    """
    unpaid = rates(draft, appended)
    top_ups = _from_top_ups(draft, sum(unpaid.values()))
    if sum(unpaid.values()) <= top_ups:
        return 0
    for part in sorted(_parts(draft, appended), key=_narrowness):
        left = part.amount - part.spent
        for service, rate in sorted(unpaid.items()):
            paid = min(left, rate) if _is_for(part, service) else 0
            unpaid[service] = rate - paid
            left -= paid
    return max(sum(unpaid.values()) - top_ups, 0)


def _from_top_ups(draft: Draft, wanted: int) -> int:
    """Give what top-ups hold; once that is all that is wanted, the rest is not counted."""
    held = 0
    for one in reversed(draft.top_ups):  # the newest have most left
        held += one.amount - one.spent
        if held >= wanted:
            break
    return held


def _hour(draft: Draft, appended: int) -> int:
    """Give when the hour of an append began; append times of a log that go back do not lead to an earlier one."""
    return max(appended - appended % SPEND_HOUR_MS, draft.hour)


def _as_of(draft: Draft, hour: int) -> tuple[Spending, ...]:
    """Give what was spent as it stands in an hour: the newest one's may be that of the hour before, or be past."""
    if hour == draft.hour:
        return draft.spending
    if hour == draft.hour + SPEND_HOUR_MS:
        return tuple(Spending(row.service, 0, row.now) for row in draft.spending if row.now)
    return ()


def _hourly(due: OverageDue) -> int:
    length = 0 if due.start is None else due.time - due.start
    return due.total * SPEND_HOUR_MS // max(length, SPEND_HOUR_MS)


def _parts(wallet: Wallet | Draft, appended: int) -> list[Part]:
    return [part for voucher in wallet.vouchers if voucher.expires >= appended for part in voucher.parts]


def _narrowness(part: Part) -> int:
    return _SEVERAL if part.others_than else narrowness(part.scope)


def _is_for(part: Part, service: str) -> bool:
    named = not part.scope or any(item.service == service for item in part.scope)
    return named and service not in part.others_than
