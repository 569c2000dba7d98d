"""Which credit pays an overage, in which order: vouchers, top-ups, then debt. Design section 5, "Order of credit"."""

from msgspec.structs import replace

from drawdown.domain.coverage import in_scope, narrowness
from drawdown.domain.model import Dimensions
from drawdown.domain.money import checked
from drawdown.domain.wallet.draft import Draft
from drawdown.domain.wallet.model import OverageDue, Part, Payment, Voucher

_SEVERAL = 2  # as narrow as a scope of several services


def fits(part: Part, service: str, dimensions: Dimensions) -> bool:
    """Say whether a part of a voucher is for some usage: in its scope, or of a service that no other part names."""
    return service not in part.others_than and in_scope(part.scope, service, dimensions)


def pays(part: Part, due: OverageDue) -> bool:
    """Say the same of an overage."""
    return fits(part, due.service, due.dimensions)


def draw_order(voucher: Voucher, part: Part) -> tuple[int, int, int, int]:
    """Sort key: lower priority number, narrower scope, earlier expiry, earlier grant."""
    narrow = _SEVERAL if part.others_than else narrowness(part.scope)
    return voucher.priority, narrow, voucher.expires, voucher.granted


def left_of(voucher: Voucher) -> int:
    """Give what is left of a voucher, over all its parts."""
    return sum([part.amount - part.spent for part in voucher.parts])


def draw(draft: Draft, due: OverageDue) -> list[Payment]:
    """Pay an overage; give who paid, in order. A voucher's expiry is judged by the end of the usage."""
    payments: list[Payment] = []
    owed = _from_vouchers(draft, due, payments)
    owed = _from_top_ups(draft, owed, payments)
    if owed:
        before = draft.debt
        draft.debt = checked(before + owed)
        payments.append(Payment("debt", None, owed, before, draft.debt))
    return payments


def _from_vouchers(draft: Draft, due: OverageDue, payments: list[Payment]) -> int:
    owed = due.total
    fitting = [
        (draw_order(voucher, part), place, index)
        for place, voucher in enumerate(draft.vouchers)
        if due.time <= voucher.expires
        for index, part in enumerate(voucher.parts)
        if part.spent < part.amount and pays(part, due)
    ]
    vouchers = list(draft.vouchers)
    for _, place, index in sorted(fitting):
        if not owed:
            break
        voucher = vouchers[place]
        part = voucher.parts[index]
        amount = min(owed, part.amount - part.spent)
        owed -= amount
        before = left_of(voucher)
        parts = (*voucher.parts[:index], replace(part, spent=part.spent + amount), *voucher.parts[index + 1 :])
        vouchers[place] = replace(voucher, parts=parts)
        payments.append(Payment("voucher", voucher.id, amount, before, before - amount))
    draft.vouchers = tuple(voucher for voucher in vouchers if left_of(voucher))
    return owed


def _from_top_ups(draft: Draft, owed: int, payments: list[Payment]) -> int:
    """Take from the top-ups, first in first out; give what they could not pay."""
    kept = list(draft.top_ups)
    while owed and kept:
        top_up = kept[0]
        before = top_up.amount - top_up.spent
        amount = min(owed, before)
        owed -= amount
        payments.append(Payment("top_up", top_up.id, amount, before, before - amount))
        if amount == before:
            kept.pop(0)
        else:
            kept[0] = replace(top_up, spent=top_up.spent + amount)
    draft.top_ups = tuple(kept)
    return owed


def take_back(draft: Draft, amount: int) -> None:
    """Take an amount from the top-ups, first in first out; what they do not hold becomes debt."""
    owed = _from_top_ups(draft, amount, [])
    draft.debt = checked(draft.debt + owed)
