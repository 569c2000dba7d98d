"""The ten invariants, one checker each, over what a log and its Redis hold in the end.

Nothing here is of the engine or of `drawdown verify`: only the ledgers' pure decode and decide, for replays.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from drawdown.domain.errors import Reject
from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.changelog import decode_known_ids, decode_state_write
from drawdown.engine.commit import COMMIT_KEY, GENESIS_CHAIN, CommitRecord, decode_commit, record_hash
from drawdown.engine.input import Input
from drawdown.engine.ledger import Ledger
from drawdown.engine.memory.cache import Held
from drawdown.engine.records import Record
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING

Place = tuple[str, int]
Position = tuple[str, int, int]
Found = Iterator[str]
TOLD = (CHARGES, CREDIT_CHARGING, ACCOUNT_EVENTS)


@dataclass(frozen=True)
class Output:
    """A record of an output topic, read."""

    record: Record
    body: dict[str, Any]

    @property
    def at(self) -> Position:
        told = self.body["position"]
        return told["topic"], told["partition"], told["offset"]


@dataclass
class Evidence:
    """What is judged. log: committed records by topic and partition, in order; the changelogs not compacted.

    held: ledger, shard → what Redis holds. lag: what still waits long after the last fault, "" if nothing does; what
    must hold of a log that is wholly taken is looked at only then. now: the log's own time, ms.
    """

    log: Mapping[Place, Sequence[Record]]
    held: Mapping[tuple[str, int], Held]
    ledgers: Sequence[Ledger]
    shard_of: Callable[[bytes], int]
    shards: int
    now: int
    lag: str = ""
    decoded: dict[Position, Input | None] = field(default_factory=dict)

    @property
    def telling(self) -> list[Ledger]:
        """The ledgers whose outputs tell every input that was applied."""
        return [ledger for ledger in self.ledgers if CHARGES in ledger.output_topics]

    def records(self, topic: str) -> Iterator[Record]:
        for shard in range(self.shards):
            yield from self.log.get((topic, shard), ())

    @cached_property
    def outputs(self) -> list[Output]:
        return [
            Output(record, json.loads(record.value)) for topic in TOLD for record in self.records(topic) if record.value
        ]

    @cached_property
    def letters(self) -> list[tuple[str, Position]]:
        """Ledger and input of each dead letter."""
        told = [dict(record.headers) for record in self.records("dead-letters")]
        return [(t["ledger"].decode(), (t["topic"].decode(), int(t["partition"]), int(t["offset"]))) for t in told]

    @cached_property
    def inputs(self) -> dict[Position, Record]:
        topics = {topic for ledger in self.ledgers for topic in (ledger.command_topic, *ledger.usage_topics)}
        return {(r.topic, r.partition, r.offset): r for topic in sorted(topics) for r in self.records(topic)}

    def read(self, ledger: Ledger, record: Record) -> Input | None:
        """Decode an input, None if it cannot be."""
        at = record.topic, record.partition, record.offset
        if at not in self.decoded:
            try:
                self.decoded[at] = ledger.decode(record)
            except Reject:
                self.decoded[at] = None
        return self.decoded[at]

    def states(self, ledger: Ledger, shard: int) -> dict[bytes, bytes]:
        """Give the newest record of each key on a changelog, the commit record's aside."""
        newest = {r.key: r.value for r in self.log.get((f"changelog.{ledger.name}", shard), ())}
        return {key: value or b"" for key, value in newest.items() if key is not None and key != COMMIT_KEY}

    def commits(self, ledger: Ledger, shard: int) -> list[CommitRecord]:
        log = self.log.get((f"changelog.{ledger.name}", shard), ())
        return [decode_commit(record.value or b"") for record in log if record.key == COMMIT_KEY]


