"""What a worker writes: transitions at info, a line a batch at debug, never a secret, no payloads above debug."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis
from tests.support.load import call, calls, conserved, now_ms, stage_on, started

from drawdown.bootstrap import assemble
from drawdown.errors import UserError
from drawdown.local.stack import Addresses, LocalStack
from drawdown.settings import load_settings
from drawdown.traces.events import Outgoing

SECRET = "hunter2-must-never-be-seen"
PAYLOAD = "payload-must-not-be-seen"


@pytest.fixture
def guarded(stack: LocalStack, prefix: str) -> Iterator[Any]:
    """The stack, its Redis through a user with a password."""
    user = prefix.rstrip(".")
    with Redis.from_url(stack.addresses.redis) as redis:
        redis.execute_command("ACL", "SETUSER", user, "on", f">{SECRET}", "~*", "+@all")
        url = stack.addresses.redis.replace("redis://", f"redis://{user}:{SECRET}@")
        yield SimpleNamespace(addresses=Addresses(stack.addresses.kafka, url))
        redis.execute_command("ACL", "DELUSER", user)


def with_payload(number: int, now: int) -> Outgoing:
    """Give a call whose data, and a broken one whose whole value, would be known again."""
    one = call(number, now)
    if number % 2:
        return one.__class__(one.topic, one.key, one.value.replace(b'"e"', f'"{PAYLOAD}"'.encode()), one.time)
    return one.__class__(one.topic, one.key, f"{PAYLOAD} is no JSON".encode(), one.time)


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
async def test_no_secret_at_any_level_and_no_payload_above_debug(guarded: Any, prefix: str, level: str) -> None:
    async with stage_on(guarded, prefix, log_level=level, log_format="json") as stage:
        await started(stage)
        now = now_ms()
        odd = [with_payload(number, now) for number in range(20)]
        await stage.publish([*odd, *calls(100, 300, now)])
        await conserved(stage, 310)
        await stage.flush()  # a doubt and a rebuild belong to what is written
        await stage.publish(calls(1_000, 50, now_ms()))
        await conserved(stage, 360)
        stage.workers[0].stop()
        text = stage.workers[0].log.read_text()
    assert SECRET not in text
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    said = {line["event"] for line in lines if line["logger"].startswith("drawdown")}
    assert {"worker starts", "shard opened", "shard in doubt", "worker stopped"} <= said
    taken = [line for line in lines if line["event"] == "take done"]
    if level == "DEBUG":
        counted = {line["ledger"]: line for line in lines if line["event"] == "worker stopped"}
        for ledger in ("plans", "wallet"):
            mine = [line for line in taken if line["ledger"] == ledger]
            assert sum(line["records"] for line in mine) <= counted[ledger]["taken"]
            assert len(mine) in {counted[ledger]["transactions"] - lost for lost in range(5)}  # a doubt ends a take
        assert PAYLOAD not in "".join(json.dumps(line) for line in lines if line["logger"].startswith("drawdown"))
    else:
        assert taken == []
        assert PAYLOAD not in text
        assert not [line for line in lines if line["level"] == "debug"]


async def test_a_refusal_at_start_does_not_tell_the_password(guarded: Any, prefix: str) -> None:
    async with stage_on(guarded, prefix) as stage:
        wrong = guarded.addresses.redis.replace(SECRET, SECRET + "-wrong")
        settings = load_settings(**{**stage.settings.model_dump(), "redis": wrong})
        with pytest.raises(UserError) as raised:
            await assemble(settings)
    assert "Redis does not answer" in str(raised.value)
    assert SECRET not in str(raised.value)
    assert SECRET not in repr(settings)
