"""The best that stock Faust gives a careful user: batches, one Redis script a batch, the producer's futures together.

At-least-once, like the naive one; msgspec instead of pydantic.
"""

import asyncio
import os
from typing import Any

import faust
import msgspec
from redis.asyncio import Redis

KAFKA, REDIS, PREFIX = os.environ["BENCH_KAFKA"], os.environ["BENCH_REDIS"], os.environ["BENCH_PREFIX"]
PRICES = {"Qwen3-32B": (165, 187)}  # quanta a token
BATCH, WAIT_SECONDS = 500, 0.05
SCRIPT = """
local left = {}
for index, amount in ipairs(ARGV) do
    if redis.call('SET', KEYS[2 * index - 1], '1', 'NX', 'EX', 86400) then
        left[index] = redis.call('DECRBY', KEYS[2 * index], amount)
    else
        left[index] = false
    end
end
return left
"""


class Data(msgspec.Struct):
    """The measurements."""

    endpoint: str
    model: str
    input_tokens: int
    output_tokens: int


class Event(msgspec.Struct):
    """The envelope."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    data: Data


class Charge(msgspec.Struct):
    """What is emitted."""

    event: str
    account: str
    amount: int
    balance: int


app = faust.App(
    f"{PREFIX}careful",
    broker=f"kafka://{KAFKA}",
    web_enabled=False,
    topic_allow_declare=False,
    topic_disable_leader=True,
    consumer_auto_offset_reset="earliest",
    stream_buffer_maxsize=4 * BATCH,
    store="memory://",
    datadir=os.environ["BENCH_FOLDER"],
)
usage = app.topic(f"{PREFIX}usage.inference", value_serializer="raw")
redis: Any = Redis.from_url(REDIS)
draw = redis.register_script(SCRIPT)
decode = msgspec.json.Decoder(Event).decode
encode = msgspec.json.Encoder().encode


@app.agent(usage)
async def rate(events: Any) -> None:
    """Rate a batch at a time."""
    async for values in events.take(BATCH, within=WAIT_SECONDS):
        batch = [decode(value) for value in values]
        keys: list[str] = []
        amounts = []
        for event in batch:
            asked, answered = PRICES[event.data.model]
            amounts.append(event.data.input_tokens * asked + event.data.output_tokens * answered)
            keys += (f"{PREFIX}id:{event.source}:{event.id}", f"{PREFIX}balance:{event.subject}")
        balances = await draw(keys=keys, args=amounts)
        sending = []
        for event, amount, balance in zip(batch, amounts, balances, strict=True):
            if balance is not None:
                value = encode(Charge(event.id, event.subject, amount, balance))
                sending.append(
                    await app.producer.send(f"{PREFIX}charges", event.subject.encode(), value, None, None, None)
                )
        await asyncio.gather(*sending)


if __name__ == "__main__":
    faust.Worker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False).execute_from_commandline()
