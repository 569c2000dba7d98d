"""A Faust service written the obvious way, for comparison: one event, one Redis script, one send at a time."""

import os
from typing import Any

import faust
from pydantic import BaseModel, Field
from redis.asyncio import Redis

KAFKA, REDIS, PREFIX = os.environ["BENCH_KAFKA"], os.environ["BENCH_REDIS"], os.environ["BENCH_PREFIX"]
PRICES = {"Qwen3-32B": (165, 187)}  # quanta a token
SCRIPT = """
if redis.call('SET', KEYS[1], '1', 'NX', 'EX', 86400) then
    return redis.call('DECRBY', KEYS[2], ARGV[1])
end
return false
"""


class Data(BaseModel):
    """The measurements."""

    endpoint: str
    model: str
    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)


class Event(BaseModel):
    """The envelope."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    data: Data


class Charge(BaseModel):
    """What is emitted."""

    event: str
    account: str
    amount: int
    balance: int


app = faust.App(
    f"{PREFIX}stock",
    broker=f"kafka://{KAFKA}",
    web_enabled=False,
    topic_allow_declare=False,
    topic_disable_leader=True,
    consumer_auto_offset_reset="earliest",
    store="memory://",
    datadir=os.environ["BENCH_FOLDER"],
)
usage = app.topic(f"{PREFIX}usage.inference", value_serializer="raw")
charges = app.topic(f"{PREFIX}charges", value_serializer="raw")
redis: Any = Redis.from_url(REDIS)
draw = redis.register_script(SCRIPT)


@app.agent(usage)
async def rate(events: Any) -> None:
    """Rate one event at a time."""
    async for value in events:
        event = Event.model_validate_json(value)
        asked, answered = PRICES[event.data.model]
        amount = event.data.input_tokens * asked + event.data.output_tokens * answered
        keys = [f"{PREFIX}id:{event.source}:{event.id}", f"{PREFIX}balance:{event.subject}"]
        balance = await draw(keys=keys, args=[amount])
        if balance is not None:
            charge = Charge(event=event.id, account=event.subject, amount=amount, balance=balance)
            await charges.send(key=event.subject.encode(), value=charge.model_dump_json().encode())


if __name__ == "__main__":
    faust.Worker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False).execute_from_commandline()
