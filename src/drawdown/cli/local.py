"""`drawdown local up`: a stack to try things on."""

import asyncio
import signal
import threading

from drawdown.adapters.kafka.admin import Admin
from drawdown.cli.output import show_line
from drawdown.local.stack import KAFKA_VARIABLE, REDIS_VARIABLE, LocalStack
from drawdown.settings import load_settings


def wait_for_signal() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


def up(*, as_json: bool) -> None:
    """Run a stack until a signal."""
    if not as_json:
        print("starting Kafka and Redis …", flush=True)
    with LocalStack() as stack:
        settings = load_settings(kafka=stack.addresses.kafka, redis=stack.addresses.redis)

        async def make() -> None:
            async with Admin(settings.kafka, settings.prefix) as admin:
                await admin.create(settings.topics)

        asyncio.run(make())
        if as_json:
            show_line(stack.addresses)
        else:
            print(f"export {KAFKA_VARIABLE}={stack.addresses.kafka}")
            print(f"export {REDIS_VARIABLE}={stack.addresses.redis}")
            print("They run until Ctrl-C; their data goes with them. In another shell: `drawdown worker`", flush=True)
        wait_for_signal()
    if not as_json:
        print("stopped")
