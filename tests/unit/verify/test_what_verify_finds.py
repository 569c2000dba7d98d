"""A clean run verifies; each of many corruptions of the log or of Redis is found, and where."""

import json
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
from tests.support.codes import code_record, issue_code, redeem_code
from tests.support.engine import SHARDS, account
from tests.support.messages import MINUTE, SECOND, activate_plan, command, container, inference, raw, structured
from tests.support.two_ledgers import World, a_world
from tests.support.verified import verified
from tests.support.wallet_messages import record, top_up

from drawdown.engine.changelog import decode_known_ids, encode_known_ids
from drawdown.engine.commit import COMMIT_KEY, decode_commit, encode_commit
from drawdown.engine.memory.broker import Entry
from drawdown.engine.ports import KnownId
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING, DEAD_LETTERS
from drawdown.verify.model import (
    BYTES,
    CACHE,
    CHAIN,
    COMPLETENESS,
    CONSERVATION,
    DUPLICATES,
    EQUIVALENCE,
    ORDER,
    POSITIONS,
    UNIQUENESS,
    Report,
)
from drawdown.wire.instants import format_instant

A, B = account(0), account(1)
CALLS = "usage.inference"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A run of all three ledgers: plans, overage, credit, a code, duplicates, bad and misplaced input."""
    async with a_world() as made:
        await made.start()
        await made.lane("codes")
        for name in (A, B):
            made.open(name)
            made.append(record(top_up(f"t-{name}", name, amount="30")))
        now = made.now
        plan = activate_plan("p", A, amount="0.5", start=format_instant(now - MINUTE), end=format_instant(now + MINUTE))
        made.append(command(plan))
        await made.pass_time(SECOND)
        for number in range(12):
            made.use((A, B)[number % 2], f"call-{number}", made.now - SECOND)
            if number % 3 == 0:
                made.append(structured(container(made.now - SECOND, made.now, ident=f"box-{number}", account=A)))
            await made.pass_time(SECOND // 10)
        made.use(A, "call-0", now, tokens=5)  # the same id with other content
        made.append(raw(b"{", key=B.encode()))
        made.append(structured(inference(made.now, ident="misplaced", account=A, input_tokens=9)), shard=1)
        twice = structured(inference(made.now, ident="twice", account=B, input_tokens=9))
        made.append(twice)
        made.append(twice)
        made.append(code_record(issue_code()))
        made.append(record(redeem_code(B)))
        await made.pass_time(90 * SECOND)
        yield made


# --- changing what is there ----------------------------------------------------------------------


def entries(world: World, topic: str, shard: int = 0) -> list[Entry]:
    return world.broker._at(topic, shard).entries


def pick(world: World, topic: str, shard: int, like: Callable[[dict[str, object]], bool], nth: int = 0) -> int:
    found = [
        index
        for index, entry in enumerate(entries(world, topic, shard))
        if entry.value and entry.key != COMMIT_KEY and like(json.loads(entry.value))
    ]
    return found[nth]


def change(world: World, topic: str, shard: int, index: int, **to: object) -> None:
    held = entries(world, topic, shard)
    held[index] = msgspec.structs.replace(held[index], **to)


def drop(world: World, topic: str, shard: int, index: int) -> None:
    """Take a record away, as if the transaction had been made without it."""
    change(world, topic, shard, index, marker=True)


def of(ledger: str) -> Callable[[dict[str, object]], bool]:
    return lambda said: said["ledger"] == ledger


def invariants(report: Report) -> set[str]:
    return {one.invariant for one in report.findings}


def newest_commit(world: World, ledger: str, shard: int) -> int:
    held = entries(world, f"changelog.{ledger}", shard)
    return max(index for index, entry in enumerate(held) if entry.key == COMMIT_KEY)


# --- a clean run ---------------------------------------------------------------------------------


async def test_a_clean_run_has_no_finding_and_everything_was_looked_at(world: World) -> None:
    report = await verified(world)
    assert report.findings == []
    assert report.notes == []
    counts = report.counts
    assert counts["plans replayed"] > 20
    assert counts["wallet replayed"] > 15
    assert counts["codes replayed"] == 3  # issued, claimed, settled
    assert (counts["plans duplicates"], counts["plans forwarded"], counts["plans dead letters"]) == (1, 1, 2)
    assert counts["plans charges"]
    assert counts["plans waiting"] == counts["wallet waiting"] == counts["codes waiting"] == 0


# --- corruptions ---------------------------------------------------------------------------------


async def test_a_charge_that_was_dropped(world: World) -> None:
    drop(world, CHARGES, 0, pick(world, CHARGES, 0, of("plans"), 1))
    report = await verified(world)
    assert any(one.invariant in {ORDER, COMPLETENESS} and one.account == A for one in report.findings)


async def test_the_last_charge_dropped(world: World) -> None:
    drop(world, CHARGES, 0, pick(world, CHARGES, 0, of("wallet"), -1))
    report = await verified(world)
    assert any(one.account == A and one.ledger == "wallet" for one in report.findings)


async def test_an_amount_altered_in_line_and_total(world: World) -> None:
    index = pick(world, CHARGES, 0, of("wallet"))
    value = entries(world, CHARGES, 0)[index].value or b""
    total = json.loads(value)["total"].encode()
    change(world, CHARGES, 0, index, value=value.replace(total, b"9" + total))
    report = await verified(world)
    found = next(one for one in report.findings if one.invariant == BYTES)
    assert (found.topic, found.partition, found.offset) == (CHARGES, 0, entries(world, CHARGES, 0)[index].offset)
    assert CONSERVATION in invariants(report)  # it is not what the overage came to


async def test_two_charges_swapped(world: World) -> None:
    first, second = (pick(world, CHARGES, 0, of("wallet"), nth) for nth in (0, 1))
    held = entries(world, CHARGES, 0)
    one, other = held[first], held[second]
    change(world, CHARGES, 0, first, value=other.value)
    change(world, CHARGES, 0, second, value=one.value)
    assert ORDER in invariants(await verified(world))


async def test_a_charge_twice(world: World) -> None:
    index = pick(world, CHARGES, 0, of("plans"))
    entry = entries(world, CHARGES, 0)[index]
    world.broker.append(CHARGES, 0, entry.key, entry.value)
    assert invariants(await verified(world)) & {ORDER, UNIQUENESS}


async def test_a_dead_letter_dropped(world: World) -> None:
    held = entries(world, DEAD_LETTERS, 1)
    drop(world, DEAD_LETTERS, 1, next(i for i, entry in enumerate(held) if entry.value == b"{"))
    (found,) = (await verified(world)).findings
    assert (found.invariant, found.topic, found.partition) == (COMPLETENESS, CALLS, 1)


async def test_the_dead_letter_of_a_conflict_dropped(world: World) -> None:
    held = entries(world, DEAD_LETTERS, 0)
    drop(world, DEAD_LETTERS, 0, next(i for i, one in enumerate(held) if dict(one.headers)["reason"] == b"id_conflict"))
    (found,) = (await verified(world)).findings
    assert (found.invariant, found.account) == (DUPLICATES, A)


async def test_an_overage_that_the_wallet_did_not_draw(world: World) -> None:
    index = pick(world, CREDIT_CHARGING, 1, lambda said: True, -1)
    said = json.loads(entries(world, CREDIT_CHARGING, 1)[index].value or b"{}")
    drawn = pick(world, CHARGES, 1, lambda one: one["ledger"] == "wallet" and one["event"] == said["event"])
    drop(world, CHARGES, 1, drawn)
    report = await verified(world)
    assert any(one.ledger == "wallet" for one in report.findings)
    assert CONSERVATION in invariants(report)


async def test_an_event_that_was_dropped(world: World) -> None:
    drop(world, ACCOUNT_EVENTS, 0, pick(world, ACCOUNT_EVENTS, 0, lambda one: one["kind"] == "amount_used"))
    report = await verified(world)
    assert any(one.topic == ACCOUNT_EVENTS and one.account == A for one in report.findings)


async def test_what_one_ledger_sent_to_another_dropped(world: World) -> None:
    held = entries(world, "code-commands", 0) + entries(world, "code-commands", 1)
    claim = next(entry for entry in held if b"claim_code" in (entry.value or b""))
    shard = 0 if claim in entries(world, "code-commands", 0) else 1
    drop(world, "code-commands", shard, entries(world, "code-commands", shard).index(claim))
    assert COMPLETENESS in invariants(await verified(world))


async def test_a_state_on_the_changelog_altered(world: World) -> None:
    topic = "changelog.plans"
    held = entries(world, topic, 0)
    index = max(i for i, entry in enumerate(held) if entry.key == A.encode())
    older = min(i for i, entry in enumerate(held) if entry.key == A.encode())
    change(world, topic, 0, index, value=held[older].value)
    report = await verified(world)
    assert EQUIVALENCE in invariants(report)
    assert CACHE in invariants(report)


async def test_a_position_of_the_commit_record_moved(world: World) -> None:
    index = newest_commit(world, "plans", 0)
    commit = decode_commit(entries(world, "changelog.plans", 0)[index].value or b"")
    back = tuple(
        msgspec.structs.replace(one, next_offset=one.next_offset - 2) if one.topic == CALLS else one
        for one in commit.inputs
    )
    moved = msgspec.structs.replace(commit, inputs=back)
    change(world, "changelog.plans", 0, index, value=encode_commit(moved))
    assert POSITIONS in invariants(await verified(world))


async def test_the_last_record_taken_replaced(world: World) -> None:
    index = newest_commit(world, "wallet", 0)
    commit = decode_commit(entries(world, "changelog.wallet", 0)[index].value or b"")
    other = tuple(msgspec.structs.replace(one, last_hash=b"12345678") for one in commit.inputs)
    moved = msgspec.structs.replace(commit, inputs=other)
    change(world, "changelog.wallet", 0, index, value=encode_commit(moved))
    assert POSITIONS in invariants(await verified(world))


async def test_a_commit_of_another_chain(world: World) -> None:
    index = newest_commit(world, "plans", 0)
    commit = decode_commit(entries(world, "changelog.plans", 0)[index].value or b"")
    other = msgspec.structs.replace(commit, previous=b"x" * 16)
    change(world, "changelog.plans", 0, index, value=encode_commit(other))
    assert CHAIN in invariants(await verified(world))


async def test_an_id_remembered_with_another_content(world: World) -> None:
    topic = "known-ids.plans"
    held = entries(world, topic, 0)
    index = next(i for i, entry in enumerate(held) if entry.value)
    number, ids = decode_known_ids(held[index].value or b"")
    changed = [KnownId(ids[0].identity, b"\x00" * 8 + ids[0].value[8:], ids[0].forget_at), *ids[1:]]
    change(world, topic, 0, index, value=encode_known_ids(number, changed))
    report = await verified(world)
    assert {(one.invariant, one.topic) for one in report.findings} == {(CACHE, "Redis of plans")}


async def test_an_id_committed_twice(world: World) -> None:
    topic = "known-ids.plans"
    held = entries(world, topic, 0)
    first = next(entry for entry in held if entry.value)
    world.broker.append(topic, 0, first.key, first.value)
    assert UNIQUENESS in invariants(await verified(world))


@pytest.mark.parametrize("ledger", ["plans", "wallet"])
async def test_a_balance_edited_in_redis(world: World, ledger: str) -> None:
    held = world.caches[ledger]._shards[0]
    write = held.states[A]
    held.states[A] = msgspec.structs.replace(write, value=write.value[:-1] + b"\x00")
    (found,) = (await verified(world)).findings
    assert (found.invariant, found.account, found.topic) == (CACHE, A, f"Redis of {ledger}")


async def test_a_state_an_id_and_a_timer_gone_from_redis(world: World) -> None:
    held = world.caches["plans"]._shards[0]
    del held.states[A]
    bucket = max(held.buckets)
    held.buckets[bucket].pop(next(iter(held.buckets[bucket])))
    report = await verified(world)
    assert sorted(one.detail.split(" id ")[0] for one in report.findings) == [
        "Redis does not remember",
        "Redis has no state",
    ]


async def test_a_timer_moved_in_redis(world: World) -> None:
    due = {shard: world.caches["plans"]._shards[shard].due for shard in range(SHARDS)}
    due[0][A] = 7
    report = await verified(world)
    assert invariants(report) == {CACHE}


async def test_an_id_too_many_in_redis(world: World) -> None:
    buckets = world.caches["plans"]._shards[0].buckets
    buckets[max(buckets)][b"i" * 16] = b"v" * 8
    (found,) = (await verified(world)).findings
    assert found.invariant == CACHE
