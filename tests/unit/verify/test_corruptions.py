"""Each of these corruptions of a clean log or cache is found, with its invariant and its place."""

import asyncio

import pytest
from tests.support.remains import ACCOUNTS, PLANNED, Remains, recorded

from drawdown.engine.changelog import decode_known_ids, decode_state_write, encode_known_ids, encode_state_write
from drawdown.engine.commit import COMMIT_KEY, decode_commit, encode_commit
from drawdown.engine.memory.broker import Entry
from drawdown.engine.ports import KnownId, StateWrite
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING, DEAD_LETTERS, WALLET_COMMANDS
from drawdown.verify import Finding

POOR = ACCOUNTS[2]  # has no plan: the wallet pays all of its usage


@pytest.fixture(scope="module")
def clean() -> Remains:
    return asyncio.run(recorded())


@pytest.fixture
def remains(clean: Remains) -> Remains:
    return clean.copy()


@pytest.mark.parametrize("compacted", [False, True])
async def test_without_a_corruption_nothing_is_found(remains: Remains, compacted: bool) -> None:
    if compacted:
        remains.compact()
    report = await remains.verified()
    assert [str(finding) for finding in report.findings] == []
    assert report.counts["dead letters"] >= 3
    assert report.counts["crossings"] >= 4


def said(entry: Entry) -> bytes:
    assert entry.value is not None
    return entry.value


def places(findings: list[Finding]) -> set[tuple[str, str, int | None, str | None]]:
    return {(one.invariant, one.topic, one.offset, one.account) for one in findings}


@pytest.mark.parametrize("compacted", [False, True])
async def test_a_dropped_charge(remains: Remains, compacted: bool) -> None:
    if compacted:
        remains.compact()
    second = remains.of(CHARGES, PLANNED, "plans")[1]
    remains.drop(CHARGES, PLANNED, second)
    found = await remains.findings()
    assert ("completeness", CHARGES, None, PLANNED) in places(found)
    assert any('"u4"' in one.expected for one in found)
    assert {one.invariant for one in found} == {"completeness", "order"}


@pytest.mark.parametrize("compacted", [False, True])
async def test_an_altered_amount(remains: Remains, compacted: bool) -> None:
    if compacted:
        remains.compact()
    charge = remains.of(CHARGES, PLANNED, "plans")[0]
    remains.put(CHARGES, PLANNED, charge, value=said(charge).replace(b'"total":"0.165', b'"total":"0.164'))
    found = await remains.findings()
    assert ("bytes", CHARGES, charge.offset, PLANNED) in places(found)
    (one,) = [one for one in found if one.invariant == "bytes"]
    assert ("0.165" in one.expected, "0.164" in one.found) == (True, True)


@pytest.mark.parametrize("compacted", [False, True])
async def test_two_outputs_swapped(remains: Remains, compacted: bool) -> None:
    if compacted:
        remains.compact()
    first, second = remains.of(CHARGES, POOR, "wallet")[:2]
    remains.put(CHARGES, POOR, first, value=second.value)
    remains.put(CHARGES, POOR, second, value=first.value)
    found = await remains.findings()
    assert ("order", CHARGES, first.offset, POOR) in places(found)
    assert {one.invariant for one in found} == {"order"}


async def test_a_charge_twice(remains: Remains) -> None:
    charge = remains.of(CHARGES, POOR, "wallet")[0]

    def twice(entries: list[Entry]) -> list[Entry]:
        at = entries.index(charge) + 1
        again = Entry(charge.offset + 1, *(getattr(charge, name) for name in charge.__struct_fields__[1:]))
        later = [Entry(e.offset + 1, *(getattr(e, n) for n in e.__struct_fields__[1:])) for e in entries[at:]]
        return [*entries[:at], again, *later]

    remains.edit(CHARGES, POOR, twice)
    remains.partition(CHARGES, POOR).end += 1
    found = await remains.findings()
    assert ("uniqueness", CHARGES, charge.offset + 1, POOR) in places(found)
    assert {one.invariant for one in found} == {"uniqueness"}


@pytest.mark.parametrize("compacted", [False, True])
async def test_a_dropped_dead_letter(remains: Remains, compacted: bool) -> None:
    if compacted:
        remains.compact()
    letter = remains.of(DEAD_LETTERS, ACCOUNTS[1])[0]
    remains.drop(DEAD_LETTERS, ACCOUNTS[1], letter)
    found = await remains.findings()
    assert places(found) == {("completeness", DEAD_LETTERS, None, ACCOUNTS[1])}


async def test_an_id_remembered_with_another_content(remains: Remains) -> None:
    entry = next(e for e in remains.partition("known-ids.plans", POOR).entries if not e.marker)
    number, ids = decode_known_ids(said(entry))
    wrong = KnownId(ids[0].identity, b"another!" + ids[0].value[8:], ids[0].forget_at)
    remains.put("known-ids.plans", POOR, entry, value=encode_known_ids(number, [wrong, *ids[1:]]))
    found = await remains.findings()
    assert ("duplicates", "known-ids.plans", entry.offset) in {one[:3] for one in places(found)}
    assert {one.invariant for one in found} == {"duplicates", "cache"}