def conservation(e: Evidence) -> Found:  # noqa: C901  one pass over the outputs, read from top to bottom
    """Parts sum to the whole, a balance moves by what was paid, and the wallet draws what the plans left open."""
    open_, drawn = defaultdict(Fraction), defaultdict(Fraction)  # type: ignore[var-annotated]
    for output in e.outputs:
        body, topic = output.body, output.record.topic
        if topic == ACCOUNT_EVENTS:
            if body["kind"] == "overage_refused":
                drawn[body["account"]] += Fraction(body["amount"])
            continue
        total, paid = Fraction(body["total"]), defaultdict(Fraction)  # type: ignore[var-annotated]
        for line in body["lines"]:
            paid[_source(line.get("payer"))] += Fraction(line["amount"])
        if sum(paid.values()) != total:
            yield f"{body['id']}: the lines come to {sum(paid.values())}, the total is {total}"
        for one in body.get("balances", ()):
            moved = abs(Fraction(one["before"]) - Fraction(one["after"]))
            if moved != paid[_source(one)]:
                yield f"{body['id']}: {_source(one)} paid {paid[_source(one)]}, its balance moved by {moved}"
        if topic == CREDIT_CHARGING:
            open_[body["account"]] += total
        elif body["ledger"] == "wallet":
            drawn[body["account"]] += total
    for account in sorted(open_.keys() | drawn.keys()):
        short = open_[account] > drawn[account] and not e.lag
        if short or open_[account] < drawn[account]:
            yield f"{account}: overages come to {open_[account]}, the wallet drew {drawn[account]}"


def completeness(e: Evidence) -> Found:
    """Each input id has an outcome: rated or a dead letter, or it repeats one that has."""
    if e.lag:
        return
    for ledger in e.telling:
        done = {output.at for output in e.outputs if output.body["ledger"] == ledger.name}
        refused = {at for name, at in e.letters if name == ledger.name}
        for at in sorted(done & refused):
            yield f"{at} was applied, and is among the dead letters"
        accepted = {item.identity for at in done if at in e.inputs and (item := e.read(ledger, e.inputs[at]))}
        for at, record in e.inputs.items():
            if at[0] not in {ledger.command_topic, *ledger.usage_topics} or at in done or at in refused:
                continue
            if (record.key and e.shard_of(record.key) != at[1]) or not record.value:
                continue  # forwarded, and judged where it went; or it carries the watermark and nothing else
            item = e.read(ledger, record)
            if item is None:
                yield f"{at} cannot be read, and is not among the dead letters"
            elif (item.identity not in accepted or not item.remember) and b'"timer"' not in record.value:
                yield f"{at} has no outcome"


def uniqueness(e: Evidence) -> Found:
    """No id is committed twice."""
    for ledger in e.ledgers:
        applied: dict[bytes, Position] = {}
        for at in sorted({output.at for output in e.outputs if output.body["ledger"] == ledger.name}):
            item = e.read(ledger, e.inputs[at]) if at in e.inputs else None
            if item is not None and applied.setdefault(item.identity, at) != at:
                yield f"{ledger.name}: {at} repeats {applied[item.identity]}, and both were applied"
        known: dict[bytes, int] = {}
        for record in e.records(f"known-ids.{ledger.name}"):
            number, ids = decode_known_ids(record.value or b"")
            for one in ids:
                if known.setdefault(one.identity, number) != number:
                    yield f"{ledger.name}: id {one.identity.hex()} is in commits {known[one.identity]} and {number}"
    seen: set[object] = set()
    for named in [*((o.record.topic, o.body["ledger"], o.body["id"]) for o in e.outputs), *e.letters]:
        if named in seen:
            yield f"{named} stands on the log twice"
        seen.add(named)


