"""The Faust app: one agent that rates usage. `drawdown worker` runs it."""

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import faust
import structlog
from aiokafka.errors import KafkaError
from faust.tables import TableManager

from drawdown.adapters.faust.transport import QUIET, FetchSchema, batches_of
from drawdown.adapters.monitor.monitor import Monitor
from drawdown.bootstrap import Lane, Parts, assemble
from drawdown.domain.limits import REQUEST_MARGIN_MS
from drawdown.errors import UserError
from drawdown.settings import Settings

GARBAGE_OBJECTS = 50_000  # allocated between two looks for cycles; the hot path makes none
_LAST_TASKS_SECONDS = 1
_MS = 1_000
_TOLD = {"taken", "rated", "duplicates", "forwarded", "transactions", "doubts", "catch_ups", "rebuilds", "timers_sent",
         "stale_batches", "scrub_differences", "rejected"}  # fmt: skip
_log = structlog.get_logger("drawdown.worker")


class NoTables(TableManager):
    """Faust's keeper of tables, for an app that has none."""

    async def on_start(self) -> None:
        """Start without the second that Faust sleeps, lest tables be declared late."""
        await self._update_channels()
        await self.recovery.start()


class App(faust.App):
    """A Faust app with the engine's parts; see adapters/faust for what the transport takes from them."""

    logger = QUIET

    def __init__(self, settings: Settings, parts: Parts) -> None:
        """Configure Faust: no tables, no web server, no topics made, no acknowledgements."""
        self.parts = parts
        self.lanes = parts.lanes
        self.metrics_monitor = Monitor(settings, parts.lanes, parts.prices, parts.redis)
        self.prefix_length = len(settings.prefix)
        super().__init__(
            group_of(settings),
            broker=[f"drawdown://{broker}" for broker in settings.kafka.split(",")],
            broker_session_timeout=settings.session_timeout_ms / _MS,
            broker_rebalance_timeout=settings.rebalance_timeout_ms / _MS,
            # a connection that died in silence is noticed by this; Faust's own 90 s would be the shards' pause
            broker_request_timeout=(max(settings.session_timeout_ms, settings.rebalance_timeout_ms) + REQUEST_MARGIN_MS)
            / _MS,
            broker_heartbeat_interval=settings.heartbeat_ms / _MS,
            stream_wait_empty=False,
            table_standby_replicas=0,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            store="memory://",
            TableManager=NoTables,
        )

    async def on_first_start(self) -> None:
        """Make no data folder: nothing is kept on disk."""

    async def on_stop(self) -> None:
        """Let go of the shards first, so that the next owner finds no open transaction."""
        await asyncio.gather(*(lane.runtime.stop() for lane in self.lanes))
        await super().on_stop()
        await self.metrics_monitor.stop()
        await self.parts.release()


class Worker(faust.Worker):
    """Faust's worker, ending as soon as what matters has ended."""

    def _gather_all(self) -> None:
        """Cancel the tasks that are left: what they serve is stopped. Faust would wait a second for them first."""
        for task in asyncio.all_tasks(self.loop):
            task.cancel()

    async def _sentinel_task(self) -> None:
        """See the cancelled tasks end, where Faust would sleep for a second."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            await asyncio.wait(left, timeout=_LAST_TASKS_SECONDS)


def create_app(settings: Settings, parts: Parts) -> App:
    """Make the app with an agent a ledger: one rates usage, the other draws overage from credits."""
    app = App(settings, parts)
    for lane in parts.lanes:
        inputs = app.topic(*lane.feed.topics, schema=FetchSchema(), acks=False)
        app.agent(inputs, name=lane.ledger.name)(agent_of(lane))
    return app


def agent_of(lane: Lane) -> Callable[[Any], Awaitable[None]]:
    """Give the agent: the place where a ledger decides."""
    ledger, runtime = lane.ledger, lane.runtime

    async def decide(fetches: Any) -> None:
        async for take in runtime.takes(batches_of(fetches)):
            try:
                take.rate(ledger.decide)
            except Exception as error:  # noqa: BLE001  a mistake of ours: stop, never guess
                runtime.fail(error)

    return decide


def group_of(settings: Settings) -> str:
    """Name the consumer group of the workers."""
    return f"{settings.prefix}drawdown"


def run(settings: Settings) -> BaseException | None:
    """Run a worker until a signal or a failure; give the failure."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(_unretrieved)
    parts = loop.run_until_complete(assemble(settings))
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 50)
    app = create_app(settings, parts)
    try:
        loop.run_until_complete(app.metrics_monitor.start())
    except UserError:
        loop.run_until_complete(parts.release())
        raise
    worker = Worker(app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False)
    failures: list[BaseException] = []

    @app.task  # type: ignore[untyped-decorator]
    async def watch() -> None:
        failing = [parts.prices.follow(), *(lane.runtime.failure for lane in parts.lanes)]
        done, _ = await asyncio.wait(failing, return_when=asyncio.FIRST_COMPLETED)
        failed = [ended for ended in done if not ended.cancelled()]  # a worker that stops ends the following
        failures.extend(error for ended in failed if (error := ended.exception()) is not None)
        stopping.append(asyncio.ensure_future(worker.stop()))

    stopping: list[asyncio.Future[None]] = []
    _log.info("worker starts", shards=settings.shards, group=app.conf.id)
    with contextlib.suppress(SystemExit):
        worker.execute_from_commandline()
    for lane in parts.lanes:
        _log.info("worker stopped", ledger=lane.ledger.name, **counted(lane))
    return failures[0] if failures else None


def _unretrieved(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep quiet about futures that aiokafka fails and never reads; the failure itself was seen where it mattered."""
    if isinstance(context.get("exception"), KafkaError) and "never retrieved" in context["message"]:
        _log.debug(context["message"], error=repr(context["exception"]))
        return
    loop.default_exception_handler(context)


def counted(lane: Lane) -> dict[str, Any]:
    """Give a ledger's counters of this run that are not zero."""
    counts = lane.runtime.counts
    found = {name: getattr(counts, name) for name in counts.__slots__}
    return {name: value for name, value in found.items() if value and name in _TOLD}
