"""One ledger on one worker: owns the assigned shards, feeds the agent, commits what it decides."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Callable

import structlog

from drawdown.domain.limits import (
    LOG_CLOCK_PROBE_INTERVAL_MS,
    OFFSET_COMMIT_INTERVAL_MS,
    PROBE_INTERVAL_MS,
    RECOVERIES_AT_ONCE_MAX,
    RETRY_FIRST_MS,
    RETRY_MAX_MS,
    REVOKE_WAIT_SECONDS,
    TRANSACTION_SPACING_MS,
)
from drawdown.engine.counts import HALTED, OPEN, RECOVERING, Counts
from drawdown.engine.cycle import Cycle, Revoked
from drawdown.engine.errors import Doubt, Halt, Retry
from drawdown.engine.ledger import Ledger, clocked_by
from drawdown.engine.pace import Backoff, Laps, Pace
from drawdown.engine.ports import Cache, Clock, Log, Transport
from drawdown.engine.progress import Progress, progress_of
from drawdown.engine.records import Batch
from drawdown.engine.recovery import Recovery
from drawdown.engine.refusals import Refusals
from drawdown.engine.scrub import Scrub
from drawdown.engine.shard import Queue, Shard, Watermark
from drawdown.engine.take import Take
from drawdown.engine.timers import Upkeep

_log = structlog.get_logger("drawdown.engine")
_lines = logging.getLogger("drawdown.engine")  # asked first: a line nobody reads costs nothing


class Runtime:
    """The engine's face to the worker: assignment and revocation in, items to rate out."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        cache: Cache,
        log: Log,
        transport: Transport,
        clock: Clock,
        shard_of: Callable[[bytes], int],
        spacing_ms: int = TRANSACTION_SPACING_MS,
        log_clock: bool = False,
    ) -> None:
        """Wire a ledger to its ports. log_clock: the records carry their own time (local stacks only)."""
        self.counts = Counts()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.halted: dict[int, Halt] = {}
        self._ledger = ledger
        self._cache = cache
        self._log = log
        self._transport = transport
        self._clock = clock
        self._log_clock = log_clock
        self._probe_ms = LOG_CLOCK_PROBE_INTERVAL_MS if log_clock else PROBE_INTERVAL_MS
        self._topics = (ledger.command_topic, *ledger.usage_topics)
        self._shards: dict[int, Shard] = {}
        self._cycle = Cycle(ledger, cache, clock, self.counts, shard_of)
        self._recovery = Recovery(log, cache, self._topics, self.counts, ledger.prices_offset)
        self._upkeep = Upkeep(ledger, cache, log, clock, self.counts)
        self._scrub = Scrub(cache, log, clock, self.counts, self._shards)
        self._pace = Pace(clock, spacing_ms)
        self._recoveries = asyncio.Semaphore(RECOVERIES_AT_ONCE_MAX)
        self._epochs: dict[int, int] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._committing: set[int] = set()
        self._ready: asyncio.Queue[tuple[Take, asyncio.Future[None]]] = asyncio.Queue()
        self._refusals = Refusals()

    # --- the agent's side ---------------------------------------------------------------------

    async def takes(self, batches: AsyncIterable[Batch]) -> AsyncGenerator[Take, None]:
        """Yield every take to rate, with the states it needs; it is committed when the agent asks for the next one.

        After a failure nothing more is committed.
        """
        feeder = asyncio.create_task(self._feed(batches))
        try:
            while True:
                take, rated = await self._ready.get()
                began = self._clock.monotonic_ns()
                take.prices_offset = self._ledger.prices_offset()
                yield take
                if not take.settled:  # its inputs would count as taken
                    self.fail(Halt(f"shard {take.shard}: the agent gave a take back without rating it"))
                if self.failure.done():
                    return
                self.counts.stages["decide"].add(self._clock.monotonic_ns() - began)
                if not rated.done():
                    rated.set_result(None)
        finally:
            feeder.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeder

    async def _feed(self, batches: AsyncIterable[Batch]) -> None:
        try:
            async for batch in batches:
                self.deliver(batch)
        except Exception as error:  # noqa: BLE001  whatever it is, the worker must not go on without input
            self.fail(error)

    def deliver(self, batch: Batch) -> None:
        """Queue what was fetched, unless the shard moved on since the fetch."""
        shard = self._shards.get(batch.shard)
        if shard is None or not shard.open or shard.epoch != batch.epoch:
            self.counts.stale_batches += 1
            return
        for topic, start in batch.starts.items():
            reached = shard.fetched_to[topic]
            if reached != start:
                self.fail(
                    Halt(f"{topic}/{shard.number} was fetched from {start}, after a fetch that ended at {reached}")
                )
                return
        shard.fetched_to.update(batch.next_offsets)
        shard.queue.put(batch.records)
        if further := shard.further_offsets(self._ledger.command_topic):
            self._transport.widen(shard.number, further)
        if shard.queue.full and not shard.throttled:
            shard.throttled = True
            self._transport.throttle(shard.number, full=True)

    def fail(self, error: BaseException) -> None:
        """Stop for good: the worker ends with this error."""
        if self.failure.done():
            return
        self.failure.set_exception(error)
        if not isinstance(error, Halt):  # a mistake of ours: where it was made is what helps
            _log.error("unexpected", ledger=self._ledger.name, exc_info=error)

    # --- assignment ---------------------------------------------------------------------------

    async def on_revoked(self, shards: frozenset[int]) -> None:
        """Let go of shards: nothing more is taken; open transactions get a moment to end."""
        tasks = []
        for number in shards:
            self.halted.pop(number, None)
            shard = self._shards.pop(number, None)
            task = self._tasks.pop(number, None)
            self._transport.park(number)
            if shard is not None:
                self._epochs[number] = shard.epoch = shard.epoch + 1
                shard.open = False
            if task is not None:
                if number not in self._committing:
                    task.cancel()
                tasks.append(task)
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=REVOKE_WAIT_SECONDS)
        for task in late:
            task.cancel()

    async def on_assigned(self, shards: frozenset[int]) -> None:
        """Begin to own shards: each recovers in a task of its own and is then opened."""
        self._scrub.start(self.fail)
        for number in shards:
            if number in self._tasks:
                continue
            epoch = self._epochs[number] = self._epochs.get(number, 0) + 1
            queue = Queue(self._ledger.command_topic, self._ledger.usage_topics)
            clocks, carried = clocked_by(self._ledger), self._ledger.watermark_from
            watermark = Watermark(clocks, log_clock=self._log_clock, carried=carried)
            shard = Shard(number, epoch, queue, watermark)
            self._shards[number] = shard
            self._tasks[number] = asyncio.create_task(self._own(shard))

    async def stop(self) -> None:
        """Release every shard and close its producer."""
        await self._scrub.stop()
        await self.on_revoked(frozenset(self._tasks))

    @property
    def open_shards(self) -> frozenset[int]:
        """Shards that are recovered and taken from."""
        return frozenset(number for number, shard in self._shards.items() if shard.open)

    @property
    def states(self) -> dict[int, str]:
        """Each assigned shard's state, one of SHARD_STATES."""
        return {
            number: HALTED if number in self.halted else OPEN if shard.open else RECOVERING
            for number, shard in self._shards.items()
        }

    def progress(self) -> list[Progress]:
        """Say how far each input of the assigned shards is taken."""
        return [entry for shard in self._shards.values() for entry in progress_of(shard)]

    def _name(self, shard: Shard) -> dict[str, object]:
        return {"ledger": self._ledger.name, "shard": shard.number}

    # --- one shard ----------------------------------------------------------------------------

    async def _own(self, shard: Shard) -> None:
        """Recover, run, and after a doubt prove ownership and recover again, until revoked."""
        backoff = self._backoff()
        rebuild = stuck = False
        reached = -1
        try:
            while True:
                try:
                    await self._recover(shard, rebuild=rebuild)
                    if shard.cursor.number > reached:
                        backoff, stuck = self._backoff(), False
                    reached = shard.cursor.number
                    rebuild = False
                    await self._run(shard)
                except Retry as retry:
                    self.counts.errors[retry.part] += 1
                    _log.warning("shard waits", **self._name(shard), why=str(retry))
                    await self._let_go(shard)
                    await backoff.wait()
                except Doubt as doubt:
                    self.counts.doubts += 1
                    self.counts.doubts_by[doubt.kind] += 1
                    _log.warning("shard in doubt", **self._name(shard), kind=doubt.kind, why=str(doubt))
                    rebuild = rebuild or doubt.rebuild
                    if shard.cursor.number > reached:
                        backoff, stuck, reached = self._backoff(), False, shard.cursor.number
                    wait = stuck or not shard.open  # doubts without a commit between them: what caused them lasts
                    stuck = True
                    await self._let_go(shard)
                    if wait:
                        await backoff.wait()
                await self._prove_ownership(shard)
        except Revoked:
            return
        except Halt as halt:
            self._halt(shard, halt)
        except Exception as error:  # noqa: BLE001  the unexpected stops the worker rather than guessing
            self.fail(error)
        finally:
            self._committing.discard(shard.number)
            await self._let_go(shard)

    def _backoff(self) -> Backoff:
        return Backoff(self._clock, RETRY_FIRST_MS, RETRY_MAX_MS)

    def _halt(self, shard: Shard, halt: Halt) -> None:
        """Keep the shard, and take nothing of it until a person has looked; the other shards go on."""
        if self._shards.get(shard.number) is not shard:
            return
        self.halted[shard.number] = halt
        _log.error("shard halted", **self._name(shard), why=str(halt))

    async def _recover(self, shard: Shard, *, rebuild: bool) -> None:
        async with self._recoveries:
            recovered = await self._recovery.recover(shard.number, rebuild=rebuild)
        shard.log = recovered.log
        shard.cursor = recovered.cursor
        shard.positions = recovered.positions
        shard.watermark.resume(recovered.watermark)
        shard.watermark_committed = recovered.watermark
        shard.inventory = shard.trouble = None
        shard.states.clear()
        shard.fetched_to = shard.next_offsets()
        self._still_owned(shard)
        shard.open = True
        shard.throttled = False
        _log.info("shard opened", **self._name(shard), commit=shard.cursor.number)
        command = self._ledger.command_topic
        first = shard.first_offsets(command, recovered.ends[command])
        self._transport.open(shard.number, shard.epoch, first)

    async def _let_go(self, shard: Shard) -> None:
        """Stop taking, drop what is queued, release the producer."""
        if self._shards.get(shard.number) is shard:
            self._transport.park(shard.number)
            self._epochs[shard.number] = shard.epoch = shard.epoch + 1
        shard.open = False
        shard.taking = ()
        shard.queue = Queue(self._ledger.command_topic, self._ledger.usage_topics)
        log, shard.log = shard.log, None
        if log is not None:
            await log.close()

    async def _prove_ownership(self, shard: Shard) -> None:
        """Wait until the group accepts an offset commit of ours: two owners must not fence each other in turn."""
        backoff = self._backoff()
        while not await self._transport.commit_offsets(shard.number, shard.next_offsets()):
            await backoff.wait()
            self._still_owned(shard)

    def _still_owned(self, shard: Shard) -> None:
        if self._shards.get(shard.number) is not shard:
            raise Revoked

    async def _run(self, shard: Shard) -> None:
        """Cycle while records wait; look after the shard now and then, and commit its offsets."""
        probe_at = self._clock.monotonic_ms() + self._probe_ms
        offsets_at = self._clock.monotonic_ms() + OFFSET_COMMIT_INTERVAL_MS
        committed: dict[str, int] = {}
        while True:
            self._still_owned(shard)
            if shard.trouble is not None:
                raise shard.trouble
            if len(shard.queue):
                await self._pace.slot()
                await self._once(shard)
            else:
                await self._filled(shard, probe_at)
            now = self._clock.monotonic_ms()
            if now >= probe_at:
                try:
                    await self._upkeep.run(shard)
                except Retry as retry:  # a part is down: the next probe asks again
                    self.counts.errors[retry.part] += 1
                probe_at = now + self._probe_ms
            offsets = shard.next_offsets()
            if now >= offsets_at and offsets != committed:
                if await self._transport.commit_offsets(shard.number, offsets):
                    committed = offsets
                offsets_at = now + OFFSET_COMMIT_INTERVAL_MS

    async def _filled(self, shard: Shard, until_ms: int) -> None:
        """Wait for records, but not past `until_ms`."""
        wait_ms = max(until_ms - self._clock.monotonic_ms(), 1)
        waiting = asyncio.ensure_future(shard.queue.filled.wait())
        sleeping = asyncio.ensure_future(self._clock.sleep_ms(wait_ms))
        try:
            await asyncio.wait((waiting, sleeping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            sleeping.cancel()

    async def _once(self, shard: Shard) -> None:
        """One take, from the queue to Redis."""
        async with shard.lock:
            laps = Laps(self._clock, self.counts.stages)
            shard.taking = shard.queue.take()
            take = self._cycle.decode(shard, shard.taking)
            laps.end("decode")
            if shard.throttled and not shard.queue.full:
                shard.throttled = False
                self._transport.throttle(shard.number, full=False)
            laps.again()
            await self._cycle.look_up(shard, take)
            laps.end("look_up")
            rated: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._ready.put_nowait((take, rated))
            await rated
            if take.halted is not None:
                raise take.halted
            if (halt := self._refusals.judge(take)) is not None:
                self.fail(halt)
                raise Revoked
            self._committing.add(shard.number)
            try:
                laps.again()
                cursor, writes, positions = await self._cycle.commit(shard, take)
                laps.end("commit")
                await self._cycle.apply(shard, take, cursor, writes)
                laps.end("apply")
            finally:
                self._committing.discard(shard.number)
            self._cycle.settle(shard, take, cursor, positions)
            shard.taking = ()
            self._tell(shard, take)

    def _tell(self, shard: Shard, take: Take) -> None:
        """Write a line about a take that is done, without any of its contents."""
        if not _lines.isEnabledFor(logging.DEBUG):
            return
        _log.debug(
            "take done",
            **self._name(shard),
            commit=shard.cursor.number,
            records=len(take.records),
            rated=take.rated,
            duplicates=take.duplicates,
            forwarded=take.forwarded,
            refused=len(take.rejected),
        )
