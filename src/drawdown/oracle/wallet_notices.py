"""What the oracle expects a wallet to tell by itself: debt, its limit, low balance, vouchers that expire soon."""

import math
from fractions import Fraction
from typing import Any

from drawdown.oracle.credit import Drawn, Part, Voucher, Wallet, said
from drawdown.oracle.reading import instant
from drawdown.oracle.rules import quantum

HOUR, DAY = 3_600_000, 86_400_000
DAYS_BEFORE = (30, 7, 1)


class Before:
    """How a wallet stood before an input that is appended now."""

    def __init__(self, wallet: Wallet, now: int) -> None:
        """Keep what notices are judged by."""
        self.debt, self.at_limit, self.left, self.uses = wallet.debt, _at_limit(wallet), _left(wallet, now), wallet.uses


def notices(wallet: Wallet, before: Before, now: int) -> list[Drawn]:
    """Say what must be told once an input has done its work."""
    out = []
    if wallet.debt and not before.debt:
        out.append(said("debt_begun", amount=wallet.debt))
    if _at_limit(wallet) and not before.at_limit and wallet.debt_limit is not None:
        out.append(said("debt_limit_reached", amount=wallet.debt, reason=wallet.debt_limit))
    left = _left(wallet, now)
    low = _low(wallet, now)
    if left > before.left:
        wallet.low_told = wallet.low_told and low
    elif before.left and low and not wallet.low_told and (left < before.left or wallet.uses > before.uses):
        wallet.low_told = True
        out.append(said("low_balance", amount=left, reason=sum(_an_hour(wallet, now).values(), Fraction(0))))
    return out


def use(wallet: Wallet, overage: dict[str, Any], now: int) -> None:
    """Note what an hour of this usage takes: all of it, or a share when it lasted longer than an hour."""
    event, total = overage["event"], Fraction(overage["total"])
    lasted = instant(event["time"]) - instant(event["start"]) if event["start"] else 0
    if lasted > HOUR:
        unit = quantum(wallet.currency)
        total = math.floor(total * HOUR / lasted / unit) * unit
    wallet.uses += 1
    wallet.hour = max(wallet.hour, now // HOUR)  # a log whose clock goes back is still in its newest hour
    hours = wallet.used.setdefault(event["service"], {})
    hours[wallet.hour] = hours.get(wallet.hour, Fraction(0)) + total


def _an_hour(wallet: Wallet, now: int) -> dict[str, Fraction]:
    """Give by service what the hour that is now came to, or the one before it if that was more."""
    zero, this = Fraction(0), max(wallet.hour, now // HOUR)
    return {name: max(hours.get(this, zero), hours.get(this - 1, zero)) for name, hours in wallet.used.items()}


def _low(wallet: Wallet, now: int) -> bool:
    """Say whether an hour like the last would not be paid whole by vouchers, the narrow ones first, and top-ups."""
    owed = _an_hour(wallet, now)
    parts = [part for voucher in _usable(wallet, now) for part in voucher.parts]
    for part in sorted(parts, key=narrow):
        left = part.left
        for service in sorted(owed):
            if service in part.others_than or not _names(part, service):
                continue
            paid = min(owed[service], left)
            owed[service] -= paid
            left -= paid
    return sum(owed.values()) > sum(one.left for one in wallet.top_ups)


def _names(part: Part, service: str) -> bool:
    return part.scope is None or service in {item["service"] for item in part.scope}


def narrow(part: Part) -> int:
    """Rank a part by its scope: products, one service, several, all."""
    if part.scope is None:
        return 2 if part.others_than else 3
    if all(item.get("dimensions") for item in part.scope):
        return 0
    return 1 if len({item["service"] for item in part.scope}) == 1 else 2


def _usable(wallet: Wallet, now: int) -> list[Voucher]:
    return [voucher for voucher in wallet.open_vouchers() if voucher.expires >= now]


def _left(wallet: Wallet, now: int) -> Fraction:
    vouchers = sum((voucher.left for voucher in _usable(wallet, now)), Fraction(0))
    return vouchers + sum((one.left for one in wallet.top_ups), Fraction(0))


def _at_limit(wallet: Wallet) -> bool:
    return wallet.debt_limit is not None and wallet.debt > 0 and wallet.debt >= wallet.debt_limit


def behind(expires: int, now: int) -> int:
    """Count the reminders whose time was over when a voucher was granted."""
    return len([days for days in DAYS_BEFORE if now >= expires - days * DAY])


def reminders(wallet: Wallet, now: int) -> list[Drawn]:
    """Say which vouchers must be told to expire soon, the earliest reminder first."""
    due = []
    for voucher in wallet.open_vouchers():
        for days in DAYS_BEFORE[voucher.reminded :]:
            at = voucher.expires - days * DAY
            if at <= now:
                voucher.reminded += 1
                due.append((at, voucher.granted, str(days), voucher))
    due.sort(key=lambda one: one[:2])
    return [said("voucher_expiring", credit=one.name, reason=days, amount=one.left) for _, _, days, one in due]
