"""One run from a seed: inputs and faults, then everything mended, and every invariant looked at."""

import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
import structlog
from tests.simulation.ledgers.faults import Draw, Faults
from tests.simulation.ledgers.inputs import Inputs
from tests.simulation.ledgers.world import SHARDS, World
from tests.support.invariants import CHECKERS, Evidence
from tests.support.odd_messages import BOOKS
from tests.support.two_ledgers import POLICY
from tests.support.verifying import MemorySource

from drawdown.engine import rebuild, recovery, runtime
from drawdown.engine.memory.broker import Entry
from drawdown.engine.records import Record
from drawdown.oracle.audit import Audit, audit
from drawdown.oracle.codes import audit_codes
from drawdown.oracle.rater import Oracle
from drawdown.oracle.wallet import WalletOracle
from drawdown.oracle.wallet_audit import audit_wallet
from drawdown.topics import PRICES
from drawdown.verify import verify

INPUTS_MIN, INPUTS_MAX, FAULTS_MIN = 200, 240, 5
DRAIN_STEPS = 15
CHUNK_RECORDS = 6  # of a rebuild, so that it has some
BY_HAND = 0.06  # of the steps of time: somebody rebuilds a shard
AUDITED = (
    "usage.inference", "usage.gpu-container", "usage.fine-tuning", "plan-commands", "credit-charging",
    "wallet-commands", "code-commands", "charges", "account-events", "dead-letters",
)  # fmt: skip
# verify looks closer than the ten invariants: which of them each of its own belongs to
NAMES = {"bytes": "equivalence", "duplicates": "uniqueness", "chain": "positions", "no_oversell": "no oversell"}
ORACLE_SAYS = {
    "no outcome": "completeness", "is not among the dead letters": "completeness", "has seq": "order",
    "twice": "uniqueness", "but none is number": "order", "is missing, or": "order", "sum": "conservation",
    "is drawn": "conservation", "rolled over": "conservation", "the debt of": "conservation",
}  # fmt: skip


@dataclass
class Run:
    """What a run came to. findings: invariant and what is wrong; empty when all holds."""

    seed: int
    inputs: int = 0
    fired: Counter[tuple[str, str]] = field(default_factory=Counter)
    struck: list[Draw] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    digest: str = ""


async def simulate(
    seed: int, *, times: int = 1, only: frozenset[Draw] | None = None, without: frozenset[int] = frozenset()
) -> Run:
    """Run a seed. times: how often faults strike, of the usual.

    only: the draws that may strike; without: inputs that are not sent, by their number; to find the shortest history.
    """
    made = Run(seed)
    faults = Faults(seed, times)
    faults.only = only
    patch = pytest.MonkeyPatch()
    patch.setattr(runtime, "REVOKE_WAIT_SECONDS", 0)  # who lets go does not wait: what is open is cut off
    for module in (rebuild, recovery):
        patch.setattr(module, "RECOVERY_CHUNK_RECORDS", CHUNK_RECORDS)
    world = World(faults)
    lag = ""
    try:
        with structlog.testing.capture_logs():
            try:
                await _act(world, made, random.Random(seed + 1), without)
                await world.settled()
            except Exception as error:  # noqa: BLE001  a halted shard, a failed node, or no end: a finding
                lag = f"{type(error).__name__}: {error}"
        made.fired, made.history, made.struck = faults.fired, faults.history, faults.struck
        _check(world, made, lag)
        if not lag:
            await _judge(world, made)
        made.digest = f"{faults.trace.hexdigest()} {_digest(world)}"
    finally:
        patch.undo()
        await world.stop()
    return made


async def _act(world: World, made: Run, dice: random.Random, without: frozenset[int]) -> None:
    inputs = Inputs(dice, SHARDS)
    for _ in range(dice.randint(2, 3)):
        world.new_node()
    waiting = inputs.opening()
    wanted = dice.randint(INPUTS_MIN, INPUTS_MAX)
    while made.inputs < wanted or (sum(world.faults.fired.values()) < FAULTS_MIN and made.inputs < 3 * wanted):
        for record, shard in waiting:
            if made.inputs not in without:
                world.broker.append(record.topic, shard, record.key, record.value, headers=record.headers)
            made.inputs += 1
        if dice.random() < BY_HAND:
            world.rebuild(dice.choice(world.ledgers).name, dice.randrange(SHARDS))
        await world.pass_time(dice.choice((0, 1, 20, 300, 2_000, 8_000)))
        waiting = [inputs.next(world.clock.now_ms()) for _ in range(dice.randint(1, 12))]
        dice.shuffle(waiting)  # across topics, publishers come in any order
        if dice.random() < 0.3:
            waiting += waiting[:2]  # sent twice at once
    for _ in range(DRAIN_STEPS):  # what waits is taken under faults as well
        await world.pass_time(dice.choice((300, 2_000, 4_000)))


def _check(world: World, made: Run, lag: str) -> None:
    """Let each invariant's own checker look; where something still waits, those that can judge nevertheless."""
    places = [(topic, shard) for topic in world.broker._topics for shard in range(SHARDS)]
    log = {place: [_record(place, one) for one in world.broker.committed(*place)] for place in places}
    held = {(name, shard): cache.copy(shard) for name, cache in world.caches.items() for shard in range(SHARDS)}
    evidence = Evidence(log, held, world.ledgers, world.shard_of, SHARDS, world.clock.now_ms(), lag)
    for name, checker in CHECKERS.items():
        made.findings += [f"{name}: {text}" for text in checker(evidence)]


def _record(place: tuple[str, int], one: Entry) -> Record:
    return Record(*place, one.offset, one.timestamp, one.key, one.value, one.headers)


async def _judge(world: World, made: Run) -> None:
    """Look at every invariant: by replay and by the oracle, which share nothing."""
    source = MemorySource(world.broker, world.caches, world.clock, world.shard_of, SHARDS)
    report = await verify(source, world.ledgers, books=False)
    for one in report.findings:
        name = NAMES.get(one.invariant, one.invariant)
        made.findings.append(f"{name}: verify: {one}")
    made.findings += [f"cache: {note}" for note in report.notes if note.kind == "unproved"]
    made.counts = report.counts
    log = {
        topic: [_record((topic, n), one) for n in range(SHARDS) for one in world.broker.committed(topic, n)]
        for topic in AUDITED
    }
    log[PRICES] = [Record(PRICES, 0, at, 0, None, value) for at, value in enumerate(BOOKS)]
    oracle = Oracle(dict(POLICY.windows_ms), POLICY.default_window_ms, POLICY.skew_ms)
    found: Audit = audit(log, oracle)
    wallets = WalletOracle(POLICY.longest_window_ms + POLICY.skew_ms)
    audit_wallet(log, wallets, found)
    audit_codes(log, wallets, found)
    made.findings += [f"{_judged(text)}: the oracle: {text}" for text in found.findings]


def _judged(text: str) -> str:
    """Name the invariant that a finding of the oracle is about."""
    return next((name for part, name in ORACLE_SAYS.items() if part in text), "equivalence")


def _digest(world: World) -> str:
    """Digest all that is on the log: two runs of a seed are the same, step by step."""
    digest = hashlib.sha256()
    for topic in sorted(world.broker._topics):
        for shard in range(SHARDS):
            for one in world.broker.committed(topic, shard):
                digest.update(repr((topic, shard, one.offset, one.timestamp, one.key, one.value, one.headers)).encode())
    return digest.hexdigest()
