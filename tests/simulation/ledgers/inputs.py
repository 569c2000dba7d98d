"""Random inputs of three accounts a shard: usage, plans' lives, credit, and what publishers get wrong."""

import itertools
import random
from collections.abc import Iterator

from tests.support.codes import code_record, issue_code, redeem_code
from tests.support.messages import (
    Message,
    activate_plan,
    command,
    container,
    inference,
    open_account,
    structured,
    tuning,
)
from tests.support.wallet_messages import adjust, debt_limit, grant_voucher, record, top_up

from drawdown.adapters.kafka.partitioner import shard_of
from drawdown.engine.records import Record
from drawdown.wire.instants import format_instant

SECOND = 1_000
AGAIN_OF = 40  # the newest events, which their window has mostly not passed yet
KINDS = (
    ("call", 34), ("box", 12), ("job", 8), ("again", 10), ("other content", 3), ("bad", 3), ("misplaced", 4),
    ("late", 3), ("plan", 8), ("life", 12), ("credit", 8), ("code", 3),
)  # fmt: skip


class Inputs:
    """What publishers send, from a run's own dice."""

    def __init__(self, dice: random.Random, shards: int) -> None:
        self._dice = dice
        self._shards = shards
        self._place = shard_of(shards)
        self._serial = itertools.count()
        self._sent: list[Record] = []
        self._plans: dict[str, list[str]] = {}
        self._offers: list[tuple[str, str, int]] = []
        names = (f"acc-{number}" for number in itertools.count())
        self.accounts = [name for shard in range(shards) for name in itertools.islice(self._of(names, shard), 3)]

    def _of(self, names: Iterator[str], shard: int) -> Iterator[str]:
        return (name for name in names if self._place(name.encode()) == shard)

    def opening(self) -> list[tuple[Record, int]]:
        """Open every account in both ledgers."""
        made = []
        for name in self.accounts:
            made += [command(open_account(name)), record(open_account(name))]
        made.append(code_record(issue_code()))
        return [self._placed(one) for one in made]

    def next(self, now: int) -> tuple[Record, int]:
        """Give a record and the partition that it is sent to. now: ms."""
        kind = self._dice.choices([name for name, _ in KINDS], [weight for _, weight in KINDS])[0]
        if kind == "again" and self._sent:
            return self._placed(self._dice.choice(self._sent[-AGAIN_OF:]))
        made = self._made(kind, now)
        if kind in {"call", "box", "job", "late"}:
            self._sent.append(made)
        if kind == "misplaced":
            return made, self._dice.randrange(self._shards)
        return self._placed(made)

    def _placed(self, made: Record) -> tuple[Record, int]:
        return made, self._place(made.key or b"")

    def _made(self, kind: str, now: int) -> Record:
        name, ident = self._dice.choice(self.accounts), f"e-{next(self._serial)}"
        tokens = self._dice.randint(0, 3_000_000)
        at = now - self._dice.randint(0, 5 * SECOND)
        if kind == "box":
            start = at - self._dice.randint(0, 3_600 * SECOND)
            return structured(container(start, at, ident=ident, account=name, gpu_count=self._dice.randint(1, 8)))
        if kind == "job":
            return structured(
                tuning(at - 60 * SECOND, at, ident=ident, account=name, job=f"j-{self._dice.randint(1, 3)}",
                       final=self._dice.random() < 0.3)
            )  # fmt: skip
        if kind == "other content" and self._sent:
            known = self._dice.choice(self._sent[-AGAIN_OF:])
            return known if known.value is None else Record(
                known.topic, 0, 0, 0, known.key, known.value.replace(b'"time"', b'"region": "x", "time"'), known.headers
            )  # fmt: skip
        if kind == "bad":
            return Record("usage.inference", 0, 0, 0, name.encode(), self._dice.choice((b"{", b"[]", b"\xff")))
        if kind == "late":
            at = now - self._dice.choice((30, 59, 61, 300)) * SECOND
        if kind in {"plan", "life", "credit", "code"}:
            made: Record = getattr(self, f"_{kind}")(name, ident, now)
            return made
        return structured(inference(at, ident=ident, account=name, input_tokens=tokens, output_tokens=tokens // 7))

    def _plan(self, name: str, ident: str, now: int) -> Record:
        plan = f"p-{ident}"
        self._plans.setdefault(name, []).append(plan)
        end = now + self._dice.randint(1, 90) * SECOND
        terms: Message = {"amount": f"{self._dice.randint(1, 300)}.5", "start": format_instant(now - 20 * SECOND)}
        if self._dice.random() < 0.6:
            terms |= {"end": format_instant(end), "grace_seconds": self._dice.choice((0, 5, 60))}
        if self._dice.random() < 0.3:
            terms["scope"] = [{"service": self._dice.choice(("inference", "gpu-container"))}]
        return command(activate_plan(plan, name, ident=ident, priority=self._dice.randint(1, 3), **terms))

    def _life(self, name: str, ident: str, now: int) -> Record:
        head: Message = {"version": 1, "id": ident, "account": name}
        if self._offers and self._dice.random() < 0.6:
            owner, plan, step = self._offers.pop(0)
            head["account"] = owner
            if step < 2:
                self._offers.append((owner, plan, step + 1))
                name_of = ("offer_plan", "confirm_plan")[step]
                return command(head | {"command": name_of, "plan": plan, "revision": 1})
            paid = {"method": "card", "reference": ident, "amount": "3.00", "currency": "USD"}
            return command(head | {"command": "record_payment", "number": self._dice.randint(1, 3)} | paid)
        plans = self._plans.get(name, [])
        if not plans or self._dice.random() < 0.4:
            plan = f"d-{ident}"
            self._offers.append((name, plan, 0))
            self._plans.setdefault(name, []).append(plan)
            payment = self._dice.choice(({"terms": "postpaid"}, {"terms": "upfront", "price": "3.00"}))
            draft: Message = {
                "command": "draft_plan",
                "plan": plan,
                "revision": 1,
                "book": "plan-usd",
                "book_version": 1,
            }
            draft |= {
                "book_version": 1,
                "currency": "USD",
                "amount": "4",
                "payment": payment,
                "months": 1,
                "grace_seconds": 5,
            }
            if plans and self._dice.random() < 0.4:
                draft |= {"replaces": self._dice.choice(plans), "when": self._dice.choice(("now", "cycle_end"))}
            return command(head | draft)
        act = self._dice.choice(("pause_plan", "resume_plan", "cancel_plan", "renew_plan"))
        extra: Message = {"when": "now"} if act == "cancel_plan" else {}
        if act == "pause_plan":
            extra = {"until": format_instant(now + self._dice.randint(1, 40) * SECOND)}
        return command(head | {"command": act, "plan": self._dice.choice(plans)} | extra)

    def _credit(self, name: str, ident: str, now: int) -> Record:
        kind = self._dice.randrange(4)
        if kind == 0:
            return record(top_up(f"t-{ident}", name, amount=f"{self._dice.randint(20, 60)}"))
        if kind == 1:
            expires = format_instant(now + self._dice.randint(1, 120) * SECOND)
            return record(grant_voucher(f"v-{ident}", name, expires=expires))
        if kind == 2:
            return record(debt_limit(name, ident=ident, amount=f"{self._dice.randint(0, 50)}"))
        return record(adjust(f"a-{ident}", name, kind="grant"))

    def _code(self, name: str, ident: str, _: int) -> Record:
        return record(redeem_code(name, redemption=f"r-{ident}"))
