"""A worker that is odd in one way, for faults that cannot be done to it from outside.

Usage: python -m tests.chaos.odd_worker NAME=VALUE… Settings as for `drawdown worker`.
Nothing of this is in the package.

clock_ms: how far its clocks are off. rules: what it says its rules are. hold_ms: how long it holds its third
transaction open before the commit, or until SIGUSR1. transaction_timeout_ms: what it tells Kafka of its transactions.
"""

import os
import sys
import time
from functools import partialmethod

os.environ["DRAWDOWN_COMPILED"] = "0"  # compiled modules do not let themselves be changed
TOLD = {name: int(value) for name, _, value in (argument.partition("=") for argument in sys.argv[1:])}
_MS, _NS = 1_000, 1_000_000


def wrong_clock(off_ms: int) -> None:
    """Shift the wall clock of this process, before anything asks for it."""
    real, real_ns = time.time, time.time_ns
    time.time = lambda: real() + off_ms / _MS
    time.time_ns = lambda: real_ns() + off_ms * _NS


def hold(hold_ms: int) -> None:
    """Wait before the third commit, all sends done."""
    import asyncio  # noqa: PLC0415  not before the clock is wrong
    import contextlib  # noqa: PLC0415
    import signal  # noqa: PLC0415

    from aiokafka import AIOKafkaProducer  # noqa: PLC0415

    original = AIOKafkaProducer.commit_transaction
    reached: list[None] = []

    async def commit_transaction(self: AIOKafkaProducer) -> None:
        reached.append(None)
        if len(reached) == 3:
            told = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
            print("odd worker: a transaction is held open", flush=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(hold_ms / _MS):
                    await told.wait()
            print("odd worker: it goes on", flush=True)
        await original(self)

    AIOKafkaProducer.commit_transaction = commit_transaction


if __name__ == "__main__":
    if "clock_ms" in TOLD:
        wrong_clock(TOLD["clock_ms"])
    from drawdown import logs
    from drawdown.adapters.kafka import log
    from drawdown.ledgers import plans, wallet
    from drawdown.settings import load_settings
    from drawdown.worker import run

    if "rules" in TOLD:
        for ledger in (plans.PlansLedger, wallet.WalletLedger):
            ledger.__init__ = partialmethod(ledger.__init__, rules=TOLD["rules"])  # type: ignore[method-assign,assignment]
    if "transaction_timeout_ms" in TOLD:
        vars(log)["TRANSACTION_TIMEOUT_MS"] = TOLD["transaction_timeout_ms"]
    if "hold_ms" in TOLD:
        hold(TOLD["hold_ms"])
    settings = load_settings()
    logs.set_up(settings.log_level, settings.log_format)
    print(f"odd worker: {TOLD}, its clock is at {time.time_ns() // _NS}", flush=True)
    failure = run(settings)
    if failure is not None:
        print(f"drawdown: the worker stopped: {failure}", flush=True)
        sys.exit(1)
