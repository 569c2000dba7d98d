"""The proof that an id has no outcome is refused where it would not hold."""

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from tests.support.load import ACCOUNTS, HOUR, call, now_ms, stage_on, started

from drawdown.demo.stage import Stage
from drawdown.domain.model import Usage
from drawdown.engine.records import Record
from drawdown.errors import NotSeen, RefusedByService, UserError
from drawdown.local.stack import LocalStack
from drawdown.operate.desk import Desk
from drawdown.operate.proof import needs_proof, prove_no_outcome
from drawdown.topics import CREDIT_CHARGING
from drawdown.wire.usage import decode_usage

ACCOUNT = ACCOUNTS[0]


def usage(number: int, end: int) -> Usage:
    one = call(number, end, account=ACCOUNT)
    return decode_usage(Record(one.topic, 0, 0, end, one.key, one.value, one.headers))


async def test_a_record_that_is_still_waiting_could_be_the_event(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage, Desk(stage.settings) as desk:
        late = usage(1, now_ms() - 7 * HOUR)
        assert needs_proof(desk, late)
        assert not needs_proof(desk, usage(1, now_ms() - 5 * HOUR))
        await prove_no_outcome(desk, late)
        await stage.publish([call(2, now_ms(), account=ACCOUNT)])
        with pytest.raises(NotSeen, match="no worker has taken yet"):
            await prove_no_outcome(desk, late)
        await started(stage)
        await prove_no_outcome(desk, late)


async def test_outputs_that_are_gone_prove_nothing(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage, Desk(stage.settings) as desk:
        await started(stage)
        first, second = usage(1, now_ms() - HOUR), usage(2, now_ms())
        for number, one in ((1, first), (2, second)):
            await stage.publish([call(number, one.time, account=ACCOUNT)])
            await stage.all_taken()
        with pytest.raises(RefusedByService, match="event call-1 of /load has an outcome already"):
            await prove_no_outcome(desk, first)
        await delete_first_output(stage, desk.shard_of(ACCOUNT.encode()))
        with pytest.raises(UserError, match="nothing proves that it was not"):
            await prove_no_outcome(desk, first)


async def delete_first_output(stage: Stage, shard: int) -> None:
    """Let retention pass the first of the shard's overages."""
    client = AIOKafkaAdminClient(bootstrap_servers=stage.settings.kafka)
    await client.start()
    try:
        place = TopicPartition(stage.settings.prefix + CREDIT_CHARGING, shard)
        await client.delete_records({place: RecordsToDelete(before_offset=1)})
    finally:
        await client.close()
