"""What the ledger's own topics hold, and whether states, ids and Redis are what they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.changelog import decode_known_ids, decode_state_write
from drawdown.engine.commit import COMMIT_KEY, CommitRecord, decode_commit
from drawdown.engine.errors import Halt
from drawdown.engine.ledger import Ledger
from drawdown.engine.ports import StateWrite
from drawdown.verify import money
from drawdown.verify.model import CACHE, CHAIN, EQUIVALENCE, UNIQUENESS, CacheReader, Place, Report, Source, Span
from drawdown.verify.replay import Replay


@dataclass
class Held:
    """The newest state of each account, the newest commit, and the ids that are remembered.

    ids: identity → when it may be forgotten (ms), and its value.
    """

    states: dict[str, StateWrite] = field(default_factory=dict)
    commit: CommitRecord | None = None
    ids: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    ids_from: int = 0


async def held_by(source: Source, ledger: str, shard: int, spans: Mapping[Place, Span], report: Report) -> Held:
    """Read a shard's changelog and known ids; commits must follow each other, no id may come twice."""
    held = Held()
    changelog, known = (f"changelog.{ledger}", shard), (f"known-ids.{ledger}", shard)
    async for record in source.read({changelog: spans[changelog]}):
        try:
            if record.key != COMMIT_KEY:
                write = decode_state_write(record.key, record.value)
                held.states[write.account] = write
                continue
            commit = decode_commit(record.value or b"")
        except (Halt, ValueError) as error:
            report.find(CHAIN, ledger, changelog, record.offset, "", str(error))
            continue
        before, held.commit = held.commit, commit
        if before and commit.number == before.number + 1 and commit.previous != before.chain:
            report.find(CHAIN, ledger, changelog, record.offset, "", f"commit {commit.number} does not follow the last")
        if before and commit.number <= before.number:
            report.find(CHAIN, ledger, changelog, record.offset, "", f"commit {commit.number} after {before.number}")
    async for record in source.read({known: spans[known]}):
        for one in decode_known_ids(record.value or b"")[1]:
            if one.identity in held.ids:
                report.find(UNIQUENESS, ledger, known, record.offset, "", f"id {one.identity.hex()} is there twice")
            held.ids[one.identity] = one.forget_at, one.value
    return held


async def newest_of(
    source: Source, ledger: str, shard: int, read: Mapping[Place, Span], held: Held
) -> CommitRecord | None:
    """Give the newest commit as of now, after a changelog was read up to where it ended then."""
    place = f"changelog.{ledger}", shard
    end = (await source.spans([place]))[place][1]
    newest = held.commit
    async for record in source.read({place: (read[place][1], end)}):
        if record.key == COMMIT_KEY:
            newest = decode_commit(record.value or b"")
    return newest


def compare_states(ledger: Ledger, shard: int, held: Held, replay: Replay, report: Report) -> None:
    """Hold the newest states on the changelog against the replayed ones, byte for byte, and look at their sources."""
    place = f"changelog.{ledger.name}", shard
    for account in sorted(held.states.keys() | replay.states.keys()):
        if account in replay.lost:
            continue
        write, state = held.states.get(account), replay.states.get(account)
        value = None if state is None else ledger.encode_state(state)
        if write is None or value != write.value:
            what = "there is none" if write is None else "it is not what its inputs come to"
            report.find(EQUIVALENCE, ledger.name, place, -1, account, f"the newest state: {what}")
        elif state is not None and write.due != ledger.due(state):
            report.find(EQUIVALENCE, ledger.name, place, -1, account, f"due at {write.due}, not {ledger.due(state)}")
        for invariant, detail in money.unconserved(state):
            report.find(invariant, ledger.name, place, -1, account, detail)


async def compare_cache(cache: CacheReader, ledger: str, shard: int, held: Held, report: Report, now: int) -> None:
    """Hold Redis against the log, if it is where the log is and nobody writes meanwhile. now: ms."""
    number, chain = (held.commit.number, held.commit.chain) if held.commit else (0, b"\x00" * 16)
    cursor = await cache.cursor(shard)
    if (cursor.number, cursor.chain) != (number, chain):
        report.note(f"{ledger} shard {shard}: Redis is at commit {cursor.number}, the log at {number}; not compared")
        return
    found = Found(ledger, shard, report)
    unseen = dict(held.states)
    async for account, at, value in cache.states(shard):
        write = unseen.pop(account, None)
        if write is None:
            found.tell(account, "Redis has a state that the changelog has not")
        elif (at, value) != (write.number, write.value):
            found.tell(account, f"Redis has the state of commit {at}, which is not that of commit {write.number}")
    for account in unseen:
        found.tell(account, "Redis has no state")
    await _compare_due(cache, shard, held, found)
    await _compare_ids(cache, shard, held, found, now)
    if (await cache.cursor(shard)) != cursor:
        report.note(f"{ledger} shard {shard}: a worker wrote to Redis meanwhile; not compared")
        return
    found.keep()


async def _compare_due(cache: CacheReader, shard: int, held: Held, found: "Found") -> None:
    due = {write.account: write.due for write in held.states.values() if write.due is not None}
    async for account, at in cache.due(shard):
        if due.pop(account, None) != at:
            found.tell(account, f"Redis has a timer at {at} that the changelog has not")
    for account, at in due.items():
        found.tell(account, f"Redis has no timer at {at}")


async def _compare_ids(cache: CacheReader, shard: int, held: Held, found: "Found", now: int) -> None:
    """Compare ids; those that may be forgotten by now may be gone, and may still be there."""
    unseen = dict(held.ids)
    async for bucket, identity, value in cache.ids(shard):
        forget_at, known = unseen.pop(identity, (0, b""))
        if (forget_at // ID_BUCKET_MS, known) != (bucket, value):
            found.tell("", f"Redis remembers id {identity.hex()}, which the log has not so")
    for identity, (forget_at, _) in unseen.items():
        if forget_at >= now:
            found.tell("", f"Redis does not remember id {identity.hex()}")


class Found:
    """What differs in Redis, kept only if nobody wrote meanwhile."""

    def __init__(self, ledger: str, shard: int, report: Report) -> None:
        """Hold nothing."""
        self._ledger = ledger
        self._shard = shard
        self._report = report
        self._differences: list[tuple[str, str]] = []

    def tell(self, account: str, detail: str) -> None:
        """Take note of a difference."""
        self._differences.append((account, detail))

    def keep(self) -> None:
        """Make them findings."""
        for account, detail in self._differences:
            self._report.find(CACHE, self._ledger, (f"Redis of {self._ledger}", self._shard), -1, account, detail)