async def test_a_state_altered_on_the_changelog(remains: Remains) -> None:
    entry = remains.of("changelog.plans", PLANNED)[-1]
    write = decode_state_write(entry.key, entry.value)
    _, value = encode_state_write(StateWrite(write.account, write.number, write.value[:-1] + b"\xff", write.due))
    remains.put("changelog.plans", PLANNED, entry, value=value)
    found = await remains.findings()
    assert ("equivalence", "changelog.plans", entry.offset, PLANNED) in places(found)
    assert {one.invariant for one in found} == {"equivalence", "cache"}


@pytest.mark.parametrize("last", [True, False])
async def test_the_position_of_a_commit_record_moved(remains: Remains, last: bool) -> None:
    entries = [e for e in remains.partition("changelog.plans", POOR).entries if e.key == COMMIT_KEY]
    entry = entries[-1] if last else entries[len(entries) // 2]
    commit = decode_commit(said(entry))
    moved = [
        type(one)(one.topic, one.next_offset - 1, one.last_offset, one.last_hash) if one.next_offset > 1 else one
        for one in commit.inputs
    ]
    told = {name: getattr(commit, name) for name in commit.__struct_fields__} | {"inputs": tuple(moved)}
    remains.put("changelog.plans", POOR, entry, value=encode_commit(type(commit)(**told)))
    found = await remains.findings()
    assert ("positions", "changelog.plans", entry.offset, None) in places(found)


async def test_an_overage_that_the_wallet_did_not_draw(remains: Remains) -> None:
    charge = remains.of(CHARGES, POOR, "wallet")[2]
    remains.drop(CHARGES, POOR, charge)
    found = await remains.findings()
    assert ("completeness", CHARGES, None, POOR) in places(found)


async def test_an_overage_altered_on_its_way_to_the_wallet(remains: Remains) -> None:
    overage = remains.of(CREDIT_CHARGING, POOR)[1]
    value = said(overage).replace(b'"total":"0.165', b'"total":"0.265')
    remains.put(CREDIT_CHARGING, POOR, overage, value=value)
    found = await remains.findings()
    assert ("bytes", CREDIT_CHARGING, overage.offset, POOR) in places(found)
    assert ("bytes", CHARGES) in {one[:2] for one in places(found)}  # the wallet drew what it was before


async def test_an_overage_lost_on_its_way_to_the_wallet(remains: Remains) -> None:
    remains.drop(CREDIT_CHARGING, POOR, remains.of(CREDIT_CHARGING, POOR)[1])
    found = await remains.findings()
    assert ("completeness", CREDIT_CHARGING, None, POOR) in places(found)


async def test_a_balance_edited_in_redis(remains: Remains) -> None:
    held = remains.held("wallet", PLANNED)
    write = held.states[PLANNED]
    held.states[PLANNED] = StateWrite(PLANNED, write.number, write.value[:-1] + b"\x01", write.due)
    found = await remains.findings()
    assert places(found) == {("cache", "redis.wallet", None, PLANNED)}


async def test_a_state_whose_checksum_does_not_match(remains: Remains) -> None:
    remains.held("plans", PLANNED).damaged.add(PLANNED)
    assert places(await remains.findings()) == {("cache", "redis.plans", None, PLANNED)}


async def test_an_id_deleted_from_redis(remains: Remains) -> None:
    bucket = next(iter(remains.held("plans", POOR).buckets.values()))
    identity = next(iter(bucket))
    del bucket[identity]
    (one,) = await remains.findings()
    assert (one.invariant, one.topic, identity.hex() in one.expected) == ("cache", "redis.plans", True)


async def test_a_due_time_removed_from_redis(remains: Remains) -> None:
    held = remains.held("wallet", ACCOUNTS[3])
    del held.due[ACCOUNTS[3]]
    assert places(await remains.findings()) == {("cache", "redis.wallet", None, ACCOUNTS[3])}


async def test_a_message_between_the_ledgers_lost(remains: Remains) -> None:
    answer = next(e for e in remains.of(WALLET_COMMANDS, POOR) if b"code_answer" in (e.value or b""))
    remains.drop(WALLET_COMMANDS, POOR, answer)
    found = await remains.findings()
    assert ("completeness", WALLET_COMMANDS, None, POOR) in places(found)


async def test_a_charge_under_another_accounts_key(remains: Remains) -> None:
    charge = remains.of(CHARGES, POOR, "wallet")[0]
    remains.put(CHARGES, POOR, charge, key=b"somebody-else")
    assert ("isolation", CHARGES, charge.offset, POOR) in places(await remains.findings())


async def test_a_forged_event(remains: Remains) -> None:
    event = remains.of(ACCOUNT_EVENTS, POOR, "plans")[-1]
    at = remains.partition(ACCOUNT_EVENTS, POOR)
    value = said(event).replace(b'"seq":', b'"seq":7')
    at.add(event.timestamp, (event.key, value), (), 0)
    found = await remains.findings()
    assert {one.invariant for one in found} == {"order", "positions"}


@pytest.mark.parametrize("other", [False, True])
async def test_one_account_alone(remains: Remains, other: bool) -> None:
    remains.drop(CHARGES, POOR, remains.of(CHARGES, POOR, "wallet")[2])
    report = await remains.verified(ACCOUNTS[1] if other else POOR)
    assert report.clean is other
