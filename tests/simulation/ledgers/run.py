"""One run from a seed: inputs and faults, then everything mended, and every invariant looked at."""

import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
import structlog
from tests.simulation.ledgers.faults import Faults
from tests.simulation.ledgers.inputs import Inputs
from tests.simulation.ledgers.world import SHARDS, World
from tests.support.two_ledgers import POLICY
from tests.support.verified import MemoryReader, MemorySource

from drawdown.engine import runtime
from drawdown.engine.records import Record
from drawdown.oracle.audit import Audit, audit
from drawdown.oracle.codes import audit_codes
from drawdown.oracle.rater import Oracle
from drawdown.oracle.wallet import WalletOracle
from drawdown.oracle.wallet_audit import audit_wallet
from drawdown.topics import PRICES
from drawdown.verify.run import Verification

INPUTS_MIN, INPUTS_MAX, FAULTS_MIN = 200, 240, 5
AUDITED = (
    "usage.inference", "usage.gpu-container", "usage.fine-tuning", "plan-commands", "credit-charging",
    "wallet-commands", "code-commands", "charges", "account-events", "dead-letters",
)  # fmt: skip


@dataclass
class Run:
    """What a run came to. findings: invariant and what is wrong; empty when all holds."""

    seed: int
    inputs: int = 0
    fired: Counter[tuple[str, str]] = field(default_factory=Counter)
    struck: list[int] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    digest: str = ""


async def simulate(seed: int, only: set[int] | None = None) -> Run:
    """Run a seed. only: the draws that may strike, to find the shortest history."""
    made = Run(seed)
    faults = Faults(seed)
    faults.only = only
    world = World(faults)
    patch = pytest.MonkeyPatch()
    patch.setattr(runtime, "REVOKE_WAIT_SECONDS", 0)  # who lets go does not wait: what is open is cut off
    try:
        with structlog.testing.capture_logs():
            await _act(world, made, random.Random(seed + 1))
            try:
                await world.settled()
            except Exception as error:  # noqa: BLE001  a halted shard, a failed node, or no end: a finding
                made.findings.append(f"liveness: {type(error).__name__}: {error}")
        made.fired, made.history, made.struck = faults.fired, faults.history, faults.struck
        if not made.findings:
            await _judge(world, made)
        made.digest = _digest(world)
    finally:
        patch.undo()
        await world.stop()
    return made


async def _act(world: World, made: Run, dice: random.Random) -> None:
    inputs = Inputs(dice, SHARDS)
    for _ in range(dice.randint(1, 2)):
        world.new_node()
    waiting = inputs.opening()
    wanted = dice.randint(INPUTS_MIN, INPUTS_MAX)
    try:
        while made.inputs < wanted or (sum(world.faults.fired.values()) < FAULTS_MIN and made.inputs < 3 * wanted):
            for record, shard in waiting:
                _publish(world, record, shard)
                made.inputs += 1
            await world.pass_time(dice.choice((0, 1, 20, 300, 2_000, 8_000)))
            waiting = [inputs.next(world.clock.now_ms()) for _ in range(dice.randint(1, 12))]
            dice.shuffle(waiting)  # across topics, publishers come in any order
            if dice.random() < 0.3:
                waiting += waiting[:2]  # sent twice at once
    except Exception as error:  # noqa: BLE001  a halted shard or a failed node: a finding
        made.findings.append(f"liveness: {type(error).__name__}: {error}")


def _publish(world: World, record: Record, shard: int) -> None:
    world.broker.append(record.topic, shard, record.key, record.value, headers=record.headers)


async def _judge(world: World, made: Run) -> None:
    """Look at every invariant: by replay and by the oracle, which share nothing."""
    source = MemorySource(world.broker)
    caches = {name: MemoryReader(cache) for name, cache in world.caches.items()}
    verification = Verification(source, world.ledgers, world.shard_of, POLICY, caches, now_ms=world.clock.now_ms)
    report = await verification.run(range(SHARDS))
    for one in report.findings:
        made.findings.append(f"{one.invariant}: {one.ledger} {one.topic}/{one.partition} {one.offset} {one.detail}")
    made.findings += [f"cache: {note}" for note in report.notes]
    made.counts = report.counts
    log = {
        topic: [
            Record(topic, shard, one.offset, one.timestamp, one.key, one.value, one.headers)
            for shard in range(SHARDS)
            for one in world.broker.committed(topic, shard)
        ]
        for topic in AUDITED
    }
    log[PRICES] = [record async for record in source.read({(PRICES, 0): (0, 9)})]
    oracle = Oracle(dict(POLICY.windows_ms), POLICY.default_window_ms, POLICY.skew_ms)
    found: Audit = audit(log, oracle)
    wallets = WalletOracle(POLICY.longest_window_ms + POLICY.skew_ms)
    audit_wallet(log, wallets, found)
    audit_codes(log, wallets, found)
    made.findings += [f"conservation: the oracle: {text}" for text in found.findings]


def _digest(world: World) -> str:
    """Digest all that is on the log: two runs of a seed are the same, step by step."""
    digest = hashlib.sha256()
    for topic in sorted(world.broker._topics):
        for shard in range(SHARDS):
            for one in world.broker.committed(topic, shard):
                digest.update(repr((topic, shard, one.offset, one.timestamp, one.key, one.value, one.headers)).encode())
    return digest.hexdigest()
