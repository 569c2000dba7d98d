"""Account events as the history takes them, and what each did to a balance."""

from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

PLAN: Final = "plan"
VOUCHER: Final = "voucher"
TOP_UP: Final = "top_up"
NO_BALANCE: Final = ""
SUCCESS, FAILED, PROCESSED = "success", "failed", "processed"
BEGUN: Final = ("plan_scheduled", "plan_activated")  # the first of these brings the plan's amount
_SIGNS: Final = {
    "plan_scheduled": (PLAN, 1),
    "plan_activated": (PLAN, 1),
    "amount_added": (PLAN, 1),
    "plan_settled": (PLAN, -1),
    "voucher_granted": (VOUCHER, 1),
    "voucher_forfeited": (VOUCHER, -1),
    "topped_up": (TOP_UP, 1),
    "adjusted": (TOP_UP, 1),  # its amount has a sign of its own
    "redemption_refused": (VOUCHER, 0),
}
_FAILED: Final = ("command_refused", "redemption_refused", "overage_refused")
_SUCCESS: Final = ("topped_up", "voucher_granted", "payment_recorded", "plan_activated", "plan_confirmed")


class Happening(msgspec.Struct, frozen=True, gc=False):
    """An account event. about: JSON."""

    ledger: str
    account: str
    kind: str
    plan: str | None
    credit: str | None
    code: str | None
    reason: str | None
    amount: str
    currency: str
    detail: str
    seq: int
    applied: int
    command: str | None
    appended: str
    about: msgspec.Raw | UnsetType = UNSET


class Effect(NamedTuple):
    """What an event did: to a balance of which kind, by how much (quanta, signed), and how it went."""

    balance: str
    change: int
    status: str


decode_happening: Final = msgspec.json.Decoder(Happening).decode


def effect_of(kind: str, amount: int, *, begun: bool) -> Effect:
    """Say what an event did. amount: quanta; begun: the account had an event before by which this plan began.

    A top-up that pays debt counts whole: top-ups less debt grow by it.
    """
    status = FAILED if kind in _FAILED else SUCCESS if kind in _SUCCESS else PROCESSED
    balance, sign = _SIGNS.get(kind, (NO_BALANCE, 0))
    if kind in BEGUN and begun:
        sign = 0
    return Effect(balance, sign * amount, status)
