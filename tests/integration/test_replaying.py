"""Dead letters answered on the real stack: each id counts once, past its window too, and the log's audit agrees."""

import json

import msgspec
from tests.support.commands import drawdown, letters
from tests.support.load import ACCOUNTS, HOUR, call, conserved, now_ms, stage_on, started

from drawdown.demo.stage import Stage
from drawdown.local.stack import LocalStack
from drawdown.traces.events import Outgoing

DAY = 24 * HOUR
ACCOUNT = ACCOUNTS[0]
COLD = "acc-cold"


async def refused(stage: Stage, *records: Outgoing) -> list[str]:
    """Publish what will be refused; give the new letters' names, oldest first."""
    before = {letter.name for letter in await letters(stage)}
    await stage.publish(records)
    await stage.all_taken()
    return [letter.name for letter in await letters(stage) if letter.name not in before]


def broken(number: int) -> Outgoing:
    good = call(number, now_ms(), account=ACCOUNT)
    return msgspec.structs.replace(
        good, value=(good.value or b"").replace(b'"input_tokens":900', b'"input_tokens":"x"')
    )


async def test_late_usage_is_replayed_once_and_conserved(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        late = call(1, now_ms() - 7 * HOUR, account=ACCOUNT)
        (name,) = await refused(stage, late)
        planned = await drawdown(stage, "dead-letters", "replay", name, "--dry-run", "--json")
        assert (planned.code, planned.json[0]["past_window"]) == (0, True)
        done = await drawdown(stage, "dead-letters", "replay", name, "--json")
        assert (done.code, done.json[0]["outcome"]) == (0, "applied"), done
        again = await drawdown(stage, "dead-letters", "replay", name)
        assert again.code == 3
        assert f"event call-1 of /load has an outcome already: {done.json[0]['outputs'][0]['topic']}" in again.err
        summary = await conserved(stage, 1)
        assert summary.dead_letters == {"too_late": 1}


async def test_two_replays_past_the_window_count_once_even_if_both_were_proved_before(
    stack: LocalStack, prefix: str
) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        late = call(1, now_ms() - 30 * DAY, account=ACCOUNT)
        names = await refused(stage, late, late)
        stage.workers[0].stop()  # nothing is taken meanwhile: both are proved and sent
        for name in names:
            waiting = await drawdown(stage, "dead-letters", "replay", name, "--timeout", "1")
            assert waiting.code == 4, waiting
            assert "is a worker running?" in waiting.err
        stage.start_worker()
        summary = await conserved(stage, 1)
        assert summary.duplicates == 1


async def test_past_the_window_the_output_is_named_and_nothing_is_sent(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        rated = call(1, now_ms() - HOUR, account=ACCOUNT)
        await stage.publish([rated])
        await stage.all_taken()
        (name,) = await refused(stage, broken(2))
        edit = ("dead-letters", "replay", name, "--edit", "-")
        # to this operator the window is a minute; the ledger would know the id
        done = await drawdown(stage, *edit, stdin=rated.value or b"", inference_window_seconds=60)
        assert done.code == 3
        assert "event call-1 of /load has an outcome already: credit-charging partition" in done.err
        known = await drawdown(stage, *edit, "--json", stdin=rated.value or b"")
        assert (known.code, known.json[0]["outcome"]) == (0, "duplicate")
        other = (rated.value or b"").replace(b'"input_tokens":900', b'"input_tokens":901')
        conflict = await drawdown(stage, *edit, "--json", stdin=other)
        assert (conflict.code, conflict.json[0]["code"]) == (3, "id_conflict")
        await conserved(stage, 1)


async def test_many_are_repaired_by_mending_their_cause_and_replayed_together(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        usage = [call(number, now_ms(), account=COLD) for number in range(5)]
        keyless = msgspec.structs.replace(call(5, now_ms(), account=COLD), key=None)
        await refused(stage, *usage, keyless, broken(6))
        together = ("dead-letters", "replay", "--account", COLD, "--yes", "--json")
        early = await drawdown(stage, *together)
        assert early.code == 3
        assert [one["code"] for one in early.json] == ["unknown_account"] * 6
        opened = await drawdown(stage, "account", "open", COLD, "--currency", "USD", "--json")
        assert [one["outcome"] for one in opened.json] == ["applied", "applied"]
        done = await drawdown(stage, *together)  # the refused replays are among the letters: each id counts once
        assert sorted(one["outcome"] for one in done.json) == ["applied"] * 6 + ["duplicate"] * 6
        left = await drawdown(stage, "dead-letters", "replay", "--reason", "wrong_type", "--yes", "--json")
        assert (left.code, [one["outcome"] for one in left.json]) == (3, ["left_out"])
        await conserved(stage, 6)


async def test_several_are_not_sent_without_asking(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        await refused(stage, *(call(number, now_ms() - 7 * HOUR, account=ACCOUNT) for number in range(2)))
        no = await drawdown(stage, "dead-letters", "replay", "--reason", "too_late", stdin=b"n\n")
        assert (no.code, no.out.strip()) == (1, "")
        assert "Replay 2 dead letters?" in no.err
        unnamed = await drawdown(stage, "dead-letters", "replay")
        assert (unnamed.code, "name one letter" in unnamed.err) == (2, True)
        await conserved(stage, 0)


async def test_an_event_in_binary_mode_is_repaired_by_its_data_or_whole(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        whole = [json.loads(call(number, now_ms(), account=ACCOUNT).value or b"") for number in range(2)]
        names = await refused(stage, *(binary(event | {"data": {}}) for event in whole))
        for name, value in zip(names, (whole[0]["data"], whole[1]), strict=True):
            edit = ("dead-letters", "replay", name, "--edit", "-", "--json")
            done = await drawdown(stage, *edit, stdin=json.dumps(value).encode())
            assert (done.code, done.json[0]["outcome"]) == (0, "applied"), done
        await conserved(stage, 2)


def binary(event: dict[str, object]) -> Outgoing:
    headers = [(f"ce_{name}", str(value).encode()) for name, value in event.items() if name != "data"]
    value = json.dumps(event["data"]).encode()
    return Outgoing("usage.inference", ACCOUNT.encode(), value, 0, (*headers, ("content-type", b"application/json")))


async def test_a_refused_command_is_sent_again(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        activate = ("plan", "activate", COLD, "p", "--amount", "5", "--currency", "USD", "--book", "plan-usd:1")
        early = await drawdown(stage, *activate, "--json")
        assert (early.code, early.json[0]["outcome"], early.json[0]["code"]) == (3, "dead_letter", "unknown_account")
        assert (await drawdown(stage, "account", "open", COLD, "--currency", "USD")).code == 0
        (letter,) = await letters(stage)
        done = await drawdown(stage, "dead-letters", "replay", letter.name)
        assert (done.code, done.out) == (0, f"{letter.name}: applied: plan p is active\n")
        again = await drawdown(stage, "dead-letters", "replay", letter.name)
        assert (again.code, "applied then" in again.out) == (0, True)
        await conserved(stage, 0)
