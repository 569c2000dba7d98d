"""What the demonstration publishes: accounts, plans, generated usage, and input that is late, doubled or broken.

GPU Container usage: each of a third of the accounts (at least 8) runs one container of 1, 2 or 4 GPUs (or 0.25 of one)
for 45 minutes to 3 hours that end within the trace's hour, uniformly drawn, in 15-minute slices; every tenth slice is
stopped and only stores. Fine-tuning: each of a sixth of the accounts (at least 4) runs one job of 5 to 100 minutes in
slices of at most 15 minutes, the last one final. Everything is drawn by one seed.
"""

import random
from collections.abc import Iterator, Sequence

import msgspec

from drawdown.demo.books import name_of
from drawdown.topics import PLAN_COMMANDS
from drawdown.traces.events import GPU_MODELS, Outgoing, event, outgoing
from drawdown.wire.instants import format_instant

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
HOURS_OF_CONTAINERS = 4
NO_PLAN_SHARE = 5  # every fifth account has no plan
_encode = msgspec.json.Encoder().encode
_SLICE = 15 * MINUTE
_VND_PER_USD = 26_000


def currency_of(number: int) -> str:
    """Give the currency of the n-th account: every fourth is in VND."""
    return "VND" if number % 4 == 3 else "USD"  # noqa: PLR2004


def account_name(number: int) -> str:
    """Give the n-th account's name."""
    return f"acc-{number:04d}"


def command(account: str, ident: str, name: str, now: int, *, topic: str = PLAN_COMMANDS, **values: object) -> Outgoing:
    """Give a command as a record for its ledger's topic."""
    message = {"command": name, "version": 1, "id": ident, "account": account, **values}
    return Outgoing(topic, account.encode(), _encode(message), now)


def amount(cents: int, currency: str) -> str:
    """Give an amount of so many USD cents, or its worth in VND."""
    return str(cents * _VND_PER_USD // 100) if currency == "VND" else f"{cents // 100}.{cents % 100:02d}"


def accounts(count: int, now: int) -> list[Outgoing]:
    """Open the accounts and activate their plans."""
    made = []
    for number in range(count):
        name = account_name(number)
        zone = "Asia/Ho_Chi_Minh" if currency_of(number) == "VND" else "America/New_York"
        made.append(command(name, f"open-{name}", "open_account", now, currency=currency_of(number), time_zone=zone))
        if number % NO_PLAN_SHARE != NO_PLAN_SHARE - 1:
            made += _plans(number, now)
    return made


def _plans(number: int, now: int) -> Iterator[Outgoing]:
    """Give an account's plans: a small one for inference, a comprehensive one, one that ends inside the trace."""
    yield _plan(number, "tokens", now, amount_cents=1 + number % 7, scope=[{"service": "inference"}])
    if number % 3 == 0:
        cents = 40 if number % 2 else 900
        yield _plan(number, "all", now, amount_cents=cents * 10, scope="all", end=now + 30 * DAY, priority=200)
    if number % 3 == 1:
        gpu: list[dict[str, object]] = [{"service": "gpu-container"}, {"service": "fine-tuning"}]
        yield _plan(number, "gpus", now, amount_cents=2_000, scope=gpu, end=now - 25 * MINUTE, priority=50)
    if number % 4 == 0:
        quota = [("gpu-container", 150)]
        yield _plan(number, "year", now, amount_cents=50_000, scope="all", end=now + 365 * DAY, quotas=quota)


def _plan(
    number: int,
    kind: str,
    now: int,
    *,
    amount_cents: int,
    scope: object,
    end: int | None = None,
    priority: int = 100,
    quotas: Sequence[tuple[str, int]] = (),
) -> Outgoing:
    currency, name = currency_of(number), account_name(number)
    told = [{"service": service, "amount": amount(cents, currency)} for service, cents in quotas]
    return command(
        name,
        f"activate-{name}-{kind}",
        "activate_plan",
        now,
        plan=f"{name}-{kind}",
        currency=currency,
        book=name_of("plan", currency),
        book_version=1,
        amount=amount(amount_cents, currency),
        start=format_instant(now - 2 * DAY),
        end=None if end is None else format_instant(end),
        priority=priority,
        scope=scope,
        quotas=told,
    )


def containers(count: int, dice: random.Random, now: int) -> Iterator[Outgoing]:
    """Give GPU Container usage."""
    for number in dice.sample(range(count), min(max(count // 3, 8), count)):
        yield from _container(account_name(number), dice, now)


def jobs(count: int, dice: random.Random, now: int) -> Iterator[Outgoing]:
    """Give Fine-tuning usage."""
    for number in dice.sample(range(count), min(max(count // 6, 4), count)):
        yield from _job(account_name(number), dice, now)


def _container(account: str, dice: random.Random, now: int) -> Iterator[Outgoing]:
    end = now - dice.randrange(HOUR)
    start = end - dice.randrange(45, 180) * MINUTE
    model, gpus = dice.choice(GPU_MODELS), dice.choice((1, 2, 4, "0.25"))
    for at in range(start, end, _SLICE):
        until = min(at + _SLICE, end)
        data: dict[str, object] = {
            "container": f"c-{account}",
            "gpu_model": model,
            "gpu_count": gpus,
            "state": "stopped" if dice.randrange(10) == 0 else "running",
            "storage_gb": 200,
            "from": format_instant(at),
            "to": format_instant(until),
        }
        message = event("gpu-container", "/demo", f"c-{account}-{until}", account, until, data)
        yield outgoing("gpu-container", message, until)


def _job(account: str, dice: random.Random, now: int) -> Iterator[Outgoing]:
    end = now - dice.randrange(HOUR)
    start = end - dice.randrange(5, 100) * MINUTE - dice.randrange(MINUTE)
    model = dice.choice(GPU_MODELS)
    for at in range(start, end, _SLICE):
        until = min(at + _SLICE, end)
        data: dict[str, object] = {
            "job": f"ft-{account}",
            "model": "Llama-3.1-8B",
            "gpu_model": model,
            "gpu_count": 2,
            "from": format_instant(at),
            "to": format_instant(until),
            "final": until == end,
        }
        message = event("fine-tuning", "/demo", f"ft-{account}-{until}", account, until, data)
        yield outgoing("fine-tuning", message, until)


def disturbed(events: list[Outgoing], dice: random.Random) -> list[Outgoing]:
    """Put events out of order within their neighbourhood, and repeat 1 % of them a little later."""
    placed = [(place + dice.uniform(0, 20), one) for place, one in enumerate(events)]
    repeated = dice.sample(range(len(events)), max(len(events) // 100, 1))
    placed += [(place + dice.uniform(1, 500), events[place]) for place in repeated]
    placed.sort(key=lambda entry: entry[0])
    return [one for _, one in placed]
