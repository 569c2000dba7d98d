"""The ceiling: a bare aiokafka consumer to a producer, batch by batch; the same bytes in, bytes like a charge's out.

Usage: echo.py plain|transactions. Nothing is decoded, looked up or kept.
"""

import asyncio
import os
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

KAFKA, PREFIX, SHARDS = os.environ["BENCH_KAFKA"], os.environ["BENCH_PREFIX"], int(os.environ["BENCH_SHARDS"])
VALUE = b'{"charge":"' + b"0123456789" * 95 + b'"}'  # 963 bytes
BATCH = 1_000  # of one partition they stay below a MiB, which is what brokers take
BATCH_BYTES = 4_194_304


async def main(*, transactions: bool) -> None:
    """Echo until killed."""
    topic = f"{PREFIX}usage.inference"
    consumer = AIOKafkaConsumer(bootstrap_servers=KAFKA, enable_auto_commit=False, max_partition_fetch_bytes=1_048_576)
    await consumer.start()
    consumer.assign([TopicPartition(topic, shard) for shard in range(SHARDS)])
    await consumer.seek_to_beginning()
    ident = f"{PREFIX}echo" if transactions else None
    producer = AIOKafkaProducer(
        bootstrap_servers=KAFKA, transactional_id=ident, acks="all", enable_idempotence=True, linger_ms=0,
        max_batch_size=BATCH_BYTES,
    )  # fmt: skip
    await producer.start()
    while True:
        found = await consumer.getmany(timeout_ms=100, max_records=BATCH)
        if not found:
            continue
        if transactions:
            await producer.begin_transaction()
        sends = []
        for at, records in found.items():
            batch = producer.create_batch()
            for record in records:
                batch.append(key=record.key, value=VALUE, timestamp=None)
            batch.close()
            sends.append(await producer.send_batch(batch, f"{PREFIX}charges", partition=at.partition))
        await asyncio.gather(*sends)
        if transactions:
            await producer.commit_transaction()


if __name__ == "__main__":
    asyncio.run(main(transactions=sys.argv[1] == "transactions"))
