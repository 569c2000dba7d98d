"""The idle scrub: what Redis holds is compared with the log, a little at a time. docs/decisions/0020-scrub.md."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing

from drawdown.domain.limits import (
    PROBE_INTERVAL_MS,
    SCRUB_BUSY_ENTRIES_MAX,
    SCRUB_IDLE_ENTRIES_MAX,
    SCRUB_REST_MS,
    SCRUB_SLICE_BYTES,
    SCRUB_SLICE_ENTRIES,
)
from drawdown.engine.changelog import decode_known_ids, decode_state_write
from drawdown.engine.commit import COMMIT_KEY
from drawdown.engine.counts import Counts
from drawdown.engine.errors import Doubt, Halt, Retry
from drawdown.engine.ports import Cache, Clock, KnownId, Log, LogRecord, StateWrite
from drawdown.engine.shard import Shard
from drawdown.engine.sweep import Sweep

_WAITS = -1


class Scrub:
    """Sweeps of one ledger's shards on one worker, one shard at a time, each again after a rest."""

    def __init__(self, cache: Cache, log: Log, clock: Clock, counts: Counts, shards: Mapping[int, Shard]) -> None:
        """Bind to the ports. shards: those of the worker, as they come and go."""
        self._cache = cache
        self._log = log
        self._clock = clock
        self._counts = counts
        self._shards = shards
        self._sweep: Sweep | None = None
        self._fetched: deque[LogRecord] = deque()  # read from the log and not compared yet
        self._running: asyncio.Task[None] | None = None
        self._swept: dict[int, int] = {}  # shard → when its last sweep ended, monotonic ms

    def start(self, failed: Callable[[BaseException], None]) -> None:
        """Run from now on, unless it runs already; failed hears of the unexpected."""
        if self._running is None:
            self._running = asyncio.create_task(self._run(failed))

    async def stop(self) -> None:
        """Run no more."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.wait((running,))

    async def _run(self, failed: Callable[[BaseException], None]) -> None:
        """Compare a few records every few seconds until stopped. What differs is left as the shard's trouble."""
        while self._running is asyncio.current_task():  # a cancellation may be lost in what a step calls
            await self._clock.sleep_ms(PROBE_INTERVAL_MS)
            try:
                await self._step()
            except Retry as retry:  # a part is down: the sweep begins again
                self._counts.errors[retry.part] += 1
                self._end()
            except Exception as error:  # noqa: BLE001  the unexpected stops the worker rather than guessing
                failed(error)
                return

    async def _step(self) -> None:
        """Go on with the sweep under way, or begin one."""
        budget = SCRUB_IDLE_ENTRIES_MAX if self._idle() else SCRUB_BUSY_ENTRIES_MAX
        while budget > 0 and (sweep := self._current()) is not None:
            try:
                compared = await self._slice(sweep, min(budget, SCRUB_SLICE_ENTRIES))
            except (Doubt, Halt) as trouble:
                self._end()
                if self._goes_on(sweep):
                    self._counts.scrub_differences += 1
                    sweep.shard.trouble = trouble
                return
            if compared is None:
                self._end()
                return
            if compared == _WAITS:
                return
            self._counts.scrub_records += compared
            budget -= max(compared, 1)
            if not self._idle():
                return

    def _idle(self) -> bool:
        return not any(len(shard.queue) for shard in self._shards.values())

    def _goes_on(self, sweep: Sweep) -> bool:
        shard = sweep.shard
        return self._shards.get(shard.number) is shard and shard.open and shard.epoch == sweep.epoch

    def _current(self) -> Sweep | None:
        """Give the sweep under way; else one of the shard whose last one is longest ago, if it has rested."""
        if self._sweep is not None and self._goes_on(self._sweep):
            return self._sweep
        self._end()
        rested = self._clock.monotonic_ms() - SCRUB_REST_MS
        waiting = [
            (self._swept.get(number, -1), number)
            for number, shard in self._shards.items()
            if shard.open and shard.trouble is None and self._swept.get(number, rested) <= rested
        ]
        if waiting:
            self._sweep = Sweep(self._shards[min(waiting)[1]])
        return self._sweep

    def _end(self) -> None:
        self._sweep = None
        self._fetched.clear()

    async def _slice(self, sweep: Sweep, entries_max: int) -> int | None:
        """Do the sweep's next small piece; give how many states and ids were compared, _WAITS to go on later.

        None if Redis is behind where it was, which the shard's probe sees to, or the shard was let go.
        """
        number = sweep.shard.number
        if sweep.target is None or sweep.reached:
            found = await self._cache.inventory(number)
            if not self._goes_on(sweep) or sweep.is_past(found.cursor):
                return None
            if sweep.judge(found):
                self._counts.scrubs += 1
                self._swept[number] = self._clock.monotonic_ms()
                self._end()
            return 0
        if not self._fetched:
            if sweep.waits(await self._log.ends(number)):
                return _WAITS
            await self._fetch(sweep)
        states, ids = self._cut(sweep, entries_max)
        if states or ids:
            known = [one for record in ids for one in record]
            sample = await self._cache.sample(number, [write.account for write in states], known)
            if not self._goes_on(sweep) or sweep.is_past(sample.cursor):
                return None
            sweep.compare(states, ids, sample)
        return len(states) + sum(map(len, ids))

    async def _fetch(self, sweep: Sweep) -> None:
        """Read the next chunk of the log, up to where the sweep goes."""
        number = sweep.shard.number
        start, end = sweep.span
        read = self._log.known_ids if sweep.states_done else self._log.changelog
        chunk = await _first(read(number, start))
        self._fetched.extend(record for record in chunk if record.offset < end)
        if not self._fetched:
            sweep.position = end

    def _cut(self, sweep: Sweep, entries_max: int) -> tuple[list[StateWrite], list[Sequence[KnownId]]]:
        """Cut so many entries off what was fetched, at least one record; move the sweep's position past them."""
        states: list[StateWrite] = []
        ids: list[Sequence[KnownId]] = []
        entries = size = 0
        of_ids = sweep.states_done
        while self._fetched and entries < entries_max and size < SCRUB_SLICE_BYTES:
            record = self._fetched.popleft()
            size += len(record.value or b"")
            sweep.position = record.offset + 1
            if of_ids:
                _, known = decode_known_ids(record.value or b"")
                live = [one for one in known if sweep.is_live(one)]
                ids.append(live)
                entries += len(live)
            elif record.key != COMMIT_KEY:
                states.append(decode_state_write(record.key, record.value))
                entries += 1
        return states, ids


async def _first(chunks: AsyncGenerator[Sequence[LogRecord], None]) -> Sequence[LogRecord]:
    async with aclosing(chunks):
        async for chunk in chunks:  # not anext: of Python 3.11, it cannot give an empty tuple at the end
            return chunk
        return ()
