"""The Faust app: one agent that rates usage. `drawdown worker` runs it."""

import asyncio
import contextlib
import gc
from typing import Any

import faust
import structlog
from aiokafka.errors import KafkaError

from drawdown.adapters.faust.transport import QUIET, BatchSchema
from drawdown.bootstrap import Parts, assemble
from drawdown.domain.errors import Reject
from drawdown.settings import Settings

GARBAGE_OBJECTS = 50_000  # allocated between two looks for cycles; the hot path makes none
_MS = 1_000
_log = structlog.get_logger("drawdown.worker")


class App(faust.App):
    """A Faust app with the engine's parts; see adapters/faust for what the transport takes from them."""

    logger = QUIET

    def __init__(self, settings: Settings, parts: Parts) -> None:
        """Configure Faust: no tables, no web server, no topics made, no acknowledgements."""
        self.parts = parts
        self.feed = parts.feed
        self.runtime = parts.runtime
        self.prefix_length = len(settings.prefix)
        super().__init__(
            f"{settings.prefix}drawdown-plans",
            broker=[f"drawdown://{broker}" for broker in settings.kafka.split(",")],
            broker_session_timeout=settings.session_timeout_ms / _MS,
            broker_rebalance_timeout=settings.rebalance_timeout_ms / _MS,
            broker_heartbeat_interval=settings.heartbeat_ms / _MS,
            stream_wait_empty=False,
            table_standby_replicas=0,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            store="memory://",
        )

    async def on_first_start(self) -> None:
        """Make no data folder: nothing is kept on disk."""

    async def on_stop(self) -> None:
        """Let go of the shards first, so that the next owner finds no open transaction."""
        await self.runtime.stop()
        await super().on_stop()
        await self.parts.release()


def create_app(settings: Settings, parts: Parts) -> App:
    """Make the app with its agent."""
    app = App(settings, parts)
    inputs = app.topic(*parts.feed.topics, schema=BatchSchema(), acks=False)
    ledger, runtime = parts.ledger, parts.runtime

    @app.agent(inputs, name="rate")
    async def rate(batches: Any) -> None:
        async for item in runtime.items(batches):
            try:
                item.accept(ledger.decide(item.state, item.input))
            except Reject as reject:
                item.refuse(reject)
            except Exception as error:  # noqa: BLE001  a mistake of ours: stop, never guess
                runtime.fail(error)

    return app


def run(settings: Settings) -> BaseException | None:
    """Run a worker until a signal or a failure; give the failure."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(_unretrieved)
    parts = loop.run_until_complete(assemble(settings))
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 50)
    app = create_app(settings, parts)
    worker = faust.Worker(app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False)
    failures: list[BaseException] = []

    @app.task  # type: ignore[untyped-decorator]
    async def watch() -> None:
        following = asyncio.ensure_future(parts.prices.follow())
        done, _ = await asyncio.wait((parts.runtime.failure, following), return_when=asyncio.FIRST_COMPLETED)
        following.cancel()
        failures.extend(error for ended in done if (error := ended.exception()) is not None)
        stopping.append(asyncio.ensure_future(worker.stop()))

    stopping: list[asyncio.Future[None]] = []
    _log.info("worker starts", shards=settings.shards, group=app.conf.id)
    with contextlib.suppress(SystemExit):
        worker.execute_from_commandline()
    _log.info("worker stopped", **counted(parts))
    return failures[0] if failures else None


def _unretrieved(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep quiet about futures that aiokafka fails and never reads; the failure itself was seen where it mattered."""
    if isinstance(context.get("exception"), KafkaError) and "never retrieved" in context["message"]:
        _log.debug(context["message"], error=repr(context["exception"]))
        return
    loop.default_exception_handler(context)


def counted(parts: Parts) -> dict[str, Any]:
    """Give the counters of this run that are not zero."""
    counts = parts.runtime.counts
    found = {name: getattr(counts, name) for name in counts.__slots__}
    return {name: value for name, value in found.items() if value}
