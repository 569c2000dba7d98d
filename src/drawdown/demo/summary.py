"""What a whole run came to: numbers for summary.json and a report for people."""

from fractions import Fraction

import msgspec

from drawdown.adapters.kafka.partitioner import shard_of
from drawdown.demo import lives
from drawdown.demo.chronicle import checked
from drawdown.demo.stage import Stage
from drawdown.domain.model import Account as State
from drawdown.domain.money import CURRENCIES
from drawdown.domain.prices import Prices
from drawdown.domain.wallet.credits import left_of
from drawdown.domain.wallet.model import Wallet
from drawdown.engine.records import Record
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.operate.verifying import verified
from drawdown.oracle.audit import Audit, audit
from drawdown.oracle.codes import audit_codes
from drawdown.oracle.rater import Oracle
from drawdown.oracle.state import Account, Plan
from drawdown.oracle.wallet import WalletOracle
from drawdown.oracle.wallet_audit import audit_wallet
from drawdown.topics import CHARGES

CREDIT_EVENTS = (
    "voucher_granted",
    "voucher_used_up",
    "topped_up",
    "low_balance",
    "debt_begun",
    "debt_limit_reached",
    "debt_paid",
    "debt_written_off",
    "adjusted",
    "codes_redeemed",
    "redemption_refused",
)
MISSING = "missing in Redis"


class Summary(msgspec.Struct):
    """The numbers of a run. Amounts are decimal strings; paid and by_service: currency → … → amount."""

    conserved: bool
    events: int
    rated: int
    replayed: int
    duplicates: int
    forwarded: int
    charges: int
    drawn: int
    overages: int
    splits: dict[str, int]
    plans_expired: dict[str, int]
    lives: dict[str, int]
    credit: dict[str, int]
    dead_letters: dict[str, int]
    paid: dict[str, dict[str, str]]
    by_service: dict[str, dict[str, dict[str, str]]]
    seconds: str
    events_per_second: int
    findings: list[str]
    in_history: int = 0  # charges brought into a database, equal to the log and to Redis by account, service and payer
    verified: int = 0  # inputs replayed through the ledgers, all bytes compared
    killed: bool = False
    metrics_agree: bool = False  # the worker counted the same; not asked where one was killed


def decimal(value: Fraction) -> str:
    """Write a fraction whose denominator divides a power of ten, exactly and without trailing zeros."""
    digits = 12
    whole = value * 10**digits
    text = str(whole.numerator).rjust(digits + 1, "0")
    return f"{text[:-digits]}.{text[-digits:]}".rstrip("0").rstrip(".")


async def judge(stage: Stage, seconds: Fraction) -> tuple[Summary, Audit]:
    """Read everything back; have the oracle check it, compare Redis with what the log says, and verify."""
    log = await stage.read()
    policy = stage.settings.policy
    oracle = Oracle(dict(policy.windows_ms), policy.default_window_ms, policy.skew_ms)
    found = audit(log, oracle)
    await _compare_redis(stage, found)
    if stage.settings.wallet:
        wallets = WalletOracle(policy.longest_window_ms + policy.skew_ms)
        audit_wallet(log, wallets, found)
        audit_codes(log, wallets, found)
        found.wallets = wallets.wallets
        await _compare_wallets(stage, wallets, found)
        for difference in await checked(stage.settings, log[CHARGES]):
            found.note(difference)
        found.counts["in history"] = len([record for record in log[CHARGES] if record.value])
    report = await verified(stage.settings)
    for one in report.findings:
        found.note(f"verify: {one}")
    found.counts["verified"] = report.counts["inputs"]
    return summarise(log, found, seconds), found


def summarise(log: dict[str, list[Record]], found: Audit, seconds: Fraction) -> Summary:
    """Give the numbers of an audited log."""
    events = sum(len(records) for topic, records in log.items() if topic.startswith("usage."))
    events -= found.counts["forwarded"]  # the copy on the right partition is the same event
    paid: dict[str, dict[str, Fraction]] = {}
    services: dict[str, dict[str, dict[str, str]]] = {}
    for (currency, service, source), amount in sorted(found.spent.items()):
        sums = paid.setdefault(currency, {})
        sums[source] = sums.get(source, Fraction(0)) + amount
        services.setdefault(currency, {}).setdefault(service, {})[source] = decimal(amount)
    return Summary(
        conserved=found.conserved,
        events=events,
        rated=found.counts["rated"],
        replayed=found.counts["replayed"],
        duplicates=found.counts["duplicates"],
        forwarded=found.counts["forwarded"],
        charges=found.counts["plans charges"],
        drawn=found.counts["wallet charges"],
        overages=found.counts["credit-charging"],
        splits={"amount": found.counts["splits_in_amount"], "time": found.counts["splits_in_time"]},
        plans_expired={reason: found.counts[f"plans_expired_by_{reason}"] for reason in ("amount", "time")},
        lives={kind: found.counts[kind] for kind in lives.EVENTS},
        credit={kind: found.counts[kind] for kind in CREDIT_EVENTS},
        dead_letters=dict(sorted(found.dead_letters.items())),
        paid={
            currency: {source: decimal(amount) for source, amount in sources.items()}
            for currency, sources in paid.items()
        },
        by_service=services,
        seconds=f"{int(seconds * 10) // 10}.{int(seconds * 10) % 10}",
        events_per_second=int(events / seconds) if seconds else 0,
        findings=found.findings,
        in_history=found.counts["in history"],
        verified=found.counts["verified"],
    )


