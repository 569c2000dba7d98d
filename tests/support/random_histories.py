"""Charges and account events at random, of an account and of another, numbered without gaps."""

import random
from collections import Counter
from typing import Any

from tests.support.told import HOUR, T0, charge, happening, line
from tests.support.written import Said

from drawdown.history.charges import Line, Payer
from drawdown.wire.instants import format_instant

SERVICES = ("inference", "fine-tuning")
RESOURCES = ("r-0", "r-1", "r-2")
PAYERS = (Payer("plan", "p"), Payer("plan", "q"), Payer("voucher", "v"), Payer("debt", None), None)
KINDS = (
    *("plan_activated", "amount_added", "voucher_granted", "topped_up", "adjusted", "voucher_expiring"),
    *("command_refused", "payment_requested", "payment_recorded", "redemption_refused"),
)
OF_THE_WALLET = ("topped_up", "adjusted")
LARGE = 2**55 + 1  # some of which no float holds


class Lives:
    """Says as many things as it is asked for, at the beginnings of hours, within and at the ends of them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._seqs: Counter[tuple[str, ...]] = Counter()

    def said(self, count: int, hours: tuple[int, ...] = (0, 1, 2, 3, 4)) -> list[Said]:
        return [self._one(T0 + self._random.choice(hours) * HOUR) for _ in range(count)]

    def _one(self, hour: int) -> Said:
        draw = self._random.choice
        account, at = draw(("acc", "acc", "acc", "other")), hour + draw((0, 0, 1, HOUR - 1))
        if draw((True, True, False)):
            lines = [self._line(hour) for _ in range(draw((1, 2)))]
            event = {"service": draw(SERVICES), "resource": draw(RESOURCES)}
            return charge(self._seq(account, "charges", "plans"), *lines, account=account, at=at, **event)
        kind = draw(KINDS)
        is_wallets = kind in OF_THE_WALLET or kind.startswith(("voucher", "redemption"))
        ledger = "wallet" if is_wallets or (kind == "command_refused" and draw((True, False))) else "plans"
        told: dict[str, Any] = {"ledger": ledger, ("credit" if ledger == "wallet" else "plan"): draw("pq")}
        seq = self._seq(account, "events", ledger)
        return happening(seq, kind, draw((0, 7, LARGE)), account=account, at=at, detail=f"{ledger} {seq}", **told)

    def _line(self, hour: int) -> Line:
        draw = self._random.choice
        time = format_instant(hour - draw((0, 0, 30)) * HOUR)
        meter = draw(("input_tokens", "output_tokens"))
        return line(draw((0, 3, LARGE)), draw(("1", "0.000001")), draw(PAYERS), meter=meter, time=time)

    def _seq(self, *stream: str) -> int:
        self._seqs[stream] += 1
        return self._seqs[stream]