def no_oversell(e: Evidence) -> Found:
    """No source falls below its floor, nor pays more than it was ever worth."""
    worth: dict[tuple[str, str], Fraction] = {}
    paid: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for output in e.outputs:
        body = output.body
        for one in body.get("balances", ()):
            if Fraction(one["after"]) < 0:
                yield f"{body['id']}: {_source(one)} of {body['account']} is at {one['after']}"
            if one["kind"] != "debt":
                worth.setdefault((body["account"], _source(one)), Fraction(one["before"]))
        for line in body.get("lines", ()):
            paid[body["account"], _source(line.get("payer"))] += Fraction(line["amount"])
    for output in e.outputs:
        source = output.body["account"], f"plan {output.body.get('plan')}"
        if output.body.get("kind") == "amount_added" and source in worth:
            worth[source] += Fraction(output.body["amount"])
    for source, most in worth.items():
        if paid[source] > most:
            yield f"{source[1]} of {source[0]} had {most}, and paid {paid[source]}"


def order(e: Evidence) -> Found:
    """Sequences are gapless, inputs are told in the order they were applied, and a balance goes on where it was."""
    newest: dict[tuple[str, str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    left: dict[tuple[str, str], tuple[int, Fraction]] = {}
    for output in e.outputs:
        body = output.body
        stream = output.record.topic, body["ledger"], body["account"]
        seq, applied = newest[stream]
        if body["seq"] != seq + 1 or body["applied"] < applied:
            yield f"{stream}: seq {body['seq']}, applied {body['applied']} after {seq}, {applied}"
        newest[stream] = body["seq"], body["applied"]
        for one in body.get("balances", ()):
            source = body["account"], _source(one)
            before, after = Fraction(one["before"]), Fraction(one["after"])
            if one["kind"] == "voucher" and left.get(source, (0, before))[1] != before:
                yield f"{source}: {before} before applied {body['applied']}, and {left[source][1]} after the last one"
            left[source] = body["applied"], after


def positions(e: Evidence) -> Found:
    """What a commit record says is taken is in the log, and no more: nothing else has an outcome."""
    for ledger in e.ledgers:
        taken: dict[Place, int] = {}
        for shard in range(e.shards):
            number, chain = 0, GENESIS_CHAIN
            reached: dict[str, int] = {}
            for commit in e.commits(ledger, shard):
                where = f"{ledger.name} shard {shard} commit {commit.number}"
                if (commit.number, commit.previous) != (number + 1, chain):
                    yield f"{where} follows commit {number}, or another chain"
                number, chain = commit.number, commit.chain
                for one in commit.inputs:
                    if one.next_offset < reached.get(one.topic, 0):
                        yield f"{where}: {one.topic} goes back from {reached[one.topic]} to {one.next_offset}"
                    reached[one.topic] = one.next_offset
                    last = e.inputs.get((one.topic, shard, one.last_offset))
                    if one.last_hash and (last is None or record_hash(last.key, last.value) != one.last_hash):
                        yield f"{where}: {one.topic} offset {one.last_offset} is not the record that was taken"
            taken |= {(topic, shard): offset for topic, offset in reached.items()}
        told = [output.at for output in e.outputs if output.body["ledger"] == ledger.name]
        for at in [*told, *(at for name, at in e.letters if name == ledger.name)]:
            if at[2] >= taken.get(at[:2], 0):
                yield f"{ledger.name}: {at} has an outcome, and no commit record says that it was taken"


def cache(e: Evidence) -> Found:  # noqa: C901  what Redis holds, one kind after another
    """Redis equals the changelog and the known ids at its cursor."""
    for (name, shard), held in e.held.items():
        (ledger,) = (one for one in e.ledgers if one.name == name)
        commits = e.commits(ledger, shard)
        newest = (commits[-1].number, commits[-1].chain) if commits else (0, GENESIS_CHAIN)
        at = (held.cursor.number, held.cursor.chain) if held.cursor else (0, GENESIS_CHAIN)
        where = f"{name} shard {shard}"
        if at != newest:
            if not e.lag:
                yield f"{where}: Redis is at commit {at[0]}, the log at {newest[0]}"
            continue
        writes = [decode_state_write(key, value) for key, value in e.states(ledger, shard).items()]
        if held.states != {write.account: write for write in writes}:
            yield f"{where}: Redis holds other states than the changelog"
        if held.due != {write.account: write.due for write in writes if write.due is not None}:
            yield f"{where}: Redis holds other due times than the changelog"
        watermark = commits[-1].watermark if commits else 0
        known: dict[tuple[int, bytes], bytes] = {}
        owed: set[tuple[int, bytes, bytes]] = set()
        for record in e.log.get((f"known-ids.{name}", shard), ()):
            ids = decode_known_ids(record.value or b"")[1]
            for one in ids:
                bucket = one.forget_at // ID_BUCKET_MS
                known[bucket, one.identity] = one.value
                if one.forget_at >= watermark and (bucket + 1) * ID_BUCKET_MS > e.now:
                    owed.add((bucket, one.identity, one.value))
        kept = {(bucket, *pair) for bucket, members in held.buckets.items() for pair in members.items()}
        if extra := kept - {(*place, value) for place, value in known.items()}:
            yield f"{where}: Redis remembers {len(extra)} ids that were never committed"
        if lost := owed - kept:
            yield f"{where}: Redis does not remember {len(lost)} ids that must not be forgotten yet"


def equivalence(e: Evidence) -> Found:
    """The final state is what a pure replay of the applied inputs in their order comes to."""
    for ledger in e.telling:
        steps: dict[str, dict[int, Position]] = defaultdict(dict)
        for output in e.outputs:
            if output.body["ledger"] == ledger.name:
                steps[output.body["account"]].setdefault(output.body["applied"], output.at)
        final = {key.decode(): decode_state_write(key, value).value
                 for shard in range(e.shards) for key, value in e.states(ledger, shard).items()}  # fmt: skip
        for account, numbered in steps.items():
            state: object | None = None
            try:
                for _, at in sorted(numbered.items()):
                    item = e.read(ledger, e.inputs[at])
                    state = ledger.decide(state, item).state if item else None
            except Exception as error:  # noqa: BLE001  whatever a replay raises, the inputs were applied
                yield f"{ledger.name} {account}: {at} was applied; a replay says {type(error).__name__}: {error}"
                continue
            if state is None or final.get(account) != ledger.encode_state(state):
                yield f"{ledger.name} {account}: the changelog's state is not what a replay comes to"


def isolation(e: Evidence) -> Found:
    """Nothing of one account is in another's keys or messages."""
    for output in e.outputs:
        account, key, source = output.body["account"].encode(), output.record.key, e.inputs.get(output.at)
        if key != account or (source is not None and source.key != account):
            yield f"{output.record.topic}: {output.body['id']} of {account!r} has key {key!r}, or its input another one"
        if e.shard_of(key or b"") != output.record.partition:
            yield f"{output.record.topic}: {output.body['id']} is in partition {output.record.partition}"
    for ledger in e.ledgers:
        for shard in range(e.shards):
            for key, value in e.states(ledger, shard).items():
                owner = getattr(ledger.decode_state(decode_state_write(key, value).value), "id", key.decode())
                if owner != key.decode() or e.shard_of(key) != shard:
                    yield f"{ledger.name} shard {shard}: key {key!r} holds the state of {owner}"


def liveness(e: Evidence) -> Found:
    """After the faults, lag returns to zero."""
    if e.lag:
        yield e.lag


CHECKERS: dict[str, Callable[[Evidence], Found]] = {
    "conservation": conservation,
    "completeness": completeness,
    "uniqueness": uniqueness,
    "no oversell": no_oversell,
    "order": order,
    "positions": positions,
    "cache": cache,
    "equivalence": equivalence,
    "isolation": isolation,
    "liveness": liveness,
}


def _source(payer: Mapping[str, Any] | None) -> str:
    return f"{payer['kind']} {payer['id']}" if payer else "on demand"