async def _compare_redis(stage: Stage, found: Audit) -> None:
    """Check that Redis holds, for every account, what the oracle came to."""
    place = shard_of(stage.settings.shards)
    ledger = PlansLedger(Prices(), stage.settings.policy)
    names = sorted(found.oracle.accounts)
    for shard in range(stage.settings.shards):
        mine = [name for name in names if place(name.encode()) == shard]
        states = (await stage.caches["plans"].look_up(shard, [], mine)).states
        for name, state in zip(mine, states, strict=True):
            told = _told(found.oracle.accounts[name])
            held = MISSING if state is None else _held(ledger.decode_state(state))
            if isinstance(held, dict):
                told = {plan: now for plan, now in told.items() if plan in held or now[0] != "expired"}
            if held != told:
                found.note(f"Redis holds {held} for account {name}, the oracle says {told}")


async def _compare_wallets(stage: Stage, oracle: WalletOracle, found: Audit) -> None:
    """Check that Redis holds, for every wallet, what the oracle came to."""
    place = shard_of(stage.settings.shards)
    ledger = WalletLedger(stage.settings.policy)
    for shard in range(stage.settings.shards):
        mine = [name for name in sorted(oracle.wallets) if place(name.encode()) == shard]
        states = (await stage.caches["wallet"].look_up(shard, [], mine)).states
        for name, state in zip(mine, states, strict=True):
            wallet = oracle.wallets[name]
            told = {"debt": wallet.debt, "debt limit": wallet.debt_limit}
            told |= {f"voucher {one.name}": one.left for one in wallet.vouchers if one.left and not one.closed}
            told |= {f"top-up {one.name}": one.left for one in wallet.top_ups if one.left}
            held = MISSING if state is None else _credit(ledger.decode_state(state))
            if held != told:
                found.note(f"Redis holds {held} for wallet {name}, the oracle says {told}")


def _credit(state: object) -> dict[str, Fraction | None]:
    if not isinstance(state, Wallet):
        return {}
    scale = 10 ** CURRENCIES[state.currency].quantum_digits
    limit = None if state.debt_limit is None else Fraction(state.debt_limit, scale)
    held: dict[str, Fraction | None] = {"debt": Fraction(state.debt, scale), "debt limit": limit}
    held |= {f"voucher {one.id}": Fraction(left_of(one), scale) for one in state.vouchers}
    return held | {f"top-up {one.id}": Fraction(one.amount - one.spent, scale) for one in state.top_ups}


def _held(state: object) -> dict[str, tuple[str, Fraction]]:
    if not isinstance(state, State):
        return {}
    scale = 10 ** CURRENCIES[state.currency].quantum_digits
    return {plan.id: (plan.status, Fraction(plan.amount - plan.spent, scale)) for plan in state.plans}


def _told(account: Account) -> dict[str, tuple[str, Fraction]]:
    return {plan.name: (plan.status, plan.amount - plan.spent) for plan in account.plans}


def faults(summary: Summary, reasons: frozenset[str]) -> list[str]:
    """List the numbers of a demonstration that must not be zero and are."""
    numbers: dict[str, int] = {
        "events": summary.events,
        "replayed": summary.replayed,
        "duplicates": summary.duplicates,
        "forwarded": summary.forwarded,
        "charges": summary.charges,
        "overages": summary.overages,
        "drawn": summary.drawn,
        **{f"plans' lives {kind}": count for kind, count in summary.lives.items()},
        **{f"credit {kind}": count for kind, count in summary.credit.items()},
        **{f"splits in {what}": count for what, count in summary.splits.items()},
        **{f"plans expired by {what}": count for what, count in summary.plans_expired.items()},
        **{f"dead letters {reason}": summary.dead_letters.get(reason, 0) for reason in sorted(reasons)},
    }
    missing = [name for name, count in numbers.items() if not count]
    missing += [
        f"paid {source} in {currency}"
        for currency in ("USD", "VND")
        for source in ("plan", "on demand", "voucher", "top_up", "debt")
        if Fraction(summary.paid.get(currency, {}).get(source, "0")) <= 0
    ]
    return missing


def busiest(found: Audit, count: int) -> list[tuple[str, Account]]:
    """Give the accounts with the most applied inputs, those with plans."""
    with_plans = [(name, account) for name, account in found.oracle.accounts.items() if account.plans]
    return sorted(with_plans, key=lambda entry: -entry[1].applied)[:count]


def services_of(plan: Plan) -> str:
    """Say in words what a plan covers."""
    if plan.scope is None:
        return "all services"
    return ", ".join(sorted({str(item["service"]) for item in plan.scope}))
