"""What must hold at the end of every run, from the log alone: computed here anew, with nothing of the engine's."""

import json
from collections import Counter
from typing import Any

from tests.support.engine import CHANGELOG, INPUTS, KNOWN_IDS, SHARDS, World

from drawdown.domain.limits import ID_BUCKET_MS
from drawdown.engine.changelog import decode_known_ids, decode_state_write
from drawdown.engine.commit import COMMIT_KEY, decode_commit

State = tuple[int, int, int]  # total, applied, due


def bodies(world: World, *topics: str) -> list[dict[str, Any]]:
    """Give all that was published and can be read, in the topics' order."""
    found = []
    for topic in topics:
        for entry in world.read(topic):
            try:
                found.append(json.loads(entry.value or b""))
            except ValueError:
                continue
    return found


def check(world: World, *, chain: bool) -> None:
    """Check all. chain: the changelog was not compacted, so that every commit record must be there."""
    states = check_outputs(world)
    check_dead_letters(world)
    check_redis(world, states)
    if chain:
        check_chain(world)


def check_outputs(world: World) -> dict[str, State]:
    """Every id has one output, numbered without a gap per account, with the total that its inputs come to."""
    asked = {body["id"]: body for body in bodies(world, *INPUTS)}
    wanted = {ident for ident, body in asked.items() if body.get("add", 0) >= 0 and "timer" not in body}
    outputs = bodies(world, "totals")
    times = Counter(output["id"] for output in outputs)
    doubled = {ident: count for ident, count in times.items() if count > 1}
    assert not doubled, f"rated more than once: {doubled}"
    missing = wanted - times.keys()
    assert not missing, f"never rated: {sorted(missing)}"
    states: dict[str, State] = {}
    for output in outputs:
        total, applied, due = states.get(output["account"], (0, 0, 0))
        body = asked[output["id"]]
        if "timer" in body:
            due = 0
        elif "set" in body:
            total, due = body["set"], body["due"]
        else:
            assert body["add"] >= 0, f"refused, yet rated: {body}"
            total += body["add"]
        applied += 1
        assert (output["total"], output["seq"]) == (total, applied), f"{output}: total {total}, number {applied}"
        states[output["account"]] = total, applied, due
    return states


def check_dead_letters(world: World) -> None:
    """Every refused record has one dead letter; a misplaced one's counts where it was forwarded to."""
    refused = Counter(
        entry.value
        for topic in INPUTS
        for shard in range(SHARDS)
        for entry in world.broker.committed(topic, shard)
        if is_bad(entry.value) and world.is_placed(entry.key, shard)
    )
    written = Counter(value for _, value in world.dead_letters())
    assert written == refused, f"dead letters {written}, refused inputs {refused}"


def is_bad(value: bytes | None) -> bool:
    try:
        return bool(json.loads(value or b"").get("add", 0) < 0)
    except ValueError:
        return True


def check_redis(world: World, states: dict[str, State]) -> None:
    """Redis holds what the log says and nothing else: cursor, states, due times, ids."""
    assert {name: tuple(json.loads(value)) for name, value in world.states().items()} == states
    for shard in range(SHARDS):
        held = world.cache.copy(shard)
        newest: dict[bytes, bytes] = {}
        for entry in world.broker.committed(CHANGELOG, shard):
            assert entry.key is not None
            assert entry.value is not None
            newest[entry.key] = entry.value
        commit = newest.pop(COMMIT_KEY, None)
        number, chain = (decode_commit(commit).number, decode_commit(commit).chain) if commit else (0, b"")
        assert (held.cursor.number, held.cursor.chain) if held.cursor else (number, chain) == (0, b"")
        writes = {write.account: write for write in map(decode_state_write, newest.keys(), newest.values())}
        assert held.states == writes
        assert held.due == {name: write.due for name, write in writes.items() if write.due is not None}
        ids = [known for e in world.broker.committed(KNOWN_IDS, shard) for known in decode_known_ids(e.value or b"")[1]]
        remembered = {(bucket, *pair) for bucket, members in held.buckets.items() for pair in members.items()}
        assert remembered == {(known.forget_at // ID_BUCKET_MS, known.identity, known.value) for known in ids}
        assert len(remembered) == len(ids), "an id was remembered twice"


def check_chain(world: World) -> None:
    """Commits are numbered from 1, each the successor of the one before it."""
    for shard in range(SHARDS):
        number, chain, watermark = 0, b"\x00" * 16, 0
        for entry in world.broker.committed(CHANGELOG, shard):
            if entry.key != COMMIT_KEY:
                assert decode_state_write(entry.key, entry.value).number == number + 1
                continue
            commit = decode_commit(entry.value or b"")
            assert (commit.number, commit.previous) == (number + 1, chain), f"shard {shard}: {commit} after {number}"
            number, chain, watermark = commit.number, commit.chain, max(watermark, commit.watermark)
